//! Which programs' files are told.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, btree_map::Entry},
};

use poolwatch_model::process::ProcessUse;

/// Programs by each of handles, threads and quota, and in all.
const EACH: usize = 25;
const ALL: usize = 50;

/// The processes whose files are told: of the programs with most handles, threads or quota one each.
#[must_use]
pub fn choose(processes: &[ProcessUse]) -> Vec<&ProcessUse> {
    let quota = |one: &ProcessUse| {
        one.paged_quota.unwrap_or(0).saturating_add(one.nonpaged_quota.unwrap_or(0))
    };
    let amounts: [&dyn Fn(&ProcessUse) -> u64; 3] =
        [&|one| one.handles.unwrap_or(0).into(), &|one| one.threads.unwrap_or(0).into(), &quota];
    let mut chosen: BTreeMap<String, &ProcessUse> = BTreeMap::new();
    for amount in amounts {
        let mut most: Vec<&ProcessUse> =
            processes.iter().filter(|one| one.key.pid > 4 && amount(one) > 0).collect();
        most.sort_by_key(|one| (Reverse(amount(one)), one.key));
        let mut taken = 0;
        for process in most {
            if taken == EACH || chosen.len() == ALL {
                break;
            }
            if let Entry::Vacant(program) = chosen.entry(process.image.to_ascii_lowercase()) {
                program.insert(process);
                taken += 1;
            }
        }
    }
    chosen.into_values().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_with_most_of_anything_are_chosen_once() {
        let process = |pid: u32, image: &str, handles, threads| {
            let mut process = ProcessUse::new(pid, None, image);
            process.handles = Some(handles);
            process.threads = Some(threads);
            process
        };
        let mut processes = vec![
            process(4, "System", 9_000, 200),
            process(416, "leaky.exe", 90_000, 4),
            process(420, "LEAKY.exe", 80_000, 4),
            process(424, "busy.exe", 1, 900),
        ];
        for number in 0..100 {
            processes.push(process(1000 + number, &format!("app{number}.exe"), 100 + number, 5));
        }
        let chosen = choose(&processes);
        assert_eq!(chosen.len(), ALL);
        let pids = |image: &str| {
            let of = chosen.iter().filter(|one| one.image.eq_ignore_ascii_case(image));
            of.map(|one| one.key.pid).collect::<Vec<_>>()
        };
        assert_eq!((pids("leaky.exe"), pids("busy.exe")), (vec![416], vec![424]));
        assert_eq!(pids("System"), [0; 0]);
    }
}
