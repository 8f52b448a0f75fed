//! Whether a tag leaks: its troughs rise steadily, far enough, beyond everything before, and
//! nothing comes back. `docs/analysis.md` gives the reason of each threshold.

use poolwatch_model::Pool;
use poolwatch_model::history::TagSeries;

use crate::{
    case::{self, CaseFile},
    facts,
    statistics::{Slope, theil_sen},
    troughs::{self, Trough},
};

/// How sure growth is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// Worth watching: too little, too short, or it may be a cache that fills.
    Watched,
    /// A leak.
    Leak,
}

/// A tag's growth.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Growth {
    /// How sure.
    pub stage: Stage,
    /// Place on the axis where the growth is first seen.
    pub from: usize,
    /// Place of the latest moment.
    pub to: usize,
    /// Bytes grown in between.
    pub bytes: u64,
    /// Objects grown in between.
    pub objects: u64,
    /// Over how long, seconds.
    pub over_s: u64,
    /// Bytes per hour: the slope and its interval.
    pub per_hour: Slope,
    /// Allocations and frees in between, where they are told.
    pub traffic: Option<(u64, u64)>,
    /// Whether the tag gave nothing back worth a word.
    pub never_fell: bool,
}

impl Growth {
    /// Bytes per day by the slope.
    #[must_use]
    pub fn per_day(&self) -> f64 {
        self.per_hour.slope * 24.0
    }

    /// Whether next to nothing of what was allocated was freed.
    #[must_use]
    pub fn hardly_freed(&self) -> bool {
        self.traffic.is_some_and(|(allocs, frees)| allocs > 1000 && frees < allocs / 4)
    }
}

/// Growth that is worth a word: the larger of this and a tenth of the pool.
pub const NOTABLE_BYTES: u64 = 50 << 20;
/// Fewer allocations are somebody's buffers.
const LEAST_OBJECTS: u64 = 20;
/// Looking back, hours: for what fills a pool within a day, then a day to ten.
const WINDOWS: [Window; 8] = [
    Window { hours: 6, blocks: 6 },
    Window { hours: 12, blocks: 8 },
    Window { hours: 24, blocks: 8 },
    Window { hours: 48, blocks: 8 },
    Window { hours: 72, blocks: 6 },
    Window { hours: 120, blocks: 5 },
    Window { hours: 168, blocks: 7 },
    Window { hours: 240, blocks: 10 },
];

#[derive(Debug, Clone, Copy)]
struct Window {
    hours: i64,
    blocks: usize,
}

/// Growth over this and a tenth of the pool is a leak, when it lasts.
#[must_use]
pub fn notable(case: &CaseFile, pool: Pool) -> u64 {
    let used = case::last(case.pool(pool)).or(case.memory.of(pool).map(|bytes| bytes.0));
    NOTABLE_BYTES.max(used.unwrap_or(0) / 10)
}

/// The growth of a tag in the latest run of Windows, if it is worth a word.
#[must_use]
pub fn growth(case: &CaseFile, series: &TagSeries) -> Option<Growth> {
    let all = troughs::hourly(&case.axis, &series.bytes);
    // While a run warms up, nothing is known of it, and what the one before did is over.
    let boot = case.axis.last()?.boot;
    let latest = all.last().filter(|trough| trough.boot == boot)?;
    let notable = notable(case, series.pool) as f64;
    let now = latest.hour + 1;
    let mut best: Option<Growth> = None;
    for window in WINDOWS {
        let from = now - window.hours;
        let earlier = all.partition_point(|trough| trough.hour < from);
        let view = View::new(&all, earlier, boot, window, from, now);
        let Some(view) = view else { continue };
        let Some(found) = view.judge(case, series, notable) else { continue };
        if best.is_none_or(|best| (found.stage, found.bytes) > (best.stage, best.bytes)) {
            best = Some(found);
        }
    }
    best
}

