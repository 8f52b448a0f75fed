//! Class 11, `SystemModuleInformation`: the kernel's loaded images.

use poolwatch_model::inventory::Driver;

use super::{RawBuffer, RawError, fields::Fields, layout};

/// More images than any kernel loads.
const LIMIT: usize = 4096;
/// Bytes of a path.
const PATH: usize = 256;

/// Reads class 11, in load order. Versions and companies are in the files, not here.
///
/// # Errors
/// When the buffer is cut short, holds no or too many images, or a path does not hold its file name.
pub fn parse(buffer: RawBuffer<'_>) -> Result<Vec<Driver>, RawError> {
    let what = "module list";
    let (head, at) = (layout::modules(buffer.width), layout::module(buffer.width));
    let fields = Fields::new(buffer, what);
    let count = fields.u32(head.count)?;
    if count == 0 {
        return Err(RawError::Empty { what });
    }
    fields
        .entries(head.entries, count.into(), at.size, LIMIT)?
        .map(|entry| {
            let path = entry.slice(at.full_path_name, PATH)?;
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            let offset = entry.u16(at.offset_to_file_name)?;
            let name = path
                .get(usize::from(offset)..)
                .filter(|name| !name.is_empty())
                .ok_or(RawError::Outside { what: "file name of a module" })?;
            // The kernel converts these to the system's code page; drivers' names are ASCII.
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            Ok(Driver { name: text(name), path: Some(text(path)), ..Driver::default() })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synthetic::{TARGETS, X64};

    const PATHS: [&str; 3] = [
        r"\SystemRoot\system32\ntoskrnl.exe",
        r"\SystemRoot\System32\drivers\foo.sys",
        r"\??\C:\Program Files\Vendor\bar.sys",
    ];

    #[test]
    fn drivers_are_read_with_their_paths() {
        for target in TARGETS {
            let drivers = parse(target.buffer(&target.modules(&PATHS))).unwrap();
            let names: Vec<&str> = drivers.iter().map(|driver| driver.name.as_str()).collect();
            assert_eq!(names, ["ntoskrnl.exe", "foo.sys", "bar.sys"]);
            assert_eq!(drivers[1].path.as_deref(), Some(PATHS[1]));
        }
    }

    #[test]
    fn lies_are_refused() {
        let whole = X64.modules(&PATHS);
        for length in 0..whole.len() {
            assert!(parse(X64.buffer(&whole[..length])).is_err(), "{length}");
        }
        let mut bytes = whole.clone();
        let offset =
            layout::modules(X64.width).entries + layout::module(X64.width).offset_to_file_name;
        bytes[offset..][..2].copy_from_slice(&300_u16.to_le_bytes());
        assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::Outside { .. })));
        let mut bytes = whole;
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(X64.buffer(&bytes)), Err(RawError::TooMany { .. })));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, count in 0..4_u32) {
            let mut bytes = bytes;
            if let Some(head) = bytes.first_chunk_mut::<4>() {
                *head = count.to_le_bytes();
            }
            let _ = TARGETS.map(|target| parse(target.buffer(&bytes)));
        }
    }
}
