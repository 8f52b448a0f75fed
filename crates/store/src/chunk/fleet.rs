//! How an hour ended on up to 1,000 hosts, by tag: the columns of a host block, to read one tag of
//! all of them. Only what is not 0 is kept.

use std::collections::{BTreeMap, HashSet};

use poolwatch_model::{Pool, PoolTag};

use super::{
    Chunk, Malformed,
    block::{self, BlockWriter, MAX_BYTES},
    wire::{Reader, put},
};

/// Hosts of a block.
pub const BLOCK_HOSTS: i32 = 1000;
/// Buckets of tags; one more holds the system-wide figures.
const BUCKETS: usize = 256;
/// Columns of a bucket at most.
const MAX_COLUMNS: usize = 1 << 14;
/// Figures of tags that one host gives at most: more than twice what any was seen to have.
const MAX_OF_HOST: usize = 16_384;

/// Bytes of a value and its place at most.
const MAX_VALUE: usize = 13;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FleetKey {
    /// Which hosts are here at all: their snapshots of the hour.
    Samples,
    /// Which hosts tell all tags: 1.
    Complete,
    /// A system-wide figure, by its place in a chunk; one more than it, so that 0 is known.
    Memory(u8),
    /// Bytes of a tag.
    Bytes(PoolTag, Pool),
    /// Outstanding allocations of a tag.
    Outstanding(PoolTag, Pool),
}

/// The columns of a host block: places of hosts in the block, ascending, with their values.
pub type Columns = BTreeMap<FleetKey, Vec<(u16, u64)>>;

/// A block as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFleet {
    /// Where buckets end, four bytes each, big-endian.
    pub head: Vec<u8>,
    /// The buckets.
    pub buckets: Vec<u8>,
}

/// Adds how a chunk of a host ended: the means of its last point. Hosts come in ascending order.
pub fn add(columns: &mut Columns, place: u16, chunk: &Chunk) {
    let Some(last) = chunk.slots.len().checked_sub(1) else { return };
    let mut left = MAX_OF_HOST;
    let mut put = |key, value| columns.entry(key).or_default().push((place, value));
    let samples: u32 = chunk.slots.iter().map(|slot| slot.samples).sum();
    put(FleetKey::Samples, samples.into());
    for (figure, column) in (0..).zip(&chunk.memory) {
        if let Some(stat) = column.at(last) {
            put(FleetKey::Memory(figure), stat.mean.saturating_add(1));
        }
    }
    for (tag, row) in chunk.tags.keys.iter().zip(&chunk.tags.rows) {
        for (pool, first) in [(Pool::Paged, 0), (Pool::Nonpaged, 3)] {
            let of = |figure: usize| row[first + figure].at(last).map_or(0, |stat| stat.mean);
            let (bytes, outstanding) = (of(0), of(1));
            let figures = [
                (FleetKey::Bytes(*tag, pool), bytes),
                (FleetKey::Outstanding(*tag, pool), outstanding),
            ];
            for (key, value) in figures.into_iter().filter(|(_, value)| *value > 0) {
                if left > 0 {
                    put(key, value);
                }
                left = left.saturating_sub(1);
            }
        }
    }
    if left > 0 && chunk.slots[last].tags.is_some_and(|tags| tags.complete) {
        put(FleetKey::Complete, 1);
    }
}

/// Takes hosts out of a block.
pub fn remove(columns: &mut Columns, places: &HashSet<u16>) {
    columns.retain(|_, values| {
        values.retain(|(host, _)| !places.contains(host));
        !values.is_empty()
    });
}

/// Puts the columns of a block in the order of its hosts.
pub fn sort(columns: &mut Columns) {
    columns.values_mut().for_each(|values| values.sort_unstable());
}

/// The bucket of a column.
#[must_use]
pub fn bucket_of(key: FleetKey) -> usize {
    match key {
        FleetKey::Samples | FleetKey::Complete | FleetKey::Memory(_) => BUCKETS,
        FleetKey::Bytes(tag, _) | FleetKey::Outstanding(tag, _) => {
            let mixed = u32::from_le_bytes(tag.bytes()).wrapping_mul(0x9E37_79B1);
            (mixed >> 24) as usize
        }
    }
}

