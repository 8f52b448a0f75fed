//! Sections, compressed once, that any envelope header can be put before.
//!
//! A zstd frame is a header and blocks (RFC 8878). A block that holds bytes as they are may come
//! before the compressed ones: these refer back by distance, and so to the same bytes as before.

use poolwatch_protocol::v1::{Envelope, Stamp, frame::compress};

const MAGIC: [u8; 4] = 0xFD2F_B528_u32.to_le_bytes();
/// Frame header: four bytes of content size, and the window is the content.
const DESCRIPTOR: u8 = 0b1010_0000;

/// The sections of a frame, compressed.
#[derive(Debug)]
pub(super) struct Sections {
    blocks: Vec<u8>,
    size: usize,
}

impl Sections {
    /// Compresses what follows the header of an envelope.
    pub(super) fn of(envelope: &Envelope<'_>) -> Self {
        let bytes = envelope.to_bytes();
        let sections = &bytes[header(envelope.stamp, envelope.base).len()..];
        let frame = compress(sections);
        Self { blocks: frame[frame_header_len(&frame)..].to_vec(), size: sections.len() }
    }

    /// The frame of these sections with another header.
    pub(super) fn frame(&self, stamp: Stamp, base: Option<u64>) -> Vec<u8> {
        let header = header(stamp, base);
        let mut out = Vec::with_capacity(12 + header.len() + self.blocks.len());
        out.extend_from_slice(&MAGIC);
        out.push(DESCRIPTOR);
        out.extend_from_slice(&((header.len() + self.size) as u32).to_le_bytes());
        // Not the last block, as it is (type 0), so many bytes.
        out.extend_from_slice(&((header.len() as u32) << 3).to_le_bytes()[..3]);
        out.extend_from_slice(&header);
        out.extend_from_slice(&self.blocks);
        out
    }
}

fn header(stamp: Stamp, base: Option<u64>) -> Vec<u8> {
    Envelope { stamp, base, sections: Vec::new() }.to_bytes()
}

/// The length of a zstd frame's header, from its descriptor.
fn frame_header_len(frame: &[u8]) -> usize {
    let descriptor = frame[4];
    let single_segment = descriptor & 0x20 != 0;
    let content_size = match descriptor >> 6 {
        0 => usize::from(single_segment),
        flag => 1 << flag,
    };
    let dictionary_id = [0, 1, 2, 4][usize::from(descriptor & 3)];
    MAGIC.len() + 1 + usize::from(!single_segment) + dictionary_id + content_size
}
