//! The fleet's state against a model that keeps whole snapshots and counts from scratch.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    BootId, Bytes, HostId, Pool, PoolTag, Snapshot,
    memory::Memory,
    process::{ObjectTypeUse, ProcessActivity, ProcessHandles, ProcessKey, ProcessUse},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{Decoder, Encoder, Envelope, FrameError, Stamp, frame::decompress};
use poolwatch_server::fleet::{
    Fleet,
    baselines::{Baseline, BytesThen, bytes_of},
    totals::{GrowthTotal, NOTABLE_BYTES, Total},
};
use proptest::prelude::*;
use uuid::Uuid;

const HOSTS: i32 = 3;

#[derive(Debug, Clone)]
enum Step {
    /// The host takes a snapshot, and the server gets its frame.
    Send(Box<Snapshot>),
    /// The frame is lost on the way.
    Lose(Box<Snapshot>),
    /// The server asked for a key frame.
    NeedKey,
    Restart,
    /// The server learns what a host used earlier.
    Baseline(usize, Option<TagTable>),
    /// The host is left to the database.
    LetGo,
    /// The host is retired.
    Forget,
}

fn counters() -> impl Strategy<Value = TagCounters> {
    let bytes = prop_oneof![
        3 => Just(0_u64),
        3 => 0..100_000_u64,
        2 => 0..200_u64 << 20,
        1 => Just(5 << 32),
    ];
    (bytes, 0..50_u64, prop_oneof![Just(0), 0..9_u64, Just(1 << 40)])
        .prop_map(|(bytes, outstanding, allocs)| TagCounters { bytes, outstanding, allocs })
}

fn tags() -> impl Strategy<Value = TagTable> {
    let row = (0..100_u8, counters(), counters()).prop_map(|(tag, paged, nonpaged)| {
        let tag = PoolTag::new([b'T', b'a', b'0' + tag / 10, b'0' + tag % 10]);
        TagUse { tag, paged, nonpaged }
    });
    (prop::collection::vec(row, 0..90), any::<bool>())
        .prop_map(|(rows, complete)| TagTable::new(AllocCounting::Full64, complete, rows))
}

fn process() -> impl Strategy<Value = ProcessUse> {
    let created = prop::option::of((0..3_i64).prop_map(|at| Timestamp::from_second(at).unwrap()));
    let small = || prop::option::of(0..5_u32);
    let large = || prop::option::of(prop_oneof![0..5_u64, Just(7 << 32)]);
    let services = prop::collection::vec("[a-c]{0,2}", 0..3);
    (0..6_u32, created, "[a-d]\\.exe", small(), services, small(), large(), large()).prop_map(
        |(pid, created, image, session, services, handles, quota, private)| {
            let mut process = ProcessUse::new(pid, created, image);
            (process.session, process.services, process.handles) = (session, services, handles);
            (process.paged_quota, process.private_bytes) = (quota, private);
            process
        },
    )
}

fn snapshot() -> impl Strategy<Value = Snapshot> {
    let object_type = ("[A-E]", 0..4_u32, 0..4_u32).prop_map(|(name, objects, handles)| {
        ObjectTypeUse { name, objects, handles, peak_objects: 9, peak_handles: 9 }
    });
    (
        prop::option::weighted(0.9, tags()),
        prop::option::weighted(0.9, prop::collection::vec(process(), 0..9)),
        prop::option::weighted(0.9, prop::collection::vec(object_type, 0..6)),
        prop::option::of(0..9_u64),
    )
        .prop_map(|(tags, mut processes, mut object_types, nonpaged)| {
            if let Some(processes) = &mut processes {
                processes.sort_by_key(|process| process.key);
                processes.dedup_by_key(|process| process.key);
            }
            if let Some(types) = &mut object_types {
                types.sort_by(|a, b| a.name.cmp(&b.name));
                types.dedup_by(|a, b| a.name == b.name);
            }
            let memory = Memory { nonpaged: nonpaged.map(Bytes), ..Memory::default() };
            Snapshot { memory, tags, processes, object_types, ..Snapshot::default() }
        })
}

fn step() -> impl Strategy<Value = Step> {
    let boxed = || snapshot().prop_map(Box::new);
    prop_oneof![
        12 => boxed().prop_map(Step::Send),
        1 => boxed().prop_map(Step::Lose),
        2 => Just(Step::NeedKey),
        1 => Just(Step::Restart),
        3 => (0..3_usize, prop::option::of(tags())).prop_map(|(w, table)| Step::Baseline(w, table)),
        1 => Just(Step::LetGo),
        1 => Just(Step::Forget),
    ]
}

/// A host, and what the server ought to know of it.
#[derive(Default)]
struct Host {
    encoder: Encoder,
    boot: u128,
    seq: u64,
    model: Decoder,
}

impl Host {
    fn frame(&mut self, snapshot: Snapshot) -> (Vec<u8>, Timestamp) {
        self.seq += 1;
        let boot = BootId(Uuid::from_u128(self.boot));
        let stamp = Stamp { boot, seq: self.seq, uptime_ms: self.seq, wall: Timestamp::UNIX_EPOCH };
        (self.encoder.encode(stamp, snapshot), Timestamp::from_second(self.seq as i64).unwrap())
    }
}

