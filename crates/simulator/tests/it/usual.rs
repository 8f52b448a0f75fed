//! What hosts look like whether or not something is planted.

use std::collections::BTreeSet;

use poolwatch_model::{Pool, Snapshot, process::ProcessUse};
use poolwatch_protocol::v1::StampedSnapshot;
use poolwatch_simulator::{Fleet, HostSim, Plant, Scenario};

use crate::{counters, epoch, minutes_from};

fn quiet(hosts: usize) -> Fleet {
    Fleet::of(Scenario { seed: 1, hosts, epoch: epoch(), plant: Plant::NOTHING })
}

fn minute_by_minute(host: &mut HostSim, from: i64, to: i64) -> Vec<StampedSnapshot> {
    (from..=to).filter_map(|minute| host.snapshot_at(minutes_from(epoch(), minute))).collect()
}

#[test]
fn a_quarter_of_1500_tags_changes_in_a_minute() {
    let fleet = quiet(10);
    let (mut tags, mut changed) = (0, 0);
    for index in 0..10 {
        let taken = minute_by_minute(&mut fleet.simulate(index), -10, 0);
        for pair in taken.windows(2) {
            let rows = |at: usize| &pair[at].snapshot.tags.as_ref().unwrap().rows;
            tags += rows(0).len();
            changed +=
                rows(0).iter().zip(rows(1)).filter(|(before, after)| before != after).count();
        }
    }
    let mean = tags / 100;
    assert!((1350..1650).contains(&mean), "{mean} tags");
    let share = changed as f64 / tags as f64;
    assert!((0.225..0.275).contains(&share), "{share}");
}

#[test]
fn tags_and_a_small_remainder_make_up_the_pools() {
    let fleet = Fleet::new(1, 12, epoch());
    for index in 0..12 {
        let Some(taken) = fleet.simulate(index).snapshot_at(epoch()) else { continue };
        let tags = taken.snapshot.tags.as_ref().unwrap();
        for pool in Pool::ALL {
            let (total, tagged) = (taken.snapshot.memory.of(pool).unwrap().0, tags.total(pool));
            assert_eq!(total % 4096, 0);
            let remainder = total.checked_sub(tagged).expect("tags within the total");
            assert!(remainder < total / 20 + (1 << 20), "{remainder} of {total}");
        }
    }
}

#[test]
fn processes_threads_handles_and_objects_agree() {
    let fleet = Fleet::new(1, 12, epoch());
    for index in 1..12 {
        let Some(taken) = fleet.simulate(index).snapshot_at(epoch()) else { continue };
        let Snapshot { memory, processes, object_types, .. } = &taken.snapshot;
        let processes = processes.as_ref().unwrap();
        assert!((100..=260).contains(&processes.len()), "{}", processes.len());
        assert!(processes.windows(2).all(|pair| pair[0].key < pair[1].key));
        let pids: BTreeSet<u32> = processes.iter().map(|process| process.key.pid).collect();
        assert_eq!(pids.len(), processes.len());
        let sum = |of: fn(&ProcessUse) -> Option<u32>| {
            processes.iter().map(|process| u64::from(of(process).unwrap())).sum::<u64>()
        };
        assert_eq!(memory.handles, Some(sum(|process| process.handles)));
        assert_eq!(memory.threads, Some(sum(|process| process.threads)));
        let types = object_types.as_ref().unwrap();
        assert!(types.windows(2).all(|pair| pair[0].name < pair[1].name));
        let handles: u64 = types.iter().map(|of| u64::from(of.handles)).sum();
        assert_eq!(memory.handles, Some(handles));
        for (name, tag, pool) in [
            ("Thread", "Thre", Pool::Nonpaged),
            ("Process", "Proc", Pool::Nonpaged),
            ("File", "File", Pool::Nonpaged),
            ("Token", "Toke", Pool::Paged),
        ] {
            let of = types.iter().find(|of| of.name == name).unwrap();
            let outstanding = counters(&taken.snapshot, pool, tag).outstanding;
            assert_eq!(u64::from(of.objects), outstanding, "{name}");
            assert!(of.peak_objects >= of.objects);
        }
        let threads = types.iter().find(|of| of.name == "Thread").unwrap().objects;
        assert!(u64::from(threads).abs_diff(memory.threads.unwrap()) < 100);
        assert!(memory.committed <= memory.commit_limit && memory.available < memory.physical);
        assert!(memory.resident_available < memory.physical);
    }
}

