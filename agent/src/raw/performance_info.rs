//! `PERFORMANCE_INFORMATION` of `K32GetPerformanceInfo`: documented, less detailed than class 2.
//! It adds the totals of handles, processes and threads, and stands in when class 2 fails.

use poolwatch_model::{Bytes, memory::Memory};

use super::{RawError, basic, fields::Fields, layout::performance_info as at};

/// Reads the structure; what it does not tell stays `None`.
///
/// # Errors
/// When the buffer is cut short or its page size cannot be.
pub fn parse(bytes: &[u8]) -> Result<Memory, RawError> {
    let fields = Fields::new(bytes, "performance summary");
    fields.slice(0, at::SIZE)?;
    let page_size = basic::page_size(fields.u64(at::PAGE_SIZE)?)?;
    let pages = |offset: usize| {
        fields.u64(offset).map(|pages| Some(Bytes(pages.saturating_mul(page_size.into()))))
    };
    let count = |offset: usize| fields.u32(offset).map(|count| Some(u64::from(count)));
    Ok(Memory {
        paged: pages(at::KERNEL_PAGED)?,
        nonpaged: pages(at::KERNEL_NONPAGED)?,
        physical: pages(at::PHYSICAL_TOTAL)?,
        available: pages(at::PHYSICAL_AVAILABLE)?,
        committed: pages(at::COMMIT_TOTAL)?,
        commit_limit: pages(at::COMMIT_LIMIT)?,
        commit_peak: pages(at::COMMIT_PEAK)?,
        handles: count(at::HANDLE_COUNT)?,
        processes: count(at::PROCESS_COUNT)?,
        threads: count(at::THREAD_COUNT)?,
        ..Memory::default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synthetic;

    #[test]
    fn the_summary_is_read_in_bytes() {
        let memory = Memory {
            paged: Some(Bytes(4096 * 10)),
            nonpaged: Some(Bytes(4096 * 20)),
            physical: Some(Bytes(4096 * 1000)),
            available: Some(Bytes(4096 * 300)),
            committed: Some(Bytes(4096 * 700)),
            commit_limit: Some(Bytes(4096 * 1500)),
            commit_peak: Some(Bytes(4096 * 800)),
            handles: Some(91_000),
            processes: Some(60),
            threads: Some(900),
            ..Memory::default()
        };
        let bytes = synthetic::performance_info(&memory, 4096);
        assert_eq!(parse(&bytes), Ok(memory));
        assert!(parse(&bytes[..at::SIZE - 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>) {
            let _ = parse(&bytes);
        }
    }
}
