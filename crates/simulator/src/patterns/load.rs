//! How busy hosts are: by the hour of the day and the day of the week, as a table and as a curve.

use std::sync::LazyLock;

use jiff::Timestamp;

/// Slots of ten minutes in a day.
pub const DAY: usize = 144;
/// Slots in a month of thirty days.
pub const MONTH: usize = 30 * DAY;

const HOUR_S: i64 = 3600;
const DAY_S: i64 = 24 * HOUR_S;

/// Load by the hour of a working day, in percent. People come at eight and go at six; at two the
/// backup runs.
const WORKDAY: [u8; 24] = [
    40, 40, 55, 50, 42, 42, 45, 55, 75, 92, 98, 95, 85, 90, 100, 97, 92, 80, 65, 55, 50, 45, 42, 40,
];
/// The same on a weekend.
const WEEKEND: [u8; 24] = [
    38, 38, 50, 46, 38, 38, 38, 40, 42, 45, 46, 46, 45, 45, 46, 46, 45, 44, 42, 40, 40, 38, 38, 38,
];

/// What a level of load is measured against: about the mean of a working day.
pub const MEAN_LOAD: f64 = 0.65;

/// The rhythm of one host.
#[derive(Debug, Clone, Copy)]
pub struct Rhythm {
    /// Seconds since 1970 at the fleet's epoch, by the host's local time.
    pub local_epoch_s: i64,
}

impl Rhythm {
    /// The rhythm of a host so many hours east of UTC.
    #[must_use]
    pub fn new(epoch: Timestamp, utc_offset_h: i64) -> Self {
        Self { local_epoch_s: epoch.as_second() + utc_offset_h * HOUR_S }
    }

    /// Load between 0 and 1 at a time in seconds since the epoch, changing evenly within an hour.
    #[must_use]
    pub fn load(self, own_s: i64) -> f64 {
        let local = self.local_epoch_s + own_s;
        let within = (local.rem_euclid(HOUR_S)) as f64 / HOUR_S as f64;
        let (now, next) = (at_hour(local), at_hour(local + HOUR_S));
        (now + (next - now) * within) / 100.0
    }

    /// The first time at or after `own_s` that is `hour` on the given weekday (0 = Monday), in
    /// seconds since the epoch.
    #[must_use]
    pub fn next_weekday_hour(self, own_s: i64, weekday: i64, hour: i64) -> i64 {
        // 1970-01-01 was a Thursday, so a Monday began three days before it.
        let since_monday = (self.local_epoch_s + own_s + 3 * DAY_S).rem_euclid(7 * DAY_S);
        own_s + (weekday * DAY_S + hour * HOUR_S - since_monday).rem_euclid(7 * DAY_S)
    }
}

fn at_hour(local_s: i64) -> f64 {
    let hour = local_s.rem_euclid(DAY_S) / HOUR_S;
    let weekday = (local_s.div_euclid(DAY_S) + 3).rem_euclid(7);
    let day = if weekday < 5 { &WORKDAY } else { &WEEKEND };
    f64::from(day[hour as usize])
}

/// Load of a slot of ten minutes, 0 to 1: a working day with two humps, or a weekend.
#[must_use]
pub fn load_of_slot(slot: usize) -> f64 {
    static WEEK: LazyLock<Vec<f64>> = LazyLock::new(|| (0..7 * DAY).map(load_at).collect());
    WEEK[slot % (7 * DAY)]
}

fn load_at(slot: usize) -> f64 {
    let (day, hour) = (slot / DAY % 7, (slot % DAY) as f64 / 6.0);
    let work = if day < 5 { 1.0 } else { 0.15 };
    let shape = |middle: f64, wide: f64| (-((hour - middle) / wide).powi(2)).exp();
    0.2 + work * 0.8 * (0.9 * shape(10.5, 2.2)).max(shape(14.5, 2.6))
}

/// Whether the backup runs in a slot: from one to four at night, but for one night of the week.
#[must_use]
pub fn is_backup_slot(slot: usize) -> bool {
    (6..24).contains(&(slot % DAY)) && (slot / DAY) % 7 != 2
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wednesday_afternoon_is_busier_than_the_night_and_the_weekend() {
        let epoch: Timestamp = "2026-03-04T00:00:00Z".parse().unwrap();
        let rhythm = Rhythm::new(epoch, 0);
        assert!((rhythm.load(14 * HOUR_S) - 1.0).abs() < 1e-9);
        assert!((rhythm.load(0) - 0.4).abs() < 1e-9);
        assert!((rhythm.load(3 * DAY_S + 14 * HOUR_S) - 0.46).abs() < 1e-9);
        assert!((Rhythm::new(epoch, 8).load(6 * HOUR_S) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn the_patch_window_is_found_in_local_time() {
        let epoch: Timestamp = "2026-03-04T12:00:00Z".parse().unwrap();
        let rhythm = Rhythm::new(epoch, 1);
        // Sunday 2026-03-08 03:00 local is 02:00 UTC: 3 days and 14 hours later.
        assert_eq!(rhythm.next_weekday_hour(0, 6, 3), 3 * DAY_S + 14 * HOUR_S);
    }
}
