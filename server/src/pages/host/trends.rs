//! How tags and handles of one host went over the last day, by the hour.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::HostId;
use poolwatch_store::{
    StoreError,
    read::{self, Figure},
};
use sqlx::PgConnection;

/// Seconds between the moments that are looked at.
const STEP_S: u32 = 3600;
/// Moments: one per hour of a day, and the hour before them.
const MOMENTS: usize = 25;
/// A change over less than this many hours says nothing about a day.
const LONG_ENOUGH: usize = 20;

/// A row of a table, of which a figure may be drawn over the last day.
pub(in crate::pages) trait DrawnRow {
    /// What is drawn, and what it is now; none where that is not known.
    fn figure(&self) -> Option<(Figure, u64)> {
        None
    }

    /// Takes in how it went, a value per hour.
    fn set_course(&mut self, _: Vec<Option<u64>>) {}
}

/// What is drawn of rows.
pub(super) fn figures<R: DrawnRow>(rows: &[R]) -> impl Iterator<Item = Figure> {
    rows.iter().filter_map(DrawnRow::figure).map(|(figure, _)| figure)
}

/// Figures over the last day, a value per hour, oldest first; none where nothing is known.
pub(super) struct Trends {
    figures: Vec<(Figure, Vec<Option<u64>>)>,
}

impl Trends {
    /// Loads the day that ends at `until`.
    pub(super) async fn load(
        db: &mut PgConnection,
        host: HostId,
        until: Timestamp,
        figures: Vec<Figure>,
    ) -> Result<Self, StoreError> {
        let since = until.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(until);
        let all = read::series(db, host, &figures, since, until, STEP_S).await?;
        let values = all.into_iter().map(|series| {
            let mut values = vec![None; MOMENTS];
            for point in series.points {
                let place = usize::try_from(hour(point.at) - hour(since)).ok();
                if let Some(value) = place.and_then(|place| values.get_mut(place)) {
                    *value = Some(point.mean);
                }
            }
            values
        });
        Ok(Self { figures: figures.iter().cloned().zip(values).collect() })
    }

    /// Gives rows the course of what is drawn of them.
    pub(super) fn draw<R: DrawnRow>(&self, rows: &mut [R]) {
        for row in rows {
            if let Some((figure, now)) = row.figure() {
                row.set_course(self.ending_with(&figure, now));
            }
        }
    }

    /// The course of a figure, ending with what it is now.
    fn ending_with(&self, figure: &Figure, now: u64) -> Vec<Option<u64>> {
        let found = self.figures.iter().find(|(of, _)| of == figure);
        let mut values = found.map_or_else(|| vec![None; MOMENTS], |(_, values)| values.clone());
        if let Some(last) = values.last_mut() {
            *last = Some(now);
        }
        values
    }
}

/// The first known value of about a day ago.
pub(super) fn day_ago(values: &[Option<u64>]) -> Option<u64> {
    let (place, value) = values.iter().enumerate().find_map(|(at, value)| Some((at, (*value)?)))?;
    (place + LONG_ENOUGH < values.len()).then_some(value)
}

fn hour(at: Timestamp) -> i64 {
    at.as_second().div_euclid(i64::from(STEP_S))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_of_a_day_only_when_a_day_is_known() {
        let mut values = vec![None; MOMENTS];
        values[MOMENTS - 1] = Some(9);
        assert_eq!(day_ago(&values), None);
        values[10] = Some(7);
        assert_eq!(day_ago(&values), None);
        values[2] = Some(5);
        assert_eq!(day_ago(&values), Some(5));
    }
}
