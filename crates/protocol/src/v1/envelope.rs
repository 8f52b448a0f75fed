//! The envelope: who, when, and numbered sections.
//!
//! ```text
//! version  u8 = 1
//! boot     16 bytes, a UUID that changes with every boot
//! seq      varint, grows by one or more with every frame of a boot
//! base     varint, 0 for a key frame, else seq minus the seq of the frame it is relative to
//! uptime   varint, milliseconds since boot
//! wall     varint, zigzag, milliseconds since 1970-01-01 UTC by the host's clock
//! then, to the end: section number varint, length varint, that many bytes
//! ```
//! Readers skip sections with numbers they do not know. A section number never changes meaning.

use jiff::Timestamp;
use poolwatch_model::BootId;
use uuid::Uuid;

use super::{
    VERSION,
    wire::{Malformed, Reader, put_varint, unzigzag, zigzag},
};
use crate::limits;

/// When a snapshot was taken, by the host's own reckoning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The boot it belongs to.
    pub boot: BootId,
    /// Its place among the frames of that boot.
    pub seq: u64,
    /// Milliseconds since that boot: the clock that cannot lie.
    pub uptime_ms: u64,
    /// The host's wall clock, to the millisecond: the clock that can.
    pub wall: Timestamp,
}

/// One part of a snapshot, still encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Section<'a> {
    /// What it is.
    pub number: u64,
    /// Its content.
    pub bytes: &'a [u8],
}

/// A frame after decompression, its sections not yet read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope<'a> {
    /// When it was taken.
    pub stamp: Stamp,
    /// Sequence number of the frame that this one is relative to; `None` for a key frame.
    pub base: Option<u64>,
    /// Its parts, in the order sent.
    pub sections: Vec<Section<'a>>,
}

/// Why bytes are no envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Of another version.
    #[error("frame of protocol version {0}, known is {VERSION}")]
    Version(u8),
    /// Cut short or out of range.
    #[error("envelope {0}")]
    Malformed(#[from] Malformed),
}

/// More sections than any version will have.
const SECTIONS: usize = 64;

impl<'a> Envelope<'a> {
    /// The bytes of the envelope, before compression.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let content: usize = self.sections.iter().map(|s| s.bytes.len() + 12).sum();
        let mut out = Vec::with_capacity(content + 48);
        out.push(VERSION as u8);
        out.extend_from_slice(self.stamp.boot.0.as_bytes());
        put_varint(&mut out, self.stamp.seq);
        put_varint(&mut out, self.base.map_or(0, |base| self.stamp.seq.saturating_sub(base)));
        put_varint(&mut out, self.stamp.uptime_ms);
        put_varint(&mut out, zigzag(0, self.stamp.wall.as_millisecond() as u64));
        for section in &self.sections {
            put_varint(&mut out, section.number);
            put_varint(&mut out, section.bytes.len() as u64);
            out.extend_from_slice(section.bytes);
        }
        out
    }

    /// Reads an envelope.
    ///
    /// # Errors
    /// When the version is unknown or the bytes are malformed.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let mut reader = Reader(bytes);
        let [version] = reader.array()?;
        if u16::from(version) != VERSION {
            return Err(EnvelopeError::Version(version));
        }
        let boot = BootId(Uuid::from_bytes(reader.array()?));
        let seq = reader.varint()?;
        let base = match reader.varint()? {
            0 => None,
            back => Some(seq.checked_sub(back).ok_or(Malformed)?),
        };
        let uptime_ms = reader.varint()?;
        let wall = Timestamp::from_millisecond(unzigzag(0, reader.varint()?) as i64)
            .map_err(|_| Malformed)?;
        let mut sections = Vec::new();
        while !reader.is_empty() {
            if sections.len() == SECTIONS {
                return Err(Malformed.into());
            }
            let number = reader.varint()?;
            let length = reader.count(limits::ENVELOPE_BYTES)?;
            sections.push(Section { number, bytes: reader.bytes(length)? });
        }
        Ok(Self { stamp: Stamp { boot, seq, uptime_ms, wall }, base, sections })
    }
}
