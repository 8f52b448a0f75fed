//! A snapshot: everything measured on a host at one moment.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    memory::Memory,
    process::{ObjectTypeUse, ProcessActivity, ProcessHandles, ProcessUse},
    tag::TagTable,
};

/// Everything measured on a host at one moment. A part that could not be had is `None`, and, when
/// an agent measured, its collector is among the `faults`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Snapshot {
    /// System-wide figures.
    pub memory: Memory,
    /// Pool tags.
    pub tags: Option<TagTable>,
    /// Processes, sorted by key.
    pub processes: Option<Vec<ProcessUse>>,
    /// Kernel object types, sorted by name.
    pub object_types: Option<Vec<ObjectTypeUse>>,
    /// What the most active processes did since the snapshot before, sorted by key.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub activity: Vec<ProcessActivity>,
    /// Handles by type of the processes that were looked into, sorted by key. Looked into now and then:
    /// most snapshots have none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub handles_by_type: Vec<ProcessHandles>,
    /// Allocations that the Server service could not make, where it runs and its counters can be had.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_failures: Option<PoolFailures>,
    /// What taking the snapshot cost the host.
    pub cost: Option<AgentCost>,
    /// Collectors that failed, and how.
    pub faults: Vec<CollectorFault>,
}

impl Snapshot {
    /// Operations beside reads and writes since the snapshot before, by image, of the processes that
    /// are told to be active.
    #[must_use]
    pub fn operations_by_program(&self) -> BTreeMap<&str, u64> {
        let list = self.processes.as_deref().unwrap_or_default();
        let mut by_program: BTreeMap<&str, u64> = BTreeMap::new();
        for one in &self.activity {
            // Both are sorted by their keys.
            let Ok(at) = list.binary_search_by_key(&one.key, |process| process.key) else {
                continue;
            };
            let sum = by_program.entry(&list[at].image).or_default();
            *sum = sum.saturating_add(one.others);
        }
        by_program
    }
}

/// Allocations that the Server service (LanmanServer) could not make, counted since it started: what
/// events 2019 and 2020 tell of, whether or not they are logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PoolFailures {
    /// From nonpaged pool.
    pub nonpaged: u32,
    /// From paged pool.
    pub paged: u32,
}

impl PoolFailures {
    /// What came since an earlier count; `None` where nothing did. A count that is lower was begun anew,
    /// when the service started again: nothing is concluded from it.
    #[must_use]
    pub fn since(self, earlier: Self) -> Option<Self> {
        let nonpaged = self.nonpaged.checked_sub(earlier.nonpaged)?;
        let paged = self.paged.checked_sub(earlier.paged)?;
        (nonpaged > 0 || paged > 0).then_some(Self { nonpaged, paged })
    }
}

/// What the agent itself costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentCost {
    /// CPU time of the previous cycle, microseconds.
    pub cpu_us: u64,
    /// Wall time of the previous cycle, microseconds.
    pub cycle_us: u64,
    /// Private bytes of the agent's process.
    pub private_bytes: u64,
    /// Bytes waiting in the spool.
    pub spool_bytes: u64,
    /// What the agent's process holds; `None` where its system or its version does not tell.
    #[serde(default)]
    pub held: Option<AgentHoldings>,
}

/// What the agent's process holds of the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AgentHoldings {
    /// Open handles.
    pub handles: u32,
    /// Threads, where the list of processes was had.
    pub threads: Option<u32>,
    /// Paged pool charged to its quota, bytes.
    pub paged_quota: u64,
    /// Nonpaged pool charged to its quota, bytes.
    pub nonpaged_quota: u64,
}

/// One source of data on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Collector {
    /// Pool tags (information classes 22 and 255).
    PoolTags,
    /// System-wide figures (class 2).
    Performance,
    /// Processes (class 5).
    Processes,
    /// Kernel object types.
    ObjectTypes,
    /// Handles by process and type (class 64, or 51 of a process).
    Handles,
    /// Loaded drivers (class 11).
    Modules,
    /// Service names by process.
    Services,
    /// The event log.
    EventLog,
    /// The kernel's low-memory conditions.
    MemoryConditions,
    /// The Server service's own counters.
    ServerService,
    /// A collector that this version does not know, by its number on the wire.
    Other(u16),
}

impl fmt::Display for Collector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::PoolTags => "pool tags",
            Self::Performance => "performance",
            Self::Processes => "processes",
            Self::ObjectTypes => "object types",
            Self::Handles => "handles",
            Self::Modules => "modules",
            Self::Services => "services",
            Self::EventLog => "event log",
            Self::MemoryConditions => "memory conditions",
            Self::ServerService => "Server service",
            Self::Other(number) => return write!(f, "collector {number}"),
        })
    }
}

/// A collector that gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct CollectorFault {
    /// Which one.
    pub collector: Collector,
    /// The NTSTATUS or Windows error it met.
    pub status: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_what_came_since_and_a_restart_of_the_service_is_none() {
        let count = |nonpaged, paged| PoolFailures { nonpaged, paged };
        assert_eq!(count(5, 2).since(count(3, 2)), Some(count(2, 0)));
        assert_eq!(count(5, 2).since(count(5, 2)), None);
        assert_eq!(count(0, 0).since(count(5, 2)), None, "started again");
        assert_eq!(count(1, 9).since(count(5, 2)), None, "started again, and fails already");
    }
}
