//! What is planted is there, as the truth file says.

use poolwatch_model::{
    Bytes, Pool,
    Pool::{Nonpaged, Paged},
    Snapshot,
    process::ProcessUse,
};
use poolwatch_simulator::{Fleet, Plant, Scenario, Truth, truth::PlantedCause};

use crate::{counters, epoch, minutes_from};

fn at_epoch(fleet: &Fleet, index: usize) -> Snapshot {
    fleet.simulate(index).snapshot_at(epoch()).unwrap().snapshot
}

fn process<'a>(snapshot: &'a Snapshot, image: &str) -> &'a ProcessUse {
    snapshot.processes.as_ref().unwrap().iter().find(|process| process.image == image).unwrap()
}

fn cause<'a>(truth: &'a Truth, id: &str) -> &'a PlantedCause {
    truth.causes.iter().find(|cause| cause.id == id).unwrap()
}

#[test]
fn the_classic_host_ends_at_the_published_figures() {
    let fleet = Fleet::new(1, 1, epoch());
    let snapshot = at_epoch(&fleet, 0);
    for (tag, outstanding, bytes) in [
        ("Thre", 120_145, 76_892_800),
        ("File", 187_113, 29_946_176),
        ("AfdE", 89_683, 25_828_704),
        ("TCPT", 41_888, 18_765_824),
        ("AfdC", 90_964, 17_465_088),
    ] {
        let found = counters(&snapshot, Nonpaged, tag);
        assert_eq!((found.outstanding, found.bytes), (outstanding, bytes), "{tag}");
    }
    let memory = &snapshot.memory;
    assert_eq!(memory.nonpaged, Some(Bytes::from_kib(209_844)));
    assert_eq!(memory.nonpaged_limit, Some(Bytes::from_kib(217_112)));
    let bad = process(&snapshot, "mybadapp.exe");
    assert_eq!((bad.handles, &*bad.services), (Some(90_472), &["BadApp".to_owned()][..]));
    let unexplained = memory.nonpaged.unwrap().0 - snapshot.tags.as_ref().unwrap().total(Nonpaged);
    assert!((1 << 20..8 << 20).contains(&unexplained), "{unexplained}");
}

#[test]
fn handles_by_type_tell_what_is_leaked_and_sum_up() {
    let fleet = Fleet::new(1, 1, epoch());
    let mut host = fleet.simulate(0);
    let before = host.snapshot_at(minutes_from(epoch(), -11)).unwrap().snapshot;
    assert_eq!(before.handles_by_type, []);
    let snapshot = host.snapshot_at(epoch()).unwrap().snapshot;
    for examined in &snapshot.handles_by_type {
        let processes = snapshot.processes.as_ref().unwrap();
        let process = processes.iter().find(|one| one.key == examined.key).unwrap();
        assert_eq!(process.handles, Some(examined.by_type.values().sum()), "{}", process.image);
    }
    let bad = process(&snapshot, "mybadapp.exe").key;
    let bad = snapshot.handles_by_type.iter().find(|one| one.key == bad).unwrap();
    assert!(bad.by_type["Thread"] >= 90_472 - 140, "{bad:?}");
    assert!(snapshot.activity.len() > 20 && snapshot.activity.is_sorted_by_key(|one| one.key));
}

#[test]
fn the_classic_leak_is_eight_handles_a_minute_each_to_a_thread() {
    let fleet = Fleet::new(1, 1, epoch());
    let mut host = fleet.simulate(0);
    let mut at = |minute| {
        let taken = host.snapshot_at(minutes_from(epoch(), minute)).unwrap().snapshot;
        let handles = process(&taken, "mybadapp.exe").handles.unwrap();
        (u64::from(handles), counters(&taken, Nonpaged, "Thre").outstanding)
    };
    let (before, after) = (at(-2880), at(0));
    assert_eq!((after.0 - before.0, after.1 - before.1), (2880 * 8, 2880 * 8));
}

#[test]
fn tokens_fill_paged_pool_until_no_commit_is_left() {
    let fleet = Fleet::new(1, 2, epoch());
    let snapshot = at_epoch(&fleet, 1);
    let memory = &snapshot.memory;
    let left = memory.commit_limit.unwrap().0 - memory.committed.unwrap().0;
    assert!(left < 160 << 20, "{} left", Bytes(left));
    let tokens = counters(&snapshot, Paged, "Toke");
    assert!(tokens.bytes * 2 > memory.paged.unwrap().0);
    let held = u64::from(process(&snapshot, "docbroker.exe").handles.unwrap());
    assert!(tokens.outstanding.abs_diff(held) < 4000, "{tokens:?} {held}");
}

#[test]
fn only_version_5_1_leaks_and_all_of_its_hosts_do() {
    let fleet = Fleet::new(1, 24, epoch());
    let truth = fleet.truth(minutes_from(epoch(), -1440));
    let affected: Vec<&str> =
        cause(&truth, "driver").hosts.iter().map(|host| host.host.as_str()).collect();
    assert!((5..=14).contains(&affected.len()), "{affected:?}");
    for (index, plan) in fleet.hosts().iter().enumerate() {
        let leaks = plan.foo_version.is_some_and(|version| version.starts_with("5.1"));
        assert_eq!(affected.contains(&plan.facts.fqdn.as_str()), leaks, "{}", plan.name);
        let mut host = fleet.simulate(index);
        let inventory = host.inventory();
        let driver = inventory.drivers.iter().find(|driver| driver.name == "foo.sys");
        assert_eq!(driver.and_then(|driver| driver.version.as_deref()), plan.foo_version);
        let bytes = |snapshot: Snapshot| counters(&snapshot, Nonpaged, "Fooo").bytes;
        let before = host.snapshot_at(minutes_from(epoch(), -300)).map(|t| bytes(t.snapshot));
        let after = host.snapshot_at(epoch()).map(|t| bytes(t.snapshot));
        if let (Some(before), Some(after)) = (before, after) {
            let grown = after > before + (10 << 20);
            assert_eq!(grown, leaks, "{}: {before} to {after}", plan.name);
        }
    }
}

