//! System-wide memory figures of a host.

use serde::{Deserialize, Serialize};

use crate::{Bytes, Pool};

/// Where a pool's limit is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CeilingSource {
    /// The vendor's documented rule for this Windows version and RAM. Allocation fails earlier.
    Documented,
    /// Read by a kernel debugger (`!vm`) or a tool with symbols on this very host.
    Measured,
}

/// A pool's limit, with where it is known from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ceiling {
    /// The limit.
    pub bytes: Bytes,
    /// How it is known.
    pub source: CeilingSource,
}

/// System-wide memory figures. What the source does not tell is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// Paged pool in use, resident or not.
    pub paged: Option<Bytes>,
    /// Nonpaged pool in use.
    pub nonpaged: Option<Bytes>,
    /// Limit of paged pool that was measured on the host.
    pub paged_limit: Option<Bytes>,
    /// Limit of nonpaged pool that was measured on the host.
    pub nonpaged_limit: Option<Bytes>,
    /// Paged pool that is resident.
    pub paged_resident: Option<Bytes>,
    /// Physical memory.
    pub physical: Option<Bytes>,
    /// Physical memory available.
    pub available: Option<Bytes>,
    /// Physical memory that could still be locked (`ResAvail`).
    pub resident_available: Option<Bytes>,
    /// Commit charge.
    pub committed: Option<Bytes>,
    /// Commit limit.
    pub commit_limit: Option<Bytes>,
    /// Highest commit charge since boot.
    pub commit_peak: Option<Bytes>,
    /// Free system page table entries, a count.
    pub free_system_ptes: Option<u64>,
    /// Open handles, a count.
    pub handles: Option<u64>,
    /// Threads, a count.
    pub threads: Option<u64>,
    /// Processes, a count.
    pub processes: Option<u64>,
}

impl Memory {
    /// Use of a pool.
    #[must_use]
    pub const fn of(&self, pool: Pool) -> Option<Bytes> {
        match pool {
            Pool::Paged => self.paged,
            Pool::Nonpaged => self.nonpaged,
        }
    }

    /// Limit of a pool that was measured on the host.
    #[must_use]
    pub const fn limit_of(&self, pool: Pool) -> Option<Bytes> {
        match pool {
            Pool::Paged => self.paged_limit,
            Pool::Nonpaged => self.nonpaged_limit,
        }
    }
}
