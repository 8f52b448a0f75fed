//! What an agent finds when it looks into processes: their operations, and what their handles lead to.

use std::{cmp::Reverse, collections::BTreeMap};

use poolwatch_model::process::{ProcessActivity, ProcessHandles, ProcessUse};
use poolwatch_protocol::limits;

use crate::{objects, picture::Picture};

/// Processes that an agent looks into, those with the most handles.
const EXAMINED: usize = 16;
/// Minutes from one look to the next.
pub(crate) const EVERY_MINUTES: i64 = 10;

/// Operations of the most active processes in the minute that ends now.
pub(crate) fn activity(processes: &[ProcessUse], minute: i64) -> Vec<ProcessActivity> {
    let mut rows: Vec<ProcessActivity> = processes
        .iter()
        .map(|process| {
            let handles = u64::from(process.handles.unwrap_or(0)).min(5_000);
            let pace = (u64::from(process.key.pid / 4) + minute.unsigned_abs()) % 5;
            let reads = handles * pace / 20;
            ProcessActivity {
                key: process.key,
                reads,
                writes: reads / 3,
                others: handles * pace / 6,
            }
        })
        .filter(|one| one.others > 0)
        .collect();
    rows.sort_by_key(|one| (Reverse(one.reads + one.writes + one.others), one.key));
    rows.truncate(limits::ACTIVE_PROCESSES);
    rows.sort_by_key(|one| one.key);
    rows
}

/// Handles by type of the processes with the most.
pub(crate) fn handles_by_type(picture: &Picture) -> Vec<ProcessHandles> {
    let mut most: Vec<&ProcessUse> = picture.processes.iter().collect();
    most.sort_by_key(|process| (Reverse(process.handles), process.key));
    most.truncate(EXAMINED);
    most.sort_by_key(|process| process.key);
    let types: Vec<&str> = picture.object_types.iter().map(|of| of.name.as_str()).collect();
    let look = |process: &&ProcessUse| {
        let mut by_type = BTreeMap::new();
        let mut own = u64::from(process.handles.unwrap_or(0));
        for (key, name, handles) in &picture.leaked {
            if *key == process.key {
                own = own.saturating_sub(*handles);
                *by_type.entry((*name).to_owned()).or_default() += *handles as u32;
            }
        }
        for (name, handles) in objects::share_handles(own) {
            let name = if types.contains(&name) { name } else { "Event" };
            if handles > 0 {
                *by_type.entry(name.to_owned()).or_default() += handles as u32;
            }
        }
        ProcessHandles { key: process.key, by_type }
    };
    most.iter().map(look).collect()
}
