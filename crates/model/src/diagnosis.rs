//! What is judged from snapshots and events, each judgement with its evidence.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Bytes, Pool, PoolTag, memory::Ceiling};

/// The judgement in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    InsufficientEvidence,
}

/// What kind of thing a suspect is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
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
    /// Nobody could be named.
    Unknown,
}

/// Who may be behind it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Suspect {
    /// What kind of thing.
    pub kind: SuspectKind,
    /// Its name, where one is known.
    pub name: Option<String>,
    /// The tags it is suspected for.
    pub tags: Vec<PoolTag>,
    /// How sure, 0 to 1.
    pub confidence: f32,
    /// Why. Never empty.
    pub evidence: Vec<Evidence>,
}

/// One observed fact that a judgement rests on. Put into words where it is shown.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "snake_case")]
pub enum Evidence {
    /// The Server service found the pool empty.
    PoolEmptyEvent {
        /// Which pool.
        pool: Pool,
        /// 2019 or 2020.
        event_id: u32,
        /// When.
        time: Timestamp,
    },
    /// Windows diagnosed exhausted commit (event 2004).
    CommitExhaustedEvent {
        /// When.
        time: Timestamp,
    },
    /// A pool is this full.
    PoolUse {
        /// Which pool.
        pool: Pool,
        /// In use.
        used: Bytes,
        /// Its limit.
        ceiling: Ceiling,
    },
    /// A tag holds this much of its pool.
    TagUse {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Bytes outstanding.
        bytes: Bytes,
        /// Allocations minus frees.
        outstanding: u64,
    },
    /// A tag grew.
    TagGrowth {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
        /// Bytes more than `over_s` ago.
        grown: Bytes,
        /// Over how long, seconds.
        over_s: u64,
    },
    /// A process holds this many handles.
    ProcessHandles {
        /// Image name.
        image: String,
        /// Process id.
        pid: u32,
        /// Open handles.
        handles: u32,
    },
    /// The outstanding objects of a tag and a process's handles are of one size.
    HandlesMatchObjects {
        /// Image name.
        image: String,
        /// Tag of the object type.
        tag: PoolTag,
        /// Handles of the process.
        handles: u32,
        /// Objects outstanding.
        outstanding: u64,
    },
}

/// A judgement on one host at one moment, with what it rests on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Diagnosis {
    /// The judgement.
    pub verdict: Verdict,
    /// The pool it is about.
    pub pool: Option<Pool>,
    /// Who may be behind it, most likely first. Empty beats wrong.
    pub suspects: Vec<Suspect>,
    /// What was observed beyond the suspects' own evidence.
    pub evidence: Vec<Evidence>,
}
