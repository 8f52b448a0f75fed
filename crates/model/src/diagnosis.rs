//! What is judged from snapshots and events, each judgement with its evidence.

mod evidence;
mod steps;

use serde::{Deserialize, Serialize};

use crate::{Bytes, Pool, PoolTag};

pub use evidence::{Evidence, Holding, Meaning, Measure, OwnerSource};
pub use steps::{Dump, KnownOutput, NextStep, ProgramRole, Return};

/// The judgement in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// A pool ran out, or is about to.
    Exhausted,
    /// Something allocates and never frees.
    Leak,
    /// Much is used, but it does not grow.
    HighUse,
    /// Commit, not pool, ran out.
    CommitExhaustion,
    /// The evidence shows no leak.
    NoLeakShown,
    /// The evidence does not suffice to say.
    #[default]
    InsufficientEvidence,
}

impl Verdict {
    /// All of them, the worst first.
    pub const ALL: [Self; 6] = [
        Self::Exhausted,
        Self::CommitExhaustion,
        Self::Leak,
        Self::HighUse,
        Self::InsufficientEvidence,
        Self::NoLeakShown,
    ];

    /// Its stable name in JSON and in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Exhausted => "exhausted",
            Self::Leak => "leak",
            Self::HighUse => "high_use",
            Self::CommitExhaustion => "commit_exhaustion",
            Self::NoLeakShown => "no_leak_shown",
            Self::InsufficientEvidence => "insufficient_evidence",
        }
    }
}

/// What kind of thing a suspect is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum SuspectKind {
    /// A program, or a service inside one.
    Process,
    /// A kernel driver.
    Driver,
    /// A part of Windows.
    Component,
    /// A reference that the kernel keeps without any handle: a driver's doing, not a program's.
    KernelReference,
    /// A program whose work makes something else leak: growth goes with what it does, and what leaked
    /// stays when it ends. No accusation: whoever leaks is another.
    Trigger,
    /// Nobody could be named.
    #[default]
    Unknown,
}

impl SuspectKind {
    /// Its stable name in JSON.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Process => "process",
            Self::Driver => "driver",
            Self::Component => "component",
            Self::KernelReference => "kernel_reference",
            Self::Trigger => "trigger",
            Self::Unknown => "unknown",
        }
    }
}

/// Who may be behind it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// What kind of thing.
    pub kind: SuspectKind,
    /// Its name, where one is known.
    pub name: Option<String>,
    /// Version of a driver, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Services that live in the process.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub services: Vec<String>,
    /// The tags it is suspected for, the most telling first.
    pub tags: Vec<PoolTag>,
    /// How sure, 0 to 1: of suspects at 0.9, nine in ten are guilty.
    pub confidence: f32,
    /// Why. Never empty.
    pub evidence: Vec<Evidence>,
}

/// A tag that a judgement is about.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TagObservation {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes outstanding; 0 where only counts are told.
    pub bytes: Bytes,
    /// Allocations minus frees.
    pub outstanding: u64,
    /// What was found of it.
    pub finding: TagFinding,
    /// Growth per day by its slope, where it was seen to grow.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes_per_day: Option<Bytes>,
}

/// What was found of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TagFinding {
    /// It leaks: it grew enough, for long enough, and never fell back.
    Leaks,
    /// It grows; too little or too short yet to be called a leak.
    Watched,
    /// Large but constant, and far above what is usual.
    HighUse,
    /// One of the largest of its pool, which by itself proves nothing.
    Large,
}

/// What bounds a pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Bound {
    /// The limit of the pool, measured on this host.
    MeasuredLimit,
    /// The vendor's documented ceiling of the pool.
    DocumentedCeiling,
    /// Physical memory that can still be locked.
    ResidentAvailable,
    /// What is left until the commit limit.
    Commit,
}

/// How much a pool can still grow: the least of what bounds it. Of an exhausted pool it is the bound
/// that ran out, with nothing left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Headroom {
    /// Which pool.
    pub pool: Pool,
    /// What is left.
    pub left: Bytes,
    /// Which bound is the nearest.
    pub bound: Bound,
}

/// How long until the headroom is gone if growth goes on, seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeLeft {
    /// Which pool.
    pub pool: Pool,
    /// By the slope.
    pub likely_s: u64,
    /// By the steepest slope that the data allow.
    pub least_s: u64,
    /// By the flattest; `None` when that never arrives.
    pub most_s: Option<u64>,
}

/// A judgement on one host at one moment, with what it rests on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The judgement.
    pub verdict: Verdict,
    /// The pool it is about, or the more important one.
    pub pool: Option<Pool>,
    /// Whether it is about both pools.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub both: bool,
    /// Who may be behind it, most likely first. Empty beats wrong.
    pub suspects: Vec<Suspect>,
    /// What was observed beyond the suspects' own evidence.
    pub evidence: Vec<Evidence>,
    /// The tags it is about, the most telling first.
    #[serde(default)]
    pub tags: Vec<TagObservation>,
    /// What is left of the pool; none of an exhausted pool of which no bound is known to have run out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Headroom>,
    /// How long that lasts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_left: Option<TimeLeft>,
    /// What to do, in this order.
    #[serde(default)]
    pub next_steps: Vec<NextStep>,
}

impl Diagnosis {
    /// How long the pool lasts, seconds: nothing once it is exhausted. `None` when it is not known to
    /// run out.
    #[must_use]
    pub fn left_s(&self) -> Option<u64> {
        match self.verdict {
            Verdict::Exhausted => Some(0),
            _ => self.time_left.map(|left| left.likely_s),
        }
    }
}