#[test]
fn much_contiguous_memory_does_not_grow() {
    let fleet = Fleet::new(1, 4, epoch());
    let mut host = fleet.simulate(3);
    let mut use_at = |minute| {
        let taken = host.snapshot_at(minutes_from(epoch(), minute)).unwrap().snapshot;
        counters(&taken, Nonpaged, "MmCm").bytes
    };
    let (before, after) = (use_at(-600), use_at(0));
    assert!(before > 2 << 30 && before.abs_diff(after) < 4 << 20, "{before} {after}");
}

#[test]
fn event_2004_names_the_report_and_both_pools_stay_small() {
    let fleet = Fleet::new(1, 5, epoch());
    let mut host = fleet.simulate(4);
    host.snapshot_at(minutes_from(epoch(), -15)).unwrap();
    let events = host.events_until(minutes_from(epoch(), -300), minutes_from(epoch(), -14));
    let [event] = events.as_slice() else { panic!("one event: {events:?}") };
    assert_eq!(event.event_id, 2004);
    let exhaustion = event.exhaustion.as_ref().unwrap();
    assert_eq!(exhaustion.top_processes[0].image, "reportgen.exe");
    let (used, limit) = (exhaustion.committed.unwrap().0, exhaustion.commit_limit.unwrap().0);
    assert!(used > limit / 100 * 98, "{used} of {limit}");
    assert!(exhaustion.paged.unwrap().0 < 2 << 30);
}

#[test]
fn live_events_come_within_a_minute_of_going_live() {
    let mut fleet = Fleet::new(1, 2, epoch());
    let live = minutes_from(epoch(), 3);
    fleet.go_live(live, 1);
    let truth = fleet.truth(epoch());
    for (index, id, event_id) in [(0, "classic", 2019), (1, "paged", 2020)] {
        let mut host = fleet.simulate(index);
        let events = host.events_until(live, minutes_from(live, 2));
        let [event] = events.as_slice() else { panic!("one event: {events:?}") };
        assert_eq!((event.event_id, &*event.provider), (event_id, "Srv"));
        assert_eq!(event.data, [r"\Device\LanmanServer"]);
        let failures = host.snapshot_at(minutes_from(live, 2)).unwrap().snapshot.pool_failures;
        let failures = failures.map(|of| (of.nonpaged > 0, of.paged > 0));
        assert_eq!(failures, Some((event_id == 2019, event_id == 2020)));
        let expected = &cause(&truth, id).hosts[0].events[0];
        assert_eq!(host.wall(expected.time), event.time);
    }
}

#[test]
fn the_truth_lists_every_planted_host_and_survives_its_file() {
    let fleet = Fleet::new(5, 40, epoch());
    let truth = fleet.truth(epoch());
    let text = serde_json::to_string(&truth).unwrap();
    assert_eq!(serde_json::from_str::<Truth>(&text).unwrap(), truth);
    assert_eq!(truth.hosts.len(), 40);
    let ids: Vec<&str> = truth.causes.iter().map(|cause| cause.id.as_str()).collect();
    assert_eq!(ids, ["classic", "commit", "driver", "high_use", "paged"]);
    for host in &truth.hosts {
        for cause in &truth.causes {
            let listed = cause.hosts.iter().any(|affected| affected.host == host.host);
            assert_eq!(listed, host.causes.contains(&cause.id), "{} {}", host.host, cause.id);
        }
    }
    assert!(truth.hosts.iter().filter(|host| host.causes.is_empty()).count() > 10);
}

#[test]
fn a_fleet_without_troubles_has_none() {
    let scenario = Scenario { seed: 1, hosts: 8, epoch: epoch(), plant: Plant::NOTHING };
    let fleet = Fleet::of(scenario);
    assert_eq!(fleet.truth(epoch()).causes, []);
    for pool in Pool::ALL {
        let memory = at_epoch(&fleet, 0).memory;
        assert!(memory.of(pool).unwrap().0 < 2 << 30);
    }
}

#[test]
fn hosts_that_live_faster_still_show_true_times() {
    let mut fleet = Fleet::new(1, 1, epoch());
    let mut host = fleet.simulate(0);
    let before = host.snapshot_at(epoch()).unwrap();
    fleet.go_live(epoch(), 60);
    fleet.bring_live(&mut host);
    let after = host.snapshot_at(minutes_from(epoch(), 1)).unwrap();
    assert_eq!(after.stamp.uptime_ms - before.stamp.uptime_ms, 60_000);
    assert_eq!(after.stamp.wall, minutes_from(before.stamp.wall, 1));
    let handles = |snapshot| process(snapshot, "mybadapp.exe").handles.unwrap();
    assert_eq!(handles(&after.snapshot) - handles(&before.snapshot), 60 * 8);
}
