//! What was measured of a host over a period, straight from the columns of its chunks. These are read
//! one after the other. First all rows are looked at for what they gained, then the values are taken of
//! those that are wanted.

mod axis;
mod look;
mod processes;
mod programs;
mod tags;

use axis::{Part, Period};
use jiff::Timestamp;
use look::Looked;
use poolwatch_model::{
    Bytes, HostId, Snapshot,
    history::{HostHistory, MANY_PROCESSES, MISSING, ObjectTypeSeries, WantedSeries},
    memory::Memory,
};
use processes::Processes;
use sqlx::PgConnection;
use tags::{TagColumns, TagLook};

use super::{
    past::last_taken,
    whole::{self, Whole},
};
use crate::{
    Result, boots,
    chunk::{MEMORY_FIGURES, snapshot},
};

/// What is looked at twice is kept in between, thin; beyond so many bytes it is read again.
const HELD_BYTES: usize = 9 << 19;

/// What was measured of a host: the least of every hour until `fine_from`, then of every ten minutes
/// (of every hour where no more is kept), and the latest snapshot as it was taken instead of the last
/// of these. A day that reaches into the fine part is fine as a whole. Of a period that holds too many
/// moments, the latest. Of tags and processes the series that are wanted. What is told by a damaged
/// chunk is left out. Empty when nothing is stored.
///
/// # Errors
/// When the database fails.
pub async fn host_history(
    db: &mut PgConnection,
    host: HostId,
    (from, fine_from, to): (Timestamp, Timestamp, Timestamp),
    wanted: &WantedSeries,
) -> Result<HostHistory> {
    let latest = last_taken(db, host, from, to).await?;
    let snapshot = latest.as_ref().map(|latest| &latest.last.snapshot);
    let period = Period { from, fine_from, to };
    let mut parts: Vec<Looked> = Vec::new();
    let mut look = TagLook::new(latest.as_ref());
    let mut room = axis::MAX_MOMENTS;
    let mut held_room = HELD_BYTES;
    let found = whole::plan_history(db, host, from, fine_from, to).await?;
    'all: for batch in found.chunk_by(Whole::are_read_together).rev() {
        for (found, packed) in whole::pack(db, host, batch).await?.into_iter().rev() {
            let part = Part::new(found, &packed, period, latest.as_ref(), room);
            let Ok(part) = part else { continue };
            if part.groups.is_empty() {
                continue;
            }
            // A chunk that is damaged is left out.
            let Ok(mut looked) = Looked::new(part, found, &packed) else { continue };
            let Ok(held) = look.add(&looked.part, &packed) else { continue };
            room -= looked.part.groups.len();
            if held.size() <= held_room {
                held_room -= held.size();
                looked.held = Some(held);
            }
            parts.push(looked);
            if room == 0 {
                break 'all;
            }
        }
    }
    let mut numbers: Vec<i32> = parts.iter().flat_map(|one| one.part.boots()).collect();
    numbers.sort_unstable();
    numbers.dedup();
    let begun = boots::begun(db, host, &numbers).await?;
    let axis = axis::join(parts.iter_mut().map(|one| &mut one.part), latest.as_ref(), &begun);
    let mut history = HostHistory { axis, ..HostHistory::default() };
    let moments = history.axis.len();
    take_memory(&mut history, &parts, snapshot);
    take_types(&mut history, &parts, snapshot);
    take_processes(&mut history, &parts, snapshot, wanted);
    history.programs = programs::choose(&parts, snapshot, wanted, moments);
    parts.iter_mut().for_each(Looked::forget_processes);
    let counting = axis::counting(parts.iter().map(|one| &one.part), snapshot, moments);
    let mut columns = TagColumns::new(look.choose(wanted), moments);
    let mut stored: Vec<(Whole, Part)> = Vec::with_capacity(parts.len());
    for Looked { part, found, held, .. } in parts {
        match held {
            // What a damaged chunk tells of a tag is not known.
            Some(held) => columns.add_held(&part, held).unwrap_or_default(),
            None => stored.push((found, part)),
        }
    }
    for batch in stored.chunk_by(|(one, _), (next, _)| one.are_read_together(next)) {
        let found: Vec<Whole> = batch.iter().map(|(found, _)| *found).collect();
        for (found, packed) in whole::pack(db, host, &found).await? {
            let part = batch.iter().find(|(one, _)| *one == found).map(|(_, part)| part);
            part.map_or(Ok(()), |part| columns.add(part, &packed)).unwrap_or_default();
        }
    }
    if let (Some(table), Some(last)) =
        (snapshot.and_then(|latest| latest.tags.as_ref()), moments.checked_sub(1))
    {
        columns.add_table(table, last);
    }
    history.tags = columns.finish(&history.axis, &counting);
    Ok(history)
}

