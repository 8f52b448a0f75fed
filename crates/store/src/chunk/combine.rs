//! Chunks from chunks: an hour from two makings of it, a day from its hours, hours from 10 minutes.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::{
    Chunk, Column, MAX_SLOTS, MEMORY_FIGURES, PROCESS_FIGURES, PROGRAM_FIGURES, Slot, Stat,
    TAG_FIGURES, TYPE_FIGURES, Table,
    build::{keep_busiest, keep_telling},
};

/// A slot of one of several chunks.
type Place = (usize, usize);

/// One chunk from `start` on, with the points of all of these. Of a point that is in several, the
/// one made of most snapshots is taken, and of equals the last. `None` without points.
#[must_use]
pub fn join(start: Timestamp, chunks: &[Chunk]) -> Option<Chunk> {
    let step_s = chunks.first()?.step_s;
    let mut best: BTreeMap<(i64, i32), (Place, Slot)> = BTreeMap::new();
    for (from, chunk) in chunks.iter().enumerate() {
        let shift = chunk.start.as_second() - start.as_second();
        for (at, slot) in chunk.slots.iter().enumerate() {
            let Ok(offset_s) = u32::try_from(i64::from(slot.offset_s) + shift) else { continue };
            let slot = Slot { offset_s, ..*slot };
            // The same step of the same boot, wherever in it the boot began.
            let step = (i64::from(offset_s / step_s), slot.boot_no);
            let kept = best.get(&step).map_or(0, |(_, kept)| kept.samples);
            if slot.samples >= kept {
                best.insert(step, ((from, at), slot));
            }
        }
    }
    let mut chosen: Vec<(Place, Slot)> = best.into_values().collect();
    chosen.sort_by_key(|(_, slot)| (slot.offset_s, slot.boot_no));
    chosen.truncate(MAX_SLOTS);
    if chosen.is_empty() {
        return None;
    }
    let slots: Vec<Slot> = chosen.iter().map(|(_, slot)| *slot).collect();
    let places: Vec<Place> = chosen.iter().map(|(place, _)| *place).collect();
    let zero =
        |at: usize| slots[at].tags.is_some_and(|tags| tags.complete).then_some(Stat::constant(0));
    // A program that is not among the active ones did nothing.
    let idle = |at: usize| {
        let (from, slot) = places[at];
        chunks[from].programs.tells(slot).then_some(Stat::constant(0))
    };
    let memory = (0..MEMORY_FIGURES)
        .map(|figure| column(&places, |from, slot| chunks[from].memory[figure].at(slot)))
        .collect();
    Some(Chunk {
        start,
        step_s,
        memory,
        types: table(&places, TYPE_FIGURES, &|from| &chunks[from].types, |_| None),
        tags: table(&places, TAG_FIGURES, &|from| &chunks[from].tags, zero),
        processes: keep_telling(latest_names(table(
            &places,
            PROCESS_FIGURES,
            &|from| &chunks[from].processes,
            |_| None,
        ))),
        programs: keep_busiest(table(
            &places,
            PROGRAM_FIGURES,
            &|from| &chunks[from].programs,
            idle,
        )),
        slots,
    })
}

