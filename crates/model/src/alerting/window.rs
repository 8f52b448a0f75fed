//! Maintenance windows that recur, and digests: what happens at local times, whatever clocks do.

use jiff::{
    Timestamp, ToSpan,
    civil::{Date, Time, Weekday},
    tz::TimeZone,
};

use super::SilenceMatcher;

/// Minutes of a day.
const DAY_MINUTES: u32 = 24 * 60;

/// A window that recurs, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowId(pub i64);

/// On which days of the week something is, Monday first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weekdays(u8);

impl Weekdays {
    /// Days by bits, of which bit 0 is Monday. None where there is no day in it.
    #[must_use]
    pub const fn from_bits(bits: u8) -> Option<Self> {
        match bits {
            1..=127 => Some(Self(bits)),
            _ => None,
        }
    }

    /// As bits.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether a day is one of them.
    #[must_use]
    pub fn has(self, day: Weekday) -> bool {
        self.0 & (1 << day.to_monday_zero_offset()) != 0
    }
}

/// A window that recurs.
#[derive(Debug, Clone, PartialEq)]
pub struct RecurringWindow {
    /// Its number.
    pub id: WindowId,
    /// What it is about.
    pub matcher: SilenceMatcher,
    /// Why.
    pub reason: String,
    /// Who made it.
    pub by: String,
    /// Name of the time zone of its times.
    pub zone: String,
    /// Days on which it begins.
    pub weekdays: Weekdays,
    /// Minute of the day at which it begins.
    pub begins: u32,
    /// Minute of the day at which it ends; of the next day, where it is no later than the beginning.
    pub ends: u32,
    /// None begins later than this.
    pub last: Timestamp,
}

/// What recurs at a local time.
fn at_minute(date: Date, minute: u32) -> Option<jiff::civil::DateTime> {
    let minute = minute % DAY_MINUTES;
    let time = Time::new((minute / 60) as i8, (minute % 60) as i8, 0, 0).ok()?;
    Some(date.to_datetime(time))
}

impl RecurringWindow {
    /// The first time of it that ends after `now`, from begin to end. Where clocks are set forward over
    /// one of its times, it is as much later; where they are set back, it covers both hours.
    #[must_use]
    pub fn next_after(&self, zone: &TimeZone, now: Timestamp) -> Option<(Timestamp, Timestamp)> {
        let today = now.to_zoned(zone.clone()).date();
        // From yesterday on, for one that goes over midnight.
        (-1..=7).find_map(|days: i32| {
            let date = today.checked_add(days.days()).ok()?;
            if !self.weekdays.has(date.weekday()) {
                return None;
            }
            let over_midnight = i32::from(self.ends <= self.begins);
            let last_date = date.checked_add(over_midnight.days()).ok()?;
            let begin = zone.to_ambiguous_timestamp(at_minute(date, self.begins)?);
            let end = zone.to_ambiguous_timestamp(at_minute(last_date, self.ends)?);
            let begin = begin.compatible().ok()?;
            let end = end.later().ok()?;
            (begin < end && now < end && begin <= self.last).then_some((begin, end))
        })
    }
}

/// How often somebody gets a digest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DigestEvery {
    /// Every day.
    Day,
    /// On Mondays.
    Week,
}

impl DigestEvery {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Day, Self::Week];

    /// Its stable name in the database and in forms.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "daily",
            Self::Week => "weekly",
        }
    }

    /// The one of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.as_str() == name)
    }

    /// Days that one tells of.
    #[must_use]
    pub const fn days(self) -> i64 {
        match self {
            Self::Day => 1,
            Self::Week => 7,
        }
    }
}

/// When somebody gets a digest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DigestSchedule {
    /// How often.
    pub every: DigestEvery,
    /// At which hour of the day.
    pub hour: u32,
    /// Name of the time zone.
    pub zone: String,
}

impl DigestSchedule {
    /// The latest time at which one was due, up to now.
    #[must_use]
    pub fn latest_due(&self, zone: &TimeZone, now: Timestamp) -> Option<Timestamp> {
        let today = now.to_zoned(zone.clone()).date();
        (0..=7).find_map(|back: i32| {
            let date = today.checked_sub(back.days()).ok()?;
            if self.every == DigestEvery::Week && date.weekday() != Weekday::Monday {
                return None;
            }
            let due = zone.to_ambiguous_timestamp(at_minute(date, self.hour * 60)?);
            due.compatible().ok().filter(|due| *due <= now)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_week_are_bits_from_monday_on() {
        let days = Weekdays::from_bits(0b100_0001).unwrap();
        assert!(days.has(Weekday::Monday) && days.has(Weekday::Sunday));
        assert!(!days.has(Weekday::Saturday) && days.bits() == 65);
        assert_eq!((Weekdays::from_bits(0), Weekdays::from_bits(128)), (None, None));
    }

    #[test]
    fn a_digest_is_due_at_its_hour_of_its_zone() {
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        let schedule = |every| DigestSchedule { every, hour: 8, zone: "test".into() };
        let due = |every, now: &str| {
            schedule(every).latest_due(&zone, now.parse().unwrap()).unwrap().to_string()
        };
        // 2026-03-04 is a Wednesday.
        assert_eq!(due(DigestEvery::Day, "2026-03-04T05:59:59Z"), "2026-03-03T06:00:00Z");
        assert_eq!(due(DigestEvery::Day, "2026-03-04T06:00:00Z"), "2026-03-04T06:00:00Z");
        assert_eq!(due(DigestEvery::Week, "2026-03-04T06:00:00Z"), "2026-03-02T06:00:00Z");
        assert_eq!(due(DigestEvery::Week, "2026-03-02T05:00:00Z"), "2026-02-23T06:00:00Z");
    }
}