#[test]
fn counters_never_go_back_within_a_boot_except_where_32_bits_end() {
    let fleet = Fleet::new(1, 6, epoch());
    let mut wrapped = 0;
    for index in 0..6 {
        let taken = minute_by_minute(&mut fleet.simulate(index), -400, 0);
        for pair in taken.windows(2).filter(|pair| pair[0].stamp.boot == pair[1].stamp.boot) {
            let before = pair[0].snapshot.tags.as_ref().unwrap();
            let after = pair[1].snapshot.tags.as_ref().unwrap();
            for (old, new) in before.rows.iter().zip(&after.rows) {
                for pool in Pool::ALL {
                    let (old, new) = (old.of(pool), new.of(pool));
                    let step = |before: u64, after: u64| (after as u32).wrapping_sub(before as u32);
                    let allocated = step(old.allocs, new.allocs);
                    let frees = |of| before.frees(of).unwrap();
                    let freed = step(frees(old), frees(new));
                    assert!(allocated < 1 << 31 && freed < 1 << 31, "{old:?} {new:?}");
                    wrapped += usize::from(new.allocs < old.allocs);
                }
            }
        }
    }
    assert!(wrapped > 0, "some counters wrap within hours");
}

#[test]
fn healthy_hosts_do_not_grow_from_one_day_to_the_next() {
    let fleet = quiet(8);
    for index in 0..8 {
        let mut host = fleet.simulate(index);
        let before = host.snapshot_at(minutes_from(epoch(), -1440));
        let after = host.snapshot_at(epoch());
        let (Some(before), Some(after)) = (before, after) else { continue };
        // Caches fill for less than seven hours after a start.
        if before.stamp.boot != after.stamp.boot || before.stamp.uptime_ms < 7 * 3_600_000 {
            continue;
        }
        for pool in Pool::ALL {
            let [old, new] = [&before, &after].map(|t| t.snapshot.memory.of(pool).unwrap().0);
            assert!(new < old + old / 50, "{}: {pool} {old} to {new}", host.plan().name);
        }
        let rows = |of: &StampedSnapshot| of.snapshot.tags.clone().unwrap().rows;
        for (old, new) in rows(&before).iter().zip(rows(&after)) {
            for pool in Pool::ALL {
                let (old_bytes, new_bytes) = (old.of(pool).bytes, new.of(pool).bytes);
                let room = old_bytes / 10 + (256 << 10);
                assert!(new_bytes <= old_bytes + room, "{}: {old_bytes} to {new_bytes}", old.tag);
            }
        }
    }
}

#[test]
fn a_restart_begins_a_boot_with_cold_caches_and_small_counters() {
    let fleet = quiet(24);
    let since = minutes_from(epoch(), -2880);
    let mut restarts = 0;
    for index in 0..24 {
        let mut host = fleet.simulate(index);
        let mut last: Option<StampedSnapshot> = None;
        let taken = (-2880..=0).step_by(30).map(|m| minutes_from(epoch(), m));
        for now in taken.filter_map(|time| host.snapshot_at(time)).collect::<Vec<_>>() {
            if let Some(before) = last.replace(now.clone())
                && before.stamp.boot != now.stamp.boot
            {
                restarts += 1;
                assert_eq!(now.stamp.seq, 1);
                assert!(now.stamp.uptime_ms < 31 * 60_000);
                let use_of = |of: &StampedSnapshot, tag| counters(&of.snapshot, Pool::Paged, tag);
                let (old, new) = (use_of(&before, "MmSt"), use_of(&now, "MmSt"));
                assert!(new.bytes < old.bytes / 2, "{old:?} {new:?}");
                let events: Vec<u32> =
                    host.events_until(since, epoch()).iter().map(|event| event.event_id).collect();
                assert!(events.contains(&6005), "{events:?}");
            }
        }
    }
    assert!(restarts > 0, "some host restarts in two days");
}
