//! Whether a tag leaks: its troughs rise steadily, far enough, beyond everything before, and
//! nothing comes back. `docs/analysis.md` gives the reason of each threshold.

use poolwatch_model::Pool;
use poolwatch_model::history::TagSeries;

use crate::{
    case::{self, CaseFile},
    facts,
    statistics::{Slope, theil_sen},
    troughs::{self, Breath, Trough},
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
        self.traffic.is_some_and(|(allocs, frees)| allocs > LEAST_ALLOCS && frees < allocs / FREED)
    }
}

/// Growth that is worth waking anybody: the larger of these bytes and this part of the pool.
pub const NOTABLE_BYTES: u64 = 50 << 20;
const NOTABLE_PART: u64 = 10;
/// The parts are compared by their low points, which lie within the window: a little less counts.
const NEARLY: f64 = 0.95;
/// Fewer allocations are somebody's buffers.
const LEAST_OBJECTS: u64 = 20;
/// Growth is looked at from this share of what is notable on, and watched from the other on, unless
/// more than half of it fell back.
const LOOKED_AT: f64 = 0.1;
const WATCHED: f64 = 0.25;
const WATCHED_FALL: f64 = 0.5;
/// Mann and Kendall's score of a trend: chance alone reaches it once in a thousand. Hours of one host
/// are not independent, so it only keeps out noise.
pub(crate) const TREND_Z: f64 = 3.0;
/// Traffic tells something from so many allocations on; of less than a part of them freed, next to
/// nothing was.
const LEAST_ALLOCS: u64 = 1000;
const FREED: u64 = 4;

/// A step between two parts rises when it is more than this share of the whole growth: less is noise.
pub(crate) const RISES: f64 = 0.02;
/// So many of so many steps rise: some parts may hold still, as at night.
const RISING: usize = 2;
const OF_STEPS: usize = 3;
/// No step makes up more of the growth: one jump is a change of level, as after an installation.
const LARGEST_STEP: f64 = 0.5;
/// What may fall back, as a share of the growth; more where next to nothing is freed.
const FALL: f64 = 0.2;
const FALL_UNFREED: f64 = 0.35;
/// Less than this gave nothing back worth a word.
const NEVER_FELL: f64 = 0.1;

/// Growth begins where a part last lies within this share of it above the first.
const BEGINS: f64 = 0.05;
/// The later half of a growth, as a share of the earlier, by the hours it lasted: a cache that fills
/// slows down soon, and what went on for days needs less proof.
const GOES_ON: [(f64, f64); 4] = [(36.0, 0.75), (72.0, 0.65), (120.0, 0.55), (f64::INFINITY, 0.5)];
/// Less of the later half is enough where next to nothing is freed: a cache turns over.
const LENIENT: f64 = 0.1;
/// In windows of a day and more growth that lasted fewer hours may be a job of the night.
const LEAST_HOURS: f64 = 16.0;

/// How much of the growth leads beyond every low point before it: filling up again, as after a
/// restart, is no growth.
pub(crate) const BEYOND: f64 = 0.45;
/// So many peers make a median, and so many times that is beyond their level.
pub(crate) const LEAST_PEERS: u32 = 3;
const TIMES_PEERS: f64 = 1.5;
/// Caches fill for days: they need a window of a week.
const CACHE_HOURS: i64 = 168;
/// A tag whose usual level is not known, for fewer days than these before, needs two days.
const KNOWN_DAYS: usize = 3;
const UNKNOWN_HOURS: i64 = 48;
const UNKNOWN_RUN_HOURS: i64 = 46;
/// A window that begins so soon after the start of Windows shows growth since the start.
const SINCE_START_HOURS: i64 = 6;

