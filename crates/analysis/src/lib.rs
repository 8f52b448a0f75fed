//! Judgement: pure functions from snapshots and events to diagnoses. No clock, no database, so that
//! the same code runs in the server, in tests and on evidence files.
//!
//! A [`CaseFile`] holds what is known of a host; [`diagnose_causes`] says what is wrong with it, one
//! diagnosis for each cause. Hosts of a fleet are screened at each snapshot by a [`Screen`], and
//! only tags that it points out are studied.

pub mod around;
pub mod case;
pub mod catalogue;
pub mod causes;
pub mod ceilings;
mod chance;
pub mod commit;
pub mod compare;
pub mod confidence;
pub mod diagnose;
mod events;
mod exhaustion;
pub mod facts;
pub mod growth;
pub mod handles;
pub mod headroom;
pub mod high_use;
pub mod holders;
pub mod lockstep;
mod object_types;
pub mod objects;
pub mod one_picture;
pub mod programs;
pub mod release;
pub mod rise;
pub mod scans;
pub mod screen;
mod span;
pub mod statistics;
pub mod steps;
pub mod suspects;
mod tag_list;
pub mod trend;
pub mod troughs;
pub mod whole;

pub use case::CaseFile;
pub use causes::{diagnose_case, diagnose_causes};
pub use diagnose::{Observation, diagnose};
pub use screen::Screen;
