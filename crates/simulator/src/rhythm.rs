//! How busy a host is: by the hour of its day and the day of its week.

use jiff::Timestamp;

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
pub(crate) const MEAN_LOAD: f64 = 0.65;

/// The rhythm of one host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rhythm {
    /// Seconds since 1970 at the fleet's epoch, by the host's local time.
    pub(crate) local_epoch_s: i64,
}

impl Rhythm {
    pub(crate) fn new(epoch: Timestamp, utc_offset_h: i64) -> Self {
        Self { local_epoch_s: epoch.as_second() + utc_offset_h * HOUR_S }
    }

    /// Load between 0 and 1 at a time in seconds since the epoch, changing evenly within an hour.
    pub(crate) fn load(self, own_s: i64) -> f64 {
        let local = self.local_epoch_s + own_s;
        let within = (local.rem_euclid(HOUR_S)) as f64 / HOUR_S as f64;
        let (now, next) = (at_hour(local), at_hour(local + HOUR_S));
        (now + (next - now) * within) / 100.0
    }

    /// The first time at or after `own_s` that is `hour` on the given weekday (0 = Monday), in
    /// seconds since the epoch.
    pub(crate) fn next_weekday_hour(self, own_s: i64, weekday: i64, hour: i64) -> i64 {
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
