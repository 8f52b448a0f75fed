//! The earlier moments from which growth is reckoned.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{Pool, PoolTag, tag::TagTable};

/// How many windows there are.
pub const WINDOWS: usize = 3;

/// Over how long growth is reckoned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Window {
    /// An hour.
    Hour,
    /// 24 h.
    Day,
    /// Seven days.
    Week,
}

impl Window {
    /// All of them, by index.
    pub const ALL: [Self; WINDOWS] = [Self::Hour, Self::Day, Self::Week];

    /// How long it is.
    #[must_use]
    pub const fn length(self) -> SignedDuration {
        SignedDuration::from_hours(match self {
            Self::Hour => 1,
            Self::Day => 24,
            Self::Week => 7 * 24,
        })
    }

    /// How much longer or shorter ago the moment may be that stands for its beginning. Key frames
    /// come once an hour at least.
    #[must_use]
    pub const fn slack(self) -> SignedDuration {
        SignedDuration::from_mins(match self {
            Self::Hour => 40,
            Self::Day => 90,
            Self::Week => 6 * 60,
        })
    }
}

/// The bytes of a tag at an earlier moment; `None` where they are not known.
pub type BytesThen<'a> = &'a dyn Fn(PoolTag, Pool) -> Option<u64>;

/// The bytes that a table tells of a tag.
#[must_use]
pub fn bytes_of(table: &TagTable, tag: PoolTag, pool: Pool) -> Option<u64> {
    match table.get(tag) {
        Some(row) => Some(row.of(pool).bytes),
        None => table.complete.then_some(0),
    }
}

/// A moment that stands for the beginning of a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Baseline {
    /// When.
    pub at: Timestamp,
    /// Whether a tag that was not listed then used nothing.
    pub complete: bool,
}
