//! Chunks from snapshots.

mod programs;
mod rows;

use jiff::Timestamp;
use poolwatch_model::{
    Bytes, PoolTag, Snapshot,
    memory::Memory,
    process::{ObjectTypeUse, ProcessUse},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::parts::{Moves, TableMoves};
use programs::ProgramRows;
use rows::{FigureKind, Rows, Values};

pub(super) use programs::keep_busiest;

use super::{
    Chunk, Column, MAX_PROCESSES, MEMORY_FIGURES, PROCESS_FIGURES, ProcessName, Slot, Stat,
    TAG_FIGURES, TYPE_FIGURES, Table, TagCoverage,
};

/// Points of an hour at most, so that a day holds its hours: beyond, a host restarts faster than it
/// can be told.
const MAX_HOUR_SLOTS: u32 = 42;
/// Tags of an hour at most.
const MAX_TAGS: usize = 65_536;
/// Object types of an hour at most.
const MAX_TYPES: usize = 1024;
/// Processes that are followed in an hour at most.
const MAX_FOLLOWED: usize = 4096;

/// How the figures of a tag are told.
const OF_TAG: [FigureKind; TAG_FIGURES] = {
    let (spread, last) = (FigureKind::Spread, FigureKind::Last);
    [spread, spread, last, spread, spread, last]
};

/// Makes a chunk from snapshots.
#[derive(Debug)]
pub struct Builder {
    start: Timestamp,
    step_s: u32,
    most: usize,
    slots: Vec<Slot>,
    open: Option<Open>,
    memory: Rows<(), MEMORY_FIGURES>,
    types: Rows<String, TYPE_FIGURES>,
    tags: Rows<PoolTag, TAG_FIGURES>,
    processes: Rows<ProcessName, PROCESS_FIGURES>,
    programs: ProgramRows,
}

/// The slot that snapshots are added to.
#[derive(Debug)]
struct Open {
    index: u32,
    slot: Slot,
    /// Snapshots with tags.
    tag_samples: u32,
}

impl Builder {
    /// An hour without points.
    #[must_use]
    pub fn new(start: Timestamp, step_s: u32) -> Self {
        Self {
            start,
            step_s,
            most: (3600 / step_s.max(1) + 1).max(MAX_HOUR_SLOTS) as usize,
            slots: Vec::new(),
            open: None,
            memory: Rows::new([FigureKind::Spread; MEMORY_FIGURES], 1),
            types: Rows::new([FigureKind::Spread; TYPE_FIGURES], MAX_TYPES),
            tags: Rows::new(OF_TAG, MAX_TAGS),
            processes: Rows::new([FigureKind::Spread; PROCESS_FIGURES], MAX_FOLLOWED),
            programs: ProgramRows::default(),
        }
    }

    /// Adds a snapshot. They come boot by boot, each by time. `moves` is what changed since the one
    /// before, if that was added. Returns false, and leaves it and all that follow out, when the host
    /// restarts faster or names more than a chunk can tell.
    pub fn push(
        &mut self,
        at: Timestamp,
        boot_no: i32,
        snapshot: &Snapshot,
        moves: Option<&Moves>,
    ) -> bool {
        let offset_s = at.as_second() - self.start.as_second();
        let offset_s = u32::try_from(offset_s).unwrap_or(0);
        let index = offset_s / self.step_s;
        let same = |open: &Open| open.index == index && open.slot.boot_no == boot_no;
        if !self.open.as_ref().is_some_and(same) {
            self.close();
            if self.slots.len() >= self.most || !self.tags.has_room_for_slot() {
                return false;
            }
            // A boot that begins in the middle of a slot has a point of its own.
            let begun = self.slots.iter().any(|slot| slot.offset_s / self.step_s == index);
            let offset_s = if begun { offset_s } else { index * self.step_s };
            let slot = Slot { offset_s, boot_no, samples: 0, tags: None };
            self.open = Some(Open { index, slot, tag_samples: 0 });
        }
        if let Some(open) = &mut self.open {
            open.slot.samples += 1;
            if let Some(tags) = &snapshot.tags {
                open.tag_samples += 1;
                let complete = open.slot.tags.is_none_or(|before| before.complete);
                let complete = complete && tags.complete;
                open.slot.tags = Some(TagCoverage { counting: tags.counting, complete });
            }
        }
        self.memory.add(std::iter::once(((), memory_figures(&snapshot.memory))));
        if let Some(tags) = &snapshot.tags {
            let all = match moves.and_then(|moves| counters(&moves.tags)) {
                Some(moved) => {
                    let counts = counts_allocs(tags);
                    let moved = moved.filter(|(_, counter, _)| counts || counter % 3 != 0);
                    // The wire tells allocations, outstanding and bytes.
                    let figure = |counter: usize| counter / 3 * 3 + 2 - counter % 3;
                    self.tags.change(moved.map(|(row, at, value)| (row, figure(at), value)))
                }
                None => {
                    self.tags.add(tags.rows.iter().map(|row| (row.tag, tag_figures(tags, row))))
                }
            };
            let open = self.open.as_mut().and_then(|open| open.slot.tags.as_mut());
            // What found no room is unknown from then on, not 0.
            open.into_iter().for_each(|tags| tags.complete &= all);
        }
        if let Some(types) = &snapshot.object_types {
            match moves.and_then(|moves| counters(&moves.object_types)) {
                Some(moved) => self.types.change(moved.filter(|(_, at, _)| *at < TYPE_FIGURES)),
                None => self.types.add(types.iter().map(|one| (&one.name, type_figures(one)))),
            };
        }
        if let Some(processes) = &snapshot.processes {
            match moves.and_then(|moves| counters(&moves.processes)) {
                Some(moved) => self.processes.change(moved.filter_map(|(row, counter, value)| {
                    // Handles, threads and, after both quotas, private bytes.
                    let figure = [Some(0), Some(1), None, None, Some(2)][counter]?;
                    Some((row, figure, value))
                })),
                None => self.processes.add(processes.iter().map(|one| (one, process_figures(one)))),
            };
        }
        self.programs.add(&snapshot.operations_by_program());
        true
    }

    /// The chunk; `None` when nothing was added.
    #[must_use]
    pub fn finish(mut self) -> Option<Chunk> {
        self.close();
        if self.slots.is_empty() {
            return None;
        }
        let mut order: Vec<usize> = (0..self.slots.len()).collect();
        order.sort_by_key(|at| (self.slots[*at].offset_s, self.slots[*at].boot_no));
        let memory = self.memory.finish(&order).rows.pop();
        Some(Chunk {
            start: self.start,
            step_s: self.step_s,
            slots: order.iter().map(|at| self.slots[*at]).collect(),
            memory: memory.unwrap_or_else(|| vec![Column::Absent; MEMORY_FIGURES]),
            types: self.types.finish(&order),
            tags: self.tags.finish(&order),
            processes: keep_telling(self.processes.finish(&order)),
            programs: self.programs.finish(&order),
        })
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let complete = open.slot.tags.is_some_and(|tags| tags.complete);
        self.memory.close(None);
        self.types.close(None);
        self.processes.close(None);
        self.programs.close();
        // A tag that a complete table does not list uses nothing.
        self.tags.close(complete.then_some(open.tag_samples));
        self.slots.push(open.slot);
    }
}

/// The counters that moved, as row, counter and value, where the rows are those of the table before.
fn counters(moves: &TableMoves) -> Option<impl Iterator<Item = (u32, usize, u64)>> {
    let moved = moves.counters.iter().map(|one| (one.row, usize::from(one.counter), one.value));
    moves.are_rows_same.then_some(moved)
}

fn memory_figures(memory: &Memory) -> Values<MEMORY_FIGURES> {
    let bytes = |bytes: Option<Bytes>| bytes.map(|bytes| bytes.0);
    [
        bytes(memory.paged),
        bytes(memory.nonpaged),
        bytes(memory.paged_limit),
        bytes(memory.nonpaged_limit),
        bytes(memory.paged_resident),
        bytes(memory.physical),
        bytes(memory.available),
        bytes(memory.resident_available),
        bytes(memory.committed),
        bytes(memory.commit_limit),
        bytes(memory.commit_peak),
        memory.free_system_ptes,
        memory.handles,
        memory.threads,
        memory.processes,
    ]
}

/// Whether a table tells how much was ever allocated.
fn counts_allocs(table: &TagTable) -> bool {
    table.counting != AllocCounting::OutstandingOnly
}

fn tag_figures(table: &TagTable, row: &TagUse) -> Values<TAG_FIGURES> {
    let allocs = |counters: &TagCounters| counts_allocs(table).then_some(counters.allocs);
    let of = |counters: &TagCounters| {
        [Some(counters.bytes), Some(counters.outstanding), allocs(counters)]
    };
    let ([a, b, c], [d, e, f]) = (of(&row.paged), of(&row.nonpaged));
    [a, b, c, d, e, f]
}

fn type_figures(one: &ObjectTypeUse) -> Values<TYPE_FIGURES> {
    [one.objects, one.handles].map(|figure| Some(figure.into()))
}

fn process_figures(one: &ProcessUse) -> Values<PROCESS_FIGURES> {
    [one.handles.map(u64::from), one.threads.map(u64::from), one.private_bytes]
}

/// Of more processes than a chunk keeps, those with the most of one figure or the greatest growth of
/// handles.
pub(super) fn keep_telling(table: Table<ProcessName>) -> Table<ProcessName> {
    if table.keys.len() <= MAX_PROCESSES {
        return table;
    }
    let greatest = |row: usize, figure: usize| {
        let column = &table.rows[row][figure];
        match column {
            Column::Absent => 0,
            Column::Constant(value) => *value,
            Column::Varied(values) => {
                values.iter().flatten().map(|stat| stat.max).max().unwrap_or(0)
            }
        }
    };
    let spread = |row: usize| match &table.rows[row][0] {
        Column::Varied(values) => {
            let least = values.iter().flatten().map(|stat: &Stat| stat.min).min().unwrap_or(0);
            greatest(row, 0) - least
        }
        _ => 0,
    };
    let mut keep = vec![false; table.keys.len()];
    let mut kept = 0;
    let rankings: Vec<Vec<usize>> = (0..=PROCESS_FIGURES)
        .map(|figure| {
            let mut rows: Vec<usize> = (0..table.keys.len()).collect();
            rows.sort_by_cached_key(|row| {
                let value =
                    if figure == PROCESS_FIGURES { spread(*row) } else { greatest(*row, figure) };
                (std::cmp::Reverse(value), *row)
            });
            rows
        })
        .collect();
    'all: for place in 0..table.keys.len() {
        for ranking in &rankings {
            if kept == MAX_PROCESSES {
                break 'all;
            }
            kept += usize::from(!std::mem::replace(&mut keep[ranking[place]], true));
        }
    }
    let mut places = keep.iter();
    let (keys, rows) =
        table.keys.into_iter().zip(table.rows).filter(|_| places.next() == Some(&true)).unzip();
    Table { keys, rows }
}
