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

use std::marker::PhantomData;

use super::wire::{Malformed, Reader, put_varint, unzigzag, zigzag};

/// Counters of a row at most: a mask has a bit for each.
const MOST_COUNTERS: usize = 8;

/// What a delta section changes of a table: checked against that table, and still encoded. It can be
/// applied to it without being able to fail half way.
#[derive(Debug, Clone)]
pub struct Delta<'a, R> {
    rows: usize,
    /// Which rows are told, a bit each.
    bitmap: &'a [u8],
    /// Which counters are told of each of them.
    masks: &'a [u8],
    /// The differences of all counters.
    differences: &'a [u8],
    /// Where those of each counter begin.
    columns: [u32; MOST_COUNTERS],
    against: Against,
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
pub trait Row: Clone + PartialEq {
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

    /// By what it is found.
    fn key(&self) -> Self::Key;
    /// One of its counters.
    fn counter(&self, index: usize) -> u64;
    /// Sets one of its counters, to a value that [`Self::fits`].
    fn set_counter(&mut self, index: usize, value: u64);
    /// Whether two rows differ in nothing but the values of their counters.
    fn differs_only_in_counters(&self, other: &Self) -> bool;
    /// The rows of a full section.
    fn encode(rows: &[Self]) -> Vec<u8>;
    /// The rows of a full section.
    ///
    /// # Errors
    /// When it is malformed.
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
pub struct Moved {
    /// What it was.
    pub from: u64,
    /// What it is.
    pub to: u64,
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
#[derive(Debug, Clone)]
pub enum Part<'a, T, R> {
    /// All of it.
    Full(T),
    /// What changed since the frame before.
    Changes(Delta<'a, R>),
}

/// A table that a delta section is relative to, wherever it is kept.
pub trait Base {
    /// How many rows it has.
    fn rows(&self) -> usize;
    /// A counter of a row.
    fn counter(&self, row: usize, counter: usize) -> u64;
}

/// A table whose counters can be moved.
pub trait CounterTable: Base {
    /// Moves a counter of a row.
    fn move_counter(&mut self, row: usize, counter: usize, moved: Moved);
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

impl<'a, R: Row> Delta<'a, R> {
    /// Reads a delta section that is relative to `base`. An added row may bear the key of one that stays:
    /// who merges them has to refuse that.
    pub(super) fn read(
        base: &impl Base,
        bytes: &'a [u8],
        against: Against,
    ) -> Result<Self, Malformed> {
        let rows = base.rows();
        let mut reader = Reader(bytes);
        if reader.count(R::LIMIT)? != rows {
            return Err(Malformed);
        }
        let bitmap = reader.bytes(rows.div_ceil(8))?;
        let masks = reader.bytes(places(bitmap, rows).count())?;
        let differences = reader.0;
        let mut columns = [0; MOST_COUNTERS];
        for (counter, column) in columns.iter_mut().enumerate().take(R::COUNTERS) {
            *column = (differences.len() - reader.0.len()) as u32;
            for _ in masks.iter().filter(|mask| **mask >> counter & 1 == 1) {
                reader.varint()?;
            }
        }
        let is_gone = places(bitmap, rows).zip(masks).filter(|(_, mask)| **mask == 0);
        let gone: Vec<u32> = is_gone.map(|(row, _)| row as u32).collect();
        let mut added = Vec::new();
        if !reader.is_empty() {
            added = R::decode(reader.0)?;
            added.sort_by_key(Row::key);
            let twice = added.windows(2).any(|pair| pair[0].key() == pair[1].key());
            if twice || rows - gone.len() + added.len() > R::LIMIT {
                return Err(Malformed);
            }
        }
        let delta = Self { rows, bitmap, masks, differences, columns, against, gone, added };
        if R::SMALL != 0 {
            let mut fit = Fit { base, all: true, row: PhantomData::<R> };
            delta.move_counters(&mut fit);
            if !fit.all {
                return Err(Malformed);
            }
        }
        Ok(delta)
    }

