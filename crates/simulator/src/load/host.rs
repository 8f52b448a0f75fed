//! One host of a load test: its identity, its place in time, and what it sends next.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::BootId;
use poolwatch_protocol::v1::{Batch, SenderClock, Stamp};
use uuid::Uuid;

use super::splice::Sections;
use crate::patterns::rng::{SeededRng, Subject};

/// How long a host has been up when it takes its first frame.
const UPTIME: SignedDuration = SignedDuration::from_hours(2);

/// When hosts take their frames.
#[derive(Debug, Clone, Copy)]
pub(super) struct Timing {
    pub(super) hosts: u32,
    pub(super) interval_ms: u32,
    pub(super) first: Timestamp,
}

/// What a host does wrong with an upload.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disorder {
    /// Nothing.
    None,
    /// Sends it again though it was acknowledged.
    Repeat,
    /// Sends the next one first.
    Swap,
}

/// One host of a load test.
#[derive(Debug)]
pub struct LoadHost {
    index: u32,
    boot: BootId,
    timing: Timing,
    step: u64,
    needs_key: bool,
    /// How wrong its wall clock is.
    wrong_by: SignedDuration,
    rng: SeededRng,
}

impl LoadHost {
    pub(super) fn new(seed: u64, index: u32, timing: Timing) -> Self {
        let run = timing.first.as_millisecond().unsigned_abs() as usize;
        let mut rng = SeededRng::of_subject(seed, Subject::Load, index as usize, run);
        let boot = BootId(rng.uuid());
        let wrong_by = SignedDuration::ZERO;
        Self { index, boot, timing, step: 0, needs_key: true, wrong_by, rng }
    }

    /// Its place in the fleet.
    #[must_use]
    pub fn index(&self) -> u32 {
        self.index
    }

    /// Its boot.
    #[must_use]
    pub fn boot(&self) -> BootId {
        self.boot
    }

    /// Frames that it has taken.
    #[must_use]
    pub fn step(&self) -> u64 {
        self.step
    }

    pub(super) fn needs_key(&self) -> bool {
        self.needs_key
    }

    /// Makes its next frame a key frame.
    pub fn restart_chain(&mut self) {
        self.needs_key = true;
    }

    /// When it takes its next frame: hosts are spread evenly over the interval.
    #[must_use]
    pub fn due(&self) -> Timestamp {
        let Timing { hosts, interval_ms, first } = self.timing;
        let interval_ms = i64::from(interval_ms);
        let phase_ms = i64::from(self.index) * interval_ms / i64::from(hosts);
        let ms = self.step as i64 * interval_ms + phase_ms;
        first.saturating_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX)
    }

    /// Frames that are due before a time and not taken yet.
    #[must_use]
    pub fn due_before(&self, time: Timestamp) -> u64 {
        let ms = time.duration_since(self.due()).as_millis();
        let interval_ms = i128::from(self.timing.interval_ms);
        u64::try_from((ms + interval_ms - 1).div_euclid(interval_ms)).unwrap_or(0)
    }

    pub(super) fn frame(&mut self, sections: &Sections, is_key: bool) -> Vec<u8> {
        let taken = self.due();
        let clock = self.clock(taken);
        let seq = self.step + 1;
        let stamp = Stamp { boot: self.boot, seq, uptime_ms: clock.uptime_ms, wall: clock.wall };
        self.step += 1;
        self.needs_key = false;
        sections.frame(stamp, (!is_key).then(|| seq - 1))
    }

    /// An upload of some of its frames.
    #[must_use]
    pub fn batch(&self, frames: &[Vec<u8>], now: Timestamp) -> Vec<u8> {
        let frames = frames.iter().map(Vec::as_slice).collect();
        Batch { clock: self.clock(now), frames }.to_bytes()
    }

    /// Decides, in so many of a hundred cases each, what goes wrong with the next upload, and
    /// whether its wall clock jumps.
    pub fn draw_disorder(&mut self, percent: u8) -> Disorder {
        let percent = u64::from(percent);
        if percent > 0 && self.rng.percent_chance(percent) {
            self.wrong_by =
                SignedDuration::from_secs(self.rng.integer_between(-400 * 86_400, 86_400));
        }
        match percent {
            0 => Disorder::None,
            _ if self.rng.percent_chance(percent) => Disorder::Repeat,
            _ if self.rng.percent_chance(percent) => Disorder::Swap,
            _ => Disorder::None,
        }
    }

    fn clock(&self, now: Timestamp) -> SenderClock {
        let booted_at = self.timing.first.saturating_sub(UPTIME).unwrap_or(Timestamp::MIN);
        let up = now.duration_since(booted_at).as_millis();
        SenderClock {
            boot: self.boot,
            uptime_ms: u64::try_from(up).unwrap_or(0),
            wall: now.saturating_add(self.wrong_by).unwrap_or(now),
        }
    }
}

/// What an agent makes at its first start and keeps.
pub(super) fn instance_id(seed: u64, index: u32) -> Uuid {
    SeededRng::of_subject(seed, Subject::Load, index as usize, 0).uuid()
}
