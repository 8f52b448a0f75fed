//! How tags and handles of one host went over the last day, from its hourly key frames.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, Pool, PoolTag, Snapshot, process::ProcessKey};
use poolwatch_protocol::v1::Decoder;
use poolwatch_store::{StoreError, frames};
use sqlx::PgConnection;

/// Seconds between the moments that are looked at.
const STEP_S: u32 = 3600;
/// Moments: one per hour of a day, and the hour before them.
const MOMENTS: usize = 25;
/// A change over less than this many hours says nothing about a day.
const LONG_ENOUGH: usize = 20;

/// Snapshots of the last day, one per hour, oldest first; none for hours without a key frame.
pub(super) struct Trends {
    moments: Vec<Option<Snapshot>>,
}

impl Trends {
    /// Loads the day that ends at `until`.
    pub(super) async fn load(
        db: &mut PgConnection,
        host: HostId,
        until: Timestamp,
    ) -> Result<Self, StoreError> {
        let since = until.saturating_sub(SignedDuration::from_hours(24)).unwrap_or(until);
        let first_hour = hour(since);
        let mut moments = vec![None; MOMENTS];
        for frame in frames::keys(db, host, since, until, STEP_S).await? {
            let mut decoder = Decoder::default();
            let place = usize::try_from(hour(frame.at) - first_hour).ok();
            if let Some(place) = place.filter(|place| *place < MOMENTS)
                && decoder.decode(&frame.payload).is_ok()
            {
                moments[place] = decoder.into_last().map(|last| last.snapshot);
            }
        }
        Ok(Self { moments })
    }

    /// The bytes of a tag, ending with what it holds now.
    pub(super) fn tag(&self, tag: PoolTag, pool: Pool, now: u64) -> Vec<Option<u64>> {
        self.ending_with(now, |snapshot| {
            let tags = snapshot.tags.as_ref()?;
            match tags.get(tag) {
                Some(row) => Some(row.of(pool).bytes),
                None => tags.complete.then_some(0),
            }
        })
    }

    /// The handles of a process, ending with what it holds now.
    pub(super) fn handles(&self, process: ProcessKey, now: u32) -> Vec<Option<u64>> {
        self.ending_with(now.into(), |snapshot| {
            let processes = snapshot.processes.as_ref()?;
            let found = processes.iter().find(|one| one.key == process)?;
            found.handles.map(u64::from)
        })
    }

    fn ending_with(&self, now: u64, value: impl Fn(&Snapshot) -> Option<u64>) -> Vec<Option<u64>> {
        let mut values: Vec<Option<u64>> =
            self.moments.iter().map(|moment| moment.as_ref().and_then(&value)).collect();
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
