//! Sections 2 and 3: the tag table, by columns. Equal columns of neighbouring tags compress best.

use poolwatch_model::{
    PoolTag,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use serde::Serialize;

use super::to_postcard;
use crate::{
    limits,
    v1::{
        table::{self, Moved, Row},
        wire::{Malformed, Reader},
    },
};

/// Rows by columns: the tags, then paged and nonpaged allocations, outstanding and bytes.
#[derive(Serialize)]
struct TagColumns {
    tags: Vec<[u8; 4]>,
    counters: [Vec<u64>; 6],
}

/// First byte of section 2, bit 7 set when the table is complete.
const WRAPPING_32: u8 = 0;
const FULL_64: u8 = 1;
const OUTSTANDING_ONLY: u8 = 2;
const COMPLETE: u8 = 0x80;

pub(super) fn encode_full(table: &TagTable) -> Vec<u8> {
    let counting = match table.counting {
        AllocCounting::Wrapping32 => WRAPPING_32,
        AllocCounting::Full64 => FULL_64,
        AllocCounting::OutstandingOnly => OUTSTANDING_ONLY,
    };
    let mut out = vec![counting | if table.complete { COMPLETE } else { 0 }];
    out.append(&mut TagUse::encode(&table.rows));
    out
}

pub(super) fn decode_full(bytes: &[u8]) -> Result<TagTable, Malformed> {
    let (first, rest) = bytes.split_first().ok_or(Malformed)?;
    let counting = match first & !COMPLETE {
        WRAPPING_32 => AllocCounting::Wrapping32,
        FULL_64 => AllocCounting::Full64,
        OUTSTANDING_ONLY => AllocCounting::OutstandingOnly,
        _ => return Err(Malformed),
    };
    let complete = first & COMPLETE != 0;
    Ok(TagTable { counting, complete, rows: table::decode_full(rest)? })
}

impl Row for TagUse {
    const COUNTERS: usize = 6;
    const LIMIT: usize = limits::TAGS;
    const SMALL: u8 = 0;
    /// Bytes move with the outstanding allocations.
    const FOLLOWING: u8 = 0b10_0100;
    type Key = PoolTag;

    fn key(&self) -> PoolTag {
        self.tag
    }

    fn counter(&self, index: usize) -> u64 {
        let of = if index < 3 { &self.paged } else { &self.nonpaged };
        [of.allocs, of.outstanding, of.bytes][index % 3]
    }

    fn set_counter(&mut self, index: usize, value: u64) {
        let of = if index < 3 { &mut self.paged } else { &mut self.nonpaged };
        *[&mut of.allocs, &mut of.outstanding, &mut of.bytes][index % 3] = value;
    }

    fn differs_only_in_counters(&self, other: &Self) -> bool {
        self.tag == other.tag
    }

    /// As many bytes more as there are allocations more, of the size that they had on average.
    fn expected(bytes: u64, outstanding: Moved) -> u64 {
        let Some(size) = bytes.checked_div(outstanding.from) else { return bytes };
        let more = i128::from(outstanding.to) - i128::from(outstanding.from);
        let moved = i128::from(size).checked_mul(more).map(|more| i128::from(bytes) + more);
        moved.and_then(|bytes| u64::try_from(bytes).ok()).unwrap_or(bytes)
    }

    fn encode(rows: &[Self]) -> Vec<u8> {
        to_postcard(&TagColumns {
            tags: rows.iter().map(|row| row.tag.bytes()).collect(),
            counters: std::array::from_fn(|at| rows.iter().map(|row| row.counter(at)).collect()),
        })
    }

    fn decode(bytes: &[u8]) -> Result<Vec<Self>, Malformed> {
        let mut reader = Reader(bytes);
        let count = reader.count(Self::LIMIT)?;
        let tags = reader.bytes(count * 4)?.as_chunks::<4>().0;
        let unused = |tag: &[u8; 4]| Self {
            tag: PoolTag::new(*tag),
            paged: TagCounters::default(),
            nonpaged: TagCounters::default(),
        };
        let mut rows: Vec<Self> = tags.iter().map(unused).collect();
        for counter in 0..Self::COUNTERS {
            if reader.count(Self::LIMIT)? != count {
                return Err(Malformed);
            }
            for row in &mut rows {
                row.set_counter(counter, reader.varint()?);
            }
        }
        reader.end()?;
        Ok(rows)
    }
}
