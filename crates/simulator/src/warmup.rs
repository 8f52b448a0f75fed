//! What a host uses in the first hour after its start.

use crate::{boots::MINUTE_S, patterns::workload::WarmUp};

/// After this time of running, only caches still grow.
pub(crate) const WARM_UP_S: i64 = 40 * MINUTE_S;

/// The use of everything but caches after a start, by seconds.
pub(crate) const WARM_UP: WarmUp =
    WarmUp { cold: 0.55, rise: 0.45, duration: (25 * MINUTE_S) as f64 };
