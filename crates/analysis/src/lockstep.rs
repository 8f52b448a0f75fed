//! Tags that grow together are one cause.

use crate::{
    case::{self, CaseFile},
    trend::Growth,
};
use poolwatch_model::history::{MISSING, TagSeries};

/// Tags of one cause: places in the case's list, with objects by one object of the first.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    /// The tag that grew most.
    pub first: usize,
    /// Its growth.
    pub growth: Growth,
    /// The others.
    pub with: Vec<(usize, f32)>,
}

impl Group {
    /// All places.
    pub fn members(&self) -> impl Iterator<Item = usize> {
        std::iter::once(self.first).chain(self.with.iter().map(|(at, _)| *at))
    }
}

/// Points at which the ways of two series are compared.
const POINTS: usize = 12;
/// How far the ways may lie apart, as a share of the whole growth.
const APART: f64 = 0.06;
/// Objects that both must gain: fewer go together by chance.
const LEAST_OBJECTS: u64 = 100;
/// How far the objects by one object may lie from a whole number: two leaks at even rates that match
/// so closely are taken for one.
const OFF_WHOLE: f64 = 0.03;
/// Most objects by one, rounded: beyond four nearly any ratio is near a whole number.
const MOST_BY_ONE: f64 = 4.5;

/// Groups grown tags, given with their growths in the order of importance, with those that grow in
/// step among all tags of the case.
#[must_use]
pub fn group_in_step(case: &CaseFile, grown: &[(usize, Growth)]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut taken = vec![false; case.tags.len()];
    for &(first, growth) in grown {
        if taken[first] {
            continue;
        }
        taken[first] = true;
        let mut with = Vec::new();
        for (at, other) in case.tags.iter().enumerate() {
            if taken[at] || other.tag == case.tags[first].tag {
                // Both pools of one tag are one cause.
                taken[at] |= other.tag == case.tags[first].tag;
                continue;
            }
            if let Some(ratio) = in_step(&case.tags[first], other, &growth) {
                taken[at] = true;
                with.push((at, ratio));
            }
        }
        groups.push(Group { first, growth, with });
    }
    groups
}

/// Objects of `other` by one of `tag`, when they grow in step: the same way in time, and a whole
/// number of one for each of the other.
fn in_step(tag: &TagSeries, other: &TagSeries, growth: &Growth) -> Option<f32> {
    let (from, to) = (growth.from, growth.to);
    let gained = case::growth(&other.outstanding, from, to);
    if gained < LEAST_OBJECTS || growth.objects < LEAST_OBJECTS {
        return None;
    }
    let ratio = gained as f64 / growth.objects as f64;
    let (large, small) = (ratio.max(1.0 / ratio), ratio.min(1.0 / ratio));
    let is_whole =
        large < MOST_BY_ONE && (large - large.round()).abs() / large < OFF_WHOLE && small > 0.0;
    let apart = greatest_distance(&tag.outstanding, &other.outstanding, from, to)?;
    (is_whole && apart < APART).then_some(ratio as f32)
}

/// The greatest distance between the ways of two series from their first to their last value, each
/// as a share of its own growth. `None` when one of them did not grow or is hardly known.
#[must_use]
pub fn greatest_distance(a: &[u64], b: &[u64], from: usize, to: usize) -> Option<f64> {
    let (a_first, a_last) = case::ends(a, from, to)?;
    let (b_first, b_last) = case::ends(b, from, to)?;
    if a_last <= a_first || b_last <= b_first {
        return None;
    }
    let (mut apart, mut known) = (0.0_f64, 0);
    for point in 1..POINTS {
        let at = from + (to - from) * point / POINTS;
        let (Some(&x), Some(&y)) = (a.get(at), b.get(at)) else { continue };
        if x == MISSING || y == MISSING {
            continue;
        }
        let way = |value: u64, first: u64, last: u64| {
            (value as f64 - first as f64) / (last as f64 - first as f64)
        };
        apart = apart.max((way(x, a_first, a_last) - way(y, b_first, b_last)).abs());
        known += 1;
    }
    (known > 0 || to - from < POINTS).then_some(apart)
}
