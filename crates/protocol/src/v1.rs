//! Version 1 of the protocol.

pub mod batch;
pub mod envelope;
pub mod frame;
pub mod messages;
pub mod parts;
mod sections;
mod table;
pub mod wire;

pub use batch::{Batch, SenderClock};
pub use envelope::{Envelope, Section, Stamp};
pub use frame::{Decoder, Encoder, FrameError, StampedSnapshot};
pub use parts::Parts;
pub use wire::Malformed;

/// The number of this version.
pub const VERSION: u16 = 1;
