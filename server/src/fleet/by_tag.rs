//! The fleet by tag: who uses how much of which pool, and where it grows.

use std::{cmp::Reverse, collections::HashMap};

use poolwatch_model::{HostId, Pool, PoolTag};

use super::{
    Fleet,
    baselines::{WINDOWS, Window},
    sweep::TopHosts,
    top_k::TopK,
    totals::{GrowthTotal, Total, Totals, TotalsDelta},
};

/// One tag's use of one pool over all hosts whose tags are in memory.
#[derive(Debug, Clone, PartialEq)]
pub struct TagLine {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Hosts on which it uses anything.
    pub hosts: u32,
    /// Bytes, all hosts together.
    pub sum: u64,
    /// Bytes that half of these hosts do not exceed, to within 1.6 %; exact for a few hosts.
    pub median: u64,
    /// Bytes that 95 % of them do not exceed, likewise.
    pub p95: u64,
    /// The hosts that use most, the first ones first, as of the last sweep.
    pub top: Vec<(HostId, u64)>,
    growth: [GrowthTotal; WINDOWS],
}

impl TagLine {
    /// Growth over a window; its `hosts` tells on how many hosts that is known.
    #[must_use]
    pub fn growth(&self, window: Window) -> GrowthTotal {
        self.growth[window as usize]
    }
}

/// What the fleet's tags can be ranked by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagMeasure {
    /// Hosts that use it.
    Hosts,
    /// Bytes, all hosts together.
    Sum,
    /// The median of hosts.
    Median,
    /// The 95th percentile of hosts.
    P95,
    /// Growth over a window.
    Growth(Window),
}

/// Every tag of the fleet.
#[derive(Debug, Default)]
pub struct ByTag {
    /// By tag, then pool.
    lines: Vec<TagLine>,
}

impl ByTag {
    pub(super) fn make(totals: &Totals, tops: &TopHosts) -> Self {
        let mut lines =
            totals.map(|id, tag, pool, total| line((tag, pool), total, tops.of(id, pool)));
        lines.sort_unstable_by_key(|line| (line.tag, line.pool));
        Self { lines }
    }

    /// Every tag over some hosts alone, as of this moment. Costs some ten nanoseconds for each tag
    /// of each host: call it beside the threads that answer requests.
    #[must_use]
    pub fn among(fleet: &Fleet, hosts: &[HostId]) -> Self {
        let mut totals: HashMap<(PoolTag, Pool), (Total, TopK)> = HashMap::new();
        for live in hosts.iter().filter_map(|host| fleet.known(*host)) {
            let state = live.read();
            let Some(tags) = state.tables().and_then(|tables| tables.tags.as_ref()) else {
                continue;
            };
            for cell in tags.cells() {
                let (total, top) = totals.entry((cell.tag, cell.pool)).or_default();
                total
                    .shift(&TotalsDelta::of(cell.id, cell.pool).to(cell.counters.bytes, cell.then));
                top.offer(live.id, cell.counters.bytes);
            }
        }
        let mut lines: Vec<TagLine> = totals
            .into_iter()
            .map(|(tag, (total, top))| line(tag, &total, top.into_list()))
            .collect();
        lines.sort_unstable_by_key(|line| (line.tag, line.pool));
        Self { lines }
    }

    /// Every tag and pool in use, by tag, then pool.
    #[must_use]
    pub fn lines(&self) -> &[TagLine] {
        &self.lines
    }

    /// One tag's use of one pool.
    #[must_use]
    pub fn get(&self, tag: PoolTag, pool: Pool) -> Option<&TagLine> {
        let place = self.lines.binary_search_by_key(&(tag, pool), |line| (line.tag, line.pool));
        place.ok().map(|at| &self.lines[at])
    }

    /// The lines for which `chosen` holds, the largest first.
    #[must_use]
    pub fn ranked(&self, measure: TagMeasure, chosen: impl Fn(&TagLine) -> bool) -> Vec<&TagLine> {
        let mut lines: Vec<&TagLine> = self.lines.iter().filter(|line| chosen(line)).collect();
        let value = |line: &TagLine| match measure {
            TagMeasure::Hosts => i128::from(line.hosts),
            TagMeasure::Sum => i128::from(line.sum),
            TagMeasure::Median => i128::from(line.median),
            TagMeasure::P95 => i128::from(line.p95),
            TagMeasure::Growth(window) => i128::from(line.growth(window).bytes),
        };
        lines.sort_by_cached_key(|line| (Reverse(value(line)), line.tag, line.pool));
        lines
    }
}

fn line((tag, pool): (PoolTag, Pool), total: &Total, top: Vec<(HostId, u64)>) -> TagLine {
    // Few enough to be known one by one.
    let exact = top.len() == total.hosts as usize;
    let quantile = |share: f64| {
        let rank = (f64::from(total.hosts) * share).ceil() as usize;
        let from_top = (total.hosts as usize).checked_sub(rank.max(1));
        match from_top.and_then(|at| top.get(at)).filter(|_| exact) {
            Some((_, bytes)) => *bytes,
            None => total.spread.quantile(share),
        }
    };
    let (median, p95) = (quantile(0.5), quantile(0.95));
    let (hosts, sum, growth) = (total.hosts, total.sum, total.growth);
    TagLine { tag, pool, hosts, sum, median, p95, top, growth }
}