/// A window of one run of Windows, with what came before it.
struct View<'a> {
    window: Window,
    before: &'a [Trough],
    run_start: i64,
    within: Vec<Trough>,
    points: Vec<(f64, f64)>,
    blocks: Vec<f64>,
}

impl<'a> View<'a> {
    fn new(
        all: &'a [Trough],
        earlier: usize,
        boot: u32,
        window: Window,
        from: i64,
        to: i64,
    ) -> Option<Self> {
        let (before, within) = all.split_at(earlier);
        let run = all.iter().find(|trough| trough.boot == boot)?.hour;
        let profile = troughs::daily_profile(before);
        let within: Vec<Trough> =
            within.iter().filter(|trough| trough.boot == boot).copied().collect();
        let within = troughs::without_profile(&within, &profile);
        // Half of the hours must be known, from the beginning on.
        let known = within.len() as i64 * 2 >= window.hours
            && within.first()?.hour - from <= (window.hours / 8).max(1);
        let blocks = troughs::blocks(&within, from, to, window.blocks);
        let blocks: Vec<f64> = blocks.into_iter().flatten().collect();
        if !known || blocks.len() + 2 < window.blocks || blocks.len() < 4 {
            return None;
        }
        let points = thinned(&within, from, window.hours);
        Some(Self { window, before, run_start: run, within, points, blocks })
    }

    fn judge(&self, case: &CaseFile, series: &TagSeries, notable: f64) -> Option<Growth> {
        let (first, last) = (self.blocks[0], *self.blocks.last()?);
        let grown = last - first;
        // A tenth of what makes a leak is worth watching.
        if grown < notable * 0.1 {
            return None;
        }
        let line = theil_sen(&self.points)?;
        if line.slope <= 0.0 || line.z < 3.0 {
            return None;
        }
        let (from, to) = (self.within.first()?.at, self.within.last()?.at);
        let objects = case::growth(&series.outstanding, from, to);
        let traffic = traffic(series, from, to);
        let fall = drawdown(&self.blocks) / grown;
        let found = Growth {
            stage: Stage::Watched,
            from,
            to,
            bytes: (line.slope * (self.points.last()?.0 - self.points[0].0)).max(grown) as u64,
            objects,
            over_s: case.span_s(from, to),
            per_hour: line,
            traffic,
            never_fell: fall < 0.1,
        };
        let is_leak = self.is_far_enough(case, series, notable, &found, grown)
            && self.is_steady(grown, fall, &found)
            && objects >= LEAST_OBJECTS
            && self.is_beyond_before(case, series, grown, last);
        let stage = if is_leak { Stage::Leak } else { Stage::Watched };
        let worth_watching = grown >= notable * 0.25 && fall < 0.5;
        (is_leak || worth_watching).then_some(Growth { stage, ..found })
    }

    /// A reason to care: enough bytes for the time they took.
    fn is_far_enough(
        &self,
        case: &CaseFile,
        series: &TagSeries,
        notable: f64,
        found: &Growth,
        grown: f64,
    ) -> bool {
        let full = notable * (self.window.blocks as f64 - 1.0) / self.window.blocks as f64;
        if self.window.hours >= 24 {
            return grown >= full * 0.95;
        }
        // Shorter than a day only what fills the pool within one.
        let left = crate::headroom::headroom(case, series.pool);
        let days = left.map_or(f64::INFINITY, |left| left.left.0 as f64 / found.per_day());
        let hours_left = days * 24.0;
        grown >= 4.0 * notable && hours_left < 2.0 * self.window.hours as f64
    }

    /// Most parts rise, none makes up most of the rise, nothing falls back, and it does not flatten.
    fn is_steady(&self, grown: f64, fall: f64, found: &Growth) -> bool {
        let steps: Vec<f64> = self.blocks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let rising = steps.iter().filter(|step| **step > 0.02 * grown).count();
        let largest = steps.iter().copied().fold(0.0, f64::max);
        let kept = fall < 0.2 || found.hardly_freed() && fall < 0.35;
        rising * 3 >= steps.len() * 2 && largest < 0.5 * grown && kept && self.goes_on(grown, found)
    }

