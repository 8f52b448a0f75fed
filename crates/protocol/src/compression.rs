//! Decompression within bounds, of frames and of whatever is stored in pieces.

use std::cell::RefCell;

use zstd::bulk::Decompressor;

thread_local! {
    /// Kept, because making one costs more than decompressing a small piece.
    static DECOMPRESSOR: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
}

/// What a zstd frame holds; `None` when it is none, does not name its size, or holds more than
/// `most` bytes.
#[must_use]
pub fn decompress(frame: &[u8], most: usize) -> Option<Vec<u8>> {
    // `compress` names the size; a lie is caught when the buffer is full.
    let size = zstd::zstd_safe::get_frame_content_size(frame).ok()??;
    let size = usize::try_from(size).ok().filter(|size| *size <= most)?;
    DECOMPRESSOR.with_borrow_mut(|decompressor| {
        let decompressor = match decompressor {
            Some(decompressor) => decompressor,
            none => none.insert(Decompressor::new().ok()?),
        };
        decompressor.decompress(frame, size).ok()
    })
}
