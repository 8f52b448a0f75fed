//! Pool tags in the code of a driver's file (PE, x64 and x86), with what speaks for each; and what the
//! file says of itself.
//!
//! Pure: bytes in, candidates out. Files are hostile: whatever they say, a scan does not panic, takes
//! time linear in the file's size and memory for at most [`TAGS_WHILE_SCANNING`] tags.

mod code;
mod description;
mod image;
mod imports;
mod service;
mod signer;
#[cfg(feature = "synthetic")]
pub mod synthetic;

use poolwatch_model::driver_scan::FoundTag;

pub use description::{Description, describe};
pub use image::ScanError;
pub use service::service_tag;

/// Bytes of a file's beginning that are worth scanning: all of nearly every driver. A longer file is
/// scanned as far as it goes.
pub const FILE_BYTES: usize = 12 << 20;
/// Tags that are told of a file, the likeliest.
pub const TAGS: usize = 512;
/// Tags that are counted meanwhile.
pub const TAGS_WHILE_SCANNING: usize = 8192;

/// What was found in a driver's file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ImageScan {
    /// Candidates, the likeliest first.
    pub tags: Vec<FoundTag>,
    /// Whether the driver is built on the framework that makes a tag of the service's name (KMDF).
    pub uses_framework: bool,
}

/// Scans a driver's file, or its first [`FILE_BYTES`]; `service` is the name of its service, where
/// it is known.
///
/// # Errors
/// When the bytes are no PE file of a processor that is known.
pub fn scan(file: &[u8], service: Option<&str>) -> Result<ImageScan, ScanError> {
    let image = image::Image::parse(file)?;
    let imports = imports::Imports::read(&image);
    let mut tags = code::find(&image, &imports);
    let own = service.filter(|_| imports.uses_framework).and_then(service_tag);
    if let Some(own) = own {
        tags.entry(own).or_insert_with(|| FoundTag::new(own)).is_service_name = true;
    }
    let mut tags: Vec<FoundTag> = tags.into_values().collect();
    tags.sort_by(|a, b| {
        let counts = |one: &FoundTag| one.allocations + one.frees + one.arguments + one.numbers;
        let sure = b.likelihood().total_cmp(&a.likelihood());
        sure.then(counts(b).cmp(&counts(a))).then(a.tag.cmp(&b.tag))
    });
    tags.truncate(TAGS);
    Ok(ImageScan { tags, uses_framework: imports.uses_framework })
}
