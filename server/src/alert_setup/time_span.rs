//! A span of time as somebody types it, in a time zone.

use jiff::{
    SignedDuration, Timestamp,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};

/// The longest silence.
const LONGEST: SignedDuration = SignedDuration::from_hours(366 * 24);

/// When a silence lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TimeSpan {
    pub(super) from: Timestamp,
    pub(super) until: Timestamp,
}

/// Why a span of time is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum TimeSpanError {
    #[error("{0} is no time zone: name one like Europe/Berlin or UTC.")]
    Zone(String),
    #[error("{0} is no time: write it like 2026-03-29 22:00.")]
    Time(String),
    #[error("{0} does not exist in {1}: clocks are set forward over it.")]
    Skipped(String, String),
    #[error("A silence has an end. It is the end that makes it safe.")]
    NoEnd,
    #[error("It would end before it begins, or is over already.")]
    Order,
    #[error("A silence lasts a year at most.")]
    TooLong,
}

impl TimeSpan {
    /// Reads a span. An empty beginning is now. A time that clocks show twice is the first of the two
    /// as a beginning, and the second as an end: nothing is left out.
    pub(super) fn read(
        from: &str,
        until: &str,
        zone: &str,
        now: Timestamp,
    ) -> Result<Self, TimeSpanError> {
        let zone_name = zone.trim();
        let zone = TimeZone::get(zone_name).map_err(|_| TimeSpanError::Zone(zone_name.into()))?;
        let read = |text: &str, is_end: bool| {
            let time: DateTime =
                text.trim().parse().map_err(|_| TimeSpanError::Time(text.trim().into()))?;
            let ambiguous = zone.to_ambiguous_timestamp(time);
            let found = match ambiguous.offset() {
                AmbiguousOffset::Gap { .. } => {
                    let (time, zone) = (text.trim().replace('T', " "), zone_name.to_owned());
                    return Err(TimeSpanError::Skipped(time, zone));
                }
                AmbiguousOffset::Fold { .. } if is_end => ambiguous.later(),
                _ => ambiguous.earlier(),
            };
            found.map_err(|_| TimeSpanError::Time(text.trim().into()))
        };
        if until.trim().is_empty() {
            return Err(TimeSpanError::NoEnd);
        }
        let from = if from.trim().is_empty() { now } else { read(from, false)? };
        let until = read(until, true)?;
        if until <= from || until <= now {
            return Err(TimeSpanError::Order);
        }
        if until.duration_since(from) > LONGEST || from.duration_since(now) > LONGEST {
            return Err(TimeSpanError::TooLong);
        }
        Ok(Self { from, until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(from: &str, until: &str, zone: &str) -> Result<(String, String), TimeSpanError> {
        let now: Timestamp = "2026-03-01T00:00:00Z".parse().unwrap();
        let window = TimeSpan::read(from, until, zone, now)?;
        Ok((window.from.to_string(), window.until.to_string()))
    }

    #[test]
    fn times_are_those_of_the_zone_on_both_sides_of_a_change_of_clocks() {
        for (from, until, zone, expected) in [
            // The night in which Europe loses an hour is one shorter.
            (
                "2026-03-28T22:00",
                "2026-03-29T06:00",
                "Europe/Berlin",
                ("2026-03-28T21:00:00Z", "2026-03-29T04:00:00Z"),
            ),
            // The one in which it gains one is longer, and covers both hours from two to three.
            (
                "2026-10-25T02:30",
                "2026-10-25T02:30",
                "Europe/Berlin",
                ("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z"),
            ),
            (
                "2026-07-01T00:00",
                "2026-07-01T01:00",
                "Asia/Kolkata",
                ("2026-06-30T18:30:00Z", "2026-06-30T19:30:00Z"),
            ),
            ("", "2026-03-01 04:00", "UTC", ("2026-03-01T00:00:00Z", "2026-03-01T04:00:00Z")),
        ] {
            let (from, until) = read(from, until, zone).unwrap();
            assert_eq!((from.as_str(), until.as_str()), expected);
        }
    }

    #[test]
    fn what_is_no_span_of_time_is_refused_in_words() {
        let berlin = "Europe/Berlin";
        for (from, until, zone, error) in [
            ("", "", berlin, TimeSpanError::NoEnd),
            ("", "tomorrow", berlin, TimeSpanError::Time("tomorrow".into())),
            ("", "2026-04-01T00:00", "Mars/Base", TimeSpanError::Zone("Mars/Base".into())),
            (
                "",
                "2026-03-29T02:30",
                berlin,
                TimeSpanError::Skipped("2026-03-29 02:30".into(), berlin.into()),
            ),
            ("2026-04-02T00:00", "2026-04-01T00:00", berlin, TimeSpanError::Order),
            ("", "2026-02-01T00:00", berlin, TimeSpanError::Order),
            ("", "2028-01-01T00:00", berlin, TimeSpanError::TooLong),
        ] {
            assert_eq!(read(from, until, zone), Err(error), "{until}");
        }
    }
}
