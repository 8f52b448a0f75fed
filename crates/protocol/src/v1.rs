//! Version 1 of the protocol.

pub mod batch;
pub mod envelope;
pub mod frame;
pub mod messages;
mod sections;
mod table;
mod wire;

pub use batch::{Batch, SenderClock};
pub use envelope::{Envelope, Section, Stamp};
pub use frame::{Decoder, Encoder, FrameError, StampedSnapshot};

/// The number of this version.
pub const VERSION: u16 = 1;