    /// A cache that fills grows ever slower; a leak goes on. Judged from where growth begins.
    fn goes_on(&self, grown: f64, found: &Growth) -> bool {
        let floor = self.blocks[0] + 0.05 * grown;
        let start = self.blocks.iter().rposition(|block| *block <= floor).unwrap_or(0);
        let part = &self.blocks[start..];
        let hours = (part.len() - 1) as f64 * self.window.hours as f64 / self.window.blocks as f64;
        let middle = (part.len() - 1) / 2;
        let early = (part[middle] - part[0]) / middle.max(1) as f64;
        let late_steps = part.len() - 1 - middle;
        let late = (part[part.len() - 1] - part[middle]) / late_steps.max(1) as f64;
        let ratio = if early > 0.0 { late / early } else { f64::INFINITY };
        // Traffic tells a cache, which turns over, from what nobody ever frees.
        let lenient = if found.hardly_freed() { 0.1 } else { 0.0 };
        let least = match hours {
            h if h < 16.0 && self.window.hours >= 24 => return false,
            h if h < 36.0 => 0.75,
            h if h < 72.0 => 0.65,
            h if h < 120.0 => 0.55,
            _ => 0.5,
        };
        ratio >= least - lenient
    }

    /// Beyond every level that the tag is known to have held, here or on hosts like this one; and
    /// what has grown since the start of Windows may still be a cache that fills.
    fn is_beyond_before(&self, case: &CaseFile, series: &TagSeries, grown: f64, last: f64) -> bool {
        let facts = facts::of(series.tag);
        let run_hours = self.within.last().map_or(0, |t| t.hour) - self.run_start;
        let since_start = run_hours < self.window.hours + 6;
        let highest = self.before.iter().map(|t| t.value).max();
        let days_before = self.before.len() / 24;
        let beyond = highest.is_none_or(|highest| last - highest as f64 >= 0.45 * grown);
        let peer = case.peers.iter().find(|p| p.tag == series.tag && p.pool == series.pool);
        let above_peers = peer.is_none_or(|p| p.hosts < 3 || last > 1.5 * p.median as f64);
        let known = match (facts.cache, since_start, days_before) {
            (true, ..) => self.window.hours >= 168,
            // Nothing is known of its usual level: it must have gone on for long.
            (false, true, 0) => self.window.hours >= 48 && run_hours >= 46,
            (false, false, 0..3) => self.window.hours >= 48,
            _ => true,
        };
        beyond && above_peers && known
    }
}

/// At most about this many points make a line: its cost grows with their square.
const POINTS: i64 = 56;

/// Low points of equal parts of a window, each where it was measured.
fn thinned(within: &[Trough], from: i64, hours: i64) -> Vec<(f64, f64)> {
    let part = (hours + POINTS - 1) / POINTS;
    within
        .chunk_by(|a, b| (a.hour - from) / part == (b.hour - from) / part)
        .filter_map(|troughs| troughs.iter().min_by_key(|trough| trough.value))
        .map(|trough| ((trough.hour - from) as f64, trough.value as f64))
        .collect()
}

/// The largest fall from what was reached before.
fn drawdown(blocks: &[f64]) -> f64 {
    let mut highest = f64::NEG_INFINITY;
    blocks.iter().fold(0.0, |fall: f64, block| {
        highest = highest.max(*block);
        fall.max(highest - block)
    })
}

/// Allocations and frees between two places.
fn traffic(series: &TagSeries, from: usize, to: usize) -> Option<(u64, u64)> {
    let (before, after) = case::ends(&series.allocs, from, to)?;
    let allocs = after.checked_sub(before)?;
    let (held_before, held_after) = case::ends(&series.outstanding, from, to)?;
    let frees = (allocs + held_before).checked_sub(held_after)?;
    Some((allocs, frees))
}
