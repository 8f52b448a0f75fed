//! The judgement on one host at one moment.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    Bytes, Pool, Snapshot,
    diagnosis::{Diagnosis, Evidence, Verdict},
    event::{Event, EventKind},
    host::OsVersion,
    memory::CeilingSource,
    tag::TagTable,
};

use crate::{ceilings, growth, holders};

/// What is known of a host when it is judged.
#[derive(Debug, Clone, Copy)]
pub struct Observation<'a> {
    /// The moment of the judgement.
    pub now: Timestamp,
    /// Windows version.
    pub os: Option<&'a OsVersion>,
    /// The latest snapshot.
    pub snapshot: &'a Snapshot,
    /// An earlier tag table, and how long before the snapshot it was taken.
    pub earlier: Option<(&'a TagTable, SignedDuration)>,
    /// Events of the host. Those older than a day do not count.
    pub events: &'a [Event],
}

/// A measured limit used to this share is exhausted: what is left is of no use to most callers.
const FULL: f64 = 0.95;
/// An event counts for this long.
const EVENT_COUNTS: SignedDuration = SignedDuration::from_hours(24);
/// Growth is compared over no less than this.
const LONG_ENOUGH: SignedDuration = SignedDuration::from_hours(6);
/// Growth that would be worth a word: the larger of this share of the pool and this many bytes.
const NOTABLE_SHARE: f64 = 0.1;
const NOTABLE_BYTES: u64 = 50 << 20;
/// Largest tags that are listed as evidence.
const TAGS: usize = 3;

/// Judges a host by what is known of it.
#[must_use]
pub fn diagnose(observation: &Observation<'_>) -> Diagnosis {
    if let Some((pool, evidence)) = exhausted_pool(observation) {
        let mut evidence = vec![evidence];
        evidence.extend(pool_use(observation, pool));
        evidence.extend(largest_tags(observation.snapshot, pool));
        return Diagnosis {
            verdict: Verdict::Exhausted,
            pool: Some(pool),
            suspects: holders::suspects(observation.snapshot, pool),
            evidence: dedup(evidence),
            ..Diagnosis::default()
        };
    }
    let commit = recent(observation).find(|event| event.kind() == EventKind::CommitExhausted);
    if let Some(event) = commit {
        return Diagnosis {
            verdict: Verdict::CommitExhaustion,
            evidence: vec![Evidence::CommitExhaustedEvent { time: event.time }],
            ..Diagnosis::default()
        };
    }
    let growth = notable_growth(observation);
    let verdict = match &growth {
        Some(growth) if growth.is_empty() => Verdict::NoLeakShown,
        _ => Verdict::InsufficientEvidence,
    };
    Diagnosis { verdict, evidence: growth.unwrap_or_default(), ..Diagnosis::default() }
}

fn recent<'a>(observation: &Observation<'a>) -> impl Iterator<Item = &'a Event> {
    let now = observation.now;
    observation.events.iter().filter(move |event| now.duration_since(event.time) < EVENT_COUNTS)
}

/// The pool that ran out, by an event or by a measured limit.
fn exhausted_pool(observation: &Observation<'_>) -> Option<(Pool, Evidence)> {
    let by_event = recent(observation)
        .filter_map(|event| match event.kind() {
            EventKind::PoolEmpty(pool) => Some((event.time, pool, event.event_id)),
            _ => None,
        })
        .max();
    if let Some((time, pool, event_id)) = by_event {
        return Some((pool, Evidence::PoolEmptyEvent { pool, event_id, time }));
    }
    Pool::ALL.into_iter().find_map(|pool| match pool_use(observation, pool)? {
        evidence @ Evidence::PoolUse { used, ceiling, .. }
            if ceiling.source == CeilingSource::Measured
                && used.share_of(ceiling.bytes) >= FULL =>
        {
            Some((pool, evidence))
        }
        _ => None,
    })
}

fn pool_use(observation: &Observation<'_>, pool: Pool) -> Option<Evidence> {
    let memory = &observation.snapshot.memory;
    let used = memory.of(pool)?;
    let ceiling = ceilings::ceiling(memory, observation.os, pool)?;
    Some(Evidence::PoolUse { pool, used, ceiling })
}

fn largest_tags(snapshot: &Snapshot, pool: Pool) -> Vec<Evidence> {
    let Some(tags) = &snapshot.tags else { return Vec::new() };
    let mut rows: Vec<_> = tags.rows.iter().filter(|row| row.of(pool).bytes > 0).collect();
    rows.sort_by_key(|row| std::cmp::Reverse(row.of(pool).bytes));
    rows.into_iter()
        .take(TAGS)
        .map(|row| Evidence::TagUse {
            tag: row.tag,
            pool,
            bytes: Bytes(row.of(pool).bytes),
            outstanding: row.of(pool).outstanding,
        })
        .collect()
}

