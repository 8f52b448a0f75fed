//! Class 2, `SystemPerformanceInformation`: pool, commit and physical memory in pages.
//!
//! 312 bytes before Windows 10, 344 on Windows 10, 376 on Windows 11 24H2; offsets never moved.

use poolwatch_model::{Bytes, memory::Memory};

use super::{RawBuffer, RawError, fields::Fields, layout};

/// Size before Windows 10.
const OLDEST: usize = 312;
/// More than any Windows has made it.
const LARGEST: usize = 4096;

/// Reads class 2 into memory figures; what it does not tell stays `None`.
///
/// # Errors
/// When the buffer is shorter than the oldest form or absurdly long.
pub fn parse(buffer: RawBuffer<'_>, page_size: u32) -> Result<Memory, RawError> {
    let what = "performance information";
    let at = layout::performance(buffer.width);
    if buffer.bytes.len() > LARGEST {
        return Err(RawError::Overlong { what, needed: at.size, length: buffer.bytes.len() });
    }
    let fields = Fields::new(buffer, what);
    fields.slice(0, OLDEST)?;
    let size = |pages: u64| Bytes(pages.saturating_mul(page_size.into()));
    let pages = |offset: usize| fields.u32(offset).map(|pages| Some(size(pages.into())));
    // A signed count: an overcommitted host can show less than none.
    let resident_available = fields
        .u64(at.resident_available_pages)
        .ok()
        .map(|pages| size(u64::try_from(pages as i64).unwrap_or(0)));
    Ok(Memory {
        paged: pages(at.paged_pool_pages)?,
        nonpaged: pages(at.nonpaged_pool_pages)?,
        paged_resident: pages(at.resident_paged_pool_page)?,
        available: pages(at.available_pages)?,
        resident_available,
        committed: pages(at.committed_pages)?,
        commit_limit: pages(at.commit_limit)?,
        commit_peak: pages(at.peak_commitment)?,
        free_system_ptes: Some(fields.u32(at.free_system_ptes)?.into()),
        ..Memory::default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synthetic::TARGETS;

    fn example() -> Memory {
        Memory {
            paged: Some(Bytes(4096 * 30_000)),
            nonpaged: Some(Bytes(4096 * 53_000)),
            paged_resident: Some(Bytes(4096 * 28_000)),
            available: Some(Bytes(4096 * 100_000)),
            resident_available: Some(Bytes(4096 * 150_000)),
            committed: Some(Bytes(4096 * 500_000)),
            commit_limit: Some(Bytes(4096 * 900_000)),
            commit_peak: Some(Bytes(4096 * 600_000)),
            free_system_ptes: Some(16_000),
            ..Memory::default()
        }
    }

    #[test]
    fn every_size_that_windows_had_is_read() {
        for (size, resident) in
            [(312, None), (344, example().resident_available), (376, example().resident_available)]
        {
            for target in TARGETS {
                let bytes = target.performance(&example(), 4096, size);
                let expected = Memory { resident_available: resident, ..example() };
                assert_eq!(parse(target.buffer(&bytes), 4096), Ok(expected), "{size}");
            }
        }
    }

    #[test]
    fn a_short_or_absurd_size_is_refused() {
        let target = TARGETS[0];
        let bytes = target.performance(&example(), 4096, 376);
        assert!(parse(target.buffer(&bytes[..311]), 4096).is_err());
        assert!(parse(target.buffer(&[0; LARGEST + 1]), 4096).is_err());
    }

    #[test]
    fn fewer_resident_available_pages_than_none_are_none() {
        let target = TARGETS[0];
        let mut bytes = target.performance(&example(), 4096, 344);
        let at = layout::performance(target.width).resident_available_pages;
        bytes[at..][..8].copy_from_slice(&(-5_i64).to_le_bytes());
        assert_eq!(parse(target.buffer(&bytes), 4096).unwrap().resident_available, Some(Bytes(0)));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, page_size: u32) {
            let _ = TARGETS.map(|target| parse(target.buffer(&bytes), page_size));
        }
    }
}
