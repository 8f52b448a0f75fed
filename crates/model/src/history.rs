//! A host over time as columns: what was measured at each moment of one axis that all share.

use crate::{
    Pool, PoolTag,
    memory::Memory,
    process::{ProcessKey, ProcessUse},
};

/// A value that was not measured.
pub const MISSING: u64 = u64::MAX;

/// One moment of the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970, or since any moment that all share.
    pub at_s: i64,
    /// Which run of Windows: a number that rises with each restart.
    pub boot: u32,
    /// How long that had run, seconds, where it is known.
    pub uptime_s: Option<u64>,
}

/// A tag's use of one pool over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSeries {
    /// The tag, without the protection bit of old kernels.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes. All zero where only counts are told.
    pub bytes: Vec<u64>,
    /// Allocations minus frees.
    pub outstanding: Vec<u64>,
    /// Allocations since boot, unwrapped; all missing where they are not told.
    pub allocs: Vec<u64>,
}

impl TagSeries {
    /// Whether bytes are told, not counts alone.
    #[must_use]
    pub fn has_bytes(&self) -> bool {
        self.bytes.iter().any(|bytes| *bytes != MISSING && *bytes > 0)
    }
}

/// A process over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSeries {
    /// Who it is.
    pub key: ProcessKey,
    /// Image name.
    pub image: String,
    /// Services that live in it.
    pub services: Vec<String>,
    /// Open handles.
    pub handles: Vec<u64>,
    /// Threads.
    pub threads: Vec<u64>,
    /// Private memory, which is charged to commit.
    pub private_bytes: Vec<u64>,
    /// Paged and nonpaged pool charged to its quota.
    pub quota: [Vec<u64>; 2],
}

impl ProcessSeries {
    /// A process of which nothing is known yet at so many moments.
    #[must_use]
    pub fn unmeasured(process: &ProcessUse, moments: usize) -> Self {
        Self {
            key: process.key,
            image: process.image.clone(),
            services: process.services.clone(),
            handles: vec![MISSING; moments],
            threads: vec![MISSING; moments],
            private_bytes: vec![MISSING; moments],
            quota: [vec![MISSING; moments], vec![MISSING; moments]],
        }
    }

    /// Pool charged to its quota.
    #[must_use]
    pub fn quota(&self, pool: Pool) -> &[u64] {
        match pool {
            Pool::Paged => &self.quota[0],
            Pool::Nonpaged => &self.quota[1],
        }
    }
}

/// Objects of one type over the whole host, by the kernel's own count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTypeSeries {
    /// Type name (`Event`).
    pub name: String,
    /// Objects that exist.
    pub objects: Vec<u64>,
    /// Handles to them.
    pub handles: Vec<u64>,
}

/// Everything that was measured of a host over a period.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostHistory {
    /// When it was measured, oldest first. All series have a value for each of these moments.
    pub axis: Vec<Moment>,
    /// System-wide figures, the latest known of each.
    pub memory: Memory,
    /// Tags.
    pub tags: Vec<TagSeries>,
    /// Processes.
    pub processes: Vec<ProcessSeries>,
    /// Kernel objects by type.
    pub object_types: Vec<ObjectTypeSeries>,
    /// Use of paged and nonpaged pool, bytes.
    pub pools: [Vec<u64>; 2],
    /// Commit charge, bytes; empty where nothing is known of it.
    pub committed: Vec<u64>,
    /// Live processes, a count.
    pub live_processes: Vec<u64>,
    /// Whether `processes` holds every process of the host.
    pub all_processes: bool,
}
