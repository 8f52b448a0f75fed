//! The moment that is being put together, from what several tools tell of it.

use std::collections::HashMap;
use std::sync::Arc;

use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{AllocCounting, TagTable, TagUse};
use poolwatch_model::{Pool, PoolTag, Snapshot};

use crate::content::{EvidencePiece, PieceContent, PieceKind, facts_of_piece};
use crate::image_names::is_nameless;
use crate::source::{Fact, Numbers, Source, Sources};

/// The most pieces of one moment, so that comparing each with all stays cheap.
const MAX_PARTS: usize = 256;

/// A machine at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineSnapshot {
    /// Seconds since a moment that the moments of a series share, where a text tells times.
    pub at_s: Option<u64>,
    /// Whether one of its texts was cut off or contradicted itself, so that what matters may be
    /// missing.
    pub is_torn: bool,
    /// Whether the agent recorded it: then its time is that of the machine's clock.
    pub is_recorded: bool,
    /// What was measured.
    pub snapshot: Snapshot,
    /// Where the numbers stand.
    pub sources: Sources,
}

/// The moment that is being put together.
#[derive(Default)]
pub(super) struct CurrentMoment {
    at_s: Option<u64>,
    is_torn: bool,
    memory: Vec<(PieceKind, Box<Memory>)>,
    tags: Vec<(PieceKind, TagTable)>,
    processes: Vec<(PieceKind, Vec<ProcessUse>)>,
    told: Vec<(Fact, Numbers, Source)>,
}

impl CurrentMoment {
    fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.tags.is_empty() && self.processes.is_empty()
    }

    /// Whether a piece is of a later moment.
    pub(super) fn is_before(&self, piece: &EvidencePiece) -> bool {
        let parts = self.memory.len() + self.tags.len() + self.processes.len();
        if parts > 0 && piece.at_s.is_some() && piece.at_s != self.at_s || parts == MAX_PARTS {
            return true;
        }
        // A capture begins with its header, so a header after rows is the next one's.
        if piece.kind == PieceKind::Poolmon
            && matches!(piece.content, PieceContent::Memory(_))
            && self.tags.iter().any(|(kind, _)| *kind == PieceKind::Poolmon)
        {
            return true;
        }
        let same = |kind: &PieceKind| *kind == piece.kind;
        match &piece.content {
            PieceContent::Memory(new) => {
                self.memory.iter().any(|(kind, old)| same(kind) && contradict(old, new))
            }
            PieceContent::Tags(new) => self.tags.iter().any(|(kind, old)| {
                let mut shared = new.rows.iter().filter_map(|row| Some((row, old.get(row.tag)?)));
                match piece.kind {
                    PieceKind::Poolmon => same(kind) && shared.next().is_some(),
                    // Those that tell their time.
                    PieceKind::Sentence => {
                        shared.any(|(new, old)| outstanding(new) != outstanding(old))
                    }
                    _ => same(kind) && shared.any(|(new, old)| new != old),
                }
            }),
            PieceContent::Processes(new) => {
                let old = self.processes.iter().filter(|(kind, _)| same(kind));
                have_changed(old.flat_map(|(_, list)| list), new)
            }
            _ => false,
        }
    }

    pub(super) fn add(&mut self, piece: EvidencePiece, file: &Arc<str>) {
        self.is_torn |= piece.is_torn;
        if self.knows(&piece) {
            return;
        }
        for (fact, numbers) in facts_of_piece(&piece.content) {
            let line = piece.line(&fact);
            self.told.push((fact, numbers, Source { file: Arc::clone(file), line }));
        }
        self.at_s = self.at_s.or(piece.at_s);
        match piece.content {
            PieceContent::Memory(memory) => self.memory.push((piece.kind, memory)),
            PieceContent::Tags(tags) => self.tags.push((piece.kind, tags)),
            PieceContent::Processes(processes) => self.processes.push((piece.kind, processes)),
            _ => {}
        }
    }

    /// Whether a piece is a list of processes that the same tool has told already.
    fn knows(&self, piece: &EvidencePiece) -> bool {
        let PieceContent::Processes(new) = &piece.content else { return false };
        self.processes.iter().any(|(kind, old)| *kind == piece.kind && old == new)
    }

    pub(super) fn into_snapshot(self) -> Option<MachineSnapshot> {
        if self.is_empty() {
            return None;
        }
        let memory = self.memory.iter().fold(Memory::default(), |m, (_, told)| filled(&m, told));
        let (said, printed): (Vec<_>, Vec<_>) =
            self.tags.into_iter().partition(|(kind, _)| *kind == PieceKind::Sentence);
        let table = |(_, table): (PieceKind, TagTable)| table;
        let said = said.into_iter().map(table).reduce(with_said);
        let tags = match (printed.into_iter().map(table).reduce(merge_tags), said) {
            (Some(printed), Some(said)) => Some(with_said(printed, said)),
            (printed, said) => printed.or(said),
        };
        let processes = self.processes.into_iter().map(|(_, list)| list).reduce(merge_processes);
        let snapshot = Snapshot { memory, tags, processes, ..Snapshot::default() };
        let sources = Sources::of_snapshot(&snapshot, &self.told);
        let Self { at_s, is_torn, .. } = self;
        Some(MachineSnapshot { at_s, is_torn, is_recorded: false, snapshot, sources })
    }
}

