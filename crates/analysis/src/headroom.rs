//! How much a pool can still grow, what bounds it, and how long that lasts.

use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Bound, Headroom, TimeLeft},
    memory::{CeilingSource, Memory},
};

use crate::{case::CaseFile, ceilings, statistics::Slope};

/// The least of what bounds a pool. `None` when nothing is known.
#[must_use]
pub fn headroom(case: &CaseFile, pool: Pool) -> Option<Headroom> {
    of(&case.memory, case.os.as_ref(), pool)
}

fn of(
    memory: &Memory,
    os: Option<&poolwatch_model::host::OsVersion>,
    pool: Pool,
) -> Option<Headroom> {
    let used = memory.of(pool);
    let ceiling = ceilings::ceiling(memory, os, pool).zip(used).map(|(ceiling, used)| {
        let bound = match ceiling.source {
            CeilingSource::Measured => Bound::MeasuredLimit,
            CeilingSource::Documented => Bound::DocumentedCeiling,
        };
        (ceiling.bytes.0.saturating_sub(used.0), bound)
    });
    // Only nonpaged pool is locked in memory; both are charged to commit.
    let resident = memory.resident_available.filter(|_| pool == Pool::Nonpaged);
    let commit = memory.commit_limit.zip(memory.committed);
    [
        ceiling,
        resident.map(|left| (left.0, Bound::ResidentAvailable)),
        commit.map(|(limit, used)| (limit.0.saturating_sub(used.0), Bound::Commit)),
    ]
    .into_iter()
    .flatten()
    .min_by_key(|(left, _)| *left)
    .map(|(left, bound)| Headroom { pool, left: Bytes(left), bound })
}

/// How long the headroom lasts when growth goes on. `None` when it lasts for more than a year.
#[must_use]
pub fn time_left(headroom: &Headroom, per_hour: &[Slope]) -> Option<TimeLeft> {
    let sum = |of: fn(&Slope) -> f64| per_hour.iter().map(of).sum::<f64>();
    let seconds = |per_hour: f64| {
        let hours = headroom.left.0 as f64 / per_hour;
        (per_hour > 0.0 && hours < 8760.0).then_some((hours * 3600.0) as u64)
    };
    Some(TimeLeft {
        pool: headroom.pool,
        likely_s: seconds(sum(|slope| slope.slope))?,
        least_s: seconds(sum(|slope| slope.high)).unwrap_or(0),
        most_s: seconds(sum(|slope| slope.low)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_bound_is_the_headroom() {
        let gb = |n: u64| Some(Bytes(n << 30));
        let mut memory = Memory {
            nonpaged: gb(4),
            paged: gb(2),
            physical: gb(16),
            nonpaged_limit: gb(12),
            resident_available: gb(5),
            committed: gb(10),
            commit_limit: gb(20),
            ..Memory::default()
        };
        let found =
            |memory: &Memory, pool| of(memory, None, pool).map(|h| (h.left.0 >> 30, h.bound));
        assert_eq!(found(&memory, Pool::Nonpaged), Some((5, Bound::ResidentAvailable)));
        assert_eq!(found(&memory, Pool::Paged), Some((10, Bound::Commit)));
        memory.resident_available = None;
        assert_eq!(found(&memory, Pool::Nonpaged), Some((8, Bound::MeasuredLimit)));
        assert_eq!(found(&Memory::default(), Pool::Paged), None);
    }

    #[test]
    fn time_left_has_its_interval() {
        let per_hour = Slope { slope: 100.0, low: 50.0, high: 200.0, z: 9.0 };
        let headroom = Headroom { pool: Pool::Paged, left: Bytes(1000), bound: Bound::Commit };
        let left = time_left(&headroom, &[per_hour]).unwrap();
        assert_eq!((left.least_s, left.likely_s, left.most_s), (18_000, 36_000, Some(72_000)));
        assert_eq!(time_left(&headroom, &[]), None);
    }
}
