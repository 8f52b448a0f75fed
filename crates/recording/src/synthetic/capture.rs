//! A small machine that leaks threads, captured over a few rounds.

use std::collections::BTreeMap;

use jiff::Timestamp;
use poolwatch_model::{
    Bytes, PoolTag,
    host::{Arch, HostFacts, OsVersion},
    memory::Memory,
    process::{ObjectTypeUse, ProcessUse},
    snapshot::PoolFailures,
    tag::{TagCounters, TagUse},
};

use super::{SyntheticWindows, X64};
use crate::{
    capture::{Capture, OwnedBuffer, Round},
    machine::{InfoClass, Now, Status},
    raw::{handles::HandleCounts, object_types::ObjectType},
};

const PAGE: u32 = 4096;
const BOOTED: i64 = 1_779_000_000;
const ROUNDS: u64 = 5;

/// Services and the processes that they live in.
const SERVICES: [(&str, u32); 5] = [
    ("BadApp", 416),
    ("Dnscache", 820),
    ("LanmanServer", 820),
    ("LanmanWorkstation", 820),
    ("SamSs", 1204),
];

/// [`small_capture_from`] a 64-bit Windows.
#[must_use]
pub fn small_capture() -> Capture {
    small_capture_from(X64)
}

/// A host with 16 GB on which `mybadapp.exe` loses eight threads a minute; five rounds, a minute
/// apart. The same every time.
#[must_use]
pub fn small_capture_from(target: SyntheticWindows) -> Capture {
    Capture {
        facts: HostFacts {
            fqdn: "fs-02.example.net".into(),
            machine_guid: Some(uuid::Uuid::from_u128(0x5EED)),
            os: Some(OsVersion {
                product: "Windows Server 2022".into(),
                major: 10,
                minor: 0,
                build: 20348,
                revision: 0,
                arch: if target == X64 { Arch::X64 } else { Arch::X86 },
            }),
            physical: Some(Bytes(16 << 30)),
            ..HostFacts::default()
        },
        rounds: (0..ROUNDS).map(|step| round(target, step)).collect(),
    }
}

fn round(target: SyntheticWindows, step: u64) -> Round {
    let threads = 60_000 + 8 * step;
    let uptime_s = 1_000_000 + 60 * step;
    let failures = PoolFailures { nonpaged: step as u32, paged: 0 };
    let tags = tags(threads, step);
    let processes = processes(threads);
    let buffer = |bytes| Ok(OwnedBuffer { bytes, base: target.base });
    let memory = memory(&tags, &processes);
    let answers = BTreeMap::from([
        (InfoClass::Basic, buffer(target.basic(PAGE, (16 << 30) / PAGE))),
        (InfoClass::Performance, buffer(target.performance(&memory, PAGE, 344))),
        (InfoClass::PerformanceInfo, buffer(target.performance_info(&memory, PAGE))),
        (InfoClass::Processes, buffer(target.processes(&processes))),
        (
            InfoClass::Modules,
            buffer(target.modules(&[
                r"\SystemRoot\system32\ntoskrnl.exe",
                r"\SystemRoot\System32\drivers\netio.sys",
                r"\SystemRoot\System32\drivers\foo.sys",
            ])),
        ),
        (InfoClass::PoolTags, buffer(target.pool_tags(&tags))),
        (InfoClass::PoolTags2, Err(Status::INVALID_INFO_CLASS)),
        (
            InfoClass::Handles,
            buffer(target.handles(&HandleCounts::from([
                ((4, 37), 40),
                ((416, 8), 150 + step as u32),
                ((416, 37), 12),
            ]))),
        ),
        (InfoClass::ObjectTypes, buffer(target.object_types(&object_types(threads)))),
        (InfoClass::Services, buffer(target.services(&SERVICES))),
        (InfoClass::MemoryConditions, buffer(vec![0; 4])),
        (InfoClass::ServerService, buffer(target.server_service(failures))),
    ]);
    let wall = Timestamp::from_second(BOOTED + uptime_s as i64).unwrap_or_default();
    Round { now: Now { uptime_ms: uptime_s * 1000, wall }, answers }
}

