//! The hourly peaks of a host's pools over two days, in half a kilobyte.

use jiff::Timestamp;
use poolwatch_model::Pool;
use poolwatch_store::latest::PoolHour;

/// Hours that are kept.
const HOURS: usize = 48;
/// Peaks are kept in pages of this size, rounded up.
const PAGE: u64 = 4096;
/// A peak that is not known.
const UNKNOWN: u32 = u32::MAX;

/// The hourly peaks of both pools, oldest first.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct HourlyPeaks(Vec<Hour>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Hour {
    /// Hours since 1970.
    number: u32,
    /// Pages, in the order of [`Pool`].
    peaks: [u32; 2],
}

impl HourlyPeaks {
    /// Counts figures of a moment, which is no earlier than the hour counted last.
    pub fn count(&mut self, at: Timestamp, paged: Option<u64>, nonpaged: Option<u64>) {
        let number = number(at);
        let peaks = [pages(paged), pages(nonpaged)];
        match self.0.last_mut() {
            Some(hour) if hour.number >= number => {
                if hour.number == number {
                    hour.peaks = std::array::from_fn(|pool| greater(hour.peaks[pool], peaks[pool]));
                }
            }
            _ => {
                if self.0.len() == HOURS {
                    self.0.remove(0);
                }
                self.0.reserve_exact(1);
                self.0.push(Hour { number, peaks });
            }
        }
    }

    /// Puts earlier hours before those that are known, oldest first.
    pub fn put_before(&mut self, earlier: impl IntoIterator<Item = PoolHour>) {
        let known = std::mem::take(&mut self.0);
        let first = known.first().map_or(u32::MAX, |hour| hour.number);
        for hour in earlier.into_iter().filter(|hour| number(hour.at) < first) {
            self.count(hour.at, hour.paged, hour.nonpaged);
        }
        for hour in known {
            if self.0.len() == HOURS {
                self.0.remove(0);
            }
            self.0.push(hour);
        }
    }

    /// The peaks of a pool, one per hour of the last `hours`, oldest first.
    #[must_use]
    pub fn trend(&self, pool: Pool, now: Timestamp, hours: usize) -> Vec<Option<u64>> {
        let this_hour = number(now);
        let mut values = vec![None; hours];
        for hour in &self.0 {
            let peak = hour.peaks[pool as usize];
            let slot = this_hour.checked_sub(hour.number).map(|back| back as usize + 1);
            if let Some(slot) = slot.and_then(|back| hours.checked_sub(back)) {
                values[slot] = (peak != UNKNOWN).then(|| u64::from(peak) * PAGE);
            }
        }
        values
    }
}

/// The number of the hour since 1970.
#[must_use]
pub fn number(at: Timestamp) -> u32 {
    u32::try_from(at.as_second().div_euclid(3600)).unwrap_or(0)
}

fn pages(bytes: Option<u64>) -> u32 {
    let pages = bytes.map(|bytes| u32::try_from(bytes.div_ceil(PAGE)).unwrap_or(UNKNOWN - 1));
    pages.map_or(UNKNOWN, |pages| pages.min(UNKNOWN - 1))
}

fn greater(one: u32, other: u32) -> u32 {
    match (one, other) {
        (UNKNOWN, known) | (known, UNKNOWN) => known,
        (one, other) => one.max(other),
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::HostId;

    use super::*;

    fn at(hour: i64) -> Timestamp {
        Timestamp::from_second(hour * 3600 + 60).unwrap()
    }

    #[test]
    fn each_hour_keeps_its_peak_and_missing_hours_stay_missing() {
        let mut hours = HourlyPeaks::default();
        hours.count(at(1000), Some(PAGE * 5), None);
        hours.count(at(1000), Some(PAGE * 3), Some(PAGE));
        hours.count(at(1002), Some(PAGE * 4), None);
        let trend = |pool| hours.trend(pool, at(1003), 4);
        assert_eq!(trend(Pool::Paged), [Some(PAGE * 5), None, Some(PAGE * 4), None]);
        assert_eq!(trend(Pool::Nonpaged), [Some(PAGE), None, None, None]);
    }

    #[test]
    fn hours_from_the_database_go_before_those_that_came_meanwhile() {
        let mut hours = HourlyPeaks::default();
        hours.count(at(1002), Some(PAGE), None);
        let stored = |hour, paged| PoolHour {
            host: HostId(1),
            at: at(hour),
            paged: Some(paged),
            nonpaged: None,
        };
        hours.put_before([stored(1001, PAGE * 2), stored(1002, PAGE * 9)]);
        let trend = hours.trend(Pool::Paged, at(1002), 2);
        assert_eq!(trend, [Some(PAGE * 2), Some(PAGE)]);
        for hour in 0..200 {
            hours.count(at(2000 + hour), Some(PAGE), None);
        }
        assert_eq!(hours.0.len(), HOURS);
    }
}
