//! Class 11, `SystemModuleInformation`: the kernel's loaded images.

use poolwatch_model::inventory::Driver;

use super::{
    RawError,
    fields::Fields,
    layout::{module as at, modules as head},
};

/// More images than any kernel loads.
const LIMIT: usize = 4096;
/// Bytes of a path.
const PATH: usize = 256;

/// Reads class 11, in load order. Versions and companies are in the files, not here.
///
/// # Errors
/// When the buffer is cut short, holds no or too many images, or a path does not hold its file name.
pub fn parse(bytes: &[u8]) -> Result<Vec<Driver>, RawError> {
    let what = "module list";
    let fields = Fields::new(bytes, what);
    let count = fields.u32(head::COUNT)?;
    if count == 0 {
        return Err(RawError::Empty { what });
    }
    fields
        .entries(head::ENTRIES, count.into(), at::SIZE, LIMIT)?
        .map(|entry| {
            let path = entry.slice(at::FULL_PATH_NAME, PATH)?;
            let path = path.split(|byte| *byte == 0).next().unwrap_or_default();
            let offset = entry.u16(at::OFFSET_TO_FILE_NAME)?;
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
    use crate::synthetic;

    const PATHS: [&str; 3] = [
        r"\SystemRoot\system32\ntoskrnl.exe",
        r"\SystemRoot\System32\drivers\foo.sys",
        r"\??\C:\Program Files\Vendor\bar.sys",
    ];

    #[test]
    fn drivers_are_read_with_their_paths() {
        let drivers = parse(&synthetic::modules(&PATHS)).unwrap();
        let names: Vec<&str> = drivers.iter().map(|driver| driver.name.as_str()).collect();
        assert_eq!(names, ["ntoskrnl.exe", "foo.sys", "bar.sys"]);
        assert_eq!(drivers[1].path.as_deref(), Some(PATHS[1]));
    }

    #[test]
    fn lies_are_refused() {
        let whole = synthetic::modules(&PATHS);
        for length in 0..whole.len() {
            assert!(parse(&whole[..length]).is_err(), "{length}");
        }
        let mut bytes = whole.clone();
        let offset = head::ENTRIES + at::OFFSET_TO_FILE_NAME;
        bytes[offset..][..2].copy_from_slice(&300_u16.to_le_bytes());
        assert!(matches!(parse(&bytes), Err(RawError::Outside { .. })));
        let mut bytes = whole;
        bytes[..4].copy_from_slice(&u32::MAX.to_le_bytes());
        assert!(matches!(parse(&bytes), Err(RawError::TooMany { .. })));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>, count in 0..4_u32) {
            let mut bytes = bytes;
            if let Some(head) = bytes.first_chunk_mut::<4>() {
                *head = count.to_le_bytes();
            }
            let _ = parse(&bytes);
        }
    }
}
