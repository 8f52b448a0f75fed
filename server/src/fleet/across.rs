//! One tag over all hosts, as of this moment.

use poolwatch_model::{HostId, Pool, PoolTag, tag::TagCounters};

use super::{
    Fleet,
    earlier::{WINDOWS, Window},
};

/// One host's use of a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostUse {
    /// The host.
    pub host: HostId,
    /// What it uses.
    pub counters: TagCounters,
    growth: [Option<i64>; WINDOWS],
}

impl HostUse {
    /// Bytes more, or less, than at the beginning of a window; `None` when that is not known.
    #[must_use]
    pub fn growth(&self, window: Window) -> Option<i64> {
        self.growth[window as usize]
    }
}

impl Fleet {
    /// What every host uses of a pool by a tag, by host. Looks at every host whose tags are in
    /// memory, some hundred nanoseconds each: call it beside the threads that answer requests.
    #[must_use]
    pub fn across(&self, tag: PoolTag, pool: Pool) -> Vec<HostUse> {
        let of = |live: &super::host::LiveHost| {
            let state = live.read();
            let cell = state.tables()?.tags.as_ref()?.get(tag, pool)?;
            let growth = cell.then.map(|then| then.growth_to(cell.counters.bytes));
            Some(HostUse { host: live.id, counters: cell.counters, growth })
        };
        self.all().iter().filter_map(|live| of(live)).collect()
    }
}
