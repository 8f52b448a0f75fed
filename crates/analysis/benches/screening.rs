//! What screening costs for each snapshot of a host: 1,500 tags, some in both pools, a quarter of
//! which change; few tags are large, as on real hosts.

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use poolwatch_analysis::Screen;
use poolwatch_model::{
    PoolTag,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};

fn table(step: u64) -> TagTable {
    let rows = (0..1500_u32)
        .map(|tag| {
            // The largest has 200 MB, the hundredth 2 MB.
            let largest = (200_u64 << 20) / u64::from(tag + 1);
            let bytes = largest + if tag % 4 == 0 { step * 4096 } else { 0 };
            let used = TagCounters { bytes, outstanding: bytes / 320, allocs: step * 100 };
            let paged = if tag % 10 == 0 { used } else { TagCounters::default() };
            let tag = PoolTag::new(tag.wrapping_mul(2_654_435_761).to_be_bytes());
            TagUse { tag, paged, nonpaged: used }
        })
        .collect();
    TagTable::new(AllocCounting::Wrapping32, true, rows)
}

fn screening(c: &mut Criterion) {
    let tables: Vec<TagTable> = (0..64).map(table).collect();
    let mut screen = Screen::default();
    screen.update(&tables[0], 90_000);
    println!("state of 1,500 tags, 150 of them in both pools: {} bytes", screen.state_bytes());
    let (mut uptime_s, mut at) = (90_000, 0);
    c.bench_function("take a snapshot of 1,500 tags in and list candidates", |bench| {
        bench.iter(|| {
            uptime_s += 60;
            at = (at + 1) % tables.len();
            screen.update(&tables[at], uptime_s);
            black_box(screen.candidates(&tables[at]).len())
        });
    });
}

criterion_group!(benches, screening);
criterion_main!(benches);