fn tags(threads: u64, step: u64) -> Vec<TagUse> {
    let row = |tag: &[u8; 4], paged: [u64; 3], nonpaged: [u64; 3]| {
        let counters =
            |[allocs, outstanding, bytes]: [u64; 3]| TagCounters { bytes, outstanding, allocs };
        TagUse { tag: PoolTag::new(*tag), paged: counters(paged), nonpaged: counters(nonpaged) }
    };
    vec![
        row(b"CM31", [9_000, 4_100, 21_504_000], [0; 3]),
        row(
            b"File",
            [0; 3],
            [2_000_000 + 90 * step, 21_000 + step % 3, 7_392_000 + 352 * (step % 3)],
        ),
        row(b"Fooo", [0; 3], [12, 12, 49_152]),
        row(b"Io  ", [1_021_112, 127, 91_912], [880_000, 140, 30_000]),
        row(b"MmSt", [700_000 + step, 31_000, 150_000_000], [0; 3]),
        row(b"Thre", [0; 3], [400_000 + 8 * step, threads, 2_176 * threads]),
        row(b"Toke", [50_000, 2_000, 3_400_000], [0; 3]),
    ]
}

fn processes(threads: u64) -> Vec<ProcessUse> {
    [
        (0, "", 0, 4, 0),
        (4, "System", 4_100, 30, 200 << 10),
        (416, "mybadapp.exe", threads as u32, 12, 40 << 20),
        (820, "svchost.exe", 900, 16, 18 << 20),
        (1204, "lsass.exe", 1_500, 10, 12 << 20),
    ]
    .into_iter()
    .map(|(pid, image, handles, threads, private)| {
        let created =
            (pid > 0).then(|| Timestamp::from_second(BOOTED + i64::from(pid)).unwrap_or_default());
        let mut process = ProcessUse::new(pid, created, image);
        process.session = Some(0);
        process.handles = Some(handles);
        process.threads = Some(threads);
        process.paged_quota = Some(100_000 + u64::from(pid));
        process.nonpaged_quota = Some(20_000 + u64::from(pid));
        process.private_bytes = Some(private);
        process
    })
    .collect()
}

fn object_types(threads: u64) -> Vec<ObjectType> {
    [("Process", 7, 60), ("Thread", 8, threads as u32), ("Token", 5, 2_000), ("File", 37, 21_000)]
        .into_iter()
        .map(|(name, index, objects)| ObjectType {
            index,
            totals: ObjectTypeUse {
                name: name.into(),
                objects,
                handles: objects + 40,
                peak_objects: objects + 10,
                peak_handles: objects + 60,
            },
        })
        .collect()
}

fn memory(tags: &[TagUse], processes: &[ProcessUse]) -> Memory {
    let in_use = |bytes: u64| Some(Bytes(bytes.next_multiple_of(PAGE.into())));
    let paged = tags.iter().map(|row| row.paged.bytes).sum();
    let nonpaged: u64 = tags.iter().map(|row| row.nonpaged.bytes).sum();
    let sum = |of: fn(&ProcessUse) -> Option<u32>| {
        Some(processes.iter().filter_map(of).map(u64::from).sum())
    };
    Memory {
        paged: in_use(paged),
        nonpaged: in_use(nonpaged + (4 << 20)),
        paged_resident: in_use(paged / 2),
        physical: in_use(16 << 30),
        available: in_use(9 << 30),
        resident_available: in_use(13 << 30),
        committed: in_use(6 << 30),
        commit_limit: in_use(18 << 30),
        commit_peak: in_use(7 << 30),
        free_system_ptes: Some(16_000_000),
        handles: sum(|process| process.handles),
        threads: sum(|process| process.threads),
        processes: Some(processes.len() as u64),
        ..Memory::default()
    }
}
