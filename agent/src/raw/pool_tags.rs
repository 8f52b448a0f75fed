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
    RawError,
    fields::Fields,
    layout::{pool_tag as at, pool_tag2 as at2, pool_tags as head, pool_tags2 as head2},
};

/// Reads class 22.
///
/// # Errors
/// When the buffer is cut short, has no tags or more than [`limits::TAGS`]. Bytes after the last
/// tag are ignored: nothing documents that there are none.
pub fn parse(bytes: &[u8]) -> Result<TagTable, RawError> {
    let fields = Fields::new(bytes, "pool tag table");
    let count = count(fields, head::COUNT)?;
    let counters = |allocs: u32, frees: u32, used: u64| TagCounters {
        bytes: used,
        outstanding: allocs.wrapping_sub(frees).into(),
        allocs: allocs.into(),
    };
    let rows = fields.entries(head::ENTRIES, count, at::SIZE, limits::TAGS)?.map(|entry| {
        Ok(TagUse {
            tag: PoolTag::new(entry.bytes4(at::TAG)?),
            paged: counters(
                entry.u32(at::PAGED_ALLOCS)?,
                entry.u32(at::PAGED_FREES)?,
                entry.u64(at::PAGED_USED)?,
            ),
            nonpaged: counters(
                entry.u32(at::NONPAGED_ALLOCS)?,
                entry.u32(at::NONPAGED_FREES)?,
                entry.u64(at::NONPAGED_USED)?,
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
pub fn parse2(bytes: &[u8]) -> Result<TagTable, RawError> {
    let what = "64-bit pool tag table";
    let fields = Fields::new(bytes, what);
    let count = count(fields, head2::COUNT)?;
    let entries = fields.entries(head2::ENTRIES, count, at2::SIZE, limits::TAGS)?;
    let needed = head2::ENTRIES + count as usize * at2::SIZE;
    if bytes.len() >= needed + at2::SIZE {
        return Err(RawError::Overlong { what, needed, length: bytes.len() });
    }
    let counters = |allocs: u64, frees: u64, used: u64| TagCounters {
        bytes: used,
        outstanding: allocs.saturating_sub(frees),
        allocs,
    };
    let rows = entries.map(|entry| {
        Ok(TagUse {
            tag: PoolTag::new(entry.bytes4(at2::TAG)?),
            paged: counters(
                entry.u64(at2::PAGED_ALLOCS)?,
                entry.u64(at2::PAGED_FREES)?,
                entry.u64(at2::PAGED_USED)?,
            ),
            nonpaged: counters(
                entry.u64(at2::NONPAGED_ALLOCS)?,
                entry.u64(at2::NONPAGED_FREES)?,
                entry.u64(at2::NONPAGED_USED)?,
            ),
        })
    });
    Ok(TagTable::new(AllocCounting::Full64, true, rows.collect::<Result<_, _>>()?))
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
    use crate::synthetic;

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
        let table = example(AllocCounting::Wrapping32);
        assert_eq!(parse(&synthetic::pool_tags(&table.rows)), Ok(table));
        let table = example(AllocCounting::Full64);
        assert_eq!(parse2(&synthetic::pool_tags2(&table.rows)), Ok(table));
    }

    #[test]
    fn counters_that_wrapped_still_give_what_is_outstanding() {
        let mut bytes = synthetic::pool_tags(&[row(b"Wrap", [0; 3], [3, 0, 80])]);
        let frees = head::ENTRIES + at::NONPAGED_FREES;
        bytes[frees..][..4].copy_from_slice(&(u32::MAX - 1).to_le_bytes());
        let table = parse(&bytes).unwrap();
        assert_eq!(table.rows[0].of(Pool::Nonpaged).outstanding, 5);
    }

    #[test]
    fn a_failed_call_that_left_its_count_behind_is_refused() {
        let mut bytes = synthetic::pool_tags(&example(AllocCounting::Wrapping32).rows);
        bytes[..4].copy_from_slice(&1500_u32.to_le_bytes());
        assert_eq!(
            parse(&bytes),
            Err(RawError::Truncated { what: "pool tag table", needed: 60_008, length: 128 })
        );
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(&bytes), Err(RawError::TooMany { .. })));
        bytes[..4].copy_from_slice(&0_u32.to_le_bytes());
        assert!(matches!(parse(&bytes), Err(RawError::Empty { .. })));
    }

    #[test]
    fn class_255_of_another_shape_is_refused() {
        let mut bytes = synthetic::pool_tags2(&example(AllocCounting::Full64).rows);
        bytes.extend([0; at2::SIZE]);
        assert!(matches!(parse2(&bytes), Err(RawError::Overlong { .. })));
    }

    #[test]
    fn a_table_cut_anywhere_is_refused() {
        let whole = synthetic::pool_tags(&example(AllocCounting::Wrapping32).rows);
        let whole2 = synthetic::pool_tags2(&example(AllocCounting::Full64).rows);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length}");
        }
        for length in 0..whole2.len() {
            assert!(parse2(&whole2[..length]).is_err(), "{length}");
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, count in 0..4_u32) {
            let mut bytes = bytes;
            if let Some(head) = bytes.first_chunk_mut::<4>() {
                *head = count.to_le_bytes();
            }
            let _ = (parse(&bytes), parse2(&bytes));
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
            prop_assert_eq!(parse(&synthetic::pool_tags(&table.rows)), Ok(table));
        }
    }
}
