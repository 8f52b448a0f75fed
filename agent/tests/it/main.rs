//! The agent against a server that it can be told about: wiremock, with the protocol's own decoder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod commands;
#[cfg(target_os = "linux")]
mod cycles;
mod fixture;
mod policy;
mod server;
#[cfg(target_os = "linux")]
mod shortage;
mod tls;
mod upload;
