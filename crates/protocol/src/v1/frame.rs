//! Frames: a snapshot as sent, a key frame or a delta against the one before, compressed by zstd.

use poolwatch_model::{BootId, Snapshot};

use super::{
    envelope::{Envelope, EnvelopeError, Section, Stamp},
    parts::Moves,
    sections,
    wire::Malformed,
};
use crate::{compression, limits};

/// zstd's default: higher levels cost the hosts more than they save.
const COMPRESSION_LEVEL: i32 = 3;

/// A snapshot with its place in time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StampedSnapshot {
    /// When it was taken.
    pub stamp: Stamp,
    /// What was measured.
    pub snapshot: Snapshot,
}

/// Why a frame was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Larger than allowed before or after decompression, or no zstd at all.
    #[error(
        "not a zstd frame of at most {} bytes holding at most {} bytes",
        limits::FRAME_BYTES,
        limits::ENVELOPE_BYTES
    )]
    Compression,
    /// The envelope could not be read.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// A section could not be read.
    #[error("section {0}")]
    Section(#[from] Malformed),
    /// A delta whose base is not the frame decoded before it.
    #[error("frame {seq} is relative to frame {base}, which is not at hand; a key frame is needed")]
    NeedsKey {
        /// The frame.
        seq: u64,
        /// What it is relative to.
        base: u64,
    },
}

/// Turns snapshots into frames. Remembers the last one, to send differences.
#[derive(Debug, Default)]
pub struct Encoder {
    last: Option<StampedSnapshot>,
    deltas: u32,
}

impl Encoder {
    /// The frame of a snapshot: a delta where the chain allows it, else a key frame.
    #[must_use]
    pub fn encode(&mut self, stamp: Stamp, snapshot: Snapshot) -> Vec<u8> {
        let base = self.last.as_ref().filter(|last| {
            self.deltas < limits::DELTA_CHAIN
                && last.stamp.boot == stamp.boot
                && last.stamp.seq < stamp.seq
        });
        let sections = sections::encode(base.map(|base| &base.snapshot), &snapshot);
        let envelope = Envelope {
            stamp,
            base: base.map(|base| base.stamp.seq),
            sections: sections
                .iter()
                .map(|(number, bytes)| Section { number: *number, bytes })
                .collect(),
        };
        let frame = compress(&envelope.to_bytes());
        self.deltas = if envelope.base.is_some() { self.deltas + 1 } else { 0 };
        self.last = Some(StampedSnapshot { stamp, snapshot });
        frame
    }

    /// Makes the next frame a key frame.
    pub fn restart_chain(&mut self) {
        self.last = None;
    }
}

/// Turns frames back into snapshots. Remembers the last one, which deltas are relative to.
#[derive(Debug, Default, Clone)]
pub struct Decoder {
    last: Option<StampedSnapshot>,
    moves: Moves,
}

impl Decoder {
    /// A decoder that goes on after a snapshot decoded earlier.
    #[must_use]
    pub fn resume(last: StampedSnapshot) -> Self {
        Self { last: Some(last), moves: Moves::default() }
    }

    /// The snapshot decoded last.
    #[must_use]
    pub fn last(&self) -> Option<&StampedSnapshot> {
        self.last.as_ref()
    }

    /// What changed with the snapshot decoded last.
    #[must_use]
    pub fn moves(&self) -> &Moves {
        &self.moves
    }

    /// The snapshot decoded last.
    #[must_use]
    pub fn into_last(self) -> Option<StampedSnapshot> {
        self.last
    }

    /// Decodes the next frame.
    ///
    /// # Errors
    /// When the frame is malformed or too large, or its base is not the last frame; the decoder
    /// then still holds that.
    pub fn decode(&mut self, frame: &[u8]) -> Result<&StampedSnapshot, FrameError> {
        let bytes = decompress(frame)?;
        let envelope = Envelope::parse(&bytes)?;
        self.apply(&envelope)
    }

    /// Applies an envelope that was already read.
    ///
    /// # Errors
    /// As [`Self::decode`].
    pub fn apply(&mut self, envelope: &Envelope<'_>) -> Result<&StampedSnapshot, FrameError> {
        let stamp = envelope.stamp;
        let base = match envelope.base {
            None => None,
            Some(base) => {
                let at_hand = |last: &&StampedSnapshot| is(last.stamp, stamp.boot, base);
                let last = self.last.as_ref().filter(at_hand);
                Some(last.ok_or(FrameError::NeedsKey { seq: stamp.seq, base })?)
            }
        };
        let base = base.map(|base| &base.snapshot);
        let parts = envelope.parts(base)?;
        if let Some(base) = base {
            sections::check(base, &parts)?;
        }
        // Tables that did not change as a whole are changed in place.
        let base = self.last.take().filter(|_| envelope.base.is_some());
        let base = base.map(|base| base.snapshot);
        let snapshot = sections::assemble(base, parts, &mut self.moves);
        Ok(self.last.insert(StampedSnapshot { stamp, snapshot }))
    }
}

fn is(stamp: Stamp, boot: BootId, seq: u64) -> bool {
    stamp.boot == boot && stamp.seq == seq
}

/// Compresses an envelope to a frame.
#[must_use]
pub fn compress(envelope: &[u8]) -> Vec<u8> {
    // Compression into memory has no way to fail but a wrong level, which is a constant here.
    zstd::bulk::compress(envelope, COMPRESSION_LEVEL).unwrap_or_default()
}

/// Decompresses a frame to its envelope's bytes.
///
/// # Errors
/// When it is no zstd frame, or larger than [`limits`] allow.
pub fn decompress(frame: &[u8]) -> Result<Vec<u8>, FrameError> {
    if frame.len() > limits::FRAME_BYTES {
        return Err(FrameError::Compression);
    }
    compression::decompress(frame, limits::ENVELOPE_BYTES).ok_or(FrameError::Compression)
}
