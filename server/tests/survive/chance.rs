//! Moments that nobody chose.

use std::time::Duration;

/// A number below `end`.
pub(crate) fn below(end: u64) -> u64 {
    getrandom::u64().unwrap() % end
}

/// A while between two bounds.
pub(crate) fn between(least: Duration, most: Duration) -> Duration {
    least + Duration::from_millis(below((most - least).as_millis() as u64))
}
