//! Class 64, `SystemExtendedHandleInformation`: every handle of every process.
//!
//! Costly (40 bytes a handle, a million on a busy host), so only counts are kept.

use std::collections::BTreeMap;

use super::{
    RawError,
    fields::Fields,
    layout::{handle as at, handles as head},
};

/// More handles than are believed: 16 million, 640 MB.
const LIMIT: usize = 16 << 20;

/// Handles by process id and type number, sorted.
pub type HandleCounts = BTreeMap<(u32, u16), u32>;

/// Counts the handles of class 64 by process and type.
///
/// # Errors
/// When the buffer is cut short, holds none or too many, or a process id cannot be.
pub fn parse(bytes: &[u8]) -> Result<HandleCounts, RawError> {
    let what = "handle list";
    let fields = Fields::new(bytes, what);
    let count = fields.u64(head::COUNT)?;
    if count == 0 {
        return Err(RawError::Empty { what });
    }
    let mut counts = HandleCounts::new();
    for entry in fields.entries(head::ENTRIES, count, at::SIZE, LIMIT)? {
        let id = entry.u64(at::PROCESS_ID)?;
        let pid =
            u32::try_from(id).map_err(|_| RawError::Absurd { what: "process id", value: id })?;
        *counts.entry((pid, entry.u16(at::TYPE_INDEX)?)).or_default() += 1;
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synthetic;

    #[test]
    fn handles_are_counted_by_process_and_type() {
        let counts = HandleCounts::from([((4, 37), 3), ((416, 8), 90), ((416, 37), 1)]);
        assert_eq!(parse(&synthetic::handles(&counts)), Ok(counts));
    }

    #[test]
    fn lies_are_refused() {
        let whole = synthetic::handles(&HandleCounts::from([((4, 37), 2)]));
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length}");
        }
        for count in [0, LIMIT as u64 + 1, u64::MAX] {
            let mut bytes = whole.clone();
            bytes[..8].copy_from_slice(&count.to_le_bytes());
            assert!(parse(&bytes).is_err(), "{count}");
        }
        let mut bytes = whole;
        bytes[head::ENTRIES + at::PROCESS_ID + 7] = 1;
        assert!(matches!(parse(&bytes), Err(RawError::Absurd { .. })));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, count in 0..4_u64) {
            let mut bytes = bytes;
            if let Some(head) = bytes.first_chunk_mut::<8>() {
                *head = count.to_le_bytes();
            }
            let _ = parse(&bytes);
        }
    }
}
