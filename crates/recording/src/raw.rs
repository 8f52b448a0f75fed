//! What the kernel wrote into a buffer, read without trust.
//!
//! Every parser takes the bytes with the address that they had when they were filled and the width
//! of pointers on that Windows, so that buffers of any Windows can be read on any machine and long
//! after. Buffers that are cut short, lie about counts, point outside or run in circles are
//! refused; no input makes a parser panic, and each takes time linear in the buffer's size.

pub mod basic;
pub mod conditions;
mod fields;
pub mod handles;
pub mod layout;
pub mod modules;
pub mod object_types;
pub mod performance;
pub mod performance_info;
pub mod pool_tags;
pub mod processes;
pub mod security;
pub mod server_service;
pub mod services;

use layout::Width;

/// What the kernel wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RawBuffer<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Address of the first byte when the kernel wrote them: pointers inside are absolute.
    pub base: u64,
    /// How wide these pointers are.
    pub width: Width,
}

/// Why a buffer was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum RawError {
    /// Shorter than what it should hold.
    #[error("{what} ends after {length} bytes, {needed} are needed")]
    Truncated {
        /// What was being read.
        what: &'static str,
        /// Bytes that the buffer should have.
        needed: usize,
        /// Bytes that it has.
        length: usize,
    },
    /// Much longer than what it says it holds.
    #[error("{what} has {length} bytes for the {needed} that it says it holds")]
    Overlong {
        /// What was being read.
        what: &'static str,
        /// Bytes that its own count accounts for.
        needed: usize,
        /// Bytes that it has.
        length: usize,
    },
    /// More entries than any Windows has.
    #[error("{what} claims {count} entries, more than {limit}")]
    TooMany {
        /// What was being read.
        what: &'static str,
        /// Entries that it claims.
        count: u64,
        /// Entries that are believed.
        limit: usize,
    },
    /// No entry, where every Windows has some.
    #[error("{what} is empty")]
    Empty {
        /// What was being read.
        what: &'static str,
    },
    /// A pointer that leads outside the buffer.
    #[error("{what} points outside the buffer")]
    Outside {
        /// What was being read.
        what: &'static str,
    },
    /// A number that cannot be.
    #[error("{what} is {value}, which cannot be")]
    Absurd {
        /// What was being read.
        what: &'static str,
        /// What it said.
        value: u64,
    },
    /// Two entries that ought to differ.
    #[error("{what} appears twice")]
    Twice {
        /// What was being read.
        what: &'static str,
    },
}
