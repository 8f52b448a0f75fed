//! The hours before something broke, kept as they were.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Pool, PoolTag, comparison::Change, diagnosis::Evidence};

/// What the picture was taken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Trigger {
    /// The Server service found a pool empty (2019, 2020).
    PoolEmpty {
        /// Which pool.
        pool: Pool,
    },
    /// The Server service met its limit of a pool (2017, 2018).
    PoolLimit {
        /// Which pool.
        pool: Pool,
    },
    /// Windows ran out of commit (2004).
    CommitExhausted,
    /// The host fell silent while a pool was under pressure.
    Silence {
        /// Which pool.
        pool: Pool,
    },
}

/// Why it probably happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reason {
    /// A program's handles or threads took the pool.
    ProgramHolds {
        /// Image name.
        image: String,
        /// The tag of what it holds.
        tag: PoolTag,
    },
    /// A driver took it.
    DriverLeaks {
        /// File name.
        driver: String,
        /// Its tag.
        tag: PoolTag,
    },
    /// References without handles took it.
    KernelReferences {
        /// The object type's tag.
        tag: PoolTag,
    },
    /// A tag grew, nobody knows whose.
    TagGrew {
        /// The tag.
        tag: PoolTag,
    },
    /// Commit ran out, most of it here.
    CommitHeldBy {
        /// Image name.
        image: String,
    },
    /// Pool was not short at all: the Server service's own limit was met.
    ConfiguredLimit,
    /// Nothing that was measured explains it.
    NotShown,
}

/// The hours before an event or a silence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Picture {
    /// What for.
    pub trigger: Trigger,
    /// When that was.
    pub at: Timestamp,
    /// The first moment that was looked at.
    pub since: Timestamp,
    /// What grew, the most first.
    pub grew: Vec<Evidence>,
    /// Who held it.
    pub held: Vec<Evidence>,
    /// What was installed or changed in the days before, the latest first.
    pub changed: Vec<Change>,
    /// The likely reason.
    pub reason: Reason,
}
