//! Detection over simulated hosts and time.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod lifecycle;
mod schedule;