/// Of the system-wide figures those that are told over time, and the latest of all.
fn take_memory(history: &mut HostHistory, parts: &[Looked], latest: Option<&Snapshot>) {
    let moments = history.axis.len();
    let mut columns = vec![vec![MISSING; moments]; MEMORY_FIGURES];
    for (column, figure) in columns.iter_mut().zip(0..) {
        for looked in parts {
            let values = &looked.memory[figure];
            looked.part.places().for_each(|(group, at)| column[at] = values[group]);
        }
    }
    let newest =
        |figure: usize| columns.get(figure)?.iter().rev().copied().find(|value| *value != MISSING);
    history.memory = snapshot::memory(newest);
    let mut of = |figure: usize| std::mem::take(&mut columns[figure]);
    history.pools = [of(0), of(1)];
    history.committed = of(8);
    history.live_processes = of(14);
    if let (Some(latest), Some(last)) = (latest, moments.checked_sub(1)) {
        let Memory { paged, nonpaged, committed, processes, .. } = &latest.memory;
        let told = |bytes: Option<Bytes>| bytes.map_or(MISSING, |bytes| bytes.0);
        history.pools[0][last] = told(*paged);
        history.pools[1][last] = told(*nonpaged);
        history.committed[last] = told(*committed);
        history.live_processes[last] = processes.unwrap_or(MISSING);
        history.memory = latest.memory.or(&history.memory);
    }
}

fn take_types(history: &mut HostHistory, parts: &[Looked], latest: Option<&Snapshot>) {
    let moments = history.axis.len();
    let mut types: Vec<ObjectTypeSeries> = Vec::new();
    let place_of = |types: &mut Vec<ObjectTypeSeries>, name: &str, near: usize| {
        let is_it = |one: &ObjectTypeSeries| one.name == name;
        // Lists of types are in the same order nearly always.
        let known = types.get(near).is_some_and(is_it).then_some(near);
        known.or_else(|| types.iter().position(is_it)).unwrap_or_else(|| {
            let (objects, handles) = (vec![MISSING; moments], vec![MISSING; moments]);
            types.push(ObjectTypeSeries { name: name.to_owned(), objects, handles });
            types.len() - 1
        })
    };
    for looked in parts {
        for (near, (name, [objects, handles])) in looked.types.iter().enumerate() {
            let series = place_of(&mut types, name, near);
            let count = |value: u64| value.min(u32::MAX.into());
            for (group, at) in looked.part.places() {
                if objects[group] != MISSING && handles[group] != MISSING {
                    types[series].objects[at] = count(objects[group]);
                    types[series].handles[at] = count(handles[group]);
                }
            }
        }
    }
    if let Some(last) = moments.checked_sub(1) {
        let told = latest.and_then(|latest| latest.object_types.as_deref()).unwrap_or_default();
        for (near, told) in told.iter().enumerate() {
            let series = place_of(&mut types, &told.name, near);
            types[series].objects[last] = told.objects.into();
            types[series].handles[last] = told.handles.into();
        }
    }
    types.retain(|one| one.objects.iter().any(|value| *value != MISSING));
    types.sort_by(|one, other| one.name.cmp(&other.name));
    history.object_types = types;
}

/// Where the count of processes is not told, a list that holds the usual ones tells it.
fn take_processes(
    history: &mut HostHistory,
    parts: &[Looked],
    latest: Option<&Snapshot>,
    wanted: &WantedSeries,
) {
    let all = Processes::new(parts, latest, history.axis.len());
    let counts = all.counts();
    for (live, count) in history.live_processes.iter_mut().zip(&counts) {
        if *live == MISSING && *count > MANY_PROCESSES {
            *live = *count as u64;
        }
    }
    let lacks = parts.iter().any(|one| one.lacks_processes);
    history.all_processes = !lacks && counts.iter().any(|count| *count > MANY_PROCESSES);
    history.processes = all.choose(wanted);
}
