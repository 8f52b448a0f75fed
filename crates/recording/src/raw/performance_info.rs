//! `PERFORMANCE_INFORMATION` of `K32GetPerformanceInfo`: documented, less detailed than class 2.
//! It adds the totals of handles, processes and threads, and stands in when class 2 fails.

use poolwatch_model::{Bytes, memory::Memory};

use super::{RawBuffer, RawError, basic, fields::Fields, layout};

/// Reads the structure; what it does not tell stays `None`.
///
/// # Errors
/// When the buffer is cut short or its page size cannot be.
pub fn parse(buffer: RawBuffer<'_>) -> Result<Memory, RawError> {
    let at = layout::performance_info(buffer.width);
    let fields = Fields::new(buffer, "performance summary");
    fields.slice(0, at.size)?;
    let page_size = basic::page_size(fields.size(at.page_size)?)?;
    let pages = |offset: usize| {
        fields.size(offset).map(|pages| Some(Bytes(pages.saturating_mul(page_size.into()))))
    };
    let count = |offset: usize| fields.u32(offset).map(|count| Some(u64::from(count)));
    Ok(Memory {
        paged: pages(at.kernel_paged)?,
        nonpaged: pages(at.kernel_nonpaged)?,
        physical: pages(at.physical_total)?,
        available: pages(at.physical_available)?,
        committed: pages(at.commit_total)?,
        commit_limit: pages(at.commit_limit)?,
        commit_peak: pages(at.commit_peak)?,
        handles: count(at.handle_count)?,
        processes: count(at.process_count)?,
        threads: count(at.thread_count)?,
        ..Memory::default()
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synthetic::TARGETS;

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
        for target in TARGETS {
            let bytes = target.performance_info(&memory, 4096);
            assert_eq!(parse(target.buffer(&bytes)), Ok(memory.clone()));
            assert!(parse(target.buffer(&bytes[..bytes.len() - 1])).is_err());
        }
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>) {
            let _ = TARGETS.map(|target| parse(target.buffer(&bytes)));
        }
    }
}
