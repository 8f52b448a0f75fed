//! How leaks grow: by slots of ten minutes with chance, and by the minute without.

use super::{
    leaks::Family,
    load::{DAY, load_of_slot},
    rng::SeededRng,
};

/// How one leak grows.
#[derive(Debug, Clone)]
pub struct Course {
    family: Family,
    per_slot: f64,
    slots: usize,
    period: usize,
    depth: f64,
    grown: f64,
    tooth: f64,
    next_job: usize,
    mean_load: f64,
}

impl Course {
    /// A leak of so many bytes over so many slots.
    #[must_use]
    pub fn new(family: Family, bytes: f64, slots: usize, rng: &mut SeededRng) -> Self {
        let period = match family {
            Family::Stepwise => rng.float_between(18.0, 60.0),
            Family::Sawtooth => rng.float_between(18.0, 100.0),
            Family::PartlyFreed => rng.float_between(60.0, 140.0),
            _ => 6.0,
        };
        Self {
            family,
            per_slot: bytes / slots as f64,
            slots,
            period: period as usize,
            depth: rng.float_between(0.05, 0.35),
            grown: 0.0,
            tooth: 0.0,
            next_job: 0,
            mean_load: (0..7 * DAY).map(load_of_slot).sum::<f64>() / (7 * DAY) as f64,
        }
    }

    /// What it grew by in a slot, so many slots after it began; bytes.
    pub fn step(&mut self, slot: usize, since: usize, rng: &mut SeededRng) -> f64 {
        let even = self.per_slot * (1.0 + 0.15 * rng.normal_swing());
        let grown = match self.family {
            Family::Diurnal | Family::Coincidence => even * load_of_slot(slot) / self.mean_load,
            Family::Stepwise if !since.is_multiple_of(self.period) => 0.0,
            Family::Stepwise => even * self.period as f64,
            Family::Accelerating => even * 1.8 * (since as f64 / self.slots as f64).powf(0.8),
            Family::Plateau if since * 10 > self.slots * 6 => 0.0,
            Family::Plateau => even / 0.6,
            Family::Jobs if since < self.next_job => 0.0,
            Family::Jobs => {
                let wait = 1 + rng.index_below(18);
                self.next_job = since + wait;
                // Pareto with a mean of one, cut at twenty times that.
                let size = (0.4 / rng.fraction().max(1e-4).powf(0.6)).min(20.0);
                even * wait as f64 * size
            }
            Family::PartlyFreed if since > 0 && since.is_multiple_of(self.period) => {
                -0.3 * self.per_slot * self.period as f64
            }
            Family::PartlyFreed => even * 1.3,
            _ => even,
        };
        self.grown += grown;
        self.tooth = match self.family {
            Family::Sawtooth => {
                let within = (since % self.period) as f64 / self.period as f64;
                self.depth * self.per_slot * DAY as f64 * within
            }
            _ => 0.0,
        };
        grown
    }

    /// What is held for the moment, on top of what leaked; bytes.
    #[must_use]
    pub fn tooth(&self) -> f64 {
        self.tooth
    }
}

/// A leak at one pace in whole objects, by the minute from the fleet's epoch.
#[derive(Debug, Clone, Copy)]
pub struct LinearLeak {
    /// Objects leaked at the epoch.
    pub at_epoch: i64,
    /// Objects leaked in a minute.
    pub per_minute: i64,
    /// Objects that are held for part of an hour on top of that.
    pub wobble: i64,
    /// When so many are leaked, nothing is left to leak.
    pub most: i64,
}

impl LinearLeak {
    /// The minute in which it begins.
    #[must_use]
    pub const fn start_minute(&self) -> i64 {
        -self.at_epoch / self.per_minute
    }

    /// Objects outstanding in a minute.
    #[must_use]
    pub fn objects_at(&self, minute: i64) -> i64 {
        if minute < self.start_minute() {
            return 0;
        }
        let grown = self.at_epoch + self.per_minute * minute + hourly_wobble(minute, self.wobble);
        grown.clamp(0, self.most)
    }
}

/// A cycle like a sawtooth's two sides: 0 at 0, up to `height` and back within an hour.
#[must_use]
pub fn hourly_wobble(minute: i64, height: i64) -> i64 {
    let phase = minute.rem_euclid(60);
    phase.min(60 - phase) * height / 30
}