/// Windows shorter than this are for what fills its pool within a day.
const DAY_HOURS: i64 = 24;
/// In these so many times as much must have grown, and the pool be full within so many windows.
const SHORT_TIMES: f64 = 4.0;
const SHORT_WINDOWS_LEFT: f64 = 2.0;
/// So many parts of a window may be unknown, and so many must be known for a shape.
const UNKNOWN_BLOCKS: usize = 2;
const LEAST_BLOCKS: usize = 4;
/// A window is known from its beginning, within this part of it.
const BEGINNING: i64 = 8;
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
pub fn notable_growth(case: &CaseFile, pool: Pool) -> u64 {
    let used = case::last(case.pool(pool)).or(case.memory.of(pool).map(|bytes| bytes.0));
    NOTABLE_BYTES.max(used.unwrap_or(0) / NOTABLE_PART)
}

/// The growth of a tag in the latest run of Windows, if it is worth a word.
#[must_use]
pub fn measure_growth(case: &CaseFile, series: &TagSeries) -> Option<Growth> {
    let all = troughs::hourly(&case.axis, &series.bytes);
    // While a run warms up, nothing is known of it, and what the one before did is over.
    let boot = case.axis.last()?.boot;
    let latest = all.last().filter(|trough| trough.boot == boot)?;
    let notable = notable_growth(case, series.pool) as f64;
    if most_growth(&all, &all) < notable * LOOKED_AT {
        return None;
    }
    let now = latest.hour + 1;
    let mut best: Option<Growth> = None;
    let mut breath = None;
    for window in WINDOWS {
        let from = now - window.hours;
        let earlier = all.partition_point(|trough| trough.hour < from);
        let (before, within) = all.split_at(earlier);
        if most_growth(before, within) < notable * LOOKED_AT {
            continue;
        }
        let breath: &Breath = breath.get_or_insert_with(|| Breath::measure(&all));
        let view = View::new(&all, earlier, breath, window, now);
        let Some(view) = view else { continue };
        let Some(found) = view.growth(case, series, notable) else { continue };
        if best.is_none_or(|best| (found.stage, found.bytes) > (best.stage, best.bytes)) {
            best = Some(found);
        }
    }
    best
}

