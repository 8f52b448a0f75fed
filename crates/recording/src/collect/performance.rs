//! System-wide figures: class 2 with class 0, and the documented summary for what they lack.

use poolwatch_model::{Bytes, Snapshot, memory::Memory};

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::{basic, performance, performance_info},
};

pub(super) fn collect(
    machine: &mut dyn Machine,
    snapshot: &mut Snapshot,
) -> Result<(), CollectError> {
    let summary = summary(machine);
    let figures = figures(machine);
    snapshot.memory = match (&figures, &summary) {
        (Ok(figures), Ok(summary)) => completed(figures, summary),
        (Ok(figures), Err(_)) => figures.clone(),
        (Err(_), Ok(summary)) => summary.clone(),
        (Err(_), Err(_)) => Memory::default(),
    };
    // A kernel without any pool in use does not exist; one that does not tell says 0.
    for pool in [&mut snapshot.memory.paged, &mut snapshot.memory.nonpaged] {
        *pool = pool.filter(|bytes| *bytes > Bytes(0));
    }
    figures.map(|_| ())
}

fn figures(machine: &mut dyn Machine) -> Result<Memory, CollectError> {
    let basic = basic::parse(machine.query(InfoClass::Basic)?)?;
    let buffer = machine.query(InfoClass::Performance)?;
    let figures = performance::parse(buffer, basic.page_size)?;
    Ok(Memory { physical: Some(basic.physical), ..figures })
}

fn summary(machine: &mut dyn Machine) -> Result<Memory, CollectError> {
    Ok(performance_info::parse(machine.query(InfoClass::PerformanceInfo)?)?)
}

/// The figures, with those that only the summary has.
fn completed(figures: &Memory, summary: &Memory) -> Memory {
    Memory {
        // Class 0 counts pages in 32 bits; the summary does not.
        physical: summary.physical.or(figures.physical),
        handles: summary.handles,
        threads: summary.threads,
        processes: summary.processes,
        ..figures.clone()
    }
}
