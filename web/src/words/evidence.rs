//! Evidence in sentences.

use jiff::Timestamp;
use poolwatch_model::{Pool, diagnosis::Evidence};

use super::{ceiling_source, objects_of, pool_title};
use crate::figures::{duration, grouped, percent_text};

/// One observed fact as a sentence, without its time (see [`evidence_time`]).
#[must_use]
pub fn evidence(fact: &Evidence) -> String {
    match fact {
        Evidence::PoolEmptyEvent { pool, event_id, .. } => {
            format!("Event {event_id}: the Server service found {pool} pool empty.")
        }
        Evidence::CommitExhaustedEvent { .. } => {
            "Event 2004: Windows ran out of commit (virtual memory). That is not pool.".to_owned()
        }
        Evidence::PoolUse { pool, used, ceiling } => format!(
            "{} holds {used} of {} ({}), {}.",
            pool_title(*pool),
            ceiling.bytes,
            percent_text(used.share_of(ceiling.bytes)),
            ceiling_source(ceiling.source)
        ),
        Evidence::TagUse { tag, pool, bytes, outstanding } => {
            let objects = objects_of(*tag)
                .map_or_else(String::new, |objects| format!(" It stands for {objects} objects."));
            format!(
                "Tag {tag} holds {bytes} of {pool} pool in {} outstanding allocations.{objects}",
                grouped(*outstanding)
            )
        }
        Evidence::TagGrowth { tag, pool, grown, over_s } => {
            format!("Tag {tag} grew by {grown} of {pool} pool in {}.", duration(*over_s))
        }
        Evidence::ProcessHandles { image, pid, handles } => {
            format!("{image} (pid {pid}) holds {} handles.", grouped(u64::from(*handles)))
        }
        Evidence::HandlesMatchObjects { image, tag, handles, outstanding } => {
            let objects = objects_of(*tag).map_or_else(
                || format!("outstanding {tag} allocations"),
                |objects| format!("outstanding {objects} objects ({tag})"),
            );
            format!(
                "The {} handles of {image} go with {} {objects}.",
                grouped(u64::from(*handles)),
                grouped(*outstanding)
            )
        }
    }
}

/// When a fact was observed, where it is one moment.
#[must_use]
pub const fn evidence_time(fact: &Evidence) -> Option<Timestamp> {
    match fact {
        Evidence::PoolEmptyEvent { time, .. } | Evidence::CommitExhaustedEvent { time } => {
            Some(*time)
        }
        Evidence::PoolUse { .. }
        | Evidence::TagUse { .. }
        | Evidence::TagGrowth { .. }
        | Evidence::ProcessHandles { .. }
        | Evidence::HandlesMatchObjects { .. } => None,
    }
}

/// The pool that a fact is about.
pub(super) const fn pool_of(fact: &Evidence) -> Option<Pool> {
    match fact {
        Evidence::PoolEmptyEvent { pool, .. }
        | Evidence::PoolUse { pool, .. }
        | Evidence::TagUse { pool, .. }
        | Evidence::TagGrowth { pool, .. } => Some(*pool),
        Evidence::CommitExhaustedEvent { .. }
        | Evidence::ProcessHandles { .. }
        | Evidence::HandlesMatchObjects { .. } => None,
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        Bytes, PoolTag,
        memory::{Ceiling, CeilingSource},
    };

    use super::*;

    #[test]
    fn every_fact_has_its_sentence() {
        let thre = PoolTag::new(*b"Thre");
        let time = Timestamp::UNIX_EPOCH;
        let used = Bytes::from_kib(209_844);
        let ceiling = |source| Ceiling { bytes: Bytes::from_kib(217_112), source };
        for (fact, words) in [
            (
                Evidence::PoolEmptyEvent { pool: Pool::Nonpaged, event_id: 2019, time },
                "Event 2019: the Server service found nonpaged pool empty.",
            ),
            (
                Evidence::CommitExhaustedEvent { time },
                "Event 2004: Windows ran out of commit (virtual memory). That is not pool.",
            ),
            (
                Evidence::PoolUse {
                    pool: Pool::Nonpaged,
                    used,
                    ceiling: ceiling(CeilingSource::Measured),
                },
                "Nonpaged pool holds 205 MB of 212 MB (97 %), a limit measured on this host.",
            ),
            (
                Evidence::PoolUse {
                    pool: Pool::Paged,
                    used,
                    ceiling: ceiling(CeilingSource::Documented),
                },
                "Paged pool holds 205 MB of 212 MB (97 %), the documented ceiling; allocation fails earlier.",
            ),
            (
                Evidence::TagUse {
                    tag: thre,
                    pool: Pool::Nonpaged,
                    bytes: Bytes(76_892_800),
                    outstanding: 120_145,
                },
                "Tag Thre holds 73 MB of nonpaged pool in 120,145 outstanding allocations. It stands for thread objects.",
            ),
            (
                Evidence::TagGrowth {
                    tag: PoolTag::new(*b"Fooo"),
                    pool: Pool::Nonpaged,
                    grown: Bytes(63_963_136),
                    over_s: 86_400,
                },
                "Tag Fooo grew by 61 MB of nonpaged pool in 24 h.",
            ),
            (
                Evidence::ProcessHandles {
                    image: "mybadapp.exe".into(),
                    pid: 416,
                    handles: 90_472,
                },
                "mybadapp.exe (pid 416) holds 90,472 handles.",
            ),
            (
                Evidence::HandlesMatchObjects {
                    image: "mybadapp.exe".into(),
                    tag: thre,
                    handles: 90_472,
                    outstanding: 120_145,
                },
                "The 90,472 handles of mybadapp.exe go with 120,145 outstanding thread objects (Thre).",
            ),
        ] {
            assert_eq!(evidence(&fact).replace('\u{a0}', " "), words);
            assert_eq!(evidence_time(&fact).is_some(), words.starts_with("Event"));
        }
    }
}
