//! Whether a host is heard, by the interval at which it takes snapshots.

use jiff::Timestamp;

/// Intervals without a word after which a host is late, and silent.
const LATE_AFTER: u32 = 2;
const SILENT_AFTER: u32 = 5;
/// A host is not called late and silent before so many seconds, however short its interval: uploads
/// wait for each other, and are tried again.
const LATE_S: u32 = 120;
const SILENT_S: u32 = 300;

/// Whether a host can be heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Presence {
    /// Its agent reports.
    Live,
    /// Its agent missed a report, which happens.
    Late,
    /// Its agent does not report any more.
    Silent,
    /// Its data were imported: they do not age by themselves.
    Imported,
    /// It is enrolled and has sent nothing yet.
    Waiting,
}

impl Presence {
    /// The presence of a host with an agent that was last heard then and takes a snapshot every
    /// `interval_s` seconds.
    #[must_use]
    pub fn of_agent(heard: Option<Timestamp>, interval_s: u32, now: Timestamp) -> Self {
        let Some(heard) = heard else { return Self::Waiting };
        let seconds = now.duration_since(heard).as_secs();
        let is_over = |intervals: u32, least_s: u32| {
            seconds > i64::from(interval_s.saturating_mul(intervals).max(least_s))
        };
        if is_over(SILENT_AFTER, SILENT_S) {
            Self::Silent
        } else if is_over(LATE_AFTER, LATE_S) {
            Self::Late
        } else {
            Self::Live
        }
    }

    /// Whether its agent reports, be it late.
    #[must_use]
    pub const fn reports(self) -> bool {
        matches!(self, Self::Live | Self::Late)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_silent_by_its_own_interval() {
        let now = Timestamp::from_second(1_800_000_000).unwrap();
        let after = |seconds: i64, interval_s| {
            let heard = Timestamp::from_second(1_800_000_000 - seconds).unwrap();
            Presence::of_agent(Some(heard), interval_s, now)
        };
        for (interval_s, live, late, silent) in
            [(10, 120, 300, 301), (60, 120, 300, 301), (3600, 7_200, 18_000, 18_001)]
        {
            assert_eq!(after(live, interval_s), Presence::Live);
            assert_eq!(after(live + 1, interval_s), Presence::Late);
            assert_eq!(after(late, interval_s), Presence::Late);
            assert_eq!(after(silent, interval_s), Presence::Silent);
        }
        assert_eq!(after(-900, 60), Presence::Live, "clocks differ");
        assert_eq!(Presence::of_agent(None, 60, now), Presence::Waiting);
    }
}
