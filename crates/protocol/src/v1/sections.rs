//! The sections of version 1: their numbers and the wire forms of what they hold.

mod activity;
mod memory;
mod object_types;
mod processes;
mod small;
mod tags;

use poolwatch_model::{Snapshot, memory::Memory, text::printable};

use super::{
    envelope::{Envelope, Section},
    parts::{BaseTables, Moves, Parts},
    table::{self, Against, Delta, Part, Row, TableMoves},
    wire::{Malformed, Reader},
};
use crate::limits;

/// System-wide figures, always in full.
const MEMORY: u64 = 1;
/// Tag table in full, and as a difference: to what it was, which is read and not written any more,
/// and to what is expected.
const TAGS: u64 = 2;
const TAGS_DELTA_TO_BEFORE: u64 = 3;
const TAGS_DELTA: u64 = 10;
/// Processes in full, and as a difference.
const PROCESSES: u64 = 4;
const PROCESSES_DELTA: u64 = 5;
/// Kernel object types in full, and as a difference.
const OBJECT_TYPES: u64 = 6;
const OBJECT_TYPES_DELTA: u64 = 7;
/// Cost of the agent.
const COST: u64 = 8;
/// Collectors that failed.
const FAULTS: u64 = 9;
/// What the agent's process holds: told with its cost.
const HOLDINGS: u64 = 11;
/// What processes did since the snapshot before.
const ACTIVITY: u64 = 12;
/// Handles of some processes by type.
const HANDLES_BY_TYPE: u64 = 13;
/// Allocations that the Server service could not make.
const POOL_FAILURES: u64 = 14;

/// The sections of a snapshot: all in full, or relative to `base` where that is possible.
pub(super) fn encode(base: Option<&Snapshot>, snapshot: &Snapshot) -> Vec<(u64, Vec<u8>)> {
    let mut sections = vec![(MEMORY, memory::encode(&snapshot.memory))];
    if let Some(table) = &snapshot.tags {
        let base = base
            .and_then(|base| base.tags.as_ref())
            .filter(|base| base.counting == table.counting && base.complete == table.complete);
        sections.push(match base {
            Some(base) => (TAGS_DELTA, table::encode_delta(&base.rows, &table.rows)),
            None => (TAGS, tags::encode_full(table)),
        });
    }
    let mut table_section = |full, delta, section: Option<(bool, Vec<u8>)>| {
        if let Some((is_delta, bytes)) = section {
            sections.push((if is_delta { delta } else { full }, bytes));
        }
    };
    table_section(
        PROCESSES,
        PROCESSES_DELTA,
        encode_rows(base.and_then(|b| b.processes.as_deref()), snapshot.processes.as_deref()),
    );
    table_section(
        OBJECT_TYPES,
        OBJECT_TYPES_DELTA,
        encode_rows(base.and_then(|b| b.object_types.as_deref()), snapshot.object_types.as_deref()),
    );
    if let Some(cost) = &snapshot.cost {
        sections.push((COST, small::encode_cost(cost)));
        if let Some(held) = &cost.held {
            sections.push((HOLDINGS, small::encode_holdings(held)));
        }
    }
    if !snapshot.activity.is_empty() {
        sections.push((ACTIVITY, activity::encode_activity(&snapshot.activity)));
    }
    if !snapshot.handles_by_type.is_empty() {
        sections.push((HANDLES_BY_TYPE, activity::encode_handles(&snapshot.handles_by_type)));
    }
    if let Some(failures) = &snapshot.pool_failures {
        sections.push((POOL_FAILURES, small::encode_pool_failures(failures)));
    }
    if !snapshot.faults.is_empty() {
        sections.push((FAULTS, small::encode_faults(&snapshot.faults)));
    }
    sections
}

/// Whether the section is relative, and its bytes.
fn encode_rows<R: Row>(base: Option<&[R]>, rows: Option<&[R]>) -> Option<(bool, Vec<u8>)> {
    rows.map(|rows| match base {
        Some(base) => (true, table::encode_delta(base, rows)),
        None => (false, R::encode(rows)),
    })
}

/// What the sections of a frame bring. `base` is what relative ones are relative to.
fn read<'a, B: BaseTables>(
    base: Option<&B>,
    sections: &[Section<'a>],
) -> Result<Parts<'a>, Malformed> {
    let mut parts = Parts::default();
    let mut held = None;
    for section in sections {
        let bytes = section.bytes;
        match section.number {
            MEMORY => parts.memory = memory::decode(bytes)?,
            TAGS => parts.tags = Some(Part::Full(tags::decode_full(bytes)?)),
            TAGS_DELTA | TAGS_DELTA_TO_BEFORE => {
                let base = base.and_then(BaseTables::tags).ok_or(Malformed)?;
                let against = match section.number {
                    TAGS_DELTA => Against::Expected,
                    _ => Against::Before,
                };
                parts.tags = Some(Part::Changes(Delta::read(base, bytes, against)?));
            }
            PROCESSES => parts.processes = Some(Part::Full(table::decode_full(bytes)?)),
            PROCESSES_DELTA => {
                let base = base.and_then(BaseTables::processes).ok_or(Malformed)?;
                parts.processes = Some(Part::Changes(Delta::read(base, bytes, Against::Before)?));
            }
            OBJECT_TYPES => parts.object_types = Some(Part::Full(table::decode_full(bytes)?)),
            OBJECT_TYPES_DELTA => {
                let base = base.and_then(BaseTables::object_types).ok_or(Malformed)?;
                parts.object_types =
                    Some(Part::Changes(Delta::read(base, bytes, Against::Before)?));
            }
            COST => parts.cost = Some(small::decode_cost(bytes)?),
            FAULTS => parts.faults = small::decode_faults(bytes)?,
            ACTIVITY => parts.activity = activity::decode_activity(bytes)?,
            HANDLES_BY_TYPE => parts.handles_by_type = activity::decode_handles(bytes)?,
            POOL_FAILURES => parts.pool_failures = Some(small::decode_pool_failures(bytes)?),
            HOLDINGS => held = Some(small::decode_holdings(bytes)?),
            _ => {}
        }
    }
    if let Some(cost) = &mut parts.cost {
        cost.held = held;
    }
    Ok(parts)
}

