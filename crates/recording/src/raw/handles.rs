//! Class 64, `SystemExtendedHandleInformation`: every handle of every process.
//!
//! Costly (40 bytes a handle, a million on a busy host), so only counts are kept.

use std::collections::BTreeMap;

use super::{RawBuffer, RawError, fields::Fields, layout};

/// More handles than are believed: 16 million, 640 MB.
const LIMIT: usize = 16 << 20;

/// Handles by process id and type number, sorted.
pub type HandleCounts = BTreeMap<(u32, u16), u32>;

/// Counts the handles of class 64 by process and type.
///
/// # Errors
/// When the buffer is cut short, holds none or too many, or a process id cannot be.
pub fn parse(buffer: RawBuffer<'_>) -> Result<HandleCounts, RawError> {
    let (head, at) = (layout::handles(buffer.width), layout::handle(buffer.width));
    let what = "handle list";
    let fields = Fields::new(buffer, what);
    let count = fields.size(head.count)?;
    if count == 0 {
        return Err(RawError::Empty { what });
    }
    let mut counts = HandleCounts::new();
    for entry in fields.entries(head.entries, count, at.size, LIMIT)? {
        let pid = entry.process_id(at.process_id)?;
        *counts.entry((pid, entry.u16(at.type_index)?)).or_default() += 1;
    }
    Ok(counts)
}

/// Counts the handles of class 51 of `NtQueryInformationProcess`, which are those of one process, by
/// type number.
///
/// # Errors
/// When the buffer is cut short or holds too many, or a type number cannot be.
pub fn parse_of_process(buffer: RawBuffer<'_>) -> Result<BTreeMap<u16, u32>, RawError> {
    let (head, at) = (layout::process_handles(buffer.width), layout::process_handle(buffer.width));
    let fields = Fields::new(buffer, "handle list of a process");
    let count = fields.size(head.count)?;
    let mut counts = BTreeMap::new();
    for entry in fields.entries(head.entries, count, at.size, LIMIT)? {
        let index = entry.u32(at.type_index)?;
        let index = u16::try_from(index)
            .map_err(|_| RawError::Absurd { what: "type of a handle", value: index.into() })?;
        *counts.entry(index).or_default() += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synthetic::{TARGETS, X64};

    #[test]
    fn handles_are_counted_by_process_and_type() {
        let counts = HandleCounts::from([((4, 37), 3), ((416, 8), 90), ((416, 37), 1)]);
        for target in TARGETS {
            assert_eq!(parse(target.buffer(&target.handles(&counts))), Ok(counts.clone()));
        }
    }

    #[test]
    fn handles_of_a_process_are_counted_by_type() {
        let counts = BTreeMap::from([(8, 90), (37, 2)]);
        for target in TARGETS {
            let bytes = target.handles_of_process(&counts);
            assert_eq!(parse_of_process(target.buffer(&bytes)), Ok(counts.clone()));
            for length in 0..bytes.len() {
                assert!(parse_of_process(target.buffer(&bytes[..length])).is_err(), "{length}");
            }
        }
        let none = X64.handles_of_process(&BTreeMap::new());
        assert_eq!(parse_of_process(X64.buffer(&none)), Ok(BTreeMap::new()));
    }

    #[test]
    fn lies_are_refused() {
        let whole = X64.handles(&HandleCounts::from([((4, 37), 2)]));
        for length in 0..whole.len() {
            assert!(parse(X64.buffer(&whole[..length])).is_err(), "{length}");
        }
        for count in [0, LIMIT as u64 + 1, u64::MAX] {
            let mut bytes = whole.clone();
            bytes[..8].copy_from_slice(&count.to_le_bytes());
            assert!(parse(X64.buffer(&bytes)).is_err(), "{count}");
        }
        let mut bytes = whole;
        let (head, at) = (layout::handles(X64.width), layout::handle(X64.width));
        bytes[head.entries + at.process_id + 7] = 1;
        assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::Absurd { .. })));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, count in 0..4_u64) {
            let mut bytes = bytes;
            if let Some(head) = bytes.first_chunk_mut::<8>() {
                *head = count.to_le_bytes();
            }
            let _ = TARGETS.map(|target| {
                let buffer = target.buffer(&bytes);
                (parse(buffer), parse_of_process(buffer))
            });
        }
    }
}
