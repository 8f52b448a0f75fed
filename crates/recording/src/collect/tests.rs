use poolwatch_model::{BootId, Bytes, Pool, PoolTag, host::HostFacts, snapshot::PoolFailures};
use uuid::Uuid;

use super::*;
use crate::{
    capture::{Capture, OwnedBuffer},
    clock::SystemClock,
    machine::{InfoClass, Now, RawBuffer, replay::Replay},
    synthetic::{X64, X86, small_capture, small_capture_from},
};

/// What the settings say when nobody says anything.
const LIST_MOST: u32 = 100_000;

fn snapshot_of(capture: Capture) -> Snapshot {
    let clock = SystemClock::start();
    let mut machine = Replay::new(capture, clock, BootId(Uuid::from_u128(1)), None);
    Sampler::new(CollectorSet::all(), LIST_MOST).snapshot(&mut machine, &clock, 0)
}

fn changed(change: impl Fn(&mut BTreeMap<InfoClass, Result<OwnedBuffer, Status>>)) -> Snapshot {
    let mut capture = small_capture();
    change(&mut capture.rounds[0].answers);
    snapshot_of(capture)
}

#[test]
fn a_healthy_machine_gives_every_part() {
    let snapshot = snapshot_of(small_capture());
    assert_eq!(snapshot.faults, []);
    assert_eq!(snapshot.memory.physical, Some(Bytes(16 << 30)));
    assert_eq!(snapshot.memory.processes, Some(5));
    let tags = snapshot.tags.unwrap();
    let threads = tags.get(PoolTag::new(*b"Thre")).unwrap();
    assert_eq!(threads.of(Pool::Nonpaged).outstanding, 60_000);
    let processes = snapshot.processes.unwrap();
    assert_eq!(processes[2].image, "mybadapp.exe");
    assert_eq!(processes[2].services, ["BadApp"]);
    assert_eq!(processes[3].services, ["Dnscache", "LanmanServer", "LanmanWorkstation"]);
    let names: Vec<String> =
        snapshot.object_types.unwrap().into_iter().map(|each| each.name).collect();
    assert_eq!(names, ["File", "Process", "Thread", "Token"]);
    assert_eq!(snapshot.pool_failures, Some(PoolFailures::default()));
}

#[test]
fn the_server_service_is_asked_for_its_counters_only_where_it_runs() {
    let elsewhere = changed(|answers| {
        let bytes = X64.services(&[("BadApp", 416)]);
        answers.insert(InfoClass::Services, Ok(OwnedBuffer { bytes, base: X64.base }));
        answers.insert(InfoClass::ServerService, Err(Status::INSUFFICIENT_RESOURCES));
    });
    assert_eq!((elsewhere.pool_failures, &elsewhere.faults[..]), (None, &[][..]));
    let without = changed(|answers| {
        answers.remove(&InfoClass::ServerService);
    });
    assert_eq!((without.pool_failures, &without.faults[..]), (None, &[][..]));
}

#[test]
fn each_collector_may_fail_and_the_rest_survives() {
    for (class, collector) in [
        (InfoClass::Services, Collector::Services),
        (InfoClass::ServerService, Collector::ServerService),
        (InfoClass::MemoryConditions, Collector::MemoryConditions),
        (InfoClass::Performance, Collector::Performance),
        (InfoClass::PoolTags, Collector::PoolTags),
        (InfoClass::Processes, Collector::Processes),
        (InfoClass::ObjectTypes, Collector::ObjectTypes),
    ] {
        let refused = Status::INSUFFICIENT_RESOURCES;
        let snapshot = changed(|answers| {
            answers.insert(class, Err(refused));
        });
        let fault = CollectorFault { collector, status: refused.number() };
        assert_eq!(snapshot.faults, [fault], "{class:?}");
        let parts = [
            snapshot.tags.is_some(),
            snapshot.processes.is_some(),
            snapshot.object_types.is_some(),
            snapshot.memory.nonpaged.is_some(),
        ];
        let is_part = [Collector::PoolTags, Collector::Processes, Collector::ObjectTypes];
        let lost = usize::from(is_part.contains(&collector));
        assert_eq!(parts.iter().filter(|there| **there).count(), 4 - lost, "{class:?}");
    }
}

