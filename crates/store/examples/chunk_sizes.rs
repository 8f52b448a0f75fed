//! Prints what frames and chunks of simulated hosts take, per host and day and per value.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use jiff::{SignedDuration, Timestamp};
use poolwatch_protocol::v1::Encoder;
use poolwatch_simulator::Fleet;
use poolwatch_store::chunk::{self, Chunk, build::Builder, combine};

const HOURS: i64 = 7 * 24;

fn main() {
    let start: Timestamp = "2026-03-04T00:00:00Z".parse().unwrap();
    let fleet = Fleet::new(1, 4, start);
    let (mut frames, mut hours, mut days, mut weeks, mut values) = (0, 0, 0, 0, 0_u64);
    let mut tags = 0;
    for index in 0..4 {
        let mut host = fleet.simulate(index);
        let mut encoder = Encoder::default();
        let mut made: Vec<Chunk> = Vec::new();
        for hour in 0..HOURS {
            let begin = start.checked_add(SignedDuration::from_hours(hour)).unwrap();
            let mut builder = Builder::new(begin, 600);
            for minute in 0..60 {
                let at = begin.checked_add(SignedDuration::from_mins(minute)).unwrap();
                let Some(taken) = host.snapshot_at(at) else { continue };
                let snapshot = &taken.snapshot;
                builder.push(at, 1, snapshot, None);
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
        let of_days = made.chunks(24).filter_map(|hours| combine::join(hours[0].start, hours));
        let of_days: Vec<Chunk> = of_days.collect();
        days += of_days.iter().map(size).sum::<usize>();
        let coarse: Vec<Chunk> = of_days.iter().map(|day| combine::coarsen(day, 3600)).collect();
        weeks += combine::join(start, &coarse).as_ref().map_or(0, size);
    }
    println!("{tags} tags; per host and day, in kB, and per value, in bytes:");
    let kinds = [("frames", frames), ("hours", hours), ("days", days), ("weeks", weeks)];
    for (name, bytes) in kinds {
        let per_day = bytes as f64 / 4.0 / (HOURS as f64 / 24.0) / 1000.0;
        println!("{name:8} {per_day:8.0} {:8.4}", bytes as f64 / values as f64);
    }
}
