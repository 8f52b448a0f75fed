//! A week of cycles: nothing grows.

use std::{cell::Cell, fs, time::Duration};

use jiff::Timestamp;

use poolwatch_agent::{
    capture::{Capture, OwnedBuffer},
    clock::Clock,
    collect::{CollectorSet, Sampler},
    machine::{InfoClass, Machine, replay::Replay},
    spool::{Spool, SpoolLimits},
    synthetic::{X64, small_capture},
};
use poolwatch_model::{
    BootId, PoolTag,
    process::ProcessUse,
    tag::{TagCounters, TagUse},
};
use tempfile::TempDir;
use uuid::Uuid;

const TAGS: u32 = 1_500;
const PROCESSES: u32 = 500;
const CYCLES: usize = 10_000;
/// Cycles after which all that is kept is there.
const WARM: usize = 500;
/// Milliseconds from one cycle to the next: all cycles are seven days.
const INTERVAL_MS: u64 = 60_000;
/// Bytes of its own that the process may have, Rust's test harness among it.
const MOST: u64 = 16 << 20;
/// Bytes that may be more after all cycles than after the first ones.
const GROWTH: u64 = 512 << 10;

/// A clock that goes on by a cycle at a time.
struct SteppedClock(Cell<u64>);

impl Clock for &SteppedClock {
    fn wall(&self) -> Timestamp {
        Timestamp::from_millisecond(1_780_000_000_000 + self.0.get() as i64).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::from_millis(self.0.get())
    }
}

/// A server as it usually is: many tags, of which some move, and many processes.
fn large_capture(processes: u32) -> Capture {
    let mut capture = small_capture();
    for (step, round) in capture.rounds.iter_mut().enumerate() {
        let tag = |number: u32| {
            let moved = if number % 9 == step as u32 % 9 { step as u64 * 7 } else { 0 };
            let counters = |n: u64| TagCounters { bytes: n * 96, outstanding: n, allocs: n * 3 };
            let number = u64::from(number);
            TagUse {
                tag: PoolTag::new((0x6161_6161 + number as u32).to_be_bytes()),
                paged: counters(number % 50),
                nonpaged: counters(200 + number % 300 + moved),
            }
        };
        let process = |number: u32| {
            let mut process = ProcessUse::new(4 + number * 4, None, format!("program{number}.exe"));
            process.handles = Some(100 + number % 400 + (step as u32 * number) % 11);
            process.threads = Some(9);
            process
        };
        let tags: Vec<TagUse> = (0..TAGS).map(tag).collect();
        let processes: Vec<ProcessUse> = (0..processes).map(process).collect();
        for (class, bytes) in [
            (InfoClass::PoolTags, X64.pool_tags(&tags)),
            (InfoClass::Processes, X64.processes(&processes)),
        ] {
            round.answers.insert(class, Ok(OwnedBuffer { bytes, base: X64.base }));
        }
    }
    capture
}

/// A figure of this process in bytes, as Linux tells it.
fn memory(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse::<u64>().unwrap() << 10
}

/// Private bytes and open files of this process.
fn held() -> (u64, usize) {
    let statm = fs::read_to_string("/proc/self/statm").unwrap();
    let pages: Vec<u64> = statm.split_whitespace().map(|field| field.parse().unwrap()).collect();
    ((pages[1] - pages[2]) * 4096, fs::read_dir("/proc/self/fd").unwrap().count())
}

/// What the kernel's answer takes is not among it: a buffer of 19 MB.
#[test]
#[ignore = "by itself: make test-windows"]
fn a_host_with_twenty_thousand_processes_stay_below_the_hard_limit() {
    let folder = TempDir::new().unwrap();
    let stepped = SteppedClock(Cell::new(0));
    let clock = &stepped;
    let boot = BootId(Uuid::from_u128(1));
    let before = memory("VmRSS");
    let capture = large_capture(20_000);
    let answers = capture.rounds.iter().flat_map(|round| round.answers.values().flatten());
    let before = before + answers.map(|answer| answer.bytes.len() as u64).sum::<u64>();
    let mut machine = Replay::new(capture, clock, boot, None);
    let mut sampler = Sampler::new(CollectorSet::all(), 100_000);
    let mut spool = Spool::open(folder.path(), SpoolLimits::of_megabytes(64)).unwrap();
    for _ in 0..5 {
        let now = machine.now();
        let snapshot = sampler.snapshot(&mut machine, &clock, spool.bytes());
        assert_eq!(snapshot.processes.as_ref().map(Vec::len), Some(20_000));
        spool.push(boot, now, snapshot).unwrap();
        sampler.end_cycle(clock.monotonic());
        spool.prepare();
        spool.pending(1 << 20, 256).unwrap().unwrap();
        stepped.0.set(stepped.0.get() + INTERVAL_MS);
    }
    let peak = memory("VmHWM") - before;
    println!("20,000 processes: {peak} bytes at most; {} bytes in the spool", spool.bytes());
    assert!(peak <= 40 << 20, "{peak}");
}

#[test]
#[ignore = "minutes: make test-windows"]
fn ten_thousand_cycles_hold_no_more_than_five_hundred() {
    let folder = TempDir::new().unwrap();
    let stepped = SteppedClock(Cell::new(0));
    let clock = &stepped;
    let boot = BootId(Uuid::from_u128(1));
    let mut machine = Replay::new(large_capture(PROCESSES), clock, boot, None);
    let mut sampler = Sampler::new(CollectorSet::all(), 100_000);
    let mut spool = Spool::open(folder.path(), SpoolLimits::of_megabytes(8)).unwrap();
    let (mut warm, mut sent) = ((0, 0), 0_usize);
    for cycle in 0..CYCLES {
        let now = machine.now();
        let snapshot = sampler.snapshot(&mut machine, &clock, spool.bytes());
        spool.push(boot, now, snapshot).unwrap();
        sampler.end_cycle(clock.monotonic());
        spool.prepare();
        stepped.0.set(stepped.0.get() + INTERVAL_MS);
        if cycle % 10 == 9 {
            let pending = spool.pending(1 << 20, 256).unwrap().unwrap();
            sent += pending.frames.iter().map(|frame| frame.bytes.len()).sum::<usize>();
            spool.acknowledge(&pending, pending.len()).unwrap();
        }
        if cycle == WARM {
            warm = held();
        }
    }
    let end = held();
    println!(
        "{CYCLES} cycles: {warm:?} bytes and files, then {end:?}; {} bytes a frame",
        sent / CYCLES
    );
    assert!(end.0 <= warm.0 + GROWTH && end.0 <= MOST, "{warm:?} {end:?}");
    assert_eq!(end.1, warm.1);
    assert!(sent / CYCLES <= 3_000, "{} bytes a frame", sent / CYCLES);
}