fn outstanding(row: &TagUse) -> [u64; 2] {
    Pool::ALL.map(|pool| row.of(pool).outstanding)
}

fn contradict(old: &Memory, new: &Memory) -> bool {
    filled(old, new) != filled(new, old)
}

/// What is known, and what is told beyond that.
fn filled(known: &Memory, told: &Memory) -> Memory {
    Memory {
        paged: known.paged.or(told.paged),
        nonpaged: known.nonpaged.or(told.nonpaged),
        paged_limit: known.paged_limit.or(told.paged_limit),
        nonpaged_limit: known.nonpaged_limit.or(told.nonpaged_limit),
        paged_resident: known.paged_resident.or(told.paged_resident),
        physical: known.physical.or(told.physical),
        available: known.available.or(told.available),
        resident_available: known.resident_available.or(told.resident_available),
        committed: known.committed.or(told.committed),
        commit_limit: known.commit_limit.or(told.commit_limit),
        commit_peak: known.commit_peak.or(told.commit_peak),
        free_system_ptes: known.free_system_ptes.or(told.free_system_ptes),
        handles: known.handles.or(told.handles),
        threads: known.threads.or(told.threads),
        processes: known.processes.or(told.processes),
    }
}

/// Both tables as one.
fn merge_tags(first: TagTable, second: TagTable) -> TagTable {
    // Frees are worth more than rows, as long as the rows that go are small.
    let (better, other) = match (first.counting, second.counting) {
        (AllocCounting::OutstandingOnly, AllocCounting::OutstandingOnly) => (first, second),
        (AllocCounting::OutstandingOnly, _) => (second, first),
        _ => (first, second),
    };
    let is_mixed = better.counting != other.counting;
    if is_mixed && covers(&better, &other) {
        return better;
    }
    let complete = better.complete || other.complete;
    let mut counting = better.counting;
    let mut rows: Vec<_> = better.rows.iter().map(|row| filled_row(*row, &other)).collect();
    rows.extend(other.rows.iter().filter(|row| better.get(row.tag).is_none()));
    if is_mixed {
        counting = AllocCounting::OutstandingOnly;
        for row in &mut rows {
            (row.paged.allocs, row.nonpaged.allocs) = (0, 0);
        }
    }
    TagTable::new(counting, complete, rows)
}

/// A table, and the tags of which only sentences tell.
fn with_said(table: TagTable, said: TagTable) -> TagTable {
    if table.complete {
        return table;
    }
    let absent: Vec<TagUse> =
        said.rows.into_iter().filter(|row| table.get(row.tag).is_none()).collect();
    let rows = table.rows.into_iter().chain(absent).collect();
    TagTable::new(table.counting, false, rows)
}

