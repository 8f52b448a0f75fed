//! Classes 22 and 255, `SystemPoolTagInformation` and its 64-bit successor.
//!
//! Class 22 keeps the low 32 bits of the counts, so they are subtracted with wrap-around. Bytes in
//! use are full in both.

use poolwatch_model::{
    PoolTag,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::limits;

use super::{
    RawBuffer, RawError,
    fields::Fields,
    layout::{self, Width},
};

/// Reads class 22.
///
/// # Errors
/// When the buffer is cut short, has no tags or more than [`limits::TAGS`]. Bytes after the last
/// tag are ignored: nothing documents that there are none.
pub fn parse(buffer: RawBuffer<'_>) -> Result<TagTable, RawError> {
    let (head, at) = (layout::pool_tags(buffer.width), layout::pool_tag(buffer.width));
    let fields = Fields::new(buffer, "pool tag table");
    let count = count(fields, head.count)?;
    let counters = |allocs: u32, frees: u32, used: u64| TagCounters {
        bytes: used,
        outstanding: allocs.wrapping_sub(frees).into(),
        allocs: allocs.into(),
    };
    let rows = fields.entries(head.entries, count, at.size, limits::TAGS)?.map(|entry| {
        Ok(TagUse {
            tag: PoolTag::new(entry.bytes4(at.tag)?),
            paged: counters(
                entry.u32(at.paged_allocs)?,
                entry.u32(at.paged_frees)?,
                entry.size(at.paged_used)?,
            ),
            nonpaged: counters(
                entry.u32(at.nonpaged_allocs)?,
                entry.u32(at.nonpaged_frees)?,
                entry.size(at.nonpaged_used)?,
            ),
        })
    });
    Ok(TagTable::new(AllocCounting::Wrapping32, true, rows.collect::<Result<_, _>>()?))
}

/// Reads class 255.
///
/// # Errors
/// As [`parse`], and when the buffer's length is not what its count makes it: on a Windows where
/// the number means another class, that is refused and class 22 is used.
pub fn parse2(buffer: RawBuffer<'_>) -> Result<TagTable, RawError> {
    let (head2, at2) = (layout::pool_tags2(buffer.width), layout::pool_tag2(buffer.width));
    let what = "full pool tag table";
    let fields = Fields::new(buffer, what);
    let count = count(fields, head2.count)?;
    let entries = fields.entries(head2.entries, count, at2.size, limits::TAGS)?;
    let needed = head2.entries + count as usize * at2.size;
    if fields.len() >= needed + at2.size {
        return Err(RawError::Overlong { what, needed, length: fields.len() });
    }
    let counters = |allocs: u64, frees: u64, used: u64| TagCounters {
        bytes: used,
        outstanding: match fields.width {
            Width::Bits32 => (allocs as u32).wrapping_sub(frees as u32).into(),
            Width::Bits64 => allocs.saturating_sub(frees),
        },
        allocs,
    };
    let rows = entries.map(|entry| {
        Ok(TagUse {
            tag: PoolTag::new(entry.bytes4(at2.tag)?),
            paged: counters(
                entry.size(at2.paged_allocs)?,
                entry.size(at2.paged_frees)?,
                entry.size(at2.paged_used)?,
            ),
            nonpaged: counters(
                entry.size(at2.nonpaged_allocs)?,
                entry.size(at2.nonpaged_frees)?,
                entry.size(at2.nonpaged_used)?,
            ),
        })
    });
    // On x86 these counts have the width of pointers, and wrap as those of class 22 do.
    let counting = match fields.width {
        Width::Bits32 => AllocCounting::Wrapping32,
        Width::Bits64 => AllocCounting::Full64,
    };
    Ok(TagTable::new(counting, true, rows.collect::<Result<_, _>>()?))
}

/// The number of tags; none at all is no table of a running kernel.
fn count(fields: Fields<'_>, offset: usize) -> Result<u64, RawError> {
    match fields.u32(offset)? {
        0 => Err(RawError::Empty { what: fields.what }),
        count => Ok(count.into()),
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::Pool;
    use proptest::{collection::vec, prelude::*};

    use super::*;
    use crate::synthetic::{TARGETS, X64, X86};

    fn row(tag: &[u8; 4], paged: [u64; 3], nonpaged: [u64; 3]) -> TagUse {
        let counters =
            |[allocs, outstanding, bytes]: [u64; 3]| TagCounters { bytes, outstanding, allocs };
        TagUse { tag: PoolTag::new(*tag), paged: counters(paged), nonpaged: counters(nonpaged) }
    }

    fn example(counting: AllocCounting) -> TagTable {
        let rows = vec![
            row(b"Thre", [0; 3], [400_000, 120_145, 76_892_800]),
            row(b"File", [7, 3, 900], [2_000_000, 187_113, 29_946_176]),
            row(b"Pro\xe3", [1, 1, 64], [0; 3]),
        ];
        TagTable::new(counting, true, rows)
    }

    #[test]
    fn both_classes_give_the_table() {
        for (target, counting) in [(X64, AllocCounting::Full64), (X86, AllocCounting::Wrapping32)] {
            let table = example(AllocCounting::Wrapping32);
            assert_eq!(parse(target.buffer(&target.pool_tags(&table.rows))), Ok(table));
            let table = example(counting);
            assert_eq!(parse2(target.buffer(&target.pool_tags2(&table.rows))), Ok(table));
        }
    }

    #[test]
    fn counters_that_wrapped_still_give_what_is_outstanding() {
        for target in TARGETS {
            let mut bytes = target.pool_tags(&[row(b"Wrap", [0; 3], [3, 0, 80])]);
            let (head, at) = (layout::pool_tags(target.width), layout::pool_tag(target.width));
            let frees = head.entries + at.nonpaged_frees;
            bytes[frees..][..4].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
            let table = parse(target.buffer(&bytes)).unwrap();
            assert_eq!(table.rows[0].of(Pool::Nonpaged).outstanding, 5);
        }
    }

    #[test]
    fn a_failed_call_that_left_its_count_behind_is_refused() {
        let mut bytes = X64.pool_tags(&example(AllocCounting::Wrapping32).rows);
        bytes[..4].copy_from_slice(&1500_u32.to_le_bytes());
        assert_eq!(
            parse(X64.buffer(&bytes)),
            Err(RawError::Truncated { what: "pool tag table", needed: 60_008, length: 128 })
        );
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::TooMany { .. })));
        bytes[..4].copy_from_slice(&0_u32.to_le_bytes());
        assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::Empty { .. })));
    }

    #[test]
    fn class_255_of_another_shape_is_refused() {
        let mut bytes = X64.pool_tags2(&example(AllocCounting::Full64).rows);
        bytes.extend(vec![0; layout::pool_tag2(X64.width).size]);
        assert!(matches!(parse2(X64.buffer(&bytes)), Err(RawError::Overlong { .. })));
    }

    #[test]
    fn a_table_cut_anywhere_is_refused() {
        let whole = X64.pool_tags(&example(AllocCounting::Wrapping32).rows);
        let whole2 = X64.pool_tags2(&example(AllocCounting::Full64).rows);
        for length in 0..whole.len() {
            assert!(parse(X64.buffer(&whole[..length])).is_err(), "{length}");
        }
        for length in 0..whole2.len() {
            assert!(parse2(X64.buffer(&whole2[..length])).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, count in 0..4_u32) {
            let mut bytes = bytes;
            if let Some(head) = bytes.first_chunk_mut::<4>() {
                *head = count.to_le_bytes();
            }
            let _ = TARGETS.map(|target| {
                let buffer = target.buffer(&bytes);
                (parse(buffer), parse2(buffer))
            });
        }

        #[test]
        fn any_table_comes_back(
            rows in vec((any::<[u8; 4]>(), any::<[u32; 3]>(), any::<[u32; 3]>()), 1..40),
        ) {
            let rows = rows
                .iter()
                .map(|(tag, paged, nonpaged)| row(tag, paged.map(u64::from), nonpaged.map(u64::from)))
                .collect();
            let mut table = TagTable::new(AllocCounting::Wrapping32, true, rows);
            table.rows.dedup_by_key(|row| row.tag);
            for row in &mut table.rows {
                for pool in Pool::ALL {
                    row.of_mut(pool).outstanding &= u64::from(u32::MAX);
                    row.of_mut(pool).allocs &= u64::from(u32::MAX);
                }
            }
            for target in TARGETS {
                let bytes = target.pool_tags(&table.rows);
                prop_assert_eq!(parse(target.buffer(&bytes)), Ok(table.clone()));
            }
        }
    }
}
