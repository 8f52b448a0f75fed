//! Windows events that bear on pool use.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Bytes, Pool, PoolTag};

/// One event record, as the event log kept it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Log (`System`).
    pub channel: String,
    /// Number of the record in its log; 0 when a text does not tell it.
    pub record_id: u64,
    /// When it was written, by the host's clock.
    pub time: Timestamp,
    /// Provider (`Srv`).
    pub provider: String,
    /// Event id, without qualifiers.
    pub event_id: u32,
    /// Level (1 critical … 5 verbose).
    #[serde(default)]
    pub level: Option<u8>,
    /// Computer that wrote it.
    #[serde(default)]
    pub computer: Option<String>,
    /// Insertion strings of the message, in order.
    #[serde(default)]
    pub data: Vec<String>,
    /// What event 2004 tells beyond that.
    #[serde(default)]
    pub exhaustion: Option<MemoryExhaustion>,
}

/// What an event means for Poolwatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// The Server service found a pool empty (2019, 2020).
    PoolEmpty(Pool),
    /// The Server service met its configured limit of a pool (2017, 2018).
    PoolLimit(Pool),
    /// Windows diagnosed low virtual memory: commit, not pool (2004).
    CommitExhausted,
    /// A registry flush failed, often for want of pool (333).
    RegistryFlushFailed,
    /// Windows started, or noticed that it had stopped (41, 1074, 6005, 6008).
    Restart,
    /// Anything else that is collected.
    Other,
}

const SRV: &str = "Srv";
const EXHAUSTION_DETECTOR: &str = "Microsoft-Windows-Resource-Exhaustion-Detector";
const KERNEL_POWER: &str = "Microsoft-Windows-Kernel-Power";

impl Event {
    /// What the event means. Providers are compared without case; ids of other providers that
    /// happen to be equal mean nothing.
    #[must_use]
    pub fn kind(&self) -> EventKind {
        let by = |provider: &str| self.provider.eq_ignore_ascii_case(provider);
        match self.event_id {
            2017 if by(SRV) => EventKind::PoolLimit(Pool::Nonpaged),
            2018 if by(SRV) => EventKind::PoolLimit(Pool::Paged),
            2019 if by(SRV) => EventKind::PoolEmpty(Pool::Nonpaged),
            2020 if by(SRV) => EventKind::PoolEmpty(Pool::Paged),
            2004 if by(EXHAUSTION_DETECTOR) => EventKind::CommitExhausted,
            333 if by("Application Popup") => EventKind::RegistryFlushFailed,
            41 if by(KERNEL_POWER) => EventKind::Restart,
            1074 if by("User32") => EventKind::Restart,
            6005 | 6008 if by("EventLog") => EventKind::Restart,
            _ => EventKind::Other,
        }
    }
}

/// Event 2004 in full: commit is exhausted, and these were the largest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MemoryExhaustion {
    /// Commit limit.
    pub commit_limit: Option<Bytes>,
    /// Commit charge.
    pub committed: Option<Bytes>,
    /// Paged pool in use.
    pub paged: Option<Bytes>,
    /// Nonpaged pool in use.
    pub nonpaged: Option<Bytes>,
    /// Physical memory.
    pub physical: Option<Bytes>,
    /// Physical memory in use.
    pub physical_used: Option<Bytes>,
    /// Processes, a count.
    pub processes: Option<u64>,
    /// Largest tags of paged pool.
    pub paged_tags: Vec<(PoolTag, Bytes)>,
    /// Largest tags of nonpaged pool.
    pub nonpaged_tags: Vec<(PoolTag, Bytes)>,
    /// Processes with the largest commit charge.
    pub top_processes: Vec<ExhaustionProcess>,
}

/// A process that event 2004 lists.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExhaustionProcess {
    /// Image name.
    pub image: String,
    /// Process id.
    pub pid: u32,
    /// Creation time.
    pub created: Option<Timestamp>,
    /// Commit charge.
    pub commit: Bytes,
    /// Open handles.
    pub handles: u32,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_means_something_only_from_its_provider() {
        let event = |provider: &str, event_id| Event {
            channel: "System".into(),
            record_id: 1,
            time: Timestamp::UNIX_EPOCH,
            provider: provider.into(),
            event_id,
            level: None,
            computer: None,
            data: vec![],
            exhaustion: None,
        };
        assert_eq!(event("srv", 2019).kind(), EventKind::PoolEmpty(Pool::Nonpaged));
        assert_eq!(event("SRV", 2020).kind(), EventKind::PoolEmpty(Pool::Paged));
        assert_eq!(event("Srv2", 2019).kind(), EventKind::Other);
        assert_eq!(event("Application Popup", 2004).kind(), EventKind::Other);
    }
}
