//! When the next snapshot is due.

use std::time::Duration;

/// Keeps to multiples of the interval, counted from the first snapshot: no drift.
#[derive(Debug, Clone, Copy)]
pub(super) struct Schedule {
    due: Duration,
}

/// The next snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NextSnapshot {
    /// How long until it is due.
    pub(super) wait: Duration,
    /// Snapshots that were due already and are left out.
    pub(super) skipped: u32,
}

impl Schedule {
    /// The first snapshot is due now.
    pub(super) fn starting(now: Duration) -> Self {
        Self { due: now }
    }

    /// A snapshot is due now, ahead of the others.
    pub(super) fn hurry(&mut self, now: Duration) {
        self.due = now;
    }

    /// The snapshot after the one that was due last.
    pub(super) fn next(&mut self, now: Duration, interval: Duration) -> NextSnapshot {
        self.due += interval;
        let late = now.saturating_sub(self.due);
        let skipped = late.as_nanos().checked_div(interval.as_nanos()).unwrap_or(0);
        let skipped = u32::try_from(skipped).unwrap_or(u32::MAX);
        self.due += interval.saturating_mul(skipped);
        NextSnapshot { wait: self.due.saturating_sub(now), skipped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snapshots_stay_on_the_grid() {
        let s = Duration::from_secs;
        let mut schedule = Schedule::starting(s(100));
        for (now, wait, skipped) in [
            (101, 59, 0),
            (165, 55, 0),
            (270, 10, 0),
            // A little late is taken at once.
            (345, 0, 0),
            // 340 was the last; 400 is on time again.
            (346, 54, 0),
            // 460 is over by more than an interval and left out; 520 is taken late.
            (530, 0, 1),
            (531, 49, 0),
        ] {
            let expected = NextSnapshot { wait: s(wait), skipped };
            assert_eq!(schedule.next(s(now), s(60)), expected, "at {now}");
        }
    }

    #[test]
    fn a_new_interval_holds_at_once() {
        let s = Duration::from_secs;
        let mut schedule = Schedule::starting(s(0));
        assert_eq!(schedule.next(s(0), s(10)).wait, s(10));
        assert_eq!(schedule.next(s(10), s(60)).wait, s(60));
    }
}
