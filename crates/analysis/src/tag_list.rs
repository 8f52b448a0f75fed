//! Tags as a diagnosis lists them.

use std::cmp::Reverse;

use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{TagFinding, TagObservation},
    history::TagSeries,
};

use crate::case::{self, CaseFile};

/// Tags of one kind that a diagnosis lists: what is told at a glance.
pub(crate) const LISTED_TAGS: usize = 3;

/// A tag as a diagnosis lists it.
pub(crate) fn list_tag(
    series: &TagSeries,
    finding: TagFinding,
    bytes_per_day: Option<Bytes>,
) -> TagObservation {
    TagObservation {
        tag: series.tag,
        pool: series.pool,
        bytes: Bytes(case::last(&series.bytes).unwrap_or(0)),
        outstanding: case::last(&series.outstanding).unwrap_or(0),
        finding,
        bytes_per_day,
    }
}

/// The largest tags of a pool now.
pub(crate) fn largest_tags(case: &CaseFile, pool: Pool) -> Vec<&TagSeries> {
    let bytes = |series: &TagSeries| case::last(&series.bytes).unwrap_or(0);
    let mut of_pool: Vec<&TagSeries> =
        case.tags.iter().filter(|series| series.pool == pool && bytes(series) > 0).collect();
    of_pool.sort_by_key(|series| Reverse(bytes(series)));
    of_pool.truncate(LISTED_TAGS);
    of_pool
}
