//! Families of leaks: how they grow, and who is guilty.

use crate::{
    dice::Dice,
    habits::{DAY, load},
};

/// A family of leaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Family {
    /// Tens of megabytes per day, by a driver.
    Slow,
    /// Gigabytes per day, by a driver.
    Fast,
    /// Rises and falls in teeth, and rises as a whole.
    Sawtooth,
    /// In steps, some each day.
    Stepwise,
    /// A program's handles of some type.
    Handles,
    /// A program's threads.
    Threads,
    /// A driver in one of its versions.
    DriverVersion,
    /// References to ended processes, without handles.
    Zombies,
    /// By the hours of work.
    Diurnal,
    /// Grows, stops, and holds.
    Plateau,
    /// Two leaks at once.
    Several,
    /// A program that makes lsass hold tokens.
    Broker,
    /// Two programs that share one leak.
    TwoPrograms,
    /// Ever faster.
    Accelerating,
    /// A program that is restarted now and then, and leaks again.
    ProgramRestarts,
    /// Gives a part back now and then.
    PartlyFreed,
    /// By jobs of very different sizes.
    Jobs,
}

impl Family {
    /// Those that rules may be tuned on.
    pub const TUNING: [Self; 8] = [
        Self::Slow,
        Self::Fast,
        Self::Sawtooth,
        Self::Stepwise,
        Self::Handles,
        Self::Threads,
        Self::DriverVersion,
        Self::Zombies,
    ];
    /// Those that only tell how good rules are.
    pub const HELD_OUT: [Self; 9] = [
        Self::Diurnal,
        Self::Plateau,
        Self::Several,
        Self::Broker,
        Self::TwoPrograms,
        Self::Accelerating,
        Self::ProgramRestarts,
        Self::PartlyFreed,
        Self::Jobs,
    ];

    /// Its name in tables.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Slow => "slow",
            Self::Fast => "fast",
            Self::Sawtooth => "sawtooth",
            Self::Stepwise => "stepwise",
            Self::Handles => "handles",
            Self::Threads => "threads",
            Self::DriverVersion => "driver version",
            Self::Zombies => "zombies",
            Self::Diurnal => "diurnal",
            Self::Plateau => "plateau",
            Self::Several => "several at once",
            Self::Broker => "broker",
            Self::TwoPrograms => "two programs",
            Self::Accelerating => "accelerating",
            Self::ProgramRestarts => "program restarts",
            Self::PartlyFreed => "partly freed",
            Self::Jobs => "jobs",
        }
    }

    /// Who is guilty.
    #[must_use]
    pub fn guilty(self, dice: &mut Dice) -> Guilty {
        let either = if dice.happens(0.5) { Guilty::Program } else { Guilty::Driver };
        match self {
            Self::Slow | Self::Fast | Self::DriverVersion => Guilty::Driver,
            Self::Handles | Self::Threads | Self::ProgramRestarts => Guilty::Program,
            Self::Zombies => Guilty::References,
            Self::Broker => Guilty::ThroughBroker,
            Self::TwoPrograms => Guilty::TwoPrograms,
            _ => either,
        }
    }
}

/// Who is guilty.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guilty {
    /// A driver with a tag of its own.
    Driver,
    /// A program by its handles or threads.
    Program,
    /// Two programs.
    TwoPrograms,
    /// A program for which a part of Windows holds the handles.
    ThroughBroker,
    /// A driver that keeps references to kernel objects.
    References,
}

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
    pub fn new(family: Family, bytes: f64, slots: usize, dice: &mut Dice) -> Self {
        let period = match family {
            Family::Stepwise => dice.between(18.0, 60.0),
            Family::Sawtooth => dice.between(18.0, 100.0),
            Family::PartlyFreed => dice.between(60.0, 140.0),
            _ => 6.0,
        };
        Self {
            family,
            per_slot: bytes / slots as f64,
            slots,
            period: period as usize,
            depth: dice.between(0.05, 0.35),
            grown: 0.0,
            tooth: 0.0,
            next_job: 0,
            mean_load: (0..7 * DAY).map(load).sum::<f64>() / (7 * DAY) as f64,
        }
    }

    /// What it grew by in a slot, so many slots after it began; bytes.
    pub fn step(&mut self, slot: usize, since: usize, dice: &mut Dice) -> f64 {
        let even = self.per_slot * (1.0 + 0.15 * dice.swing());
        let grown = match self.family {
            Family::Diurnal => even * load(slot) / self.mean_load,
            Family::Stepwise if !since.is_multiple_of(self.period) => 0.0,
            Family::Stepwise => even * self.period as f64,
            Family::Accelerating => even * 1.8 * (since as f64 / self.slots as f64).powf(0.8),
            Family::Plateau if since * 10 > self.slots * 6 => 0.0,
            Family::Plateau => even / 0.6,
            Family::Jobs if since < self.next_job => 0.0,
            Family::Jobs => {
                let wait = 1 + dice.below(18);
                self.next_job = since + wait;
                // Pareto with a mean of one, cut at twenty times that.
                let size = (0.4 / dice.share().max(1e-4).powf(0.6)).min(20.0);
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
