//! What processes read, wrote and did otherwise since the snapshot before.

use std::{cmp::Reverse, collections::BTreeMap};

use poolwatch_model::process::{ProcessActivity, ProcessKey, ProcessUse};
use poolwatch_protocol::limits;

use crate::raw::processes::Operations;

/// The counts of the snapshot before.
#[derive(Debug, Default)]
pub(super) struct OperationCounts(BTreeMap<ProcessKey, Operations>);

impl OperationCounts {
    /// Takes the counts of now, and tells of the most active processes what they did since before. A
    /// process that was not there before, and every process the first time, tells nothing.
    pub(super) fn advance(
        &mut self,
        processes: &[(ProcessUse, Operations)],
    ) -> Vec<ProcessActivity> {
        let mut rows: Vec<ProcessActivity> = processes
            .iter()
            .filter_map(|(process, now)| {
                let before = self.0.get(&process.key)?;
                let [reads, writes, others] = [0, 1, 2].map(|at| now[at].wrapping_sub(before[at]));
                Some(ProcessActivity { key: process.key, reads, writes, others })
            })
            .filter(|one| amount(one) > 0)
            .collect();
        rows.sort_by_key(|one| (Reverse(amount(one)), one.key));
        rows.truncate(limits::ACTIVE_PROCESSES);
        rows.sort_by_key(|one| one.key);
        self.0 = processes.iter().map(|(process, counts)| (process.key, *counts)).collect();
        rows
    }
}

fn amount(one: &ProcessActivity) -> u64 {
    one.reads.saturating_add(one.writes).saturating_add(one.others)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_active_tell_what_they_did_since_before() {
        let process = |pid, counts| (ProcessUse::new(pid, None, "a.exe"), counts);
        let mut counts = OperationCounts::default();
        let before: Vec<_> = (1..=100).map(|pid| process(pid, [100, 10, 1])).collect();
        assert_eq!(counts.advance(&before), []);
        let now: Vec<_> = (2..=101)
            .map(|pid| process(pid, [100 + u64::from(pid), 10, if pid == 2 { 1000 } else { 1 }]))
            .collect();
        let rows = counts.advance(&now);
        assert_eq!(rows.len(), limits::ACTIVE_PROCESSES);
        let first = ProcessKey { pid: 2, created: None };
        assert_eq!(rows[0], ProcessActivity { key: first, reads: 2, writes: 0, others: 999 });
        assert_eq!(rows[1].key.pid, 38);
        assert!(rows.iter().all(|one| one.key.pid != 101), "it was not there before");
        assert_eq!(counts.advance(&now), [], "nothing happened since");
    }
}