/// The points of some time of a chunk, as a chunk of its own; `None` when there are none.
#[must_use]
pub fn part(chunk: &Chunk, start: Timestamp, length_s: i64) -> Option<Chunk> {
    fn thinned<K: Clone>(table: &Table<K>, thin: impl Fn(&Column) -> Column) -> Table<K> {
        let row = |row: &Vec<Column>| row.iter().map(&thin).collect();
        Table { keys: table.keys.clone(), rows: table.rows.iter().map(row).collect() }
    }
    /// Without those of which nothing is told then.
    fn told<K>(table: Table<K>) -> Table<K> {
        let is_told = |row: &Vec<Column>| row.iter().any(|column| *column != Column::Absent);
        let rows = table.keys.into_iter().zip(table.rows).filter(|(_, row)| is_told(row));
        let (keys, rows) = rows.unzip();
        Table { keys, rows }
    }
    let shift = start.as_second() - chunk.start.as_second();
    let offset_s = |slot: &Slot| i64::from(slot.offset_s) - shift;
    let kept: Vec<usize> = (0..chunk.slots.len())
        .filter(|at| (0..length_s).contains(&offset_s(&chunk.slots[*at])))
        .collect();
    if kept.is_empty() {
        return None;
    }
    let thin = |column: &Column| match column {
        Column::Varied(_) => Column::new(kept.iter().map(|at| column.at(*at))),
        same => same.clone(),
    };
    let slot = |at: &usize| {
        let slot = chunk.slots[*at];
        Slot { offset_s: u32::try_from(offset_s(&slot)).unwrap_or(0), ..slot }
    };
    Some(Chunk {
        start,
        step_s: chunk.step_s,
        slots: kept.iter().map(slot).collect(),
        memory: chunk.memory.iter().map(thin).collect(),
        types: told(thinned(&chunk.types, thin)),
        tags: thinned(&chunk.tags, thin),
        processes: told(thinned(&chunk.processes, thin)),
        programs: told(thinned(&chunk.programs, thin)),
    })
}

/// The same with fewer points: steps of `step_s`, a multiple of the chunk's.
#[must_use]
pub fn coarsen(chunk: &Chunk, step_s: u32) -> Chunk {
    let groups = group_slots(&chunk.slots, step_s);
    let counter = |figure: usize| figure % 3 == 2;
    let merge = |column: &Column, counter: bool| match column {
        Column::Absent | Column::Constant(_) => column.clone(),
        Column::Varied(_) => {
            let merged = groups.iter().map(|(_, members)| {
                let mut known = members
                    .iter()
                    .filter_map(|at| Some((column.at(*at)?, chunk.slots[*at].samples)));
                if counter { known.next_back().map(|(stat, _)| stat) } else { mean(known) }
            });
            Column::new(merged.collect::<Vec<_>>().iter().copied())
        }
    };
    let sum = |column: &Column| {
        let summed = groups.iter().map(|(_, members)| {
            let known = members.iter().filter_map(|at| column.at(*at));
            let sum = known.map(|stat| stat.mean).reduce(u64::saturating_add);
            sum.map(Stat::constant)
        });
        Column::new(summed.collect::<Vec<_>>())
    };
    fn merged<K: Clone>(table: &Table<K>, merge: impl Fn(&Column, usize) -> Column) -> Table<K> {
        let row =
            |row: &Vec<Column>| row.iter().enumerate().map(|(at, one)| merge(one, at)).collect();
        Table { keys: table.keys.clone(), rows: table.rows.iter().map(row).collect() }
    }
    Chunk {
        start: chunk.start,
        step_s,
        memory: chunk.memory.iter().map(|column| merge(column, false)).collect(),
        types: merged(&chunk.types, |column, _| merge(column, false)),
        tags: merged(&chunk.tags, |column, figure| merge(column, counter(figure))),
        processes: merged(&chunk.processes, |column, _| merge(column, false)),
        programs: merged(&chunk.programs, |column, _| sum(column)),
        slots: groups.iter().map(|(slot, _)| *slot).collect(),
    }
}

/// The points that points of `step_s` seconds are made of, by their places.
pub(crate) fn group_slots(slots: &[Slot], step_s: u32) -> Vec<(Slot, Vec<usize>)> {
    let mut groups: Vec<(Slot, Vec<usize>)> = Vec::new();
    for (at, slot) in slots.iter().enumerate() {
        let same = |(first, _): &(Slot, _)| {
            first.boot_no == slot.boot_no && first.offset_s / step_s == slot.offset_s / step_s
        };
        // Slots of several boots may lie in one step: few, and at the end.
        match groups.iter_mut().rev().take(MANY_BOOTS).find(|group| same(group)) {
            Some((first, members)) => {
                first.samples = first.samples.saturating_add(slot.samples);
                first.tags = match (first.tags, slot.tags) {
                    (Some(before), Some(mut tags)) => {
                        tags.complete &= before.complete;
                        Some(tags)
                    }
                    (before, tags) => tags.or(before),
                };
                members.push(at);
            }
            None => {
                let step = slot.offset_s / step_s;
                let begun = groups.iter().rev().take(MANY_BOOTS);
                let begun =
                    begun.map(|(first, _)| first.offset_s / step_s).any(|other| other == step);
                let offset_s = if begun { slot.offset_s } else { step * step_s };
                groups.push((Slot { offset_s, ..*slot }, vec![at]));
            }
        }
    }
    groups
}

