//! Families of leaks, and the culprit of them.

use super::{activity::WorkRhythm, rng::SeededRng};

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
    /// References that grow with the operations of a program that works in sessions.
    TriggerInSessions,
    /// References that grow by the hours of work, as what many programs do.
    Coincidence,
    /// References that grow with the operations of a program that always works.
    TriggerByLoad,
    /// References that grow with the jobs of a program.
    TriggerByJobs,
    /// References that grow with what comes from outside, which a program follows as well.
    CommonCause,
}

impl Family {
    /// Those that rules may be tuned on.
    pub const TUNING: [Self; 10] = [
        Self::Slow,
        Self::Fast,
        Self::Sawtooth,
        Self::Stepwise,
        Self::Handles,
        Self::Threads,
        Self::DriverVersion,
        Self::Zombies,
        Self::TriggerInSessions,
        Self::Coincidence,
    ];
    /// Those that only tell how good rules are.
    pub const HELD_OUT: [Self; 12] = [
        Self::Diurnal,
        Self::Plateau,
        Self::Several,
        Self::Broker,
        Self::TwoPrograms,
        Self::Accelerating,
        Self::ProgramRestarts,
        Self::PartlyFreed,
        Self::Jobs,
        Self::TriggerByLoad,
        Self::TriggerByJobs,
        Self::CommonCause,
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
            Self::TriggerInSessions => "trigger in sessions",
            Self::Coincidence => "coincidence",
            Self::TriggerByLoad => "trigger by load",
            Self::TriggerByJobs => "trigger by jobs",
            Self::CommonCause => "common cause",
        }
    }

    /// How whatever works that drives the leak, where something does.
    #[must_use]
    pub fn driven_by(self, rng: &mut SeededRng) -> Option<WorkRhythm> {
        let mut sessions = || WorkRhythm::Sessions {
            length: 3 + rng.index_below(20),
            share: rng.float_between(0.2, 0.7),
        };
        match self {
            Self::TriggerInSessions | Self::CommonCause => Some(sessions()),
            Self::TriggerByLoad => Some(WorkRhythm::Load),
            Self::TriggerByJobs => Some(WorkRhythm::Jobs),
            _ => None,
        }
    }

    /// The culprit.
    #[must_use]
    pub fn culprit(self, rng: &mut SeededRng) -> Culprit {
        let either = if rng.happens(0.5) { Culprit::Program } else { Culprit::Driver };
        match self {
            Self::Slow | Self::Fast | Self::DriverVersion => Culprit::Driver,
            Self::Handles | Self::Threads | Self::ProgramRestarts => Culprit::Program,
            Self::Zombies => Culprit::References,
            Self::Coincidence | Self::CommonCause => Culprit::References,
            Self::TriggerInSessions | Self::TriggerByLoad | Self::TriggerByJobs => {
                Culprit::References
            }
            Self::Broker => Culprit::ThroughBroker,
            Self::TwoPrograms => Culprit::TwoPrograms,
            _ => either,
        }
    }
}

/// The culprit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Culprit {
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
