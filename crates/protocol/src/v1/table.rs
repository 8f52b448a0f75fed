//! Tables of counters as differences: what makes a frame small.
//!
//! A delta section lists, against the table of the base frame (rows sorted by key):
//! ```text
//! rows      varint, rows of the base table
//! changed   bitmap of one bit per base row, least significant bit first
//! masks     one byte per changed row: bit i set when counter i changed; 0 = the row is gone
//! counters  for i in 0..N: the zigzag varint difference of counter i of every row whose mask has it
//! added     the rest: new rows, as in a full section; empty for none
//! ```

use super::wire::{Malformed, Reader, put_varint, unzigzag, zigzag};

/// A row of a table: a key and a few counters.
pub(super) trait Row: Clone + PartialEq {
    /// Counters of a row, at most eight.
    const COUNTERS: usize;
    /// Rows of a table.
    const LIMIT: usize;
    /// What the table is sorted by.
    type Key: Ord;

    fn key(&self) -> Self::Key;
    fn counter(&self, index: usize) -> u64;
    fn set_counter(&mut self, index: usize, value: u64) -> Result<(), Malformed>;
    /// Whether two rows differ in nothing but the values of their counters.
    fn differs_only_in_counters(&self, other: &Self) -> bool;
    fn encode(rows: &[Self]) -> Vec<u8>;
    fn decode(bytes: &[u8]) -> Result<Vec<Self>, Malformed>;
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
                for (counter, column) in columns.iter_mut().enumerate() {
                    let (from, to) = (old.counter(counter), new.counter(counter));
                    if from != to {
                        mask |= 1 << counter;
                        put_varint(column, zigzag(from, to));
                    }
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

/// The table that a delta section makes of `base`.
pub(super) fn decode_delta<R: Row>(base: &[R], bytes: &[u8]) -> Result<Vec<R>, Malformed> {
    let mut reader = Reader(bytes);
    if reader.count(R::LIMIT)? != base.len() {
        return Err(Malformed);
    }
    let bitmap = reader.bytes(base.len().div_ceil(8))?;
    let changed: Vec<usize> =
        (0..base.len()).filter(|at| bitmap[at / 8] >> (at % 8) & 1 == 1).collect();
    let masks = reader.bytes(changed.len())?;
    let mut rows = base.to_vec();
    for counter in 0..R::COUNTERS {
        for (&at, _) in changed.iter().zip(masks).filter(|(_, mask)| *mask >> counter & 1 == 1) {
            let value = unzigzag(rows[at].counter(counter), reader.varint()?);
            rows[at].set_counter(counter, value)?;
        }
    }
    let mut gone = changed.iter().zip(masks).filter(|(_, mask)| **mask == 0).map(|(at, _)| *at);
    let mut next_gone = gone.next();
    let mut at = 0;
    rows.retain(|_| {
        let keep = next_gone != Some(at);
        if !keep {
            next_gone = gone.next();
        }
        at += 1;
        keep
    });
    if !reader.is_empty() {
        rows.extend(R::decode(reader.0)?);
        if rows.len() > R::LIMIT {
            return Err(Malformed);
        }
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
