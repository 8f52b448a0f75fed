//! Nothing that was acknowledged is lost, and nothing is there twice, whatever is killed or runs
//! out at the worst moment. The real executables, under load.
//!
//! These take a while: `make test` runs them for `SURVIVE_SECONDS` (30) each, `make soak` for
//! hours. They need `poolwatch-sim` beside the server's executable.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod attack;
mod backup;
mod chance;
mod check;
mod chunks;
mod cluster;
mod commands;
mod compaction;
mod database_trouble;
mod disk;
mod failover;
mod herd;
mod kills;
mod mail;
mod package;
mod pages;
mod pooler;
mod processes;
mod stops;
mod world;

use std::time::Duration;

/// How long each story is told.
fn duration() -> Duration {
    Duration::from_secs(number("SURVIVE_SECONDS", 30))
}

/// What the environment says, or what is usual.
fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).map_or(usual, |text| text.parse().unwrap())
}