/// Boots in one step that are told apart when points are merged.
const MANY_BOOTS: usize = 64;

/// One figure from several, each weighted by the snapshots it stands for.
pub(crate) fn mean(stats: impl Iterator<Item = (Stat, u32)>) -> Option<Stat> {
    let (mut min, mut max, mut sum, mut count) = (u64::MAX, 0, 0_u128, 0_u128);
    for (stat, samples) in stats {
        min = min.min(stat.min);
        max = max.max(stat.max);
        let samples = u128::from(samples.max(1));
        sum += u128::from(stat.mean) * samples;
        count += samples;
    }
    let mean = u64::try_from(sum.checked_div(count)?).unwrap_or(u64::MAX);
    Some(Stat { min, mean, max })
}

fn column(places: &[Place], value: impl Fn(usize, usize) -> Option<Stat>) -> Column {
    Column::new(places.iter().map(|(from, slot)| value(*from, *slot)))
}

fn table<'a, K: Ord + Clone + 'a>(
    places: &[Place],
    figures: usize,
    table_of: &dyn Fn(usize) -> &'a Table<K>,
    missing: impl Fn(usize) -> Option<Stat>,
) -> Table<K> {
    let used: BTreeSet<usize> = places.iter().map(|(from, _)| *from).collect();
    let mut keys: Vec<&K> = used.iter().flat_map(|from| &table_of(*from).keys).collect();
    keys.sort_unstable();
    keys.dedup();
    let most = used.last().map_or(0, |last| last + 1);
    let mut rows = Vec::with_capacity(keys.len());
    // Where the row is in each chunk; keys are walked in order everywhere.
    let mut next = vec![0; most];
    for key in &keys {
        let mut found: Vec<Option<&[Column]>> = vec![None; most];
        for from in &used {
            let table = table_of(*from);
            if table.keys.get(next[*from]) == Some(*key) {
                found[*from] = Some(&table.rows[next[*from]]);
                next[*from] += 1;
            }
        }
        let figure = |figure: usize| {
            let value = |(at, (from, slot)): (usize, &Place)| match found[*from] {
                Some(row) => row[figure].at(*slot),
                None => missing(at),
            };
            Column::new(places.iter().enumerate().map(value))
        };
        rows.push((0..figures).map(figure).collect());
    }
    Table { keys: keys.into_iter().cloned().collect(), rows }
}

/// A process whose services changed is one process all the same: rows with one key become one, named
/// as the last.
fn latest_names(table: Table<super::ProcessName>) -> Table<super::ProcessName> {
    let mut keys: Vec<super::ProcessName> = Vec::with_capacity(table.keys.len());
    let mut rows: Vec<Vec<Column>> = Vec::with_capacity(table.rows.len());
    for (name, row) in table.keys.into_iter().zip(table.rows) {
        match (keys.last_mut(), rows.last_mut()) {
            (Some(last), Some(kept)) if last.key == name.key => {
                for (kept, column) in kept.iter_mut().zip(&row) {
                    *kept = either(kept, column);
                }
                *last = name;
            }
            _ => {
                keys.push(name);
                rows.push(row);
            }
        }
    }
    Table { keys, rows }
}

fn either(one: &Column, other: &Column) -> Column {
    match (one, other) {
        (Column::Absent, column) | (column, Column::Absent) => column.clone(),
        _ => {
            let slots = |column: &Column| match column {
                Column::Varied(values) => values.len(),
                _ => 0,
            };
            let slots = slots(one).max(slots(other)).max(1);
            Column::new((0..slots).map(|slot| one.at(slot).or(other.at(slot))))
        }
    }
}