#[test]
fn a_buffer_that_lies_is_a_fault_too() {
    let snapshot = changed(|answers| {
        let buffer = OwnedBuffer { bytes: vec![0xFF; 4096], base: 0 };
        answers.insert(InfoClass::PoolTags, Ok(buffer));
    });
    let status = Status::DATA_ERROR.number();
    assert_eq!(snapshot.faults, [CollectorFault { collector: Collector::PoolTags, status }]);
    assert_eq!(snapshot.tags, None);
}

#[test]
fn totals_come_from_processes_when_the_summary_is_missing() {
    let snapshot = changed(|answers| {
        answers.remove(&InfoClass::PerformanceInfo);
    });
    assert_eq!(snapshot.faults, []);
    assert_eq!(snapshot.memory.handles, Some(4_100 + 60_000 + 900 + 1_500));
}

#[test]
fn a_32_bit_windows_is_read_as_a_64_bit_one() {
    assert_eq!(snapshot_of(small_capture_from(X86)), snapshot_of(small_capture()));
}

#[test]
fn pool_of_nothing_is_pool_unknown() {
    let snapshot = changed(|answers| {
        answers.remove(&InfoClass::PerformanceInfo);
        let bytes = X64.performance(&Default::default(), 4096, 312);
        answers.insert(InfoClass::Performance, Ok(OwnedBuffer { bytes, base: 0 }));
    });
    assert_eq!((snapshot.memory.paged, snapshot.memory.nonpaged), (None, None));
}

#[test]
fn full_counts_are_preferred_where_the_kernel_has_them() {
    use poolwatch_model::tag::{AllocCounting, TagCounters, TagUse};
    let row = TagUse {
        tag: PoolTag::new(*b"Thre"),
        paged: TagCounters::default(),
        nonpaged: TagCounters { bytes: 1, outstanding: 1, allocs: 1 << 40 },
    };
    let snapshot = changed(|answers| {
        let bytes = X64.pool_tags2(&[row]);
        answers.insert(InfoClass::PoolTags2, Ok(OwnedBuffer { bytes, base: 0 }));
    });
    let tags = snapshot.tags.unwrap();
    assert_eq!((tags.counting, tags.rows[0]), (AllocCounting::Full64, row));
}

#[test]
fn collectors_are_chosen_by_name() {
    let some: CollectorSet = " processes ,Pool_Tags,processes".parse().unwrap();
    assert_eq!(some.to_string(), "pool_tags,processes");
    assert_eq!(CollectorSet::all().to_string().parse(), Ok(CollectorSet::all()));
    for bad in ["", "pool_tags,", "registry"] {
        assert!(bad.parse::<CollectorSet>().is_err(), "{bad}");
    }
    let clock = SystemClock::start();
    let mut machine = Replay::new(small_capture(), clock, BootId(Uuid::nil()), None);
    let snapshot = Sampler::new(some, LIST_MOST).snapshot(&mut machine, &clock, 0);
    assert!(snapshot.tags.is_some() && snapshot.object_types.is_none());
    assert_eq!(snapshot.faults, []);
}

#[test]
fn the_inventory_lists_drivers_by_name() {
    let clock = SystemClock::start();
    let mut machine = Replay::new(small_capture(), clock, BootId(Uuid::nil()), None);
    let names: Vec<String> =
        inventory(&mut machine).unwrap().drivers.into_iter().map(|driver| driver.name).collect();
    assert_eq!(names, ["foo.sys", "netio.sys", "ntoskrnl.exe"]);
}

/// A machine that counts what it is asked.
struct Counting {
    machine: Replay<SystemClock>,
    asked_for_services: usize,
}

impl Machine for Counting {
    fn query(&mut self, class: InfoClass) -> Result<RawBuffer<'_>, Status> {
        self.asked_for_services += usize::from(class == InfoClass::Services);
        self.machine.query(class)
    }

    fn begin_round(&mut self) {
        self.machine.begin_round();
    }

    fn boot(&self) -> BootId {
        self.machine.boot()
    }

    fn now(&self) -> Now {
        self.machine.now()
    }

    fn facts(&self) -> HostFacts {
        self.machine.facts()
    }
}

fn counted(capture: Capture, snapshots: usize) -> (usize, Vec<Snapshot>) {
    let clock = SystemClock::start();
    let machine = Replay::new(capture, clock, BootId(Uuid::nil()), None);
    let mut machine = Counting { machine, asked_for_services: 0 };
    let mut sampler = Sampler::new(CollectorSet::all(), LIST_MOST);
    let taken = (0..snapshots).map(|_| sampler.snapshot(&mut machine, &clock, 0)).collect();
    (machine.asked_for_services, taken)
}

