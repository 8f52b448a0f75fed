//! The grid of time on which the past is kept: points, hours, days and weeks.

use jiff::{SignedDuration, Timestamp};

/// Seconds of a point of hours and days.
pub(crate) const STEP_S: u32 = 600;
/// Seconds of an hour.
pub(crate) const HOUR_S: i64 = 3600;
/// Seconds of a day.
pub(crate) const DAY_S: i64 = 86_400;
/// Seconds of a week.
pub(crate) const WEEK_S: i64 = 7 * DAY_S;
/// Seconds that a chain of frames may reach: sixty after a key frame, at the longest interval.
pub(crate) const CHAIN_S: i64 = 61 * HOUR_S;

/// The beginning of the step that holds a time.
#[must_use]
pub(crate) fn floor(at: Timestamp, step_s: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(step_s) * step_s).unwrap_or(at)
}

/// A time some seconds later.
#[must_use]
pub(crate) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
