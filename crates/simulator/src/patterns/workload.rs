//! How the use of a tag behaves without a leak: the ways that could be taken for one among them.

use super::{
    load::{DAY, MONTH},
    rng::SeededRng,
};

/// What a pattern depends on. Times are in a unit of the caller's, the same for all of a pattern.
#[derive(Debug, Clone, Copy, Default)]
pub struct Conditions {
    /// Time since the simulation began.
    pub time: f64,
    /// Time since Windows started.
    pub uptime: f64,
    /// How busy the host is, as a difference from its mean load.
    pub load: f64,
    /// Whether the backup runs.
    pub backup: bool,
}

/// How a cache fills after a start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CacheFill {
    /// Ever slower; the duration is the time constant.
    Exponential,
    /// At one pace until it is full.
    Linear,
    /// Ever slower, and full after the duration.
    Quadratic,
}

impl CacheFill {
    /// The share of its level that the cache holds.
    #[must_use]
    pub fn share(self, uptime: f64, duration: f64) -> f64 {
        match self {
            Self::Exponential => 0.15 + 0.85 * (1.0 - (-uptime / duration).exp()),
            Self::Linear => 0.15 + 0.85 * (uptime / duration).min(1.0),
            Self::Quadratic => {
                let empty = 1.0 - (uptime / duration).clamp(0.0, 1.0);
                1.0 - 0.85 * empty * empty
            }
        }
    }
}

/// What a tag's use depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum WorkloadPattern {
    /// Strays around a level; now and then, by a heavy tail, far above it for a while.
    Steady {
        /// Deviation from step to step, as a share.
        noise: f64,
        /// Chance of a burst in a step.
        bursts: f64,
    },
    /// Follows the hours and days of work.
    Load {
        /// How far, as a share of the level.
        depth: f64,
    },
    /// Strays slowly, with a memory of days.
    Wandering {
        /// Memory, steps.
        memory: f64,
        /// Deviation, as a share.
        deviation: f64,
    },
    /// Fills after a start.
    Cache {
        /// How.
        fill: CacheFill,
        /// How long.
        duration: f64,
    },
    /// Fills from some time on, when somebody begins to use it.
    LateCache {
        /// When.
        from: f64,
        /// Time constant.
        duration: f64,
    },
    /// Moves to another level once, as after an installation.
    LevelShift {
        /// When.
        from: f64,
        /// To which level, as a share.
        to: f64,
    },
    /// Jumps in backup nights.
    Backup {
        /// By how much, as a share of the level.
        by: f64,
    },
}

/// What a pattern remembers from step to step.
#[derive(Debug, Clone, Copy, Default)]
pub struct PatternState {
    stray: f64,
    burst: f64,
}

impl WorkloadPattern {
    /// The share of its level that is in use, without chance.
    #[must_use]
    pub fn expected_share(&self, at: &Conditions) -> f64 {
        match *self {
            Self::Steady { .. } | Self::Wandering { .. } => 1.0,
            Self::Load { depth } => 1.0 + depth * at.load,
            Self::Cache { fill, duration } => fill.share(at.uptime, duration),
            Self::LateCache { from, .. } if at.time < from => 0.1,
            Self::LateCache { from, duration } => {
                let since = (at.time - from).min(at.uptime);
                0.1 + 0.9 * (1.0 - (-since / duration).exp())
            }
            Self::LevelShift { from, to } => {
                if at.time < from {
                    1.0
                } else {
                    to
                }
            }
            Self::Backup { by } => 1.0 + if at.backup { by } else { 0.0 },
        }
    }

    /// The share of its level that is in use in the next step.
    pub fn next_share(
        &self,
        at: &Conditions,
        state: &mut PatternState,
        rng: &mut SeededRng,
    ) -> f64 {
        let expected = self.expected_share(at);
        let noise = match *self {
            Self::Steady { noise, bursts } => {
                state.burst *= 0.8;
                if rng.happens(bursts) {
                    // Pareto: now and then a very large one.
                    state.burst += 0.05 / rng.fraction().max(1e-3).powf(0.7);
                }
                return expected + noise * rng.normal_swing() + state.burst;
            }
            Self::Wandering { memory, deviation } => {
                let keep = 1.0 - 1.0 / memory;
                state.stray = state.stray * keep + (1.0 - keep * keep).sqrt() * rng.normal_swing();
                return (expected + deviation * state.stray).max(0.2);
            }
            Self::Load { .. } | Self::Backup { .. } => 0.01,
            Self::Cache { .. } | Self::LateCache { .. } => 0.003,
            Self::LevelShift { .. } => 0.004,
        };
        expected + noise * rng.normal_swing()
    }

    /// A pattern by chance, in slots of ten minutes. Held-out ones are of ways that tuning never
    /// saw: slower caches, even fills, longer memories.
    pub fn draw(held_out: bool, rng: &mut SeededRng) -> Self {
        const HOUR: f64 = 6.0;
        match rng.fraction() {
            s if s < 0.45 => Self::Steady {
                noise: rng.log_uniform(0.002, 0.05),
                bursts: rng.log_uniform(1e-4, 1e-2),
            },
            s if s < 0.70 => Self::Load { depth: rng.float_between(0.05, 0.7) },
            s if s < 0.82 => {
                let (least, most) = if held_out { (1.0, 4.0) } else { (0.2, 2.0) };
                let memory = rng.log_uniform(least, most) * DAY as f64;
                Self::Wandering { memory, deviation: rng.float_between(0.02, 0.10) }
            }
            s if s < 0.90 && held_out && rng.happens(0.3) => {
                Self::Cache { fill: CacheFill::Linear, duration: rng.log_uniform(3.0, 30.0) * HOUR }
            }
            s if s < 0.90 => {
                let (least, most) = if held_out { (2.0, 30.0) } else { (1.0, 12.0) };
                let duration = rng.log_uniform(least, most) * HOUR;
                Self::Cache { fill: CacheFill::Exponential, duration }
            }
            s if s < 0.94 => {
                let (least, most) = if held_out { (2.0, 16.0) } else { (1.0, 8.0) };
                Self::LateCache {
                    from: rng.index_below(MONTH) as f64,
                    duration: rng.log_uniform(least, most) * HOUR,
                }
            }
            s if s < 0.97 => Self::LevelShift {
                from: rng.index_below(MONTH) as f64,
                to: rng.float_between(0.5, 3.0),
            },
            _ => Self::Backup { by: rng.float_between(0.1, 1.0) },
        }
    }
}

/// How use rises to its level after a start.
#[derive(Debug, Clone, Copy)]
pub struct WarmUp {
    /// The share that is in use at once.
    pub cold: f64,
    /// What is added until it is warm: the rest to 1.
    pub rise: f64,
    /// How long that takes, in the unit of uptimes.
    pub duration: f64,
}

impl WarmUp {
    /// The share of the level that is in use.
    #[must_use]
    pub fn share(&self, uptime: f64) -> f64 {
        self.cold + self.rise * (uptime / self.duration).clamp(0.0, 1.0)
    }
}
