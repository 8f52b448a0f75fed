//! The server as its users meet it: over HTTP, on a real Postgres.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod agents;
mod events;
mod fleet;
mod imports;
mod permissions;
mod server;
