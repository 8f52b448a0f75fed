//! Tables of counters as differences: what makes a frame small.
//!
//! A delta section lists, against the table of the base frame (rows sorted by key):
//! ```text
//! rows      varint, rows of the base table
//! changed   bitmap of one bit per base row, least significant bit first
//! masks     one byte per changed row: bit i set when counter i is not as expected; 0 = row is gone
//! counters  for i in 0..N: the zigzag varint difference of counter i of every row whose mask has it
//! added     the rest: new rows, as in a full section; empty for none
//! ```
//! A counter is expected to be as it was, or to have moved with the counter before it: a tag whose
//! allocations have one size tells its bytes by their number.

use super::wire::{Malformed, Reader, put_varint, unzigzag, zigzag};

/// What a delta section changes of a table, without the table itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes<R> {
    /// New values of counters, at most one for each row and counter.
    pub counters: Vec<Change>,
    /// Rows that are gone, by their place in the base table, ascending.
    pub gone: Vec<u32>,
    /// New rows, without two of one key.
    pub added: Vec<R>,
}

/// A counter's new value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The row, by its place in the base table.
    pub row: u32,
    /// Which of the row's counters.
    pub counter: u8,
    /// What it is now.
    pub value: u64,
}

/// A row of a table: a key and a few counters.
pub(super) trait Row: Clone + PartialEq {
    /// Counters of a row, at most eight.
    const COUNTERS: usize;
    /// Rows of a table.
    const LIMIT: usize;
    /// Counters that do not exceed 32 bits: bit i set for counter i.
    const SMALL: u8;
    /// Counters that move with the one before them: bit i set for counter i.
    const FOLLOWING: u8 = 0;
    /// What the table is sorted by.
    type Key: Ord;

    fn key(&self) -> Self::Key;
    fn counter(&self, index: usize) -> u64;
    /// Sets one of its counters, to a value that [`Self::fits`].
    fn set_counter(&mut self, index: usize, value: u64);
    /// Whether two rows differ in nothing but the values of their counters.
    fn differs_only_in_counters(&self, other: &Self) -> bool;
    fn encode(rows: &[Self]) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Result<Vec<Self>, Malformed>;

    /// What a counter of [`Self::FOLLOWING`] is expected to be, where the one before it moved.
    fn expected(before: u64, _moved: Moved) -> u64 {
        before
    }

    /// Whether a counter can have this value.
    fn fits(index: usize, value: u64) -> bool {
        Self::SMALL >> index & 1 == 0 || value <= u64::from(u32::MAX)
    }
}

/// How a counter moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Moved {
    pub(super) from: u64,
    pub(super) to: u64,
}

/// What differences are against.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Against {
    /// Every counter as it was.
    Before,
    /// What is expected of it.
    Expected,
}

/// A table as a frame brings it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part<T, R> {
    /// All of it.
    Full(T),
    /// What changed since the frame before.
    Changes(Changes<R>),
}

/// A table that a delta section is relative to, wherever it is kept.
pub trait Base {
    /// How many rows it has.
    fn rows(&self) -> usize;
    /// A counter of a row.
    fn counter(&self, row: usize, counter: usize) -> u64;
}

impl<R: Row> Base for Vec<R> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn counter(&self, row: usize, counter: usize) -> u64 {
        self[row].counter(counter)
    }
}

/// The delta section that turns `base` into `rows`. Both are sorted by key, without duplicates.
pub(super) fn encode_delta<R: Row>(base: &[R], rows: &[R]) -> Vec<u8> {
    let mut changed = vec![0_u8; base.len().div_ceil(8)];
    let mut masks = Vec::new();
    let mut columns = vec![Vec::new(); R::COUNTERS];
    let mut added = Vec::new();
    let mut rows = rows.iter().peekable();
    for (index, old) in base.iter().enumerate() {
        while let Some(new) = rows.next_if(|new| new.key() < old.key()) {
            added.push(new.clone());
        }
        let kept = rows.next_if(|new| new.key() == old.key());
        let mut mask = 0_u8;
        match kept {
            Some(new) if new == old => continue,
            Some(new) if new.differs_only_in_counters(old) => {
                let mut last = None;
                for (counter, column) in columns.iter_mut().enumerate() {
                    let (from, to) = (old.counter(counter), new.counter(counter));
                    let expected = expected::<R>(counter, from, last);
                    if expected != to {
                        mask |= 1 << counter;
                        put_varint(column, zigzag(expected, to));
                    }
                    last = (from != to).then_some(Moved { from, to });
                }
            }
            Some(new) => added.push(new.clone()),
            None => {}
        }
        changed[index / 8] |= 1 << (index % 8);
        masks.push(mask);
    }
    added.extend(rows.cloned());

    let mut out = Vec::new();
    put_varint(&mut out, base.len() as u64);
    out.append(&mut changed);
    out.append(&mut masks);
    for mut column in columns {
        out.append(&mut column);
    }
    if !added.is_empty() {
        out.append(&mut R::encode(&added));
    }
    out
}

