//! Snapshots to test with: one fixed, any number arbitrary.

use jiff::Timestamp;
use poolwatch_model::{
    BootId, Bytes, PoolTag, Snapshot,
    memory::Memory,
    process::{ObjectTypeUse, ProcessActivity, ProcessHandles, ProcessKey, ProcessUse},
    snapshot::{AgentCost, AgentHoldings, Collector, CollectorFault, PoolFailures},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::Stamp;
use proptest::{
    collection::{btree_map, vec},
    option,
    prelude::*,
};
use uuid::Uuid;

pub(crate) fn stamp(boot: u128, seq: u64) -> Stamp {
    Stamp {
        boot: BootId(Uuid::from_u128(boot)),
        seq,
        uptime_ms: seq * 60_000,
        wall: Timestamp::from_second(1_780_000_000 + seq as i64 * 60).unwrap(),
    }
}

/// A small snapshot with something in every section; `step` makes it change as a host does.
pub(crate) fn example(step: u64) -> Snapshot {
    let row = |tag: &[u8; 4], bytes, outstanding, allocs| TagUse {
        tag: PoolTag::new(*tag),
        paged: TagCounters::default(),
        nonpaged: TagCounters { bytes, outstanding, allocs },
    };
    let mut leaking =
        ProcessUse::new(416, Timestamp::from_second(1_779_990_000).ok(), "mybadapp.exe");
    leaking.services = vec!["BadApp".into()];
    leaking.session = Some(0);
    leaking.handles = Some(90_472 + step as u32 * 8);
    leaking.threads = Some(12);
    leaking.private_bytes = Some(40 << 20);
    let mut processes = vec![ProcessUse::new(4, None, "System"), leaking];
    if step % 2 == 1 {
        processes.push(ProcessUse::new(5000, None, "short-lived.exe"));
    }
    Snapshot {
        memory: Memory {
            nonpaged: Some(Bytes::from_kib(209_844 + step)),
            nonpaged_limit: Some(Bytes::from_kib(217_112)),
            physical: Some(Bytes::from_kib(1_048_048)),
            processes: Some(2),
            ..Memory::default()
        },
        tags: Some(TagTable::new(
            AllocCounting::Wrapping32,
            true,
            vec![
                row(b"Thre", 76_892_800 + 640 * step, 120_145 + step, 400_000 + 2 * step),
                row(b"File", 29_946_176, 187_113, u64::from(u32::MAX)),
                row(b"Io  ", 91_912, 127, 1_021_112 + step),
            ],
        )),
        processes: Some(processes),
        object_types: Some(vec![ObjectTypeUse {
            name: "Thread".into(),
            objects: 120_145 + step as u32,
            handles: 90_500,
            peak_objects: 120_145 + step as u32,
            peak_handles: 90_500,
        }]),
        activity: Vec::new(),
        handles_by_type: Vec::new(),
        pool_failures: None,
        cost: Some(AgentCost {
            cpu_us: 9_000,
            cycle_us: 14_000,
            private_bytes: 5 << 20,
            spool_bytes: 0,
            held: None,
        }),
        faults: vec![CollectorFault { collector: Collector::EventLog, status: 0xC000_009A }],
    }
}

prop_compose! {
    fn any_counters()(bytes: u64, outstanding: u64, allocs: u64) -> TagCounters {
        TagCounters { bytes, outstanding, allocs }
    }
}

prop_compose! {
    // Few distinct tags, so that successive tables share rows.
    fn any_tag_use()(letter in 0..40_u8, paged in any_counters(), nonpaged in any_counters())
        -> TagUse {
        TagUse { tag: PoolTag::new([letter, b'a', 0xFF, 0]), paged, nonpaged }
    }
}

fn any_tags() -> impl Strategy<Value = TagTable> {
    let counting = prop_oneof![
        Just(AllocCounting::Wrapping32),
        Just(AllocCounting::Full64),
        Just(AllocCounting::OutstandingOnly)
    ];
    (counting, any::<bool>(), vec(any_tag_use(), 0..60)).prop_map(
        |(counting, complete, mut rows)| {
            rows.sort_by_key(|row| row.tag);
            rows.dedup_by_key(|row| row.tag);
            TagTable { counting, complete, rows }
        },
    )
}

prop_compose! {
    fn any_process()(
        pid in 0..30_u32,
        created in option::of(1_i64..4_000_000_000),
        image in "\\PC{0,12}",
        session in option::of(any::<u32>()),
        services in vec("[a-zA-Z]{1,8}", 0..3),
        handles in option::of(any::<u32>()),
        threads in option::of(any::<u32>()),
        paged_quota in option::of(any::<u64>()),
        nonpaged_quota in option::of(any::<u64>()),
        private_bytes in option::of(any::<u64>()),
    ) -> ProcessUse {
        let created = created.and_then(|s| Timestamp::from_second(s).ok());
        let mut process = ProcessUse::new(pid, created, image);
        process.session = session;
        process.services = services;
        process.handles = handles;
        process.threads = threads;
        process.paged_quota = paged_quota;
        process.nonpaged_quota = nonpaged_quota;
        process.private_bytes = private_bytes;
        process
    }
}

fn any_processes() -> impl Strategy<Value = Vec<ProcessUse>> {
    vec(any_process(), 0..20).prop_map(|mut rows| {
        rows.sort_by_key(|row| row.key);
        rows.dedup_by_key(|row| row.key);
        rows
    })
}

prop_compose! {
    fn any_object_type()(letter in "[A-E]{1,2}", counts: [u32; 4]) -> ObjectTypeUse {
        let [objects, handles, peak_objects, peak_handles] = counts;
        ObjectTypeUse { name: letter, objects, handles, peak_objects, peak_handles }
    }
}

fn any_object_types() -> impl Strategy<Value = Vec<ObjectTypeUse>> {
    vec(any_object_type(), 0..8).prop_map(|mut rows| {
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        rows.dedup_by(|a, b| a.name == b.name);
        rows
    })
}

prop_compose! {
    fn any_memory()(figures: [Option<u64>; 15]) -> Memory {
        let bytes = |at: usize| figures[at].map(Bytes);
        Memory {
            paged: bytes(0),
            nonpaged: bytes(1),
            paged_limit: bytes(2),
            nonpaged_limit: bytes(3),
            paged_resident: bytes(4),
            physical: bytes(5),
            available: bytes(6),
            resident_available: bytes(7),
            committed: bytes(8),
            commit_limit: bytes(9),
            commit_peak: bytes(10),
            free_system_ptes: figures[11],
            handles: figures[12],
            threads: figures[13],
            processes: figures[14],
        }
    }
}

prop_compose! {
    fn any_key()(pid in 0..30_u32, created in option::of(1_i64..4_000_000_000)) -> ProcessKey {
        ProcessKey { pid, created: created.and_then(|s| Timestamp::from_second(s).ok()) }
    }
}

fn any_activity() -> impl Strategy<Value = Vec<ProcessActivity>> {
    btree_map(any_key(), any::<[u64; 3]>(), 0..8).prop_map(|rows| {
        let row = |(key, [reads, writes, others]): (ProcessKey, [u64; 3])| ProcessActivity {
            key,
            reads,
            writes,
            others,
        };
        rows.into_iter().map(row).collect()
    })
}

fn any_handles() -> impl Strategy<Value = Vec<ProcessHandles>> {
    let by_type = btree_map("[A-Z][a-z]{0,6}", any::<u32>(), 1..6);
    btree_map(any_key(), by_type, 0..5).prop_map(|rows| {
        rows.into_iter().map(|(key, by_type)| ProcessHandles { key, by_type }).collect()
    })
}

prop_compose! {
    pub(crate) fn any_snapshot()(
        memory in any_memory(),
        tags in option::of(any_tags()),
        processes in option::of(any_processes()),
        object_types in option::of(any_object_types()),
        activity in any_activity(),
        handles_by_type in any_handles(),
        pool_failures in option::of(any::<(u32, u32)>()),
        cost in option::of((any::<[u64; 4]>(), option::of(any::<(u32, Option<u32>, [u64; 2])>()))),
        faults in vec((1..20_u16, any::<u32>()), 0..4),
    ) -> Snapshot {
        Snapshot {
            memory,
            tags,
            processes,
            object_types,
            activity,
            handles_by_type,
            pool_failures: pool_failures.map(|(nonpaged, paged)| PoolFailures { nonpaged, paged }),
            cost: cost.map(|([cpu_us, cycle_us, private_bytes, spool_bytes], held)| {
                let held = held.map(|(handles, threads, [paged_quota, nonpaged_quota])| {
                    AgentHoldings { handles, threads, paged_quota, nonpaged_quota }
                });
                AgentCost { cpu_us, cycle_us, private_bytes, spool_bytes, held }
            }),
            faults: faults
                .into_iter()
                .map(|(number, status)| {
                    let collector = match number {
                        1 => Collector::PoolTags,
                        8 => Collector::EventLog,
                        number => Collector::Other(number + 100),
                    };
                    CollectorFault { collector, status }
                })
                .collect(),
        }
    }
}
