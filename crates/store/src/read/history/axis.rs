//! The axis of a history: which points of which chunk are its moments.

use std::collections::BTreeMap;

use jiff::Timestamp;
use poolwatch_model::{
    Snapshot,
    history::{MISSING, Moment, NowAndLeast},
    tag::AllocCounting,
};

use crate::{
    chunk::{Malformed, Numbers, Slot, TagCoverage, combine::group_slots, head::Head},
    chunks::Packed,
    read::{past::Taken, whole::Whole},
    time_grid::{HOUR_S, after},
};

/// Moments of a history at most: four days of ten minutes and ten of hours, and some.
pub(super) const MAX_MOMENTS: usize = 1008;
/// The step of the part of a period that need not be fine, seconds.
const COARSE_STEP_S: u32 = 3600;

/// What is asked for: the least of every hour, and of every ten minutes from `fine_from` on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Period {
    pub(super) from: Timestamp,
    pub(super) fine_from: Timestamp,
    pub(super) to: Timestamp,
}

/// The part of an axis that a chunk tells.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) head: Head,
    pub(super) groups: Vec<Group>,
    /// Where each of its moments is one slot, the slots that tell tags.
    tag_slots: Option<Vec<usize>>,
    /// Where its moments are all of its slots, one after the other, and all tell tags: how many each has.
    runs: Option<Vec<usize>>,
}

/// Slots of a chunk that make one moment.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) at: Timestamp,
    boot_no: i32,
    pub(super) coverage: Option<TagCoverage>,
    pub(super) members: Vec<usize>,
    /// The moment; none when another chunk tells of it.
    place: Option<usize>,
}

impl Group {
    /// The least that is known in its slots.
    pub(super) fn least(&self, values: &[u64]) -> u64 {
        self.members.iter().map(|slot| values[*slot]).min().unwrap_or(MISSING)
    }

    /// What is known in its slots, together.
    pub(super) fn sum(&self, values: &[u64]) -> u64 {
        let known = self.members.iter().map(|slot| values[*slot]).filter(|one| *one != MISSING);
        known.reduce(u64::saturating_add).map_or(MISSING, |sum| sum.min(MISSING - 1))
    }

    /// What is known last in its slots.
    pub(super) fn last(&self, values: &[u64]) -> u64 {
        let known = self.members.iter().rev().map(|slot| values[*slot]);
        known.into_iter().find(|value| *value != MISSING).unwrap_or(MISSING)
    }
}

impl Part {
    /// The points of a chunk that lie in the period, the latest of them and as many as there is room
    /// for.
    pub(super) fn new(
        found: Whole,
        packed: &Packed,
        period: Period,
        latest: Option<&Taken>,
        room: usize,
    ) -> Result<Self, Malformed> {
        let head = Head::decode(&packed.encoded.head)?;
        let is_coarse = found.end() <= period.fine_from && i64::from(head.step_s) < HOUR_S;
        let step_s = if is_coarse { COARSE_STEP_S } else { head.step_s };
        let grouped: Vec<(Slot, Vec<usize>)> = if is_coarse {
            group_slots(&head.slots, step_s)
        } else {
            head.slots.iter().copied().zip((0..).map(|at| vec![at])).collect()
        };
        let is_told = |at: Timestamp, boot_no: i32| {
            let end = after(at, step_s.into());
            let before_latest = |latest: &Taken| {
                if boot_no == latest.boot_no { end <= latest.at } else { at < latest.at }
            };
            period.from <= end
                && at <= period.to
                && found.tells(at)
                && latest.is_none_or(before_latest)
        };
        let mut groups: Vec<Group> = grouped
            .into_iter()
            .map(|(slot, members)| Group {
                at: after(packed.start, slot.offset_s.into()),
                boot_no: slot.boot_no,
                coverage: slot.tags,
                members,
                place: None,
            })
            .filter(|group| is_told(group.at, group.boot_no))
            .collect();
        groups.drain(..groups.len().saturating_sub(room));
        let tag_slots =
            groups.iter().filter(|one| one.coverage.is_some()).map(|one| one.members[0]);
        let tag_slots = (!is_coarse).then(|| tag_slots.collect());
        let slots = groups.iter().flat_map(|group| &group.members);
        let is_all = slots.copied().eq(0..head.slots.len());
        let tells_all = is_all && groups.iter().all(|group| group.coverage.is_some());
        let runs = tells_all.then(|| groups.iter().map(|group| group.members.len()).collect());
        Ok(Self { head, groups, tag_slots, runs })
    }