/// The row, and what another table tells of a pool of which it tells nothing.
fn filled_row(mut row: TagUse, other: &TagTable) -> TagUse {
    if let Some(told) = other.get(row.tag) {
        for pool in Pool::ALL {
            if row.of(pool).is_empty() {
                *row.of_mut(pool) = *told.of(pool);
            }
        }
    }
    row
}

/// Whether what `table` lacks of `other` is at most a tenth of it.
fn covers(table: &TagTable, other: &TagTable) -> bool {
    let known = |tag: PoolTag| table.get(tag).copied().unwrap_or_else(|| TagUse::empty(tag));
    let lacking = other.rows.iter().fold([0_u64; 2], |[bytes, objects], row| {
        let known = known(row.tag);
        let lacks = Pool::ALL.iter().filter(|pool| known.of(**pool).is_empty());
        lacks.fold([bytes, objects], |[bytes, objects], pool| {
            let row = row.of(*pool);
            [bytes.saturating_add(row.bytes), objects.saturating_add(row.outstanding)]
        })
    });
    let all = other.rows.iter().flat_map(|row| [row.paged, row.nonpaged]).fold(
        [0_u64; 2],
        |[bytes, objects], row| {
            [bytes.saturating_add(row.bytes), objects.saturating_add(row.outstanding)]
        },
    );
    lacking.iter().zip(all).all(|(lacking, all)| *lacking <= all / 10)
}

/// What tells processes apart. Some texts tell no ids.
fn identity(process: &ProcessUse) -> (u32, &str) {
    let pid = process.key.pid;
    (pid, if pid == 0 { &process.image } else { "" })
}

/// Whether a process of those that are known is another, or has other handles, in a list.
fn have_changed<'a>(old: impl Iterator<Item = &'a ProcessUse>, new: &[ProcessUse]) -> bool {
    let told: HashMap<_, _> = new.iter().map(|new| (identity(new), new)).collect();
    old.into_iter().any(|old| {
        told.get(&identity(old)).is_some_and(|new| {
            let named = !is_nameless(&old.image) && !is_nameless(&new.image);
            let is_other = named && old.image != new.image;
            is_other || old.handles.zip(new.handles).is_some_and(|(old, new)| old != new)
        })
    })
}

/// Both lists as one, sorted by key.
fn merge_processes(mut first: Vec<ProcessUse>, second: Vec<ProcessUse>) -> Vec<ProcessUse> {
    let owned = |one: &ProcessUse| {
        let (pid, image) = identity(one);
        (pid, image.to_owned())
    };
    let mut told: HashMap<_, _> = second.into_iter().map(|new| (owned(&new), new)).collect();
    for known in &mut first {
        let Some(new) = told.remove(&owned(known)) else { continue };
        if is_nameless(&known.image) {
            known.image = new.image;
        }
        known.key.created = known.key.created.or(new.key.created);
        known.session = known.session.or(new.session);
        known.handles = known.handles.or(new.handles);
        known.threads = known.threads.or(new.threads);
        known.paged_quota = known.paged_quota.or(new.paged_quota);
        known.nonpaged_quota = known.nonpaged_quota.or(new.nonpaged_quota);
        known.private_bytes = known.private_bytes.or(new.private_bytes);
    }
    first.extend(told.into_values());
    settle_without_ids(&mut first);
    first.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.image.cmp(&b.image)));
    first
}

/// A program that one text tells without an id is among those of its name that have one. What these
/// say of their handles counts; where the only one says nothing, it is what was told without id.
fn settle_without_ids(processes: &mut Vec<ProcessUse>) {
    let (known, told): (Vec<_>, Vec<_>) =
        std::mem::take(processes).into_iter().partition(|process| process.key.pid != 0);
    *processes = known;
    for one in told {
        let mut same: Vec<&mut ProcessUse> = processes
            .iter_mut()
            .filter(|known| known.key.pid != 0 && known.image.eq_ignore_ascii_case(&one.image))
            .collect();
        let is_counted = same.iter().any(|known| known.handles.is_some());
        match same.as_mut_slice() {
            [only] if !is_counted => only.handles = one.handles,
            _ if is_counted => {}
            _ => processes.push(one),
        }
    }
}