/// What a counter is expected to be, by how the one before it moved.
fn expected<R: Row>(counter: usize, before: u64, last: Option<Moved>) -> u64 {
    match last {
        Some(moved) if R::FOLLOWING >> counter & 1 == 1 => R::expected(before, moved),
        _ => before,
    }
}

/// What a delta section changes of `base`.
pub(super) fn read_delta<R: Row>(
    base: &dyn Base,
    bytes: &[u8],
    against: Against,
) -> Result<Changes<R>, Malformed> {
    let rows = base.rows();
    let mut reader = Reader(bytes);
    if reader.count(R::LIMIT)? != rows {
        return Err(Malformed);
    }
    let bitmap = reader.bytes(rows.div_ceil(8))?;
    let changed: Vec<u32> =
        (0..rows as u32).filter(|at| bitmap[*at as usize / 8] >> (at % 8) & 1 == 1).collect();
    let masks = reader.bytes(changed.len())?;
    let count: u32 = masks.iter().map(|mask| mask.count_ones()).sum();
    let following = if against == Against::Expected { R::FOLLOWING } else { 0 };
    let mut counters = Vec::with_capacity(count as usize);
    // How the counter before moved, by changed row.
    let mut moved: Vec<Option<Moved>> = vec![None; changed.len()];
    for counter in 0..R::COUNTERS {
        let follows = following >> counter & 1 == 1;
        for ((&row, mask), slot) in changed.iter().zip(masks).zip(&mut moved) {
            let last = slot.take().filter(|_| follows);
            let told = mask >> counter & 1 == 1;
            if !told && last.is_none() {
                continue;
            }
            let from = base.counter(row as usize, counter);
            let mut to = expected::<R>(counter, from, last);
            if told {
                to = unzigzag(to, reader.varint()?);
            }
            if !R::fits(counter, to) {
                return Err(Malformed);
            }
            if from != to {
                counters.push(Change { row, counter: counter as u8, value: to });
                *slot = Some(Moved { from, to });
            }
        }
    }
    let gone: Vec<u32> =
        changed.iter().zip(masks).filter(|(_, mask)| **mask == 0).map(|(row, _)| *row).collect();
    let mut added = Vec::new();
    if !reader.is_empty() {
        added = R::decode(reader.0)?;
        added.sort_by_key(Row::key);
        let twice = added.windows(2).any(|pair| pair[0].key() == pair[1].key());
        if twice || rows - gone.len() + added.len() > R::LIMIT {
            return Err(Malformed);
        }
    }
    Ok(Changes { counters, gone, added })
}

/// The table that changes make of the one that they were read against.
pub(super) fn apply<R: Row>(base: &[R], changes: Changes<R>) -> Result<Vec<R>, Malformed> {
    let mut rows = base.to_vec();
    for change in &changes.counters {
        rows[change.row as usize].set_counter(change.counter.into(), change.value);
    }
    let mut gone = changes.gone.iter().peekable();
    let mut at = 0;
    rows.retain(|_| {
        let keep = gone.next_if_eq(&&at).is_none();
        at += 1;
        keep
    });
    if !changes.added.is_empty() {
        rows.extend(changes.added);
        rows.sort_by_key(Row::key);
        if rows.windows(2).any(|pair| pair[0].key() == pair[1].key()) {
            return Err(Malformed);
        }
    }
    Ok(rows)
}

/// A full table, refused unless sorted and without duplicates.
pub(super) fn decode_full<R: Row>(bytes: &[u8]) -> Result<Vec<R>, Malformed> {
    let rows = R::decode(bytes)?;
    let sorted = rows.windows(2).all(|pair| pair[0].key() < pair[1].key());
    if sorted && rows.len() <= R::LIMIT { Ok(rows) } else { Err(Malformed) }
}
