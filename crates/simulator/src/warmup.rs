//! What a host uses in the first hours after its start.

use crate::boots::MINUTE_S;

/// After this time of running, only caches still grow.
pub(crate) const WARM_UP_S: i64 = 40 * MINUTE_S;

/// The share of its usual use that a host has after a start.
pub(crate) fn warmth(uptime_s: i64) -> f64 {
    let share = uptime_s as f64 / (25 * MINUTE_S) as f64;
    0.55 + 0.45 * share.clamp(0.0, 1.0)
}

/// How full a cache is that fills within `grows_s`, ever slower.
pub(crate) fn filled(uptime_s: i64, grows_s: i64) -> f64 {
    let empty = 1.0 - (uptime_s as f64 / grows_s as f64).clamp(0.0, 1.0);
    1.0 - 0.85 * empty * empty
}
