//! A batch: the body of `POST /agent/v1/frames`, one or several frames of one host.
//!
//! ```text
//! version  u8 = 1
//! boot     16 bytes, the sender's boot now
//! uptime   varint, milliseconds, when sending
//! wall     varint, zigzag, milliseconds since 1970-01-01 UTC, when sending
//! then, to the end: length varint, that many bytes of one frame
//! ```
//! The sender's clocks at the moment of sending let the server place frames of this boot exactly,
//! and those of earlier boots by the host's wall clock, corrected by how wrong it is now.

use jiff::Timestamp;
use poolwatch_model::BootId;
use uuid::Uuid;

use super::{
    VERSION,
    envelope::EnvelopeError,
    wire::{Malformed, Reader, put_varint, unzigzag, zigzag},
};
use crate::limits;

/// The sender's clocks at the moment of sending.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SenderClock {
    /// Its boot.
    pub boot: BootId,
    /// Milliseconds since that boot.
    pub uptime_ms: u64,
    /// Its wall clock.
    pub wall: Timestamp,
}

/// One upload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch<'a> {
    /// The sender's clocks.
    pub clock: SenderClock,
    /// Frames, compressed, oldest first.
    pub frames: Vec<&'a [u8]>,
}

impl<'a> Batch<'a> {
    /// The bytes of the batch.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let content: usize = self.frames.iter().map(|frame| frame.len() + 4).sum();
        let mut out = Vec::with_capacity(content + 40);
        out.push(VERSION as u8);
        out.extend_from_slice(self.clock.boot.0.as_bytes());
        put_varint(&mut out, self.clock.uptime_ms);
        put_varint(&mut out, zigzag(0, self.clock.wall.as_millisecond() as u64));
        for frame in &self.frames {
            put_varint(&mut out, frame.len() as u64);
            out.extend_from_slice(frame);
        }
        out
    }

    /// Reads a batch. The frames themselves are not looked into.
    ///
    /// # Errors
    /// When the version is unknown, the bytes are malformed, or there are no or too many frames.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        let mut reader = Reader(bytes);
        let [version] = reader.array()?;
        if u16::from(version) != VERSION {
            return Err(EnvelopeError::Version(version));
        }
        let boot = BootId(Uuid::from_bytes(reader.array()?));
        let uptime_ms = reader.varint()?;
        let wall = Timestamp::from_millisecond(unzigzag(0, reader.varint()?) as i64)
            .map_err(|_| Malformed)?;
        let mut frames = Vec::new();
        while !reader.is_empty() {
            if frames.len() == limits::BATCH_FRAMES {
                return Err(Malformed.into());
            }
            let length = reader.count(limits::FRAME_BYTES)?;
            frames.push(reader.bytes(length)?);
        }
        if frames.is_empty() {
            return Err(Malformed.into());
        }
        Ok(Self { clock: SenderClock { boot, uptime_ms, wall }, frames })
    }
}
