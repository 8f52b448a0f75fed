//! Hosts ranked by a measure.

use std::cmp::Reverse;
use std::sync::Arc;

use poolwatch_model::Pool;

use super::view::{FleetView, HostSummary};

/// What hosts can be ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HostMeasure {
    /// Bytes of a pool in use.
    Used(Pool),
    /// A pool's use as a share of its limit.
    ShareOfLimit(Pool),
    /// A pool's use as a share of physical memory.
    ShareOfMemory(Pool),
    /// Change of a pool over the last 24 h.
    Growth(Pool),
    /// Commit as a share of its limit.
    Commit,
    /// Open handles of the host.
    Handles,
    /// Handles of the process that has most.
    TopProcess,
}

impl HostMeasure {
    /// The measure of a host: bytes, a count, or a share in millionths. `None` when not known.
    #[must_use]
    pub fn of(self, host: &HostSummary) -> Option<i64> {
        let signed = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let millionths = |share: f64| (share * 1e6) as i64;
        let memory = &host.memory;
        match self {
            Self::Used(pool) => memory.of(pool).map(|bytes| signed(bytes.0)),
            Self::ShareOfLimit(pool) => {
                let limit = host.ceiling(pool)?.bytes;
                Some(millionths(memory.of(pool)?.share_of(limit)))
            }
            Self::ShareOfMemory(pool) => {
                Some(millionths(memory.of(pool)?.share_of(memory.physical?)))
            }
            Self::Growth(pool) => host.growth(pool),
            Self::Commit => Some(millionths(memory.committed?.share_of(memory.commit_limit?))),
            Self::Handles => memory.handles.map(signed),
            Self::TopProcess => host.top_process.as_ref().map(|(_, _, handles)| (*handles).into()),
        }
    }
}

impl FleetView {
    /// The hosts with the largest of a measure, those first; hosts of which it is not known are
    /// left out.
    #[must_use]
    pub fn ranked(&self, measure: HostMeasure, count: usize) -> Vec<(&Arc<HostSummary>, i64)> {
        let mut hosts: Vec<(&Arc<HostSummary>, i64)> =
            self.hosts.iter().filter_map(|host| Some((host, measure.of(host)?))).collect();
        let key = |(host, value): &(&Arc<HostSummary>, i64)| (Reverse(*value), host.host.id);
        if count < hosts.len() && count > 0 {
            hosts.select_nth_unstable_by_key(count - 1, key);
        }
        hosts.truncate(count);
        hosts.sort_unstable_by_key(key);
        hosts
    }
}