fn services_of(snapshot: &Snapshot, pid: u32) -> &[String] {
    let mut processes = snapshot.processes.iter().flatten();
    processes.find(|process| process.key.pid == pid).map_or(&[], |process| &process.services)
}

#[test]
fn services_are_asked_for_when_a_process_came_up_and_now_and_then() {
    let (asked, taken) = counted(small_capture(), 25);
    assert_eq!(asked, 3);
    assert!(taken.iter().all(|snapshot| services_of(snapshot, 416) == ["BadApp"]));
}

#[test]
fn a_host_is_not_asked_for_services_while_memory_fails() {
    let asked_under = |conditions: [u8; 4], snapshots| {
        let mut capture = small_capture();
        for round in &mut capture.rounds[1..] {
            let answer = OwnedBuffer { bytes: conditions.to_vec(), base: 0 };
            round.answers.insert(InfoClass::MemoryConditions, Ok(answer));
        }
        counted(capture, snapshots)
    };
    assert_eq!(asked_under([0, 0, 1, 0], 12).0, 2, "much of the commit limit is charged");
    let (asked, taken) = asked_under([1, 0, 0, 0], 5);
    assert_eq!(asked, 1);
    assert_eq!(services_of(&taken[4], 820), ["Dnscache", "LanmanServer", "LanmanWorkstation"]);
}

#[test]
fn a_process_with_a_used_id_does_not_inherit_services() {
    let mut capture = small_capture();
    for round in &mut capture.rounds[1..] {
        let created = jiff::Timestamp::from_second(1_779_999_999).ok();
        let process = poolwatch_model::process::ProcessUse::new(416, created, "other.exe");
        let bytes = X64.processes(&[process]);
        round.answers.insert(InfoClass::Processes, Ok(OwnedBuffer { bytes, base: X64.base }));
        round.answers.insert(InfoClass::Services, Err(Status::INSUFFICIENT_RESOURCES));
    }
    let (_, taken) = counted(capture, 2);
    assert_eq!(services_of(&taken[0], 416), ["BadApp"]);
    assert_eq!(services_of(&taken[1], 416), [""; 0]);
    assert_eq!(taken[1].faults.len(), 1);
}

#[test]
fn a_status_that_never_becomes_success_costs_its_part_and_no_other_for_ever() {
    for class in InfoClass::ALL {
        let mut capture = small_capture();
        for round in &mut capture.rounds {
            round.answers.insert(class, Err(Status::INFO_LENGTH_MISMATCH));
        }
        let (_, taken) = counted(capture, 12);
        for snapshot in &taken {
            assert!(snapshot.faults.len() <= 1, "{class:?}: {:?}", snapshot.faults);
            assert_eq!(snapshot.faults, taken[0].faults, "{class:?}");
        }
    }
}

#[test]
fn a_process_that_exits_between_two_calls_is_named_nowhere() {
    let mut capture = small_capture();
    for round in &mut capture.rounds {
        // The list of services still has it, and one that was never in the list of processes.
        let bytes = X64.services(&[("BadApp", 9_999), ("SamSs", 1204)]);
        round.answers.insert(InfoClass::Services, Ok(OwnedBuffer { bytes, base: X64.base }));
    }
    let snapshot = snapshot_of(capture);
    assert_eq!(snapshot.faults, []);
    assert_eq!(services_of(&snapshot, 1204), ["SamSs"]);
    assert_eq!(services_of(&snapshot, 416), [""; 0]);
}

#[test]
fn the_agent_tells_its_own_threads_by_the_list_of_processes() {
    let mut snapshot = snapshot_of(small_capture());
    let held =
        Some(poolwatch_model::snapshot::AgentHoldings { handles: 140, ..Default::default() });
    snapshot.cost = Some(poolwatch_model::snapshot::AgentCost { held, ..Default::default() });
    let own =
        snapshot.processes.iter().flatten().find(|process| process.threads.is_some()).unwrap();
    let (pid, threads) = (own.key.pid, own.threads);
    complete_holdings(&mut snapshot, pid);
    let held = snapshot.cost.unwrap().held.unwrap();
    assert_eq!((held.handles, held.threads), (140, threads));
}
