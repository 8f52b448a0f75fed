//! What this process has used.

#![expect(unsafe_code, reason = "the calls fill structures")]

use std::time::Duration;

use poolwatch_model::snapshot::AgentHoldings;
use windows_sys::Win32::{
    Foundation::FILETIME,
    System::{
        ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS_EX},
        Threading::{GetCurrentProcess, GetProcessHandleCount, GetProcessTimes},
    },
};

use crate::machine::OwnUse;

/// What this process has used so far: CPU time by `GetProcessTimes` and private bytes by `K32GetProcessMemoryInfo` (documented).
#[must_use]
pub fn own_use() -> Option<OwnUse> {
    let mut times = [FILETIME::default(); 4];
    let [created, exited, kernel, user] = &mut times;
    // SAFETY: the handle stands for this process and needs no closing; all four are written whole.
    let timed = unsafe { GetProcessTimes(GetCurrentProcess(), created, exited, kernel, user) };
    let size = size_of::<PROCESS_MEMORY_COUNTERS_EX>() as u32;
    let mut memory = PROCESS_MEMORY_COUNTERS_EX { cb: size, ..Default::default() };
    // SAFETY: the longer form of the structure is allowed, and its size is told.
    let measured =
        unsafe { K32GetProcessMemoryInfo(GetCurrentProcess(), (&raw mut memory).cast(), size) };
    if timed == 0 || measured == 0 {
        return None;
    }
    let steps =
        |time: FILETIME| u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime);
    let hundred_ns = steps(times[2]).saturating_add(steps(times[3]));
    Some(OwnUse {
        cpu: Duration::from_micros(hundred_ns / 10),
        // The second is the same where it is told at all; Wine tells it alone.
        private_bytes: memory.PrivateUsage.max(memory.PagefileUsage) as u64,
        held: own_handles().map(|handles| AgentHoldings {
            handles,
            // Told by the list of processes.
            threads: None,
            paged_quota: memory.QuotaPagedPoolUsage as u64,
            nonpaged_quota: memory.QuotaNonPagedPoolUsage as u64,
        }),
    })
}

/// Handles of this process, by `GetProcessHandleCount` (documented). Every process has some: 0 is
/// what Wine says.
#[must_use]
pub fn own_handles() -> Option<u32> {
    let mut handles = 0;
    // SAFETY: the handle stands for this process and needs no closing; a number is stored.
    let counted = unsafe { GetProcessHandleCount(GetCurrentProcess(), &raw mut handles) };
    (counted != 0 && handles > 0).then_some(handles)
}
