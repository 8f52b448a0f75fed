//! Every group of tables on a real Postgres.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod chunks;
mod embedded;
mod expiry;
mod fleet_hours;
mod frames;
mod history;
mod incidents;
mod inventories;
mod past;
mod retention;
mod tag_notes;
mod work;

use jiff::{SignedDuration, Timestamp};

/// A moment to test with: 2026-01-15 12:00 UTC.
fn noon() -> Timestamp {
    Timestamp::from_second(1_768_478_400).unwrap()
}

fn later(minutes: i64) -> Timestamp {
    noon().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}
