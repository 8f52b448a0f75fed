//! Steady growth of what is no tag: commit, handles of a process.

use crate::{
    case::CaseFile,
    statistics::{Slope, theil_sen},
    trend::{BEYOND, RISES, TREND_Z},
    troughs,
};

/// A series that has risen steadily until now.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rise {
    /// Place on the axis where it is first seen.
    pub from: usize,
    /// Place of its latest low point.
    pub to: usize,
    /// The low point there.
    pub last: u64,
    /// By how much the low points rose.
    pub grown: u64,
    /// Over how long, seconds.
    pub over_s: u64,
    /// Growth per hour, with its interval.
    pub per_hour: Slope,
}

/// Looking back, hours: a day to ten.
const WINDOWS: [i64; 4] = [24, 72, 168, 240];
/// Parts of a window whose low points must tell the story.
const BLOCKS: usize = 8;
/// Points that make a line: its cost grows with their square.
const POINTS: usize = 72;
/// So many of the steps between parts may hold still.
const RESTS: usize = 1;
/// No step makes up more of the rise: a jump is work that began.
const LARGEST_STEP: f64 = 0.4;
/// What may be given back, as a share of the rise.
const GIVEN_BACK: f64 = 0.15;
/// The later half of the rise, as a share of the earlier: what fills slows down.
const GOES_ON: f64 = 0.75;
/// The halves, by their parts. They share one part in the middle.
const EARLY: (usize, usize) = (0, 4);
const LATE: (usize, usize) = (3, 7);

/// The steady rises of a series within the latest run of Windows, the shortest window first. In each
/// all parts but one rise, none makes up most of the rise, hardly anything is given back, and it does
/// not flatten; and it leads beyond all that was before.
#[must_use]
pub fn steady_rises(case: &CaseFile, values: &[u64]) -> Vec<Rise> {
    let all = troughs::hourly(&case.axis, values);
    let Some(last) = all.last() else { return Vec::new() };
    let now = last.hour + 1;
    let run = all.partition_point(|trough| trough.boot != last.boot);
    let rises = WINDOWS.into_iter().filter_map(|hours| {
        let from = now - hours;
        let start = run.max(all.partition_point(|trough| trough.hour < from));
        let (before, within) = all.split_at(start);
        let blocks: Option<Vec<f64>> =
            troughs::blocks(within, from, now, BLOCKS).into_iter().collect();
        blocks.filter(|blocks| goes_on(blocks)).and_then(|_| {
            let first = within.first()?;
            let points: Vec<(f64, f64)> = within
                .iter()
                .step_by(within.len().div_ceil(POINTS))
                .map(|trough| ((trough.hour - from) as f64, trough.value as f64))
                .collect();
            let per_hour =
                theil_sen(&points).filter(|line| line.slope > 0.0 && line.z >= TREND_Z)?;
            let grown = last.value.checked_sub(first.value)?;
            let highest = before.iter().map(|trough| trough.value).max().unwrap_or(0);
            (last.value.saturating_sub(highest) as f64 >= BEYOND * grown as f64).then_some(Rise {
                from: first.at,
                to: last.at,
                last: last.value,
                grown,
                over_s: case.span_s(first.at, last.at),
                per_hour,
            })
        })
    });
    rises.collect()
}

fn goes_on(blocks: &[f64]) -> bool {
    let grown = blocks[BLOCKS - 1] - blocks[0];
    let steps: Vec<f64> = blocks.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let rising = steps.iter().filter(|step| **step > RISES * grown).count();
    let (least, most) = steps
        .iter()
        .fold((0.0_f64, 0.0_f64), |(least, most), step| (least.min(*step), most.max(*step)));
    let half = |(from, to): (usize, usize)| blocks[to] - blocks[from];
    grown > 0.0
        && rising + RESTS >= steps.len()
        && most < LARGEST_STEP * grown
        && -least < GIVEN_BACK * grown
        && half(LATE) >= GOES_ON * half(EARLY)
}
