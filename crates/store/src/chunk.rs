//! A chunk: some time of one host, thinned out to one point per slot of some minutes. Pure data and
//! its codec; `chunks` keeps them in Postgres.
//!
//! Encoded, a chunk is a small head and blocks of 32 rows each, compressed alone, so that one tag is
//! read without the others. What does not change costs next to nothing.

mod block;
pub mod build;
pub mod combine;
pub(crate) mod encode;
pub mod fleet;
pub mod head;
pub mod snapshot;
mod wire;

pub(crate) use block::numbers::{Extreme, Numbers};
pub use encode::{Blocks, Encoded, decode, encode};
use jiff::Timestamp;
use poolwatch_model::{PoolTag, process::ProcessKey, tag::AllocCounting};
pub use wire::Malformed;

/// Rows of a block.
pub const BLOCK_ROWS: usize = 32;
/// Points of a chunk at most: a week of hours, with as many restarts.
pub const MAX_SLOTS: usize = 1024;

/// What became of a figure in a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stat {
    /// Least value.
    pub min: u64,
    /// Mean value, rounded down.
    pub mean: u64,
    /// Greatest value.
    pub max: u64,
}

impl Stat {
    /// A value that did not change.
    #[must_use]
    pub const fn constant(value: u64) -> Self {
        Self { min: value, mean: value, max: value }
    }

    /// The value, where it did not change.
    #[must_use]
    pub fn as_constant(self) -> Option<u64> {
        (self.min == self.max && self.mean == self.min).then_some(self.min)
    }
}

/// One figure over the slots of a chunk. [`Column::new`] makes the one form that its values have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Column {
    /// Known in no slot.
    Absent,
    /// The same in every slot.
    Constant(u64),
    /// One per slot.
    Varied(Vec<Option<Stat>>),
}

impl Column {
    /// The column of these values, one per slot.
    #[must_use]
    pub fn new(values: impl IntoIterator<Item = Option<Stat>, IntoIter: Clone>) -> Self {
        // No list is made where they do not vary.
        let values = values.into_iter();
        match values.clone().next().flatten() {
            None if values.clone().all(|other| other.is_none()) => Self::Absent,
            Some(first)
                if first.as_constant().is_some()
                    && values.clone().all(|other| other == Some(first)) =>
            {
                Self::Constant(first.min)
            }
            _ => Self::Varied(values.collect()),
        }
    }

    /// The value in a slot.
    #[must_use]
    pub fn at(&self, slot: usize) -> Option<Stat> {
        match self {
            Self::Absent => None,
            Self::Constant(value) => Some(Stat::constant(*value)),
            Self::Varied(values) => values.get(slot).copied().flatten(),
        }
    }
}

/// What the snapshots of a slot say about tags.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagCoverage {
    /// What the allocation counts mean.
    pub counting: AllocCounting,
    /// Whether a tag without row used nothing.
    pub complete: bool,
}

/// A point in time of a chunk: what was measured in one step of one boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Where it begins, seconds after the chunk's start: a multiple of the step, or, where a boot
    /// began in the middle, its first snapshot.
    pub offset_s: u32,
    /// The boot, by number.
    pub boot_no: i32,
    /// Snapshots that it stands for.
    pub samples: u32,
    /// What they say about tags; `None` when they had none.
    pub tags: Option<TagCoverage>,
}

/// Rows of figures with a key, sorted by key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Table<K> {
    /// One per row.
    pub keys: Vec<K>,
    /// The figures of each row, as many as the table has.
    pub rows: Vec<Vec<Column>>,
}

impl<K> Default for Table<K> {
    fn default() -> Self {
        Self { keys: Vec::new(), rows: Vec::new() }
    }
}

impl<K> Table<K> {
    /// Whether anything is told of a slot, by a table that tells of all its rows or of none.
    #[must_use]
    pub fn tells(&self, slot: usize) -> bool {
        self.rows.first().is_some_and(|row| row.first().is_some_and(|one| one.at(slot).is_some()))
    }
}

impl<K: Ord> Table<K> {
    /// The figures of a row.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<&[Column]> {
        self.keys.binary_search(key).ok().map(|at| &self.rows[at][..])
    }
}

/// A process as chunks know it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProcessName {
    /// Who it is.
    pub key: ProcessKey,
    /// Image name.
    pub image: String,
    /// Services that lived in it when it was last seen.
    pub services: Vec<String>,
}

/// Figures of a tag: bytes, outstanding and the allocation count as the slot ended, of paged pool,
/// then of nonpaged.
pub const TAG_FIGURES: usize = 6;
/// Figures of an object type: objects, handles.
pub const TYPE_FIGURES: usize = 2;
/// Figures of a process: handles, threads, private bytes.
pub const PROCESS_FIGURES: usize = 3;
/// Figures of system-wide memory, in the order of [`poolwatch_model::memory::Memory`].
pub const MEMORY_FIGURES: usize = 15;
/// Processes that a chunk keeps.
pub const MAX_PROCESSES: usize = 256;
/// Figures of a program: operations beside reads and writes within the slot.
pub const PROGRAM_FIGURES: usize = 1;
/// Programs that a chunk keeps, those with the most operations.
pub const MAX_PROGRAMS: usize = 48;

/// Some time of one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chunk {
    /// Where it begins.
    pub start: Timestamp,
    /// Seconds of a slot.
    pub step_s: u32,
    /// Its points, oldest first.
    pub slots: Vec<Slot>,
    /// System-wide figures.
    pub memory: Vec<Column>,
    /// Object types by name.
    pub types: Table<String>,
    /// Tags.
    pub tags: Table<PoolTag>,
    /// Processes: all of them, or those that matter most.
    pub processes: Table<ProcessName>,
    /// Programs by image. One that did nothing in a slot of which others are told has 0.
    pub programs: Table<String>,
}

impl Chunk {
    /// One without points.
    #[must_use]
    pub fn empty(start: Timestamp, step_s: u32) -> Self {
        Self {
            start,
            step_s,
            slots: Vec::new(),
            memory: vec![Column::Absent; MEMORY_FIGURES],
            types: Table::default(),
            tags: Table::default(),
            processes: Table::default(),
            programs: Table::default(),
        }
    }
}

#[cfg(test)]
mod tests;
