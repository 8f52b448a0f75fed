//! Which tags grow over the fleet.

use std::cmp::Reverse;

use poolwatch_model::{Pool, PoolTag};

use super::{
    earlier::Window,
    totals::{NOTABLE_BYTES, Totals},
};

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
pub fn most(totals: &Totals, count: usize) -> Vec<Growing> {
    let all = totals.map(|_, tag, pool, total| {
        let growth = total.growth[Window::Day as usize];
        (growth.grown_bytes >= NOTABLE_BYTES).then_some(Growing {
            tag,
            pool,
            hosts: growth.grown_hosts.into(),
            bytes_per_day: growth.grown_bytes as f64,
        })
    });
    let mut growing: Vec<Growing> = all.into_iter().flatten().collect();
    growing.sort_by_key(|one| (Reverse(one.bytes_per_day as i64), one.tag));
    growing.truncate(count);
    growing
}
