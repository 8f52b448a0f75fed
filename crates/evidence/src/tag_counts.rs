//! Whether the counts of a tag can be true.

/// Whether allocations, frees and their difference agree; 32-bit counters may have wrapped.
pub(crate) fn agree(allocs: u64, frees: u64, outstanding: u64) -> bool {
    allocs.checked_sub(frees) == Some(outstanding)
        || (allocs.max(frees) <= u64::from(u32::MAX)
            && u64::from((allocs as u32).wrapping_sub(frees as u32)) == outstanding)
}

/// Whether so many bytes can be so many allocations; the smallest has 8 bytes.
pub(crate) fn plausible(bytes: u64, outstanding: u64) -> bool {
    bytes == 0 || bytes / 8 >= outstanding
}
