//! Nothing that was acknowledged is lost, and nothing is there twice, whatever is killed or runs
//! out at the worst moment. The real executables, under load.
//!
//! These take a while: `make test` runs them for `SURVIVE_SECONDS` (30) each, `make soak` for
//! hours. They need `poolwatch-sim` beside the server's executable.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attack;
mod chance;
mod check;
mod chunks;
mod compaction;
mod disk;
mod kills;
mod mail;
mod processes;
mod stops;
mod world;

use std::time::Duration;

/// How long each story is told.
fn duration() -> Duration {
    let seconds = std::env::var("SURVIVE_SECONDS").ok();
    Duration::from_secs(seconds.map_or(30, |seconds| seconds.parse().unwrap()))
}
