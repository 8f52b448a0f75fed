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
    /// Of each figure the one that is told here, else the other.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        Self {
            paged: self.paged.or(other.paged),
            nonpaged: self.nonpaged.or(other.nonpaged),
            paged_limit: self.paged_limit.or(other.paged_limit),
            nonpaged_limit: self.nonpaged_limit.or(other.nonpaged_limit),
            paged_resident: self.paged_resident.or(other.paged_resident),
            physical: self.physical.or(other.physical),
            available: self.available.or(other.available),
            resident_available: self.resident_available.or(other.resident_available),
            committed: self.committed.or(other.committed),
            commit_limit: self.commit_limit.or(other.commit_limit),
            commit_peak: self.commit_peak.or(other.commit_peak),
            free_system_ptes: self.free_system_ptes.or(other.free_system_ptes),
            handles: self.handles.or(other.handles),
            threads: self.threads.or(other.threads),
            processes: self.processes.or(other.processes),
        }
    }

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
