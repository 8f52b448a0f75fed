//! The server as its users meet it: over HTTP, on a real Postgres.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod answers;
mod compare;
mod diagnose;
mod events;
mod fleet;
mod imports;
mod incidents;
mod ingest;
mod judging;
mod lead;
mod lists;
mod past;
mod permissions;
mod records;
mod server;
mod tag_names;
mod unseen;
mod upgrade;
mod views;
