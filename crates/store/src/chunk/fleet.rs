//! How an hour ended on up to 1,000 hosts, by tag: the columns of a host block, to read one tag of
//! all of them. Only what is not 0 is kept.

use std::collections::{BTreeMap, HashSet};

use poolwatch_model::{HostId, Pool, PoolTag};

use super::{
    Chunk, Malformed,
    block::{self, BlockWriter, MAX_BYTES},
    wire::{Reader, put},
};

/// Hosts of a block.
pub const BLOCK_HOSTS: i32 = 1000;
/// Buckets of tags; one more, the last, tells about the hosts.
pub const BUCKETS: usize = 256;
/// Columns of a bucket at most.
const MAX_COLUMNS: usize = 1 << 14;
/// Figures of tags that one host gives at most: several times what any was seen to have.
const MAX_OF_HOST: usize = 16_384;

/// Bytes of a value and its place at most.
const MAX_VALUE: usize = 13;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum FleetKey {
    /// The boot of a host's last point, by number: the hosts that are here at all.
    Boot,
    /// Where that point begins, seconds after the hour began.
    Last,
    /// Which hosts tell all tags: 1.
    Complete,
    /// Bytes of a tag.
    Bytes(PoolTag, Pool),
}

/// One figure: places of hosts in the block, ascending, with their values.
pub type FleetColumn = Vec<(u16, u64)>;

/// The columns of a host block.
pub type Columns = BTreeMap<FleetKey, FleetColumn>;

/// A block as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EncodedFleet {
    /// Where each bucket begins, and where the last one ends.
    pub bounds: Vec<i32>,
    /// The buckets.
    pub buckets: Vec<u8>,
}

/// The first host of the block that a host is in, and its place there.
#[must_use]
pub fn place_of(host: HostId) -> (i32, u16) {
    let place = host.0.rem_euclid(BLOCK_HOSTS);
    (host.0 - place, place as u16)
}

/// Adds how a chunk of a host ended: the means of its last point. Hosts come in ascending order.
pub fn add(columns: &mut Columns, host: HostId, chunk: &Chunk) {
    let Some((at, last)) = chunk.slots.iter().enumerate().next_back() else { return };
    let mut all = last.tags.is_some_and(|tags| tags.complete);
    let mut bytes = Vec::new();
    for (tag, row) in chunk.tags.keys.iter().zip(&chunk.tags.rows) {
        for (pool, figure) in [(Pool::Paged, 0), (Pool::Nonpaged, 3)] {
            match row[figure].at(at).map_or(0, |stat| stat.mean) {
                0 => {}
                _ if bytes.len() == MAX_OF_HOST => all = false,
                used => bytes.push((FleetKey::Bytes(*tag, pool), used)),
            }
        }
    }
    let about = [
        Some((FleetKey::Boot, last.boot_no.cast_unsigned().into())),
        Some((FleetKey::Last, last.offset_s.into())),
        all.then_some((FleetKey::Complete, 1)),
    ];
    let (_, place) = place_of(host);
    // Both are in the order of their keys: they are walked together.
    let mut known = columns.iter_mut().peekable();
    let mut new = Vec::new();
    for (key, value) in about.into_iter().flatten().chain(bytes) {
        while known.next_if(|(other, _)| **other < key).is_some() {}
        match known.next_if(|(other, _)| **other == key) {
            Some((_, column)) => column.push((place, value)),
            None => new.push((key, vec![(place, value)])),
        }
    }
    columns.extend(new);
}

/// Puts hosts that were made anew in place of what was known of them.
pub fn overlay(columns: &mut Columns, newer: Columns) {
    let hosts: HashSet<u16> =
        newer.get(&FleetKey::Boot).into_iter().flatten().map(|(place, _)| *place).collect();
    columns.retain(|_, values| {
        values.retain(|(place, _)| !hosts.contains(place));
        !values.is_empty()
    });
    for (key, values) in newer {
        let column = columns.entry(key).or_default();
        column.extend(values);
        column.sort_unstable();
    }
}

/// The bucket of a column.
#[must_use]
pub fn bucket_of(key: FleetKey) -> usize {
    match key {
        FleetKey::Boot | FleetKey::Last | FleetKey::Complete => BUCKETS,
        FleetKey::Bytes(tag, _) => {
            let mixed = u32::from_le_bytes(tag.bytes()).wrapping_mul(0x9E37_79B1);
            (mixed >> 24) as usize
        }
    }
}

