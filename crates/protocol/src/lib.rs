//! What agents and the server say to each other. No input or output.
//!
//! Agents stay installed for years: what is released under [`v1`] never changes. New data gets a
//! new section number or a new optional JSON field; old readers skip what they do not know.
//! `docs/protocol.md` describes the same for people who write another agent.

pub mod compression;
pub mod limits;
pub mod v1;

/// Versions of the protocol that this build speaks, best first.
pub const VERSIONS: &[u16] = &[v1::VERSION];