    /// Moves every counter that changes, in the table that this was read against. Rows that are gone
    /// are still there then, and those that are new are not.
    pub fn move_counters(&self, table: &mut impl CounterTable) {
        let mut columns = self.columns.map(|at| Reader(&self.differences[at as usize..]));
        let following = if self.against == Against::Expected { R::FOLLOWING } else { 0 };
        for (row, mask) in places(self.bitmap, self.rows).zip(self.masks) {
            let mut last: Option<Moved> = None;
            for (counter, column) in columns.iter_mut().enumerate().take(R::COUNTERS) {
                let is_told = mask >> counter & 1 == 1;
                let before = last.take().filter(|_| following >> counter & 1 == 1);
                if !is_told && before.is_none() {
                    continue;
                }
                let from = table.counter(row, counter);
                let mut to = before.map_or(from, |before| R::expected(from, before));
                if is_told {
                    // It was read before: there is a number.
                    to = unzigzag(to, column.varint().unwrap_or_default());
                }
                if from != to {
                    let moved = Moved { from, to };
                    table.move_counter(row, counter, moved);
                    last = Some(moved);
                }
            }
        }
    }

    /// Whether it only moves counters: no row comes or goes.
    #[must_use]
    pub fn is_of_counters(&self) -> bool {
        self.gone.is_empty() && self.added.is_empty()
    }

    /// Whether a row of the base table stays.
    #[must_use]
    pub fn keeps(&self, row: usize) -> bool {
        self.gone.binary_search(&(row as u32)).is_err()
    }

    /// Makes sure that no added row is one that stays in `rows`, which this was read against.
    pub(super) fn check(&self, rows: &[R]) -> Result<(), Malformed> {
        let row_of = |new: &R| rows.binary_search_by_key(&new.key(), Row::key).ok();
        let is_twice = |new: &R| row_of(new).is_some_and(|row| self.keeps(row));
        if self.added.iter().any(is_twice) { Err(Malformed) } else { Ok(()) }
    }

    /// Makes the new table of the one that this was read and checked against.
    pub(super) fn apply(self, rows: &mut Vec<R>, moved: &mut TableMoves) {
        self.move_counters(&mut Recorded { rows, moved });
        if self.is_of_counters() {
            return;
        }
        moved.are_rows_same = false;
        let mut at = 0;
        rows.retain(|_| {
            at += 1;
            self.keeps(at - 1)
        });
        rows.extend(self.added);
        rows.sort_by_key(Row::key);
    }
}

/// The places of the marked rows.
fn places(bitmap: &[u8], rows: usize) -> impl Iterator<Item = usize> {
    let bits = |(at, byte): (usize, &u8)| {
        let mut left = *byte;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (bit < 8).then_some(at * 8 + bit)
        })
    };
    bitmap.iter().enumerate().flat_map(bits).take_while(move |row| *row < rows)
}

/// What changed in a table from one snapshot to the next.
#[derive(Debug, Clone, Default)]
pub struct TableMoves {
    /// Whether the rows are those of the table before.
    pub are_rows_same: bool,
    /// Where they are: the counters that moved.
    pub counters: Vec<Change>,
}

impl TableMoves {
    pub(super) fn begin(&mut self, are_rows_same: bool) {
        self.are_rows_same = are_rows_same;
        self.counters.clear();
    }
}

/// Moves counters of rows and remembers which.
struct Recorded<'a, R> {
    rows: &'a mut Vec<R>,
    moved: &'a mut TableMoves,
}

impl<R: Row> Base for Recorded<'_, R> {
    fn rows(&self) -> usize {
        self.rows.len()
    }

    fn counter(&self, row: usize, counter: usize) -> u64 {
        self.rows[row].counter(counter)
    }
}

impl<R: Row> CounterTable for Recorded<'_, R> {
    fn move_counter(&mut self, row: usize, counter: usize, moved: Moved) {
        self.rows[row].set_counter(counter, moved.to);
        let change = Change { row: row as u32, counter: counter as u8, value: moved.to };
        self.moved.counters.push(change);
    }
}

/// Moves nothing, and finds out whether all that would be moved fits.
struct Fit<'a, B, R> {
    base: &'a B,
    all: bool,
    row: PhantomData<R>,
}

impl<B: Base, R> Base for Fit<'_, B, R> {
    fn rows(&self) -> usize {
        self.base.rows()
    }

    fn counter(&self, row: usize, counter: usize) -> u64 {
        self.base.counter(row, counter)
    }
}

impl<B: Base, R: Row> CounterTable for Fit<'_, B, R> {
    fn move_counter(&mut self, _row: usize, counter: usize, moved: Moved) {
        self.all &= R::fits(counter, moved.to);
    }
}

/// A full table, refused unless sorted and without duplicates.
pub(super) fn decode_full<R: Row>(bytes: &[u8]) -> Result<Vec<R>, Malformed> {
    let rows = R::decode(bytes)?;
    let sorted = rows.windows(2).all(|pair| pair[0].key() < pair[1].key());
    if sorted && rows.len() <= R::LIMIT { Ok(rows) } else { Err(Malformed) }
}
