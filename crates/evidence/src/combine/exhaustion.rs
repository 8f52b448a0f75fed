//! The picture that event 2004 draws of a machine.

use poolwatch_model::event::MemoryExhaustion;
use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{AllocCounting, TagTable, TagUse};
use poolwatch_model::{Bytes, Pool, PoolTag};

use crate::content::{EvidencePiece, PieceContent, PieceKind};

/// System-wide figures, the largest tags and the largest processes.
pub(super) fn pieces(facts: &MemoryExhaustion, lines: (u32, u32)) -> Vec<EvidencePiece> {
    let mut contents = Vec::new();
    let memory = memory(facts);
    if memory != Memory::default() {
        contents.push(PieceContent::Memory(Box::new(memory)));
    }
    let rows: Vec<TagUse> =
        [(Pool::Paged, &facts.paged_tags), (Pool::Nonpaged, &facts.nonpaged_tags)]
            .into_iter()
            .flat_map(|(pool, tags)| tags.iter().map(move |(tag, bytes)| row(*tag, pool, *bytes)))
            .collect();
    if !rows.is_empty() {
        contents.push(PieceContent::Tags(TagTable::new(
            AllocCounting::OutstandingOnly,
            false,
            rows,
        )));
    }
    let processes = processes(facts);
    if !processes.is_empty() {
        contents.push(PieceContent::Processes(processes));
    }
    let piece = |content| EvidencePiece::new(PieceKind::Event, lines, content);
    contents.into_iter().map(piece).collect()
}

fn memory(facts: &MemoryExhaustion) -> Memory {
    let available = facts.physical.zip(facts.physical_used);
    Memory {
        paged: facts.paged,
        nonpaged: facts.nonpaged,
        physical: facts.physical,
        available: available.map(|(all, used)| Bytes(all.0.saturating_sub(used.0))),
        committed: facts.committed,
        commit_limit: facts.commit_limit,
        processes: facts.processes,
        ..Memory::default()
    }
}

fn processes(facts: &MemoryExhaustion) -> Vec<ProcessUse> {
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
    processes
}

fn row(tag: PoolTag, pool: Pool, bytes: Bytes) -> TagUse {
    let mut row = TagUse::empty(tag);
    row.of_mut(pool).bytes = bytes.0;
    row
}
