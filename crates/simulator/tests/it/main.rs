//! Tests of the simulated fleet.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod demo;
mod load;
mod patterns;
mod planted;
mod repeatable;
mod server;
mod usual;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{Pool, PoolTag, Snapshot, tag::TagCounters};

/// A Wednesday.
fn epoch() -> Timestamp {
    "2026-03-04T10:00:00Z".parse().unwrap()
}

fn minutes_from(time: Timestamp, minutes: i64) -> Timestamp {
    time.checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

fn counters(snapshot: &Snapshot, pool: Pool, tag: &str) -> TagCounters {
    let tag: PoolTag = tag.parse().unwrap();
    let row = snapshot.tags.as_ref().unwrap().get(tag);
    row.map_or(TagCounters::default(), |row| *row.of(pool))
}
