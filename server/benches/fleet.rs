//! What the fleet's state costs: a frame taken in, the sums by tag, and the bytes of a host.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use poolwatch_model::{
    BootId, HostId, PoolTag, Snapshot,
    process::{ObjectTypeUse, ProcessUse},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{Encoder, Envelope, Stamp, frame::decompress};
use poolwatch_server::fleet::{Fleet, sweep::FleetSweeper};
use uuid::Uuid;

/// Of 10,000 tags of the fleet a host has 1,500, one in eight of them in both pools.
fn snapshot(host: u32, step: u32) -> Snapshot {
    let rows = (0..1500_u32)
        .map(|row| {
            let tag = row * 20 / 3 + host % 6;
            let steps = if row % 4 == step % 4 { step } else { step / 4 };
            let outstanding = u64::from(row * 7 % 900 + host % 50 + steps % 13);
            let allocs = u64::from(row * 1000 + steps * (row % 90 + 1));
            let used = TagCounters { bytes: outstanding * 320, outstanding, allocs };
            let none = TagCounters::default();
            let (paged, nonpaged) = match row % 8 {
                0 => (used, used),
                1..=3 => (used, none),
                _ => (none, used),
            };
            let tag = PoolTag::new(tag.wrapping_mul(2_654_435_761).to_be_bytes());
            TagUse { tag, paged, nonpaged }
        })
        .collect();
    let processes = (0..200)
        .map(|pid| {
            let created = Timestamp::from_second(1_700_000_000 + i64::from(pid)).ok();
            let mut process = ProcessUse::new(pid * 4, created, format!("program{}.exe", pid % 90));
            process.handles = Some(pid * 10 + (step + pid) % 7);
            process.threads = Some(pid);
            process.paged_quota = Some(u64::from(pid) * 1000);
            process.nonpaged_quota = Some(u64::from(pid) * 100);
            process.private_bytes = Some(u64::from(pid) << 20);
            process
        })
        .collect();
    let object_types = (0..70)
        .map(|at| ObjectTypeUse {
            name: format!("Type{at:02}"),
            objects: at * 10 + step,
            handles: at * 10,
            peak_objects: 9999,
            peak_handles: 9999,
        })
        .collect();
    Snapshot {
        tags: Some(TagTable::new(AllocCounting::Wrapping32, true, rows)),
        processes: Some(processes),
        object_types: Some(object_types),
        ..Snapshot::default()
    }
}

fn stamp(seq: u64) -> Stamp {
    let boot = BootId(Uuid::nil());
    Stamp { boot, seq, uptime_ms: seq * 60_000, wall: Timestamp::UNIX_EPOCH }
}

fn at(seq: u64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + seq as i64 * 60).unwrap_or_default()
}

fn take(fleet: &Fleet, host: i32, seq: u64, frame: &[u8]) {
    let bytes = decompress(frame).expect("own frame");
    let envelope = Envelope::parse(&bytes).expect("own frame");
    fleet.ensure_host(HostId(host)).apply(&envelope, at(seq), at(0)).expect("own frame");
}

fn fleet_of(hosts: i32) -> Fleet {
    let fleet = Fleet::default();
    let before = resident_bytes();
    for host in 0..hosts {
        let frame = Encoder::default().encode(stamp(1), snapshot(host as u32, 1));
        take(&fleet, host, 1, &frame);
    }
    let counted: usize = fleet
        .all()
        .iter()
        .filter_map(|host| host.read().tables().map(poolwatch_server::fleet::tables::Tables::bytes))
        .sum();
    println!(
        "{hosts} hosts: {} bytes of tables each, {} resident",
        counted / hosts as usize,
        resident_bytes().saturating_sub(before) / hosts as u64
    );
    fleet
}

/// How long the processor worked on something that takes milliseconds at least: what else runs on
/// the machine does not count.
fn on_processor(work: impl FnOnce()) -> Duration {
    let spent = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        let spent = text.split(' ').next().and_then(|text| text.parse().ok());
        Duration::from_nanos(spent.unwrap_or(0))
    };
    let begun = spent();
    work();
    spent().saturating_sub(begun)
}

fn resident_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}

fn benches(criterion: &mut Criterion) {
    let mut encoder = Encoder::default();
    let key = encoder.encode(stamp(1), snapshot(0, 1));
    let deltas: Vec<Vec<u8>> =
        (2..60).map(|seq| encoder.encode(stamp(seq), snapshot(0, seq as u32))).collect();
    println!("key frame {} bytes, delta frame {} bytes", key.len(), deltas[0].len());
    let fleet = Fleet::default();
    criterion.bench_function("apply_key", |bench| {
        bench.iter_custom(|count| {
            on_processor(|| {
                (0..count).for_each(|_| take(&fleet, 1, 1, black_box(&key)));
            })
        });
    });
    criterion.bench_function("apply_delta", |bench| {
        bench.iter_custom(|count| {
            let mut elapsed = Duration::ZERO;
            let mut left = count;
            while left > 0 {
                take(&fleet, 1, 1, &key);
                elapsed += on_processor(|| {
                    for (seq, delta) in (2..).zip(&deltas).take(left.min(58) as usize) {
                        take(&fleet, 1, seq, black_box(delta));
                    }
                });
                left = left.saturating_sub(58);
            }
            elapsed
        });
    });
    for hosts in [1000, 10_000] {
        let fleet = fleet_of(hosts);
        criterion.bench_function(&format!("totals_of_{hosts}_hosts"), |bench| {
            bench.iter(|| {
                fleet.shared().totals.map(|_, _, _, total| total.spread.quantile(0.95)).len()
            });
        });
        let mut sweeps = FleetSweeper::default();
        criterion.bench_function(&format!("sweep_of_{hosts}_hosts"), |bench| {
            bench.iter_custom(|count| {
                on_processor(|| {
                    (0..count).for_each(|_| sweeps.run(&fleet, at(1)));
                })
            });
        });
        let tag = PoolTag::new(40_u32.wrapping_mul(2_654_435_761).to_be_bytes());
        criterion.bench_function(&format!("a_tag_across_{hosts}_hosts"), |bench| {
            bench.iter(|| fleet.across_now(black_box(&[tag])).len());
        });
    }
}

criterion_group!(fleet, benches);
criterion_main!(fleet);