fn run(steps: Vec<(i32, Step)>) -> Result<(), TestCaseError> {
    let fleet = Fleet::default();
    let mut hosts: BTreeMap<i32, Host> = (0..HOSTS).map(|id| (id, Host::default())).collect();
    for (id, step) in steps {
        let host = hosts.get_mut(&id).unwrap();
        let live = fleet.ensure_host(HostId(id));
        match step {
            Step::Send(snapshot) => {
                let (frame, at) = host.frame(*snapshot);
                let bytes = decompress(&frame).unwrap();
                let envelope = Envelope::parse(&bytes).unwrap();
                let expected = host.model.apply(&envelope).map(|_| ());
                let applied = live.apply(&envelope, at, Timestamp::UNIX_EPOCH).map(|_| ());
                prop_assert_eq!(&applied, &expected);
                if let Err(FrameError::NeedsKey { .. }) = applied {
                    host.encoder.restart_chain();
                }
            }
            Step::Lose(snapshot) => drop(host.frame(*snapshot)),
            Step::NeedKey => host.encoder.restart_chain(),
            Step::Restart => host.boot += 1,
            Step::Baseline(window, table) => {
                let at = Timestamp::UNIX_EPOCH + SignedDuration::from_hours(1);
                let earlier =
                    table.as_ref().map(|table| (Baseline { at, complete: table.complete }, table));
                let bytes = |tag, pool| bytes_of(earlier.as_ref()?.1, tag, pool);
                let then = earlier.as_ref().map(|(earlier, _)| (*earlier, &bytes as BytesThen<'_>));
                live.set_earlier(window, then);
            }
            Step::LetGo => {
                live.let_go();
                host.model = Decoder::default();
            }
            Step::Forget => {
                fleet.forget(HostId(id));
                host.model = Decoder::default();
            }
        }
        check(&fleet, &hosts)?;
    }
    Ok(())
}

fn check(fleet: &Fleet, hosts: &BTreeMap<i32, Host>) -> Result<(), TestCaseError> {
    let mut naive: BTreeMap<(PoolTag, Pool), Total> = BTreeMap::new();
    for (id, host) in hosts {
        let live = fleet.ensure_host(HostId(*id));
        let snapshot = host.model.last().map(|last| &last.snapshot);
        let held = live.snapshot();
        let mut held = held;
        if let (Some(held), Some(expected)) = (&mut held, snapshot) {
            // A frame without its base still tells the system-wide figures.
            held.memory = expected.memory.clone();
        }
        prop_assert_eq!(held.as_ref(), snapshot);
        for row in snapshot.and_then(|snapshot| snapshot.tags.as_ref()).iter().flat_map(|t| &t.rows)
        {
            for pool in Pool::ALL {
                let bytes = row.of(pool).bytes;
                let total = naive.entry((row.tag, pool)).or_default();
                total.hosts += u32::from(bytes > 0);
                total.sum += bytes;
                total.spread.shift(0, bytes);
                let state = live.read();
                let tags = state.tables().and_then(|tables| tables.tags.as_ref()).unwrap();
                let Some(cell) = tags.get(row.tag, pool) else { continue };
                prop_assert_eq!(cell.counters, *row.of(pool));
                for (then, growth) in cell.then.into_iter().zip(&mut total.growth) {
                    count(growth, then.growth_to(bytes));
                }
            }
        }
    }
    naive.retain(|_, total| total.hosts > 0 || total.growth.iter().any(|growth| growth.hosts > 0));
    let totals = fleet.shared().totals.map(|_, tag, pool, total| ((tag, pool), total.clone()));
    prop_assert_eq!(totals.into_iter().collect::<BTreeMap<_, _>>(), naive);
    Ok(())
}

fn count(total: &mut GrowthTotal, growth: Option<i64>) {
    let Some(bytes) = growth else { return };
    total.hosts += 1;
    total.bytes += bytes;
    if bytes >= NOTABLE_BYTES {
        total.grown_hosts += 1;
        total.grown_bytes += bytes;
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_hosts_send_the_fleet_is_what_a_naive_model_says(
        steps in prop::collection::vec((0..HOSTS, step()), 1..40),
    ) {
        run(steps)?;
    }
}

/// Handles by type come now and then: what was told last in this boot holds. Operations are of the latest
/// snapshot alone.
#[test]
fn handles_by_type_hold_until_they_are_told_anew_or_the_host_restarts() {
    let fleet = Fleet::default();
    let live = fleet.ensure_host(HostId(1));
    let mut host = Host::default();
    let key = ProcessKey { pid: 416, created: None };
    let handles =
        |threads| ProcessHandles { key, by_type: [("Thread".to_owned(), threads)].into() };
    let send = |host: &mut Host, snapshot| {
        let (frame, at) = host.frame(snapshot);
        let bytes = decompress(&frame).unwrap();
        live.apply(&Envelope::parse(&bytes).unwrap(), at, Timestamp::UNIX_EPOCH).unwrap();
        live.snapshot().unwrap()
    };
    let told = Snapshot {
        handles_by_type: vec![handles(90)],
        activity: vec![ProcessActivity { key, reads: 1, writes: 2, others: 3 }],
        ..Snapshot::default()
    };
    let seen = send(&mut host, told.clone());
    assert_eq!((seen.handles_by_type, seen.activity), (told.handles_by_type, told.activity));
    let seen = send(&mut host, Snapshot::default());
    assert_eq!((seen.handles_by_type, seen.activity), (vec![handles(90)], vec![]));
    assert_eq!(live.handles_by_type(), [handles(90)]);
    let anew = Snapshot { handles_by_type: vec![handles(95)], ..Snapshot::default() };
    assert_eq!(send(&mut host, anew).handles_by_type, [handles(95)]);
    host.boot += 1;
    host.encoder.restart_chain();
    assert_eq!(send(&mut host, Snapshot::default()).handles_by_type, []);
}
