//! Hourly low points of a series: what is left when temporary use is gone.

use poolwatch_model::history::{MISSING, Moment};

use crate::statistics::median;

/// The least use within an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Trough {
    /// Hour since 1970.
    pub hour: i64,
    /// Which run of Windows.
    pub boot: u32,
    /// Least value.
    pub value: u64,
    /// Place of that value on the axis.
    pub at: usize,
}

/// The first half hour of a run is kept apart: everything grows then.
pub const WARM_UP_S: u64 = 30 * 60;

/// A day is known by this many of its hours, and its breath by this many days.
const KNOWN_HOURS: usize = 18;
const KNOWN_DAYS: usize = 3;

/// The hourly troughs of a series, oldest first, without warm-up and hours that have no value.
#[must_use]
pub fn hourly(axis: &[Moment], values: &[u64]) -> Vec<Trough> {
    let mut troughs: Vec<Trough> = Vec::new();
    for (at, (moment, &value)) in axis.iter().zip(values).enumerate() {
        if value == MISSING || moment.uptime_s.is_some_and(|uptime| uptime < WARM_UP_S) {
            continue;
        }
        let hour = moment.at_s.div_euclid(3600);
        match troughs.last_mut() {
            // A clock that stepped back within a run adds to the hour that it reached.
            Some(last) if last.boot == moment.boot && hour <= last.hour => {
                if value < last.value {
                    (last.value, last.at) = (value, at);
                }
            }
            _ => troughs.push(Trough { hour, boot: moment.boot, value, at }),
        }
    }
    troughs
}

/// The least of each of `count` equal parts of the hours `from..to`; `None` for a part without data.
#[must_use]
pub fn blocks(troughs: &[Trough], from: i64, to: i64, count: usize) -> Vec<Option<f64>> {
    let mut blocks = vec![None; count];
    for trough in troughs {
        if (from..to).contains(&trough.hour) {
            let at = ((trough.hour - from) as usize * count / (to - from) as usize).min(count - 1);
            let value = trough.value as f64;
            let block: &mut Option<f64> = &mut blocks[at];
            *block = Some(block.map_or(value, |least| least.min(value)));
        }
    }
    blocks
}

/// How much a host breathes over the day: how far its low points lie from the middle of their day.
#[derive(Debug)]
pub struct Breath {
    days: Vec<Day>,
}

#[derive(Debug)]
struct Day {
    /// The place after its last trough.
    end: usize,
    /// By hour, without what the day grew by as a whole; NaN for hours that are not known.
    apart: [f64; 24],
}

impl Breath {
    /// The breath of each day that is known.
    #[must_use]
    pub fn measure(troughs: &[Trough]) -> Self {
        let mut end = 0;
        let days = troughs.chunk_by(|a, b| a.hour.div_euclid(24) == b.hour.div_euclid(24));
        let days = days.filter_map(|day| {
            end += day.len();
            (day.len() >= KNOWN_HOURS).then(|| Day { end, apart: distances(day) })
        });
        Self { days: days.collect() }
    }

    /// By hour, how far the low point usually lay from the middle of its day, of the days that end
    /// within the first `until` troughs. Zero unless three days are known.
    #[must_use]
    pub fn profile(&self, until: usize) -> [f64; 24] {
        let known = self.days.partition_point(|day| day.end <= until);
        let mut profile = [0.0; 24];
        let mut values = Vec::with_capacity(known);
        for (hour, usual) in profile.iter_mut().enumerate() {
            values.clear();
            let apart = self.days[..known].iter().map(|day| day.apart[hour]);
            values.extend(apart.filter(|value| !value.is_nan()));
            if values.len() >= KNOWN_DAYS {
                *usual = median(&mut values);
            }
        }
        profile
    }
}

fn distances(day: &[Trough]) -> [f64; 24] {
    let mut values: Vec<f64> = day.iter().map(|trough| trough.value as f64).collect();
    let middle = median(&mut values);
    let first = day[0].value as f64;
    let drift = (day[day.len() - 1].value as f64 - first) / (day.len() - 1) as f64;
    let mut apart = [f64::NAN; 24];
    for (at, trough) in day.iter().enumerate() {
        let trend = drift * (at as f64 - day.len() as f64 / 2.0);
        apart[trough.hour.rem_euclid(24) as usize] = trough.value as f64 - middle - trend;
    }
    apart
}

/// The same troughs without the breath of the day.
#[must_use]
pub fn without_profile(troughs: &[Trough], profile: &[f64; 24]) -> Vec<Trough> {
    troughs
        .iter()
        .map(|trough| {
            let breath = profile[trough.hour.rem_euclid(24) as usize];
            Trough { value: (trough.value as f64 - breath).max(0.0) as u64, ..*trough }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(minutes: impl Iterator<Item = i64>) -> Vec<Moment> {
        minutes
            .map(|minute| Moment {
                at_s: minute * 60,
                boot: 1,
                uptime_s: Some(minute.unsigned_abs() * 60),
            })
            .collect()
    }

    #[test]
    fn warm_up_and_gaps_have_no_troughs() {
        let axis = axis((0..360).step_by(10).filter(|minute| !(120..240).contains(minute)));
        let values: Vec<u64> = axis.iter().map(|moment| moment.at_s.unsigned_abs()).collect();
        let troughs = hourly(&axis, &values);
        let hours: Vec<_> = troughs.iter().map(|trough| (trough.hour, trough.value)).collect();
        assert_eq!(hours, [(0, 1800), (1, 3600), (4, 14_400), (5, 18_000)]);
    }

    #[test]
    fn the_breath_of_the_day_is_taken_out() {
        let axis = axis((0..6 * 1440).step_by(60));
        let breath = |hour: i64| if (8..18).contains(&(hour % 24)) { 500 } else { 100 };
        let values: Vec<u64> =
            axis.iter().map(|moment| 1000 + breath(moment.at_s / 3600) as u64).collect();
        let troughs = hourly(&axis, &values);
        let flat = without_profile(&troughs, &Breath::measure(&troughs).profile(troughs.len()));
        let (least, most) = flat.iter().fold((u64::MAX, 0), |(least, most), trough| {
            (least.min(trough.value), most.max(trough.value))
        });
        assert!(most - least < 20, "{least} {most}");
    }
}
