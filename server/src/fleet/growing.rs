//! Which tags grow over the fleet.

use std::cmp::Reverse;

use poolwatch_model::{Pool, PoolTag};

use super::{
    baselines::Window,
    by_tag::{ByTag, TagLine},
    totals::NOTABLE_BYTES,
};

/// Growing tags that are shown at a glance.
pub const GROWING: usize = 12;

/// A tag that grows on some hosts.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growing {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Hosts on which it grew by [`NOTABLE_BYTES`] or more.
    pub hosts: u64,
    /// Bytes a day, all these hosts together.
    pub bytes_per_day: f64,
}

/// The tags that grew most in the last 24 h.
#[must_use]
pub fn most(tags: &ByTag, count: usize) -> Vec<Growing> {
    let grows = |line: &TagLine| {
        let growth = line.growth(Window::Day);
        (growth.grown_bytes >= NOTABLE_BYTES).then_some(Growing {
            tag: line.tag,
            pool: line.pool,
            hosts: growth.grown_hosts.into(),
            bytes_per_day: growth.grown_bytes as f64,
        })
    };
    let mut growing: Vec<Growing> = tags.lines().iter().filter_map(grows).collect();
    growing.sort_by_key(|one| (Reverse(one.bytes_per_day as i64), one.tag));
    growing.truncate(count);
    growing
}
