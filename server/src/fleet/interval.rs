//! How often a host takes snapshots, by the snapshots themselves: its administrators may have set
//! another interval than the server suggests.

use jiff::{SignedDuration, Timestamp};

/// What an agent's interval can be, seconds.
const BOUNDS_S: (i64, i64) = (10, 3600);
/// The longest time between two snapshots counts for so long: an agent takes them more often while a
/// pool is under pressure.
const FOR: SignedDuration = SignedDuration::from_hours(3);

/// The longest time between two snapshots of late.
#[derive(Debug, Default, Clone, Copy)]
pub struct Interval(Option<(u32, Timestamp)>);

impl Interval {
    /// Takes in two snapshots of one boot that follow each other.
    pub fn note(&mut self, before: Timestamp, at: Timestamp) {
        let seconds = at.duration_since(before).as_secs().clamp(BOUNDS_S.0, BOUNDS_S.1);
        let seconds = u32::try_from(seconds).unwrap_or_default();
        let is_past = |(longest, since): (u32, Timestamp)| {
            seconds >= longest || at.duration_since(since).abs() > FOR
        };
        if self.0.is_none_or(is_past) {
            self.0 = Some((seconds, at));
        }
    }

    /// Seconds; `None` before two snapshots have come.
    #[must_use]
    pub fn seconds(self) -> Option<u32> {
        self.0.map(|(seconds, _)| seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_stays_an_hour_while_snapshots_are_taken_more_often_for_a_while() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second).unwrap();
        let mut interval = Interval::default();
        assert_eq!(interval.seconds(), None);
        interval.note(at(0), at(3600));
        for second in (3600..7200).step_by(10) {
            interval.note(at(second), at(second + 10));
        }
        assert_eq!(interval.seconds(), Some(3600));
        for second in (7200..20_000).step_by(60) {
            interval.note(at(second), at(second + 60));
        }
        assert_eq!(interval.seconds(), Some(60), "it was set anew");
        interval.note(at(20_000), at(90_000));
        assert_eq!(interval.seconds(), Some(3600), "no agent waits for longer");
    }
}
