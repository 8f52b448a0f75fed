//! What it costs to make an hour of a host into a chunk, to write it and to read it back. The host
//! is one of a load test: 1,500 tags, a quarter of which changes from one snapshot to the next.
#![allow(clippy::unwrap_used, missing_docs, reason = "a measurement for people")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use mimalloc::MiMalloc;
use poolwatch_protocol::v1::Decoder;
use poolwatch_simulator::load::LoadFleet;
use poolwatch_store::chunk::{self, Chunk, build::Builder, combine};

// As in the server.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn hour_of(number: i64) -> Timestamp {
    let start: Timestamp = "2026-03-04T00:00:00Z".parse().unwrap();
    start.checked_add(SignedDuration::from_hours(number)).unwrap()
}

fn build(hour: i64, decoder: &mut Decoder, frames: &[Vec<u8>]) -> Chunk {
    let mut builder = Builder::new(hour_of(hour), 600);
    for (minute, frame) in (0..).zip(frames) {
        let at = hour_of(hour).checked_add(SignedDuration::from_mins(minute)).unwrap();
        decoder.decode(frame).unwrap();
        let moves = (minute > 0).then_some(decoder.moves());
        builder.push(at, 1, &decoder.last().unwrap().snapshot, moves);
    }
    builder.finish().unwrap()
}

fn chunks(criterion: &mut Criterion) {
    let mut fleet = LoadFleet::new(1, 1, 60_000);
    let mut host = fleet.host(0, hour_of(0));
    let frames: Vec<Vec<u8>> = (0..24 * 60).map(|_| fleet.next_frame(&mut host)).collect();
    criterion.bench_function("60 frames of a host are decoded", |bencher| {
        bencher.iter(|| {
            let mut decoder = Decoder::default();
            for frame in &frames[..60] {
                black_box(decoder.decode(frame).unwrap());
            }
        });
    });
    criterion.bench_function("60 frames of a host become an hour", |bencher| {
        bencher.iter(|| build(0, &mut Decoder::default(), black_box(&frames[..60])));
    });
    let mut decoder = Decoder::default();
    let hours: Vec<Chunk> =
        (0..).zip(frames.chunks(60)).map(|(at, hour)| build(at, &mut decoder, hour)).collect();
    let chunk = &hours[0];
    criterion.bench_function("an hour is encoded", |bencher| {
        bencher.iter(|| chunk::encode(black_box(chunk)).unwrap());
    });
    let encoded = chunk::encode(chunk).unwrap();
    println!("an hour takes {} bytes", encoded.head.len() + encoded.blocks.len());
    criterion.bench_function("an hour is decoded", |bencher| {
        bencher.iter_batched(
            || (chunk.types.keys.clone(), chunk.tags.keys.clone()),
            |(types, tags)| {
                chunk::decode(chunk.start, &encoded.head, &encoded.blocks, types, tags).unwrap()
            },
            BatchSize::SmallInput,
        );
    });
    criterion.bench_function("24 hours become a day", |bencher| {
        bencher.iter(|| combine::join(hour_of(0), black_box(&hours)).unwrap());
    });
}

criterion_group!(benches, chunks);
criterion_main!(benches);
