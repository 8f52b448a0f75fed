//! The one place that reads the clock.

use jiff::Timestamp;

/// Now.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
pub fn now() -> Timestamp {
    Timestamp::now()
}
