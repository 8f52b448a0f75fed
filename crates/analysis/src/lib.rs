//! Judgement: pure functions from snapshots and events to diagnoses. No clock, no database, so that
//! the same code runs in the server, in tests and on evidence files.

pub mod catalogue;
pub mod ceilings;
pub mod diagnose;
pub mod growth;
pub mod holders;

pub use diagnose::{Observation, diagnose};
