//! How much a pool can still grow, what bounds it, and how long that lasts.

use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Bound, Evidence, Headroom, TimeLeft},
    host::OsVersion,
    memory::{Ceiling, CeilingSource, Memory},
};

use crate::{case::CaseFile, ceilings, statistics::Slope};

/// A bound that is used to this share has run out: what is left is of no use to most callers.
pub const FULL: f64 = 0.95;
/// Less memory that can be locked is none: Windows calls memory low below 32 MB for each 4 GB.
const RESIDENT_SPENT: u64 = 32 << 20;
/// What lasts longer than a year is no news, hours.
const A_YEAR_H: f64 = 8760.0;

/// The least of what bounds a pool. `None` when nothing is known.
#[must_use]
pub fn headroom(case: &CaseFile, pool: Pool) -> Option<Headroom> {
    nearest_bound(&case.memory, case.os.as_ref(), pool)
}

/// The least of what bounds a pool, by the figures of a host.
#[must_use]
pub fn nearest_bound(memory: &Memory, os: Option<&OsVersion>, pool: Pool) -> Option<Headroom> {
    let nearest = limits(memory, os, pool).min_by_key(|limit| limit.left)?;
    Some(Headroom { pool, left: Bytes(nearest.left), bound: nearest.bound })
}

/// The bound of a pool that has run out, if one has.
#[must_use]
pub fn exhausted_bound(case: &CaseFile, pool: Pool) -> Option<Bound> {
    let spent = limits(&case.memory, case.os.as_ref(), pool).filter(|limit| limit.is_spent);
    spent.min_by_key(|limit| limit.left).map(|limit| limit.bound)
}

/// The limit of a pool where it means something: it was measured, or is nearer than commit and
/// physical memory are.
#[must_use]
pub fn binding_ceiling(memory: &Memory, os: Option<&OsVersion>, pool: Pool) -> Option<Ceiling> {
    let ceiling = ceilings::pool_ceiling(memory, os, pool)?;
    let binds = || {
        let nearest = nearest_bound(memory, os, pool);
        nearest.is_some_and(|nearest| nearest.bound == Bound::DocumentedCeiling)
    };
    (ceiling.source == CeilingSource::Measured || binds()).then_some(ceiling)
}

/// How much is used of a pool and of the bound that is its nearest, or has run out, as facts: the
/// bound's first.
#[must_use]
pub fn use_facts(case: &CaseFile, pool: Pool, bound: Option<Bound>) -> Vec<Evidence> {
    let memory = &case.memory;
    let of_bound = match bound {
        Some(Bound::Commit) => memory
            .committed
            .zip(memory.commit_limit)
            .map(|(committed, limit)| Evidence::CommitUse { committed, limit }),
        Some(Bound::ResidentAvailable) => memory
            .resident_available
            .map(|left| Evidence::ResidentAvailable { left, physical: memory.physical }),
        Some(Bound::MeasuredLimit | Bound::DocumentedCeiling) | None => None,
    };
    let of_pool = memory.of(pool).map(|used| {
        let ceiling = binding_ceiling(memory, case.os.as_ref(), pool);
        Evidence::PoolUse { pool, used, ceiling }
    });
    of_bound.into_iter().chain(of_pool).collect()
}

/// One of what bounds a pool.
struct Limit {
    bound: Bound,
    left: u64,
    is_spent: bool,
}

fn limits(memory: &Memory, os: Option<&OsVersion>, pool: Pool) -> impl Iterator<Item = Limit> {
    let limit = |bound, used: Bytes, of: Bytes| Limit {
        bound,
        left: of.0.saturating_sub(used.0),
        is_spent: used.share_of(of) >= FULL,
    };
    let of_pool =
        ceilings::pool_ceiling(memory, os, pool).zip(memory.of(pool)).map(|(ceiling, used)| {
            let bound = match ceiling.source {
                CeilingSource::Measured => Bound::MeasuredLimit,
                CeilingSource::Documented => Bound::DocumentedCeiling,
            };
            limit(bound, used, ceiling.bytes)
        });
    // Only nonpaged pool is locked in memory; both are charged to commit.
    let resident = memory.resident_available.filter(|_| pool == Pool::Nonpaged).map(|left| Limit {
        bound: Bound::ResidentAvailable,
        left: left.0,
        is_spent: left.0 < RESIDENT_SPENT,
    });
    let commit = memory.commit_limit.filter(|limit| limit.0 > 0).zip(memory.committed);
    let commit = commit.map(|(of, used)| limit(Bound::Commit, used, of));
    // Of equals commit and memory come first: a documented ceiling is often no other than these.
    [resident, commit, of_pool].into_iter().flatten()
}

