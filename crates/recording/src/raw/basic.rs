//! Class 0, `SystemBasicInformation`: page size and physical memory.

use poolwatch_model::Bytes;

use super::{RawBuffer, RawError, fields::Fields, layout};

/// What class 0 tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Basic {
    /// Bytes of a page.
    pub page_size: u32,
    /// Physical memory that Windows uses.
    pub physical: Bytes,
}

/// Reads class 0.
///
/// # Errors
/// When the buffer is cut short or its page size is no power of two between 4 and 64 kB.
pub fn parse(buffer: RawBuffer<'_>) -> Result<Basic, RawError> {
    let at = layout::basic(buffer.width);
    let fields = Fields::new(buffer, "basic information");
    let page_size = page_size(fields.u32(at.page_size)?.into())?;
    let pages = fields.u32(at.physical_pages)?;
    Ok(Basic { page_size, physical: Bytes(u64::from(pages) * u64::from(page_size)) })
}

/// A page size that can be.
pub(super) fn page_size(value: u64) -> Result<u32, RawError> {
    match u32::try_from(value) {
        Ok(size @ 4096..=65_536) if size.is_power_of_two() => Ok(size),
        _ => Err(RawError::Absurd { what: "page size", value }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::synthetic;

    #[test]
    fn physical_memory_is_pages_times_their_size() {
        for target in synthetic::TARGETS {
            let bytes = target.basic(4096, 262_144);
            let parsed = parse(target.buffer(&bytes)).unwrap();
            assert_eq!(parsed, Basic { page_size: 4096, physical: Bytes(1 << 30) });
            assert!(parse(target.buffer(&bytes[..15])).is_err());
            assert!(parse(target.buffer(&target.basic(0, 262_144))).is_err());
            assert!(parse(target.buffer(&target.basic(4097, 262_144))).is_err());
        }
    }
}