/// Tags that grew by a notable amount; `None` when nothing long enough ago is known.
fn notable_growth(observation: &Observation<'_>) -> Option<Vec<Evidence>> {
    let (earlier, over) = observation.earlier.filter(|(_, over)| *over >= LONG_ENOUGH)?;
    let tags = observation.snapshot.tags.as_ref()?;
    let notable = |pool| {
        let share = tags.total(pool) as f64 * NOTABLE_SHARE;
        NOTABLE_BYTES.max(share as u64)
    };
    Some(
        growth::tag_changes(earlier, tags)
            .into_iter()
            .filter(|change| {
                u64::try_from(change.bytes).is_ok_and(|grown| grown >= notable(change.pool))
            })
            .take(TAGS)
            .map(|change| Evidence::TagGrowth {
                tag: change.tag,
                pool: change.pool,
                grown: Bytes(change.bytes.unsigned_abs()),
                over_s: over.as_secs().unsigned_abs(),
            })
            .collect(),
    )
}

fn dedup(evidence: Vec<Evidence>) -> Vec<Evidence> {
    let mut kept: Vec<Evidence> = Vec::with_capacity(evidence.len());
    for fact in evidence {
        if !kept.contains(&fact) {
            kept.push(fact);
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        PoolTag,
        memory::Memory,
        process::ProcessUse,
        tag::{AllocCounting, TagCounters, TagUse},
    };

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn event(event_id: u32, provider: &str, age_s: i64) -> Event {
        Event {
            channel: "System".into(),
            record_id: 1,
            time: at(NOW - age_s),
            provider: provider.into(),
            event_id,
            level: None,
            computer: None,
            data: vec![],
            exhaustion: None,
        }
    }

    /// The classic case: 209,844 of 217,112 kB, thread objects, one program with 90,472 handles.
    fn classic() -> Snapshot {
        let row = |tag: &[u8; 4], bytes, outstanding| TagUse {
            tag: PoolTag::new(*tag),
            paged: TagCounters::default(),
            nonpaged: TagCounters { bytes, outstanding, allocs: 0 },
        };
        let mut process = ProcessUse::new(416, None, "mybadapp.exe");
        process.handles = Some(90_472);
        Snapshot {
            memory: Memory {
                nonpaged: Some(Bytes::from_kib(209_844)),
                nonpaged_limit: Some(Bytes::from_kib(217_112)),
                ..Memory::default()
            },
            tags: Some(TagTable::new(
                AllocCounting::OutstandingOnly,
                false,
                vec![row(b"Thre", 76_892_800, 120_145), row(b"File", 29_946_176, 187_113)],
            )),
            processes: Some(vec![process]),
            ..Snapshot::default()
        }
    }

    fn judge(snapshot: &Snapshot, events: &[Event]) -> Diagnosis {
        diagnose(&Observation { now: at(NOW), os: None, snapshot, earlier: None, events })
    }

    #[test]
    fn the_classic_dump_leads_to_thread_objects_and_mybadapp() {
        let diagnosis = judge(&classic(), &[]);
        assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Exhausted, Some(Pool::Nonpaged)));
        assert_eq!(diagnosis.suspects[0].name.as_deref(), Some("mybadapp.exe"));
        assert_eq!(diagnosis.suspects[0].tags, [PoolTag::new(*b"Thre")]);
    }

    #[test]
    fn event_2020_without_matching_processes_blames_nobody() {
        let diagnosis = judge(&Snapshot::default(), &[event(2020, "Srv", 60)]);
        assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Exhausted, Some(Pool::Paged)));
        assert_eq!(diagnosis.suspects, []);
    }

    #[test]
    fn commit_exhaustion_blames_no_tag() {
        let detector = "Microsoft-Windows-Resource-Exhaustion-Detector";
        let diagnosis = judge(&Snapshot::default(), &[event(2004, detector, 60)]);
        assert_eq!(diagnosis.verdict, Verdict::CommitExhaustion);
        assert_eq!(diagnosis.suspects, []);
    }

    #[test]
    fn old_events_judge_nothing() {
        let diagnosis = judge(&Snapshot::default(), &[event(2019, "Srv", 90_000)]);
        assert_eq!(diagnosis.verdict, Verdict::InsufficientEvidence);
    }

    #[test]
    fn one_healthy_snapshot_shows_nothing_and_a_quiet_day_shows_no_leak() {
        let mut snapshot = classic();
        snapshot.memory.nonpaged_limit = None;
        let judged = |earlier| {
            let observation =
                Observation { now: at(NOW), os: None, snapshot: &snapshot, earlier, events: &[] };
            diagnose(&observation).verdict
        };
        let before = snapshot.tags.clone().unwrap();
        assert_eq!(judged(None), Verdict::InsufficientEvidence);
        let day = SignedDuration::from_hours(24);
        assert_eq!(judged(Some((&before, day))), Verdict::NoLeakShown);
        let minute = SignedDuration::from_mins(1);
        assert_eq!(judged(Some((&before, minute))), Verdict::InsufficientEvidence);
    }
}
