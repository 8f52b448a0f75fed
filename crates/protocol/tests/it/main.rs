//! The protocol as both ends use it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod golden;
mod hostile;
mod roundtrip;
mod snapshots;
