//! What a frame costs both ends: 1,500 tags, 200 processes, a quarter of the tags changing.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::Timestamp;
use poolwatch_model::{
    BootId, PoolTag, Snapshot,
    process::ProcessUse,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{Decoder, Encoder, Stamp};
use uuid::Uuid;

fn snapshot(step: u32) -> Snapshot {
    let rows = (0..1500_u32)
        .map(|tag| {
            let steps = if tag % 4 == step % 4 { step } else { step / 4 };
            let outstanding = u64::from(tag * 7 + steps % 13);
            let allocs = u64::from(tag * 1000 + steps * (tag % 90));
            let nonpaged = TagCounters { bytes: outstanding * 320, outstanding, allocs };
            TagUse {
                tag: PoolTag::new(tag.wrapping_mul(2_654_435_761).to_be_bytes()),
                paged: TagCounters::default(),
                nonpaged,
            }
        })
        .collect();
    let processes = (0..200)
        .map(|pid| {
            let mut process = ProcessUse::new(pid * 4, None, format!("program{pid}.exe"));
            process.handles = Some(pid * 10 + step % 7);
            process.threads = Some(pid);
            process
        })
        .collect();
    Snapshot {
        tags: Some(TagTable::new(AllocCounting::Wrapping32, true, rows)),
        processes: Some(processes),
        ..Snapshot::default()
    }
}

fn stamp(seq: u64) -> Stamp {
    let boot = BootId(Uuid::nil());
    Stamp { boot, seq, uptime_ms: seq * 60_000, wall: Timestamp::UNIX_EPOCH }
}

fn frames(criterion: &mut Criterion) {
    let mut encoder = Encoder::default();
    let key = encoder.encode(stamp(1), snapshot(1));
    let delta = encoder.encode(stamp(2), snapshot(2));
    println!("key frame {} bytes, delta frame {} bytes", key.len(), delta.len());
    criterion.bench_function("encode_key", |bench| {
        bench.iter(|| Encoder::default().encode(stamp(1), black_box(snapshot(1))));
    });
    let mut after_key = Decoder::default();
    after_key.decode(&key).expect("own frame");
    criterion.bench_function("decode_key", |bench| {
        bench.iter(|| Decoder::default().decode(black_box(&key)).map(|_| ()));
    });
    criterion.bench_function("decode_delta", |bench| {
        bench.iter_batched(
            || after_key.clone(),
            |mut decoder| decoder.decode(black_box(&delta)).map(|_| ()),
            criterion::BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, frames);
criterion_main!(benches);