    /// The least of each moment of a column, as it is read; `None` where it has to be read into a list.
    pub(super) fn least_of_column(
        &self,
        block: &Numbers,
        row: usize,
        figure: usize,
    ) -> Result<Option<NowAndLeast>, Malformed> {
        let Some(runs) = &self.runs else { return Ok(None) };
        let mut runs = runs.iter().copied();
        let (mut left, mut least) = (runs.next().unwrap_or_default(), MISSING);
        let mut found = NowAndLeast::default();
        let is_read = block.each_least(row, figure, |value| {
            least = least.min(value);
            left = left.saturating_sub(1);
            if left == 0 {
                found = found.and(least);
                (left, least) = (runs.next().unwrap_or_default(), MISSING);
            }
        })?;
        Ok(is_read.then_some(found))
    }

    /// The least of each moment that tells tags.
    pub(super) fn least_of_tag(&self, values: &[u64]) -> NowAndLeast {
        if let Some(slots) = &self.tag_slots {
            return NowAndLeast::of_values(slots.iter().map(|slot| values[*slot]));
        }
        let told = self.groups.iter().filter(|group| group.coverage.is_some());
        NowAndLeast::of_values(told.map(|group| group.least(values)))
    }

    /// The boots of its moments.
    pub(super) fn boots(&self) -> impl Iterator<Item = i32> {
        self.groups.iter().map(|group| group.boot_no)
    }

    /// Its groups that are moments, each with its place on the axis.
    pub(super) fn places(&self) -> impl Iterator<Item = (usize, usize)> {
        let places = self.groups.iter().enumerate();
        places.filter_map(|(group, one)| Some((group, one.place?)))
    }
}

/// The axis of all parts and the latest snapshot: ordered, each moment once.
pub(super) fn join<'a>(
    parts: impl Iterator<Item = &'a mut Part>,
    latest: Option<&Taken>,
    begun: &BTreeMap<i32, Timestamp>,
) -> Vec<Moment> {
    let mut groups: Vec<&mut Group> = parts.flat_map(|part| &mut part.groups).collect();
    groups.sort_by_key(|group| (group.at, group.boot_no));
    let mut axis: Vec<Moment> = Vec::with_capacity(groups.len() + 1);
    for group in groups {
        let uptime_s =
            |begun: &Timestamp| group.at.duration_since(*begun).as_secs().max(0).unsigned_abs();
        let moment = Moment {
            at_s: group.at.as_second(),
            boot: group.boot_no.cast_unsigned(),
            uptime_s: begun.get(&group.boot_no).map(uptime_s),
        };
        let is_told = |last: &Moment| (last.at_s, last.boot) == (moment.at_s, moment.boot);
        if !axis.last().is_some_and(is_told) {
            group.place = Some(axis.len());
            axis.push(moment);
        }
    }
    axis.extend(latest.map(|latest| Moment {
        at_s: latest.at.as_second(),
        boot: latest.boot_no.cast_unsigned(),
        uptime_s: Some(latest.last.stamp.uptime_ms / 1000),
    }));
    axis
}

/// What allocation counts mean at each moment.
pub(super) fn counting<'a>(
    parts: impl Iterator<Item = &'a Part>,
    latest: Option<&Snapshot>,
    moments: usize,
) -> Vec<AllocCounting> {
    let mut counting = vec![AllocCounting::OutstandingOnly; moments];
    for part in parts {
        for (group, at) in part.places() {
            if let Some(coverage) = part.groups[group].coverage {
                counting[at] = coverage.counting;
            }
        }
    }
    if let (Some(table), Some(last)) =
        (latest.and_then(|latest| latest.tags.as_ref()), counting.last_mut())
    {
        *last = table.counting;
    }
    counting
}
