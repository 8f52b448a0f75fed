//! What a driver's file says of itself.

use jiff::Timestamp;

use crate::{
    image::{Image, ScanError},
    signer::signer,
};

/// Bytes of the version resource that are read.
const RESOURCE: usize = 64 << 10;
/// The type of the version resource (`RT_VERSION`).
const VERSION: u32 = 16;
/// What `VS_FIXEDFILEINFO` begins with.
const SIGNATURE: [u8; 4] = 0xFEEF_04BD_u32.to_le_bytes();
/// Letters of a company's name that are read.
const LETTERS: usize = 255;
/// A link time of a build that repeats is no time (`IMAGE_DEBUG_TYPE_REPRO`).
const REPEATS: u32 = 16;
const DEBUG_ENTRY: u32 = 28;
const DEBUG_ENTRIES: u32 = 64;

/// What a driver's file says of itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Description {
    /// File version (`5.1.0.2`).
    pub version: Option<String>,
    /// Company that made it.
    pub company: Option<String>,
    /// When it was linked.
    pub linked: Option<Timestamp>,
    /// Who signed it, by its own signature, which is not verified.
    pub signer: Option<String>,
}

/// Reads what a driver's file, or its beginning, says of itself.
///
/// # Errors
/// When the bytes are no PE file of a processor that is known.
pub fn describe(file: &[u8]) -> Result<Description, ScanError> {
    let image = Image::parse(file)?;
    let resource = version_resource(&image).unwrap_or_default();
    Ok(Description {
        version: version(resource),
        company: company(resource),
        linked: linked(&image),
        signer: signer(&image, file),
    })
}

/// The first resource of its type, of any name and language.
fn version_resource<'a>(image: &Image<'a>) -> Option<&'a [u8]> {
    let root = image.resource_directory()?;
    let at = |table: u32, wanted: Option<u32>| {
        let named = image.u16_at(table.checked_add(12)?)?;
        let numbered = image.u16_at(table.checked_add(14)?)?;
        // Entries by number come after those by name.
        let entries = 0..u32::from(named) + u32::from(numbered);
        entries.take(1024).find_map(|number| {
            let entry = table.checked_add(16 + 8 * number)?;
            let is_it = wanted.is_none_or(|wanted| image.u32_at(entry) == Some(wanted));
            let leads_to = image.u32_at(entry.checked_add(4)?)?;
            is_it.then(|| root.checked_add(leads_to & !(1 << 31)))?
        })
    };
    let data = at(at(at(root, Some(VERSION))?, None)?, None)?;
    let bytes = image.at(image.u32_at(data)?)?;
    let length = image.u32_at(data.checked_add(4)?)? as usize;
    Some(&bytes[..bytes.len().min(length).min(RESOURCE)])
}

fn version(resource: &[u8]) -> Option<String> {
    let at = resource.windows(4).position(|bytes| bytes == SIGNATURE)?;
    let part = |from: usize| {
        let bytes = resource.get(at + from..)?.first_chunk()?;
        Some(u16::from_le_bytes(*bytes))
    };
    // Each of the two numbers has its upper half behind the lower.
    let parts = [part(10)?, part(8)?, part(14)?, part(12)?];
    (parts != [0; 4]).then(|| parts.map(|part| part.to_string()).join("."))
}

fn company(resource: &[u8]) -> Option<String> {
    let key: Vec<u8> = "CompanyName\0".encode_utf16().flat_map(u16::to_le_bytes).collect();
    let at = resource.windows(key.len()).position(|bytes| bytes == key)? + key.len();
    let units = resource.get(at.next_multiple_of(4)..)?.chunks_exact(2).take(LETTERS);
    let units = units.map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
    let text: Vec<u16> = units.take_while(|unit| *unit != 0).collect();
    let text = String::from_utf16_lossy(&text).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

fn linked(image: &Image<'_>) -> Option<Timestamp> {
    let repeats = image.debug_directory().is_some_and(|(directory, bytes)| {
        (0..(bytes / DEBUG_ENTRY).min(DEBUG_ENTRIES)).any(|number| {
            let kind = directory.checked_add(number * DEBUG_ENTRY + 12);
            kind.and_then(|kind| image.u32_at(kind)) == Some(REPEATS)
        })
    });
    if repeats || image.linked == 0 {
        return None;
    }
    Timestamp::from_second(image.linked.into()).ok()
}
