//! Pieces become one series.

use jiff::Timestamp;
use poolwatch_model::{
    BootId,
    series::{Break, Point, Series},
    tag::AllocCounting,
};

use super::{Figure, piece::Piece};
use crate::{
    chunk::{Stat, combine::mean},
    time_grid::{after, floor},
};

/// A value with its place.
pub(super) struct Value {
    pub(super) at: Timestamp,
    pub(super) boot_no: i32,
    pub(super) stat: Stat,
    pub(super) samples: u32,
    pub(super) wraps: bool,
}

/// The series of the figure at `column` of the pieces.
pub(super) fn series(
    pieces: &[Piece],
    column: usize,
    figure: &Figure,
    (from, to): (Timestamp, Timestamp),
    step_s: u32,
    boots: &[(i32, BootId)],
) -> Series {
    let step_s = pieces.iter().map(|piece| piece.step_s).max().unwrap_or(step_s).max(step_s);
    let first = floor(from, step_s.into());
    let mut values: Vec<Value> = pieces
        .iter()
        .flat_map(|piece| {
            piece.slots.iter().enumerate().filter_map(move |(slot, about)| {
                Some(Value {
                    at: after(piece.start, about.offset_s.into()),
                    boot_no: about.boot_no,
                    stat: piece.columns[column].at(slot)?,
                    samples: about.samples,
                    wraps: about.tags.is_some_and(|t| t.counting == AllocCounting::Wrapping32),
                })
            })
        })
        .filter(|value| value.at >= first && value.at <= to)
        .collect();
    if matches!(figure, Figure::TagAllocs(..)) {
        count_up(&mut values);
    }
    points(&values, step_s, boots)
}

/// The series of values in their order, one point per step and boot.
pub(super) fn points(values: &[Value], step_s: u32, boots: &[(i32, BootId)]) -> Series {
    let mut series = Series { step_s, points: Vec::new(), breaks: Vec::new() };
    let mut last: Option<(Timestamp, i32)> = None;
    let step = |value: &Value| (floor(value.at, step_s.into()), value.boot_no);
    for group in values.chunk_by(|one, other| step(one) == step(other)) {
        let (start, boot_no) = step(&group[0]);
        // A boot that begins in the middle has a point of its own, after the one before it.
        let at = if last.is_some_and(|(before, _)| before >= start) { group[0].at } else { start };
        let stat = mean(group.iter().map(|value| (value.stat, value.samples)));
        let Some(Stat { min, mean, max }) = stat else { continue };
        if let Some((before, before_boot)) = last {
            let boot = boots.iter().find(|(no, _)| *no == boot_no).map(|(_, id)| *id);
            match boot.filter(|_| boot_no != before_boot) {
                Some(boot) => series.breaks.push((at, Break::Reboot { boot })),
                None if at.as_second() - before.as_second() > 2 * i64::from(step_s) => {
                    series.breaks.push((at, Break::Gap));
                }
                None => {}
            }
        }
        last = Some((at, boot_no));
        series.points.push(Point { at, min, mean, max });
    }
    series
}

/// Makes a counter that wraps and starts anew at every boot one that only counts up from 0.
fn count_up(values: &mut [Value]) {
    let (mut boot_no, mut before, mut total) = (None, 0, 0_u64);
    for value in values {
        let now = value.stat.max;
        let made = match (boot_no == Some(value.boot_no), value.wraps) {
            (false, _) => {
                total = 0;
                0
            }
            (true, true) => u64::from((now as u32).wrapping_sub(before as u32)),
            (true, false) => now.saturating_sub(before),
        };
        total = total.saturating_add(made);
        (boot_no, before) = (Some(value.boot_no), now);
        value.stat = Stat::constant(total);
    }
}
