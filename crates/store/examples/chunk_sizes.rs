//! Prints what frames and chunks of simulated hosts take, per host and day and per value.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use jiff::{SignedDuration, Timestamp};
use poolwatch_protocol::v1::Encoder;
use poolwatch_simulator::Fleet;
use poolwatch_store::chunk::{self, Chunk, build::Builder, combine};

fn main() {
    let start: Timestamp = "2026-03-04T00:00:00Z".parse().unwrap();
    let fleet = Fleet::new(1, 4, start);
    let (mut frames, mut hours, mut days, mut values) = (0, 0, 0, 0_u64);
    let mut tags = 0;
    for index in 0..4 {
        let mut host = fleet.simulate(index);
        let mut encoder = Encoder::default();
        let mut made: Vec<Chunk> = Vec::new();
        for hour in 0..24 {
            let begin = start.checked_add(SignedDuration::from_hours(hour)).unwrap();
            let mut builder = Builder::new(begin, 600);
            for minute in 0..60 {
                let at = begin.checked_add(SignedDuration::from_mins(minute)).unwrap();
                let Some(taken) = host.snapshot_at(at) else { continue };
                let snapshot = &taken.snapshot;
                builder.push(at, 1, snapshot);
                let rows = snapshot.tags.as_ref().map_or(0, |tags| tags.rows.len());
                let processes = snapshot.processes.as_ref().map_or(0, Vec::len);
                tags = rows.max(tags);
                values += (rows * 6 + processes * 5) as u64;
                frames += encoder.encode(taken.stamp, taken.snapshot).len();
            }
            made.extend(builder.finish());
        }
        let size = |chunk: &Chunk| {
            let encoded = chunk::encode(chunk).unwrap();
            encoded.head.len() + encoded.blocks.len()
        };
        hours += made.iter().map(size).sum::<usize>();
        days += combine::join(start, &made).as_ref().map_or(0, size);
    }
    let kb = |bytes: usize| bytes / 4 / 1000;
    println!("per host and day, kB: frames {}, hours {}, day {}", kb(frames), kb(hours), kb(days));
    println!("tags {tags}; frames: {:.3} bytes per value", frames as f64 / values as f64);
    let per_value = |bytes: usize| bytes as f64 / values as f64;
    println!("hours {:.4}, day {:.4} bytes per value", per_value(hours), per_value(days));
}
