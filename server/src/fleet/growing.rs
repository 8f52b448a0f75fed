//! Which tags grow over the fleet.

use std::collections::HashMap;

use poolwatch_analysis::growth::tag_changes;
use poolwatch_model::{Pool, PoolTag};

use super::host::State;

/// Less growth a day than this on a host is no growth.
const NOTABLE_BYTES_PER_DAY: f64 = (10_u64 << 20) as f64;

/// A tag that grows on some hosts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growing {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Hosts on which it grows.
    pub hosts: u64,
    /// Bytes a day, all these hosts together.
    pub bytes_per_day: f64,
}

/// Adds up growth over hosts.
#[derive(Debug, Default)]
pub struct Tally {
    tags: HashMap<(PoolTag, Pool), (u64, f64)>,
}

impl Tally {
    /// Counts a host.
    pub fn add(&mut self, state: &State) {
        let (Some(before), Some(at)) = (&state.before, state.at) else { return };
        let Some(tags) = state.snapshot().and_then(|snapshot| snapshot.tags.as_ref()) else {
            return;
        };
        let days = at.duration_since(before.at).as_secs_f64() / 86_400.0;
        if days <= 0.0 {
            return;
        }
        for change in tag_changes(&before.tags, tags) {
            let per_day = change.bytes as f64 / days;
            if per_day < NOTABLE_BYTES_PER_DAY {
                break;
            }
            let sum = self.tags.entry((change.tag, change.pool)).or_default();
            *sum = (sum.0 + 1, sum.1 + per_day);
        }
    }

    /// The tags that grow most.
    #[must_use]
    pub fn most(self, count: usize) -> Vec<Growing> {
        let mut growing: Vec<Growing> = self
            .tags
            .into_iter()
            .map(|((tag, pool), (hosts, bytes_per_day))| Growing {
                tag,
                pool,
                hosts,
                bytes_per_day,
            })
            .collect();
        growing.sort_by(|a, b| b.bytes_per_day.total_cmp(&a.bytes_per_day).then(a.tag.cmp(&b.tag)));
        growing.truncate(count);
        growing
    }
}