/// No growth within a window can be more than this, whatever the host's daily breath is, which is
/// known from the time before: an hour's breath is at most [`MOST_BREATH`] times the range of a day.
fn most_growth(before: &[Trough], within: &[Trough]) -> f64 {
    let range = |troughs: &[Trough]| {
        let values = troughs.iter().map(|trough| trough.value);
        values.clone().max().unwrap_or(0) - values.min().unwrap_or(0)
    };
    range(within) as f64 + 2.0 * MOST_BREATH * range(before) as f64
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
        breath: &Breath,
        window: Window,
        to: i64,
    ) -> Option<Self> {
        let (from, boot) = (to - window.hours, all.last()?.boot);
        let (before, within) = all.split_at(earlier);
        let run = all.iter().find(|trough| trough.boot == boot)?.hour;
        let profile = breath.profile(earlier);
        let within: Vec<Trough> =
            within.iter().filter(|trough| trough.boot == boot).copied().collect();
        let within = troughs::without_profile(&within, &profile);
        // Half of the hours must be known, from the beginning on.
        let known = within.len() as i64 * 2 >= window.hours
            && within.first()?.hour - from <= (window.hours / BEGINNING).max(1);
        let blocks = troughs::blocks(&within, from, to, window.blocks);
        let blocks: Vec<f64> = blocks.into_iter().flatten().collect();
        if !known || blocks.len() + UNKNOWN_BLOCKS < window.blocks || blocks.len() < LEAST_BLOCKS {
            return None;
        }
        let points = thinned(&within, from, window.hours);
        Some(Self { window, before, run_start: run, within, points, blocks })
    }

    fn growth(&self, case: &CaseFile, series: &TagSeries, notable: f64) -> Option<Growth> {
        let (first, last) = (self.blocks[0], *self.blocks.last()?);
        let grown = last - first;
        if grown < notable * LOOKED_AT {
            return None;
        }
        let line = theil_sen(&self.points)?;
        if line.slope <= 0.0 || line.z < TREND_Z {
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
            never_fell: fall < NEVER_FELL,
        };
        let is_leak = self.is_far_enough(case, series, notable, &found, grown)
            && self.is_steady(grown, fall, &found)
            && objects >= LEAST_OBJECTS
            && self.is_beyond_before(case, series, grown, last);
        let stage = if is_leak { Stage::Leak } else { Stage::Watched };
        let worth_watching = grown >= notable * WATCHED && fall < WATCHED_FALL;
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
        if self.window.hours >= DAY_HOURS {
            return grown >= full * NEARLY;
        }
        let left = crate::headroom::headroom(case, series.pool);
        let days = left.map_or(f64::INFINITY, |left| left.left.0 as f64 / found.per_day());
        let hours_left = days * 24.0;
        grown >= SHORT_TIMES * notable && hours_left < SHORT_WINDOWS_LEFT * self.window.hours as f64
    }

    /// Most parts rise, none makes up most of the rise, nothing falls back, and it does not flatten.
    fn is_steady(&self, grown: f64, fall: f64, found: &Growth) -> bool {
        let steps: Vec<f64> = self.blocks.windows(2).map(|pair| pair[1] - pair[0]).collect();
        let rising = steps.iter().filter(|step| **step > RISES * grown).count();
        let largest = steps.iter().copied().fold(0.0, f64::max);
        let kept = fall < FALL || found.hardly_freed() && fall < FALL_UNFREED;
        rising * OF_STEPS >= steps.len() * RISING
            && largest < LARGEST_STEP * grown
            && kept
            && self.goes_on(grown, found)
    }

    /// A cache that fills grows ever slower; a leak goes on. Judged from where growth begins.
    fn goes_on(&self, grown: f64, found: &Growth) -> bool {
        let floor = self.blocks[0] + BEGINS * grown;
        let start = self.blocks.iter().rposition(|block| *block <= floor).unwrap_or(0);
        let part = &self.blocks[start..];
        let hours = (part.len() - 1) as f64 * self.window.hours as f64 / self.window.blocks as f64;
        let middle = (part.len() - 1) / 2;
        let early = (part[middle] - part[0]) / middle.max(1) as f64;
        let late_steps = part.len() - 1 - middle;
        let late = (part[part.len() - 1] - part[middle]) / late_steps.max(1) as f64;
        let ratio = if early > 0.0 { late / early } else { f64::INFINITY };
        if hours < LEAST_HOURS && self.window.hours >= DAY_HOURS {
            return false;
        }
        let lenient = if found.hardly_freed() { LENIENT } else { 0.0 };
        let least = GOES_ON.iter().find(|(most, _)| hours < *most).map_or(0.0, |(_, least)| *least);
        ratio >= least - lenient
    }

    /// Beyond every level that the tag is known to have held, here or on hosts like this one; and
    /// what has grown since the start of Windows may still be a cache that fills.
    fn is_beyond_before(&self, case: &CaseFile, series: &TagSeries, grown: f64, last: f64) -> bool {
        let facts = facts::tag_facts(series.tag);
        let run_hours = self.within.last().map_or(0, |t| t.hour) - self.run_start;
        let since_start = run_hours < self.window.hours + SINCE_START_HOURS;
        let highest = self.before.iter().map(|t| t.value).max();
        let days_before = self.before.len() / 24;
        let beyond = highest.is_none_or(|highest| last - highest as f64 >= BEYOND * grown);
        let peer = case.peers.iter().find(|p| p.tag == series.tag && p.pool == series.pool);
        let above_peers =
            peer.is_none_or(|p| p.hosts < LEAST_PEERS || last > TIMES_PEERS * p.median as f64);
        let known = match (facts.cache, since_start, days_before) {
            (true, ..) => self.window.hours >= CACHE_HOURS,
            (false, true, 0) => {
                self.window.hours >= UNKNOWN_HOURS && run_hours >= UNKNOWN_RUN_HOURS
            }
            (false, false, 0..KNOWN_DAYS) => self.window.hours >= UNKNOWN_HOURS,
            _ => true,
        };
        beyond && above_peers && known
    }
}

/// A low point lies within the range of its day from the middle, and the day's drift takes half of
/// that range at most, counted from its middle hour.
const MOST_BREATH: f64 = 1.6;

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
