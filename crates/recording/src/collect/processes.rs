//! Processes: class 5. Their sums stand in for totals that nothing else told.

use poolwatch_model::{Snapshot, process::ProcessUse};

use super::{CollectError, activity::OperationCounts};
use crate::{
    machine::{InfoClass, Machine},
    raw::processes,
};

pub(super) fn collect(
    machine: &mut dyn Machine,
    snapshot: &mut Snapshot,
    operations: &mut OperationCounts,
) -> Result<(), CollectError> {
    let listed = processes::parse_with_operations(machine.query(InfoClass::Processes)?)?;
    snapshot.activity = operations.advance(&listed);
    let processes: Vec<ProcessUse> = listed.into_iter().map(|(process, _)| process).collect();
    let sum = |of: fn(&ProcessUse) -> Option<u32>| {
        Some(processes.iter().filter_map(of).map(u64::from).sum())
    };
    let memory = &mut snapshot.memory;
    memory.handles = memory.handles.or_else(|| sum(|process| process.handles));
    memory.threads = memory.threads.or_else(|| sum(|process| process.threads));
    memory.processes = memory.processes.or(Some(processes.len() as u64));
    snapshot.processes = Some(processes);
    Ok(())
}
