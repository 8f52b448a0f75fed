//! `--dry-run`: how fast history is made, and how large frames are.

use std::time::{Duration, Instant};

use anyhow::Result;
use jiff::Timestamp;
use poolwatch_protocol::v1::{Encoder, Envelope, frame::decompress};
use poolwatch_simulator::Fleet;

use super::history::times;

#[derive(Debug, Default)]
struct Sizes {
    frames: u64,
    bytes: u64,
}

impl Sizes {
    fn mean(&self) -> u64 {
        self.bytes.checked_div(self.frames).unwrap_or(0)
    }
}

pub(super) fn run(fleet: &Fleet, since: Timestamp, step_s: u32) -> Result<()> {
    let (mut keys, mut deltas) = (Sizes::default(), Sizes::default());
    let mut spent = Duration::ZERO;
    for index in 0..fleet.hosts().len() {
        let start = Instant::now();
        let mut host = fleet.simulate(index);
        let mut encoder = Encoder::default();
        spent += start.elapsed();
        for time in times(since, fleet.scenario().epoch, step_s) {
            let start = Instant::now();
            let Some(taken) = host.snapshot_at(time) else { continue };
            let frame = encoder.encode(taken.stamp, taken.snapshot);
            spent += start.elapsed();
            let bytes = decompress(&frame)?;
            let sizes = match Envelope::parse(&bytes)?.base {
                None => &mut keys,
                Some(_) => &mut deltas,
            };
            sizes.frames += 1;
            sizes.bytes += frame.len() as u64;
        }
    }
    let frames = keys.frames + deltas.frames;
    let seconds = spent.as_secs_f64();
    println!(
        "{frames} frames in {seconds:.1} s on one core: {:.0} frames/s",
        frames as f64 / seconds
    );
    println!("key frames   {:>7}, {:>6} bytes each", keys.frames, keys.mean());
    println!("delta frames {:>7}, {:>6} bytes each", deltas.frames, deltas.mean());
    println!("{} bytes in all", keys.bytes + deltas.bytes);
    Ok(())
}
