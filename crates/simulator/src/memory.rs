//! System-wide figures that fit tags and processes.

use poolwatch_model::{Bytes, Pool, memory::Memory};

use crate::{
    hosts::{Era, HostPlan},
    picture::Picture,
};

const PAGE: u64 = 4096;
const MEBIBYTE: u64 = 1 << 20;

/// The figures that belong to a picture.
pub(crate) fn of(plan: &HostPlan, picture: &Picture) -> Memory {
    let totals = picture.totals();
    let nonpaged = with_unexplained(picture.tagged(Pool::Nonpaged));
    let paged = with_unexplained(picture.tagged(Pool::Paged));
    let paged_resident = paged / 10 * 7 / PAGE * PAGE;
    let ram = plan.ram;
    let (kernel, ptes) = match plan.era {
        Era::Modern => (180 * MEBIBYTE + ram / 64, 16_700_000),
        Era::Legacy => (24 * MEBIBYTE, 199_971),
    };
    let commit_limit = (ram + plan.page_file) / PAGE * PAGE;
    let committed = totals.private_bytes / 20 * 21 + nonpaged + paged + kernel;
    let committed = (committed / PAGE * PAGE).min(commit_limit);
    let used = nonpaged + paged_resident + kernel + totals.private_bytes / 5 * 4;
    let available = ram.saturating_sub(used).max(ram / 50) / PAGE * PAGE;
    let resident = ram.saturating_sub(nonpaged + kernel + ram / 20) / PAGE * PAGE;
    Memory {
        paged: Some(Bytes(paged)),
        nonpaged: Some(Bytes(nonpaged)),
        paged_limit: None,
        nonpaged_limit: None,
        paged_resident: Some(Bytes(paged_resident)),
        physical: Some(Bytes(ram)),
        available: Some(Bytes(available)),
        resident_available: Some(Bytes(resident)),
        committed: Some(Bytes(committed)),
        commit_limit: Some(Bytes(commit_limit)),
        commit_peak: None,
        free_system_ptes: Some(ptes - totals.threads / 4),
        handles: Some(totals.handles),
        threads: Some(totals.threads),
        processes: Some(totals.processes),
    }
}

/// A pool's total: its tags, what the allocator itself takes, and whole pages.
fn with_unexplained(tagged: u64) -> u64 {
    (tagged + tagged / 50 + MEBIBYTE).next_multiple_of(PAGE)
}