/// Encodes a block. Columns that a bucket has no room for are left out and counted: only hosts that
/// make up tags come that far.
///
/// # Errors
/// When compression fails.
pub fn encode(columns: &Columns) -> Result<(EncodedFleet, usize), Malformed> {
    let mut plain = vec![(0_u64, Vec::new()); BUCKETS + 1];
    let mut left_out = 0;
    for (key, values) in columns {
        let (count, out) = &mut plain[bucket_of(*key)];
        if *count == MAX_COLUMNS as u64 || out.len() + values.len() * MAX_VALUE + 16 > MAX_BYTES {
            left_out += 1;
            continue;
        }
        *count += 1;
        put_key(out, *key);
        put(out, values.len() as u64);
        let mut before = 0;
        for (place, _) in values {
            put(out, u64::from(place - before));
            before = *place;
        }
        for (_, value) in values {
            put(out, *value);
        }
    }
    let mut writer = BlockWriter::new()?;
    let (mut head, mut buckets) = (Vec::with_capacity((BUCKETS + 1) * 4), Vec::new());
    for (count, columns) in plain {
        if count > 0 {
            let mut body = Vec::with_capacity(columns.len() + 4);
            put(&mut body, count);
            body.extend_from_slice(&columns);
            writer.raw(&mut buckets, &body)?;
        }
        let end = u32::try_from(buckets.len()).unwrap_or(u32::MAX);
        head.extend_from_slice(&end.to_be_bytes());
    }
    Ok((EncodedFleet { head, buckets }, left_out))
}

/// Where a bucket is: its first byte, counted from 0, and its length; `None` when it is empty.
#[must_use]
pub fn place(head: &[u8], bucket: usize) -> Option<(usize, usize)> {
    let end = |bucket: usize| {
        let bytes = head.get(bucket * 4..)?.first_chunk::<4>()?;
        Some(u32::from_be_bytes(*bytes) as usize)
    };
    let from = bucket.checked_sub(1).map_or(Some(0), end)?;
    let length = end(bucket)?.checked_sub(from)?;
    (length > 0).then_some((from, length))
}

/// The columns of one bucket.
///
/// # Errors
/// When it is none.
pub fn decode(bucket: &[u8]) -> Result<Columns, Malformed> {
    let plain = block::unpack(bucket)?;
    let mut reader = Reader(&plain);
    let mut columns = Columns::new();
    for _ in 0..reader.count(MAX_COLUMNS)? {
        let key = key(&mut reader)?;
        let count = reader.count(BLOCK_HOSTS as usize)?;
        let mut values = Vec::with_capacity(count);
        let mut place = 0_u64;
        for _ in 0..count {
            place = place.checked_add(reader.varint()?).ok_or(Malformed)?;
            values.push((u16::try_from(place).map_err(|_| Malformed)?, 0));
        }
        for (_, value) in &mut values {
            *value = reader.varint()?;
        }
        columns.insert(key, values);
    }
    reader.end()?;
    Ok(columns)
}

/// All columns of a block.
///
/// # Errors
/// When it is none.
pub fn decode_all(head: &[u8], buckets: &[u8]) -> Result<Columns, Malformed> {
    let mut all = Columns::new();
    for bucket in 0..=BUCKETS {
        if let Some((from, length)) = place(head, bucket) {
            let to = from.checked_add(length).ok_or(Malformed)?;
            let bytes = buckets.get(from..to).ok_or(Malformed)?;
            all.append(&mut decode(bytes)?);
        }
    }
    Ok(all)
}

fn put_key(out: &mut Vec<u8>, key: FleetKey) {
    let (kind, tag) = match key {
        FleetKey::Samples => (0, None),
        FleetKey::Complete => (1, None),
        FleetKey::Memory(figure) => (0x80 | figure, None),
        FleetKey::Bytes(tag, Pool::Paged) => (2, Some(tag)),
        FleetKey::Bytes(tag, Pool::Nonpaged) => (3, Some(tag)),
        FleetKey::Outstanding(tag, Pool::Paged) => (4, Some(tag)),
        FleetKey::Outstanding(tag, Pool::Nonpaged) => (5, Some(tag)),
    };
    out.push(kind);
    out.extend(tag.iter().flat_map(|tag| tag.bytes()));
}

fn key(reader: &mut Reader<'_>) -> Result<FleetKey, Malformed> {
    let kind = reader.byte()?;
    let mut tag = || {
        let bytes = reader.bytes(4)?;
        bytes.try_into().map(PoolTag::new).map_err(|_| Malformed)
    };
    Ok(match kind {
        0 => FleetKey::Samples,
        1 => FleetKey::Complete,
        2 => FleetKey::Bytes(tag()?, Pool::Paged),
        3 => FleetKey::Bytes(tag()?, Pool::Nonpaged),
        4 => FleetKey::Outstanding(tag()?, Pool::Paged),
        5 => FleetKey::Outstanding(tag()?, Pool::Nonpaged),
        0x80.. => FleetKey::Memory(kind & 0x7F),
        _ => return Err(Malformed),
    })
}
