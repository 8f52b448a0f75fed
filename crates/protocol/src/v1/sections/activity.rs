//! Sections 12 and 13: what processes did since the snapshot before, and what their handles lead to.
//! Neither is relative to another frame.

use poolwatch_model::process::{ProcessActivity, ProcessHandles, ProcessKey};

use super::{
    each_row, name,
    processes::{from_filetime, to_filetime},
    to_postcard,
};
use crate::{limits, v1::wire::Malformed};

/// Process id and creation time, then reads, writes and other operations.
type ActivityRow = (u32, u64, u64, u64, u64);
/// Process id and creation time, then a type's name and handles of that type.
type HandlesRow<'a> = (u32, u64, &'a str, u32);

pub(super) fn encode_activity(rows: &[ProcessActivity]) -> Vec<u8> {
    let row = |one: &ProcessActivity| -> ActivityRow {
        (one.key.pid, created(one.key), one.reads, one.writes, one.others)
    };
    to_postcard(&rows.iter().map(row).collect::<Vec<_>>())
}

pub(super) fn decode_activity(bytes: &[u8]) -> Result<Vec<ProcessActivity>, Malformed> {
    let mut rows: Vec<ProcessActivity> = Vec::new();
    each_row(bytes, limits::ACTIVE_PROCESSES, |row: ActivityRow| {
        let (pid, created, reads, writes, others) = row;
        let key = ProcessKey { pid, created: from_filetime(created)? };
        is_after(rows.last().map(|last| last.key), key)?;
        rows.push(ProcessActivity { key, reads, writes, others });
        Ok(())
    })?;
    Ok(rows)
}

pub(super) fn encode_handles(processes: &[ProcessHandles]) -> Vec<u8> {
    let rows = processes.iter().flat_map(|one| {
        let created = created(one.key);
        one.by_type.iter().map(move |(name, count)| (one.key.pid, created, name.as_str(), *count))
    });
    to_postcard(&rows.collect::<Vec<HandlesRow<'_>>>())
}

pub(super) fn decode_handles(bytes: &[u8]) -> Result<Vec<ProcessHandles>, Malformed> {
    let mut processes: Vec<ProcessHandles> = Vec::new();
    each_row(bytes, limits::HANDLE_COUNTS, |row: HandlesRow<'_>| {
        let (pid, created, type_name, count) = row;
        let key = ProcessKey { pid, created: from_filetime(created)? };
        let type_name = name(type_name)?;
        match processes.last_mut().filter(|last| last.key == key) {
            Some(last) => {
                if last.by_type.insert(type_name, count).is_some() {
                    return Err(Malformed);
                }
            }
            None => {
                is_after(processes.last().map(|last| last.key), key)?;
                if processes.len() == limits::EXAMINED_PROCESSES {
                    return Err(Malformed);
                }
                processes.push(ProcessHandles { key, by_type: [(type_name, count)].into() });
            }
        }
        Ok(())
    })?;
    Ok(processes)
}

fn created(key: ProcessKey) -> u64 {
    key.created.map_or(0, to_filetime)
}

/// Rows are sorted, and no process comes twice.
fn is_after(last: Option<ProcessKey>, key: ProcessKey) -> Result<(), Malformed> {
    if last.is_some_and(|last| last >= key) { Err(Malformed) } else { Ok(()) }
}