/// Encodes a block. Of a tag that its bucket has no room for, the hosts are told to be incomplete:
/// only hosts that make up tags come that far.
///
/// # Errors
/// When compression fails.
pub fn encode(columns: &Columns) -> Result<EncodedFleet, Malformed> {
    let mut plain = vec![(0_u64, Vec::new()); BUCKETS + 1];
    let mut cut: HashSet<u16> = HashSet::new();
    // What tells about the hosts comes last.
    for (key, values) in columns.iter().rev() {
        let (count, out) = &mut plain[bucket_of(*key)];
        if *count == MAX_COLUMNS as u64 || out.len() + values.len() * MAX_VALUE + 16 > MAX_BYTES {
            cut.extend(values.iter().map(|(place, _)| *place));
            continue;
        }
        let is_told = |(place, _): &&(u16, u64)| *key != FleetKey::Complete || !cut.contains(place);
        let told = || values.iter().filter(is_told);
        *count += 1;
        put_key(out, *key);
        put(out, told().count() as u64);
        let mut before = 0;
        for (place, _) in told() {
            put(out, u64::from(place - before));
            before = *place;
        }
        for (_, value) in told() {
            put(out, *value);
        }
    }
    let mut writer = BlockWriter::new()?;
    let (mut bounds, mut buckets) = (vec![0], Vec::new());
    for (count, columns) in plain {
        if count > 0 {
            let mut body = Vec::with_capacity(columns.len() + 4);
            put(&mut body, count);
            body.extend_from_slice(&columns);
            writer.raw(&mut buckets, &body)?;
        }
        bounds.push(i32::try_from(buckets.len()).map_err(|_| Malformed)?);
    }
    Ok(EncodedFleet { bounds, buckets })
}

/// The columns of one bucket, which is empty when it has none.
///
/// # Errors
/// When it is none.
pub fn decode(bucket: &[u8]) -> Result<Columns, Malformed> {
    let mut columns = Columns::new();
    each(bucket, |key, values| {
        columns.insert(key, values);
    })?;
    Ok(columns)
}

/// One column of its bucket; empty where no host has it.
///
/// # Errors
/// When the bucket is none.
pub fn column(bucket: &[u8], wanted: FleetKey) -> Result<FleetColumn, Malformed> {
    let mut found = FleetColumn::new();
    each(bucket, |key, values| {
        if key == wanted {
            found = values;
        }
    })?;
    Ok(found)
}

/// All columns of a block.
///
/// # Errors
/// When it is none.
pub fn decode_all(bounds: &[i32], buckets: &[u8]) -> Result<Columns, Malformed> {
    let mut all = Columns::new();
    for ends in bounds.windows(2) {
        let range = usize::try_from(ends[0]).ok().zip(usize::try_from(ends[1]).ok());
        let bytes = range.and_then(|(from, to)| buckets.get(from..to)).ok_or(Malformed)?;
        all.append(&mut decode(bytes)?);
    }
    Ok(all)
}

fn each(bucket: &[u8], mut take: impl FnMut(FleetKey, FleetColumn)) -> Result<(), Malformed> {
    if bucket.is_empty() {
        return Ok(());
    }
    let plain = block::unpack(bucket)?;
    let mut reader = Reader(&plain);
    for _ in 0..reader.count(MAX_COLUMNS)? {
        let key = key(&mut reader)?;
        let count = reader.count(BLOCK_HOSTS as usize)?;
        let mut values = Vec::with_capacity(count);
        let mut place = 0_u64;
        for _ in 0..count {
            place = place.checked_add(reader.varint()?).ok_or(Malformed)?;
            let is_place = |place: &u16| i32::from(*place) < BLOCK_HOSTS;
            values.push((u16::try_from(place).ok().filter(is_place).ok_or(Malformed)?, 0));
        }
        for (_, value) in &mut values {
            *value = reader.varint()?;
        }
        take(key, values);
    }
    reader.end()
}

fn put_key(out: &mut Vec<u8>, key: FleetKey) {
    let (kind, tag) = match key {
        FleetKey::Boot => (0, None),
        FleetKey::Last => (1, None),
        FleetKey::Complete => (2, None),
        FleetKey::Bytes(tag, Pool::Paged) => (3, Some(tag)),
        FleetKey::Bytes(tag, Pool::Nonpaged) => (4, Some(tag)),
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
        0 => FleetKey::Boot,
        1 => FleetKey::Last,
        2 => FleetKey::Complete,
        3 => FleetKey::Bytes(tag()?, Pool::Paged),
        4 => FleetKey::Bytes(tag()?, Pool::Nonpaged),
        _ => return Err(Malformed),
    })
}