/// Makes sure that parts can be applied to the snapshot that they were read against.
pub(super) fn check(base: &Snapshot, parts: &Parts<'_>) -> Result<(), Malformed> {
    fn check<T, R: Row>(
        rows: Option<&[R]>,
        part: Option<&Part<'_, T, R>>,
    ) -> Result<(), Malformed> {
        match (rows, part) {
            (Some(rows), Some(Part::Changes(delta))) => delta.check(rows),
            _ => Ok(()),
        }
    }
    check(base.tags.as_ref().map(|table| &table.rows[..]), parts.tags.as_ref())?;
    check(base.processes.as_deref(), parts.processes.as_ref())?;
    check(base.object_types.as_deref(), parts.object_types.as_ref())
}

/// The snapshot that parts make of the one that they were read and checked against, and what of it
/// moved.
pub(super) fn assemble(base: Option<Snapshot>, parts: Parts<'_>, moves: &mut Moves) -> Snapshot {
    let base = base.unwrap_or_default();
    moves.tags.begin(false);
    let tags = match (parts.tags, base.tags) {
        (None, _) | (Some(Part::Changes(_)), None) => None,
        (Some(Part::Full(table)), _) => Some(table),
        (Some(Part::Changes(delta)), Some(mut table)) => {
            moves.tags.begin(true);
            delta.apply(&mut table.rows, &mut moves.tags);
            Some(table)
        }
    };
    let processes = rows(base.processes, parts.processes, &mut moves.processes);
    let object_types = rows(base.object_types, parts.object_types, &mut moves.object_types);
    let Parts { memory, activity, handles_by_type, pool_failures, cost, faults, .. } = parts;
    Snapshot {
        memory,
        tags,
        processes,
        object_types,
        activity,
        handles_by_type,
        pool_failures,
        cost,
        faults,
    }
}

fn rows<R: Row>(
    base: Option<Vec<R>>,
    part: Option<Part<'_, Vec<R>, R>>,
    moves: &mut TableMoves,
) -> Option<Vec<R>> {
    moves.begin(false);
    match part? {
        Part::Full(rows) => Some(rows),
        Part::Changes(delta) => {
            let mut rows = base?;
            moves.begin(true);
            delta.apply(&mut rows, moves);
            Some(rows)
        }
    }
}

impl<'a> Envelope<'a> {
    /// The system-wide figures: sent in full even in a delta, so they can be read without its base.
    ///
    /// # Errors
    /// When the section is malformed.
    pub fn memory(&self) -> Result<Option<Memory>, Malformed> {
        let section = self.sections.iter().find(|section| section.number == MEMORY);
        section.map(|section| memory::decode(section.bytes)).transpose()
    }

    /// What the frame brings. `base` holds the tables of the frame that it is relative to; whether
    /// that is the right one is for the caller to see to. An added row may bear the key of one that
    /// stays: who merges them has to refuse that.
    ///
    /// # Errors
    /// When a section is malformed, or relative to a table that `base` does not have.
    pub fn parts<B: BaseTables>(&self, base: Option<&B>) -> Result<Parts<'a>, Malformed> {
        read(base, &self.sections)
    }
}

/// Postcard for the parts that have a shape of their own.
fn to_postcard<T: serde::Serialize>(value: &T) -> Vec<u8> {
    // Only a type that refuses to serialize itself can fail here, and none of ours does.
    postcard::to_allocvec(value).unwrap_or_default()
}

/// Takes the rows of a sequence one by one: what is beyond the limit is refused before it is read.
fn each_row<'a, R: serde::Deserialize<'a>>(
    bytes: &'a [u8],
    limit: usize,
    mut take: impl FnMut(R) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let mut reader = Reader(bytes);
    for _ in 0..reader.count(limit)? {
        let (row, rest) = postcard::take_from_bytes(reader.0).map_err(|_| Malformed)?;
        reader.0 = rest;
        take(row)?;
    }
    reader.end()
}

/// A name as sent, fit to be stored and shown.
fn name(text: &str) -> Result<String, Malformed> {
    if text.len() > limits::NAME_BYTES {
        return Err(Malformed);
    }
    Ok(printable(text).into_owned())
}

fn from_postcard<'a, T: serde::Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, Malformed> {
    match postcard::take_from_bytes(bytes) {
        Ok((value, [])) => Ok(value),
        _ => Err(Malformed),
    }
}
