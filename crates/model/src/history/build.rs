//! A history from snapshots: what simulated hosts and texts tell.

use std::collections::{BTreeMap, HashMap};

use super::{
    HostHistory, MISSING, Moment, ObjectTypeSeries, ProcessSeries, ProgramSeries, TagSeries,
};
use crate::{
    Bytes, Pool, PoolTag, Snapshot,
    process::{ObjectTypeUse, ProcessKey},
    tag::{AllocCounting, TagTable},
};

pub(super) fn from_snapshots(snapshots: &[(Moment, &Snapshot)]) -> HostHistory {
    let moments = snapshots.len();
    let mut history = HostHistory {
        axis: snapshots.iter().map(|(moment, _)| *moment).collect(),
        pools: [vec![MISSING; moments], vec![MISSING; moments]],
        committed: vec![MISSING; moments],
        live_processes: vec![MISSING; moments],
        ..HostHistory::default()
    };
    let mut tags: HashMap<(PoolTag, Pool), usize> = HashMap::new();
    let mut processes: HashMap<(ProcessKey, String), usize> = HashMap::new();
    let mut programs: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let mut most_processes = 0;
    for (at, (_, snapshot)) in snapshots.iter().enumerate() {
        history.memory = snapshot.memory.or(&history.memory);
        let told = |bytes: Option<Bytes>| bytes.map_or(MISSING, |bytes| bytes.0);
        history.pools[0][at] = told(snapshot.memory.paged);
        history.pools[1][at] = told(snapshot.memory.nonpaged);
        history.committed[at] = told(snapshot.memory.committed);
        let list = snapshot.processes.as_deref().unwrap_or_default();
        // A list that holds the usual ones is the whole list; an excerpt counts nobody.
        let counted = (list.len() > MANY_PROCESSES).then_some(list.len() as u64);
        history.live_processes[at] = snapshot.memory.processes.or(counted).unwrap_or(MISSING);
        if let Some(table) = &snapshot.tags {
            take_tags(&mut history, &mut tags, at, table);
        }
        for (image, operations) in snapshot.operations_by_program() {
            let of_program = programs.entry(image).or_insert_with(|| vec![MISSING; moments]);
            of_program[at] = operations;
        }
        take_types(&mut history, at, snapshot.object_types.as_deref().unwrap_or_default());
        most_processes = most_processes.max(list.len());
        for process in list {
            let identity = (process.key, name_of(process.key, &process.image));
            let place = *processes.entry(identity).or_insert_with(|| {
                history.processes.push(ProcessSeries::unmeasured(process, moments));
                history.processes.len() - 1
            });
            let series = &mut history.processes[place];
            series.handles[at] = process.handles.map_or(MISSING, u64::from);
            series.threads[at] = process.threads.map_or(MISSING, u64::from);
            series.private_bytes[at] = process.private_bytes.unwrap_or(MISSING);
            series.quota[0][at] = process.paged_quota.unwrap_or(MISSING);
            series.quota[1][at] = process.nonpaged_quota.unwrap_or(MISSING);
            if series.services.is_empty() {
                series.services.clone_from(&process.services);
            }
        }
    }
    history.all_processes = most_processes > MANY_PROCESSES;
    history.programs = programs
        .into_iter()
        .map(|(image, mut operations)| {
            for (count, (_, snapshot)) in operations.iter_mut().zip(snapshots) {
                // Who is not among the active ones did nothing.
                if *count == MISSING && !snapshot.activity.is_empty() {
                    *count = 0;
                }
            }
            ProgramSeries { image: image.to_owned(), operations }
        })
        .filter(|program| program.total() > 0)
        .collect();
    history
}

/// Windows runs at least this many processes.
pub const MANY_PROCESSES: usize = 20;

/// Lists that tell no ids give them all the id 0: then names tell processes apart.
fn name_of(key: ProcessKey, image: &str) -> String {
    if key.pid == 0 { image.to_owned() } else { String::new() }
}

