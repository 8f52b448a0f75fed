//! Parsers of what Windows tools print about pool use. Text in, [`poolwatch_model`] types out; no
//! input or output, no clock.
//!
//! `read` recognises what a text holds by its content, `combine` puts the pieces of one
//! machine together. The agent needs events alone, by the feature `event-xml`; the feature `texts`
//! (on by default) brings everything else.

#[cfg(feature = "event-xml")]
pub mod event;
#[cfg(feature = "event-xml")]
mod tag_text;

#[cfg(feature = "texts")]
mod bug_check;
#[cfg(feature = "texts")]
pub mod combine;
#[cfg(feature = "texts")]
mod content;
#[cfg(feature = "texts")]
mod event_log;
#[cfg(feature = "texts")]
mod event_text;
#[cfg(feature = "texts")]
mod event_words;
#[cfg(feature = "texts")]
mod flattened_rows;
#[cfg(feature = "texts")]
mod handle_types;
#[cfg(feature = "texts")]
mod hosts;
#[cfg(feature = "texts")]
mod image_names;
#[cfg(feature = "texts")]
mod layouts;
#[cfg(feature = "texts")]
mod pool_trace;
#[cfg(feature = "texts")]
mod pool_words;
#[cfg(feature = "texts")]
mod poolmon;
#[cfg(feature = "texts")]
mod pooltag;
#[cfg(feature = "texts")]
mod poolused;
#[cfg(feature = "texts")]
mod prefixes;
#[cfg(feature = "texts")]
mod process;
#[cfg(feature = "texts")]
mod prose;
#[cfg(feature = "texts")]
mod quantities;
#[cfg(feature = "texts")]
pub mod reading;
#[cfg(feature = "texts")]
mod reading_builder;
#[cfg(feature = "texts")]
mod section;
#[cfg(feature = "texts")]
mod sentences;
#[cfg(feature = "texts")]
mod source;
#[cfg(feature = "texts")]
pub mod statements;
#[cfg(feature = "texts")]
mod tag_counts;
#[cfg(feature = "texts")]
mod text;
#[cfg(feature = "texts")]
mod times;
#[cfg(feature = "texts")]
mod verifier;
#[cfg(feature = "texts")]
mod vm;
#[cfg(feature = "texts")]
mod well_known_tags;
#[cfg(feature = "texts")]
mod zombies;

#[cfg(feature = "texts")]
pub use combine::{CombinedEvidence, MachineSnapshot, combine};
#[cfg(feature = "texts")]
pub use content::{
    EvidencePiece, IgnoredReason, PieceContent, PieceKind, PooltagEntry, Reading, UnreadLine,
};
#[cfg(feature = "texts")]
pub use reading::read;
#[cfg(feature = "texts")]
pub use source::{Fact, Source, Sources};
