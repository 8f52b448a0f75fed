//! What changed between two snapshots.

use poolwatch_model::{Pool, PoolTag, tag::TagTable};

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
    changes.sort_by_key(|change| (std::cmp::Reverse(change.bytes), change.tag));
    changes
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