fn take_types(history: &mut HostHistory, at: usize, types: &[ObjectTypeUse]) {
    let moments = history.axis.len();
    for (order, told) in types.iter().enumerate() {
        let is_it = |one: &ObjectTypeSeries| one.name == told.name;
        // The kernel lists its types in the same order each time.
        let known = history.object_types.get(order).is_some_and(is_it).then_some(order);
        let place = known.or_else(|| history.object_types.iter().position(is_it));
        let place = place.unwrap_or_else(|| {
            let (objects, handles) = (vec![MISSING; moments], vec![MISSING; moments]);
            history.object_types.push(ObjectTypeSeries {
                name: told.name.clone(),
                objects,
                handles,
            });
            history.object_types.len() - 1
        });
        let series = &mut history.object_types[place];
        series.objects[at] = u64::from(told.objects);
        series.handles[at] = u64::from(told.handles);
    }
}

fn take_tags(
    history: &mut HostHistory,
    places: &mut HashMap<(PoolTag, Pool), usize>,
    at: usize,
    table: &TagTable,
) {
    let moments = history.axis.len();
    for row in &table.rows {
        let tag = row.tag.unprotected();
        for pool in Pool::ALL {
            let of = row.of(pool);
            if of.is_empty() && !places.contains_key(&(tag, pool)) {
                continue;
            }
            let place = *places.entry((tag, pool)).or_insert_with(|| {
                let missing = || vec![MISSING; moments];
                let (bytes, outstanding, allocs) = (missing(), missing(), missing());
                history.tags.push(TagSeries { tag, pool, bytes, outstanding, allocs });
                history.tags.len() - 1
            });
            let series = &mut history.tags[place];
            series.bytes[at] = of.bytes;
            series.outstanding[at] = of.outstanding;
            let same_boot = at > 0 && history.axis[at - 1].boot == history.axis[at].boot;
            let before = series.allocs[..at]
                .last()
                .copied()
                .filter(|before| same_boot && *before != MISSING);
            series.allocs[at] = match table.counting {
                AllocCounting::OutstandingOnly => MISSING,
                AllocCounting::Full64 => of.allocs,
                AllocCounting::Wrapping32 => unwrapped(before, of.allocs),
            };
        }
    }
}

/// The count whose low 32 bits are told, at or after the one before.
#[must_use]
pub fn unwrapped(before: Option<u64>, low: u64) -> u64 {
    let Some(before) = before else { return low };
    before + u64::from((low as u32).wrapping_sub(before as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::{ProcessActivity, ProcessUse};

    #[test]
    fn operations_of_all_processes_of_a_program_are_told_together_and_the_others_did_nothing() {
        let active = |told: &[(u32, u64)]| Snapshot {
            processes: Some(
                [(8, "git.exe"), (12, "git.exe"), (16, "idle.exe"), (20, "other.exe")]
                    .map(|(pid, image)| ProcessUse::new(pid, None, image))
                    .into(),
            ),
            activity: told
                .iter()
                .map(|(pid, others)| ProcessActivity {
                    key: ProcessKey { pid: *pid, created: None },
                    reads: 1,
                    writes: 1,
                    others: *others,
                })
                .collect(),
            ..Snapshot::default()
        };
        let snapshots = [active(&[(8, 3), (12, 4)]), active(&[]), active(&[(20, 5)])];
        let moment = |at_s| Moment { at_s, boot: 0, uptime_s: None };
        let timed: Vec<(Moment, &Snapshot)> =
            (0..).map(|at| moment(at * 60)).zip(&snapshots).collect();
        let programs = HostHistory::from_snapshots(&timed).programs;
        let program = |image: &str, operations: [u64; 3]| ProgramSeries {
            image: image.to_owned(),
            operations: operations.to_vec(),
        };
        let expected = [program("git.exe", [7, MISSING, 0]), program("other.exe", [0, MISSING, 5])];
        assert_eq!(programs, expected);
    }

    #[test]
    fn allocation_counts_go_on_past_thirty_two_bits() {
        let mut count = None;
        for (low, expected) in
            [(0xFFFF_FF00_u64, 0xFFFF_FF00), (0x10, 0x1_0000_0010), (0x20, 0x1_0000_0020)]
        {
            count = Some(unwrapped(count, low));
            assert_eq!(count, Some(expected));
        }
    }
}
