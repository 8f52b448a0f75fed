//! How tags behave on hosts without a leak: the ways that could be taken for one among them.

use std::sync::LazyLock;

use crate::dice::Dice;

/// Slots of ten minutes in a day and in a month of thirty.
pub const DAY: usize = 144;
/// Slots in a month.
pub const MONTH: usize = 30 * DAY;

/// What a tag's use depends on.
#[derive(Debug, Clone, Copy)]
pub enum Habit {
    /// Strays around a level; now and then, by a heavy tail, far above it for a while.
    Level {
        /// Deviation from slot to slot, as a share.
        noise: f64,
        /// Chance of a burst in a slot.
        bursts: f64,
    },
    /// Follows the hours and days of work.
    Load {
        /// How far, as a share of the level.
        depth: f64,
    },
    /// Strays slowly, with a memory of days.
    Stray {
        /// Memory, slots.
        memory: f64,
        /// Deviation, as a share.
        far: f64,
    },
    /// Fills after a start, ever slower.
    Fills {
        /// Time constant, slots.
        slots: f64,
    },
    /// Fills after a start at one pace, then holds.
    FillsEvenly {
        /// How long, slots.
        slots: f64,
    },
    /// Fills from some day of the month on, when somebody begins to use it.
    FillsLate {
        /// When, slots.
        from: usize,
        /// Time constant, slots.
        slots: f64,
    },
    /// Moves to another level once, as after an installation.
    Shifts {
        /// When, slots.
        from: usize,
        /// To which level, as a share.
        to: f64,
    },
    /// Jumps in backup nights.
    Backup {
        /// By how much, as a share of the level.
        by: f64,
    },
}

/// A tag on a host without troubles.
#[derive(Debug, Clone, Copy)]
pub struct Usual {
    /// Bytes when warm.
    pub level: f64,
    /// What it depends on.
    pub habit: Habit,
}

/// What strays from slot to slot.
#[derive(Debug, Clone, Copy, Default)]
pub struct Mood {
    stray: f64,
    burst: f64,
}

/// Load by the hour, 0 to 1: a working day, or a weekend.
#[must_use]
pub fn load(slot: usize) -> f64 {
    static WEEK: LazyLock<Vec<f64>> = LazyLock::new(|| (0..7 * DAY).map(load_at).collect());
    WEEK[slot % (7 * DAY)]
}

fn load_at(slot: usize) -> f64 {
    let (day, hour) = (slot / DAY % 7, (slot % DAY) as f64 / 6.0);
    let work = if day < 5 { 1.0 } else { 0.15 };
    let shape = |middle: f64, wide: f64| (-((hour - middle) / wide).powi(2)).exp();
    0.2 + work * 0.8 * (0.9 * shape(10.5, 2.2)).max(shape(14.5, 2.6))
}

impl Usual {
    /// Bytes in a slot, so many slots after the start of Windows.
    pub fn bytes(&self, slot: usize, up: usize, mood: &mut Mood, dice: &mut Dice) -> f64 {
        let warm = 0.6 + 0.4 * (up as f64 / 3.0).min(1.0);
        let of = |share: f64| (self.level * share * warm).max(4096.0);
        match self.habit {
            Habit::Level { noise, bursts } => {
                mood.burst *= 0.8;
                if dice.happens(bursts) {
                    // Pareto: now and then a very large one.
                    mood.burst += 0.05 / dice.share().max(1e-3).powf(0.7);
                }
                of(1.0 + noise * dice.swing() + mood.burst)
            }
            Habit::Load { depth } => of(1.0 + depth * (load(slot) - 0.4) + 0.01 * dice.swing()),
            Habit::Stray { memory, far } => {
                let keep = 1.0 - 1.0 / memory;
                mood.stray = mood.stray * keep + (1.0 - keep * keep).sqrt() * dice.swing();
                of((1.0 + far * mood.stray).max(0.2))
            }
            Habit::Fills { slots } => {
                of(0.15 + 0.85 * (1.0 - (-(up as f64) / slots).exp()) + 0.003 * dice.swing())
            }
            Habit::FillsEvenly { slots } => {
                of(0.15 + 0.85 * (up as f64 / slots).min(1.0) + 0.003 * dice.swing())
            }
            Habit::FillsLate { from, slots } => {
                let since = slot.saturating_sub(from).min(up) as f64;
                let full = if slot < from { 0.0 } else { 1.0 - (-since / slots).exp() };
                of(0.1 + 0.9 * full + 0.003 * dice.swing())
            }
            Habit::Shifts { from, to } => {
                of(if slot < from { 1.0 } else { to } + 0.004 * dice.swing())
            }
            Habit::Backup { by } => {
                let in_day = slot % DAY;
                let night = (6..24).contains(&in_day) && (slot / DAY) % 7 != 2;
                of(1.0 + if night { by } else { 0.0 } + 0.01 * dice.swing())
            }
        }
    }
}

/// A tag of a host by chance. Held-out fleets have ways that tuning never saw: slower caches, even
/// fills, longer memories.
#[must_use]
pub fn by_chance(level: f64, held_out: bool, dice: &mut Dice) -> Usual {
    let hour = 6.0;
    let habit = match dice.share() {
        s if s < 0.45 => {
            Habit::Level { noise: dice.magnitude(0.002, 0.05), bursts: dice.magnitude(1e-4, 1e-2) }
        }
        s if s < 0.70 => Habit::Load { depth: dice.between(0.05, 0.7) },
        s if s < 0.82 => {
            let (least, most) = if held_out { (1.0, 4.0) } else { (0.2, 2.0) };
            let memory = dice.magnitude(least, most) * DAY as f64;
            Habit::Stray { memory, far: dice.between(0.02, 0.10) }
        }
        s if s < 0.90 && held_out && dice.happens(0.3) => {
            Habit::FillsEvenly { slots: dice.magnitude(3.0, 30.0) * hour }
        }
        s if s < 0.90 => {
            let (least, most) = if held_out { (2.0, 30.0) } else { (1.0, 12.0) };
            Habit::Fills { slots: dice.magnitude(least, most) * hour }
        }
        s if s < 0.94 => {
            let (least, most) = if held_out { (2.0, 16.0) } else { (1.0, 8.0) };
            Habit::FillsLate { from: dice.below(MONTH), slots: dice.magnitude(least, most) * hour }
        }
        s if s < 0.97 => Habit::Shifts { from: dice.below(MONTH), to: dice.between(0.5, 3.0) },
        _ => Habit::Backup { by: dice.between(0.1, 1.0) },
    };
    Usual { level, habit }
}
