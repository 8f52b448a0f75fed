//! The picture that event 2004 draws of a host, as a snapshot.

use poolwatch_model::{
    Bytes, Pool, PoolTag, Snapshot,
    event::MemoryExhaustion,
    memory::Memory,
    process::ProcessUse,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};

/// The snapshot: system-wide figures, the largest tags and the largest processes.
#[must_use]
pub(super) fn snapshot(facts: &MemoryExhaustion) -> Snapshot {
    let available = facts.physical.zip(facts.physical_used);
    let memory = Memory {
        paged: facts.paged,
        nonpaged: facts.nonpaged,
        physical: facts.physical,
        available: available.map(|(all, used)| Bytes(all.0.saturating_sub(used.0))),
        committed: facts.committed,
        commit_limit: facts.commit_limit,
        processes: facts.processes,
        ..Memory::default()
    };
    let rows: Vec<TagUse> =
        [(Pool::Paged, &facts.paged_tags), (Pool::Nonpaged, &facts.nonpaged_tags)]
            .into_iter()
            .flat_map(|(pool, tags)| tags.iter().map(move |(tag, bytes)| row(*tag, pool, *bytes)))
            .collect();
    let mut processes: Vec<ProcessUse> = facts
        .top_processes
        .iter()
        .map(|process| {
            let mut row = ProcessUse::new(process.pid, process.created, process.image.clone());
            row.handles = Some(process.handles);
            row.private_bytes = Some(process.commit.0);
            row
        })
        .collect();
    processes.sort_by_key(|process| process.key);
    processes.dedup_by_key(|process| process.key);
    Snapshot {
        memory,
        tags: (!rows.is_empty())
            .then(|| TagTable::new(AllocCounting::OutstandingOnly, false, rows)),
        processes: Some(processes),
        ..Snapshot::default()
    }
}

fn row(tag: PoolTag, pool: Pool, bytes: Bytes) -> TagUse {
    let mut row = TagUse { tag, paged: TagCounters::default(), nonpaged: TagCounters::default() };
    row.of_mut(pool).bytes = bytes.0;
    row
}
