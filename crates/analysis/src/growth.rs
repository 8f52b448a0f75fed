//! What changed between two snapshots.

use std::cmp::Reverse;

use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Evidence, Measure},
    tag::TagTable,
};

use crate::case::{self, CaseFile};

/// Less growth of a pool is not worth a word: bytes, and a part of what it held.
const WORTH_BYTES: u64 = 50 << 20;
const WORTH_PART: u64 = 10;
/// Less growth of a program's handles is not: handles, and a part of what it held.
const WORTH_HANDLES: u64 = 5_000;
const WORTH_HANDLES_PART: u64 = 2;
/// Programs whose growth is told.
const MOST_TOLD: usize = 3;

/// The change of one tag's use of one pool.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagChange {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes more, or less.
    pub bytes: i64,
    /// Objects more, or less.
    pub outstanding: i64,
}

/// The changes of all tags that changed, the largest growth first. A tag that an incomplete table
/// lacks is not compared: it may merely not have been listed.
#[must_use]
pub fn tag_changes(before: &TagTable, after: &TagTable) -> Vec<TagChange> {
    let mut changes = Vec::new();
    for row in &after.rows {
        let old = before.get(row.tag);
        if old.is_none() && !before.complete {
            continue;
        }
        for pool in Pool::ALL {
            let (new, old) = (row.of(pool), old.map(|old| *old.of(pool)).unwrap_or_default());
            let change = TagChange {
                tag: row.tag,
                pool,
                bytes: difference(old.bytes, new.bytes),
                outstanding: difference(old.outstanding, new.outstanding),
            };
            if (change.bytes, change.outstanding) != (0, 0) {
                changes.push(change);
            }
        }
    }
    changes.sort_by_key(|change| (Reverse(change.bytes), change.tag));
    changes
}

/// What grew between the first and the last picture of a run, of the pools and of programs' handles:
/// told, whether it proves anything or not.
pub(crate) fn total_growths(case: &CaseFile) -> Vec<Evidence> {
    let Some(to) = case.axis.len().checked_sub(1) else { return Vec::new() };
    let from = case.run_start();
    let over_s = case.span_s(from, to);
    let much = |values: &[u64], least: u64, part: u64| {
        let (first, last) = case::ends(values, from, to)?;
        let grown = last.saturating_sub(first);
        (grown >= least.max(first / part)).then_some(grown)
    };
    let of_pool = |pool: Pool| {
        let grown = much(case.pool(pool), WORTH_BYTES, WORTH_PART)?;
        Some(Evidence::PoolGrowth { pool, grown: Bytes(grown), over_s })
    };
    let mut facts: Vec<Evidence> = Pool::ALL.into_iter().filter_map(of_pool).collect();
    let mut programs: Vec<_> = case
        .processes
        .iter()
        .filter(|process| !process.image.is_empty())
        .filter_map(|process| {
            Some((much(&process.handles, WORTH_HANDLES, WORTH_HANDLES_PART)?, process))
        })
        .collect();
    programs.sort_by_key(|(grown, process)| (Reverse(*grown), process.key.pid));
    facts.extend(programs.into_iter().take(MOST_TOLD).map(|(grown, process)| {
        let (image, pid) = (process.image.clone(), process.key.pid);
        Evidence::ProcessGrowth { image, pid, measure: Measure::Handles, grown, over_s }
    }));
    // What grew most comes first.
    facts.sort_by_key(|fact| match fact {
        Evidence::PoolGrowth { grown, .. } => Reverse(grown.0),
        _ => Reverse(0),
    });
    facts
}

/// `after - before`, saturating.
#[must_use]
pub fn difference(before: u64, after: u64) -> i64 {
    let size = i64::try_from(before.abs_diff(after)).unwrap_or(i64::MAX);
    if after >= before { size } else { -size }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::tag::{AllocCounting, TagCounters, TagUse};

    use super::*;

    fn table(complete: bool, rows: &[(&[u8; 4], u64)]) -> TagTable {
        let rows = rows
            .iter()
            .map(|(tag, bytes)| TagUse {
                tag: PoolTag::new(**tag),
                paged: TagCounters::default(),
                nonpaged: TagCounters { bytes: *bytes, outstanding: bytes / 100, allocs: 0 },
            })
            .collect();
        TagTable::new(AllocCounting::OutstandingOnly, complete, rows)
    }

    #[test]
    fn growth_comes_first_and_shrinking_last() {
        let before = table(true, &[(b"Even", 500), (b"File", 1000), (b"Thre", 100)]);
        let after = table(true, &[(b"Even", 500), (b"File", 400), (b"Thre", 900), (b"Toke", 300)]);
        let changes = tag_changes(&before, &after);
        let changes: Vec<_> = changes.iter().map(|c| (c.tag.to_string(), c.bytes)).collect();
        assert_eq!(changes, [("Thre".into(), 800), ("Toke".into(), 300), ("File".into(), -600)]);
    }

    #[test]
    fn an_excerpt_says_nothing_about_tags_it_does_not_list() {
        let before = table(false, &[(b"Thre", 100)]);
        let after = table(false, &[(b"Thre", 100), (b"Toke", 900_000)]);
        assert_eq!(tag_changes(&before, &after), []);
    }
}
