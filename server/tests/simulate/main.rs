//! Days of a small fleet, by seed: real agents (spool, encoder, uploader) and the real intake (placing
//! in time, fleet state, boots) on a simulated clock, with a network, disks, clocks and a database that
//! fail. Whatever happens, what is acknowledged is there once, in order and as it was taken.
//!
//! `make simulate SEEDS=1000` runs so many days, `make simulate SEED=17` the one of a seed. A day is
//! the same each time: one thread, a paused clock, one source of chance.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod chance;
mod database;
mod day;
mod ledger;
mod lost_anchor;
mod server;

use std::{
    ops::Range,
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use day::DayReport;

/// Days of `make test`.
const DAYS: u64 = 200;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap())
}

fn seeds() -> Range<u64> {
    match number("SEED") {
        Some(seed) => seed..seed + 1,
        None => 0..number("SEEDS").unwrap_or(DAYS),
    }
}

/// Names the seed of a day that fails.
struct NamesSeed(u64);

impl Drop for NamesSeed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("The day of seed {0} fails: `make simulate SEED={0}` runs it again", self.0);
        }
    }
}

#[test]
fn what_is_acknowledged_on_faulty_days_is_there_once_in_order_for_ever() {
    let (seeds, begun) = (seeds(), Instant::now());
    let (next, sum) = (AtomicU64::new(seeds.start), Mutex::new(DayReport::default()));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let _names_seed = NamesSeed(seed);
                    let report = day::run(seed);
                    sum.lock().unwrap().add(&report);
                }
            });
        }
    });
    let days = seeds.end - seeds.start;
    let sum = sum.into_inner().unwrap();
    println!("{days} faulty days in {:.0} s: {sum:?}", begun.elapsed().as_secs_f64());
    if days >= DAYS {
        assert!(sum.is_of_faulty_days(), "{sum:?}");
    }
}

#[test]
fn a_seed_tells_the_same_day_again() {
    assert_eq!(day::run(1), day::run(1));
    assert_ne!(day::run(1), day::run(2));
}