/// How long the headroom lasts when growth goes on. `None` when it lasts for more than a year, and
/// when nothing is left.
#[must_use]
pub fn time_left(headroom: &Headroom, per_hour: &[Slope]) -> Option<TimeLeft> {
    let sum = |of: fn(&Slope) -> f64| per_hour.iter().map(of).sum::<f64>();
    let seconds = |per_hour: f64| {
        let hours = headroom.left.0 as f64 / per_hour;
        (per_hour > 0.0 && hours < A_YEAR_H).then_some((hours * 3600.0) as u64)
    };
    if headroom.left.0 == 0 {
        return None;
    }
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
        let found = |memory: &Memory, pool| {
            nearest_bound(memory, None, pool).map(|h| (h.left.0 >> 30, h.bound))
        };
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

    fn case(change: impl Fn(&mut Memory)) -> CaseFile {
        let gb = |n: u64| Some(Bytes(n << 30));
        let mut memory = Memory {
            nonpaged: gb(2),
            paged: gb(2),
            physical: gb(16),
            resident_available: gb(5),
            committed: gb(10),
            commit_limit: gb(20),
            ..Memory::default()
        };
        change(&mut memory);
        let os = OsVersion {
            product: String::new(),
            major: 10,
            minor: 0,
            build: 0,
            revision: 0,
            arch: poolwatch_model::host::Arch::X64,
        };
        CaseFile { memory, os: Some(os), ..CaseFile::default() }
    }

    #[test]
    fn a_bound_has_run_out_from_its_share_on_and_is_named() {
        let (gb, mb) = (1_u64 << 30, 1_u64 << 20);
        type Change = Box<dyn Fn(&mut Memory)>;
        let commit = |used: u64| -> Change { Box::new(move |m| m.committed = Some(Bytes(used))) };
        let locked =
            |left: u64| -> Change { Box::new(move |m| m.resident_available = Some(Bytes(left))) };
        let limit =
            |of: u64| -> Change { Box::new(move |m| m.nonpaged_limit = Some(Bytes(of * mb))) };
        let used = |used: u64| -> Change { Box::new(move |m| m.nonpaged = Some(Bytes(used))) };
        for (change, expected) in [
            (commit(20 * gb * 949 / 1000), None),
            (commit(19 * gb), Some(Bound::Commit)),
            (locked(32 * mb), None),
            (locked(32 * mb - 1), Some(Bound::ResidentAvailable)),
            (limit(2200), None),
            (limit(2150), Some(Bound::MeasuredLimit)),
            (used(15 * gb), None),
            (used(16 * gb - gb / 2), Some(Bound::DocumentedCeiling)),
        ] {
            let case = case(change);
            assert_eq!(exhausted_bound(&case, Pool::Nonpaged), expected, "{:?}", case.memory);
        }
        let no_paged = case(|memory| memory.resident_available = Some(Bytes(0)));
        assert_eq!(exhausted_bound(&no_paged, Pool::Paged), None, "paged pool is not locked");
    }

    #[test]
    fn a_documented_ceiling_is_named_only_where_it_is_the_nearest_bound() {
        let far = case(|_| {});
        assert_eq!(binding_ceiling(&far.memory, far.os.as_ref(), Pool::Paged), None);
        let facts = use_facts(&far, Pool::Paged, Some(Bound::Commit));
        assert!(
            matches!(
                facts[..],
                [Evidence::CommitUse { .. }, Evidence::PoolUse { ceiling: None, .. }]
            ),
            "{facts:?}"
        );
        let near = case(|memory| {
            (memory.resident_available, memory.committed) = (None, None);
        });
        let ceiling = binding_ceiling(&near.memory, near.os.as_ref(), Pool::Nonpaged);
        assert_eq!(ceiling.map(|one| one.source), Some(CeilingSource::Documented));
        let measured = case(|memory| memory.paged_limit = Some(Bytes(1 << 40)));
        let ceiling = binding_ceiling(&measured.memory, measured.os.as_ref(), Pool::Paged);
        assert_eq!(ceiling.map(|one| one.source), Some(CeilingSource::Measured));
    }

    #[test]
    fn nothing_lasts_for_no_time() {
        let per_hour = Slope { slope: 100.0, low: 50.0, high: 200.0, z: 9.0 };
        let headroom = Headroom { pool: Pool::Paged, left: Bytes(0), bound: Bound::Commit };
        assert_eq!(time_left(&headroom, &[per_hour]), None);
    }
}
