//! Numbers in chunks as on the wire, and texts.

pub use poolwatch_protocol::v1::wire::Malformed;
pub(super) use poolwatch_protocol::v1::wire::{Reader, put_varint as put, unzigzag, zigzag};

/// Bytes of a name.
const MAX_TEXT: usize = 4096;

pub(super) fn put_text(out: &mut Vec<u8>, text: &str) {
    put(out, text.len() as u64);
    out.extend_from_slice(text.as_bytes());
}

pub(super) fn text(reader: &mut Reader<'_>) -> Result<String, Malformed> {
    let length = reader.count(MAX_TEXT)?;
    let bytes = reader.bytes(length)?;
    std::str::from_utf8(bytes).map(str::to_owned).map_err(|_| Malformed)
}
