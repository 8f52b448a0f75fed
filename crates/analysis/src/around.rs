//! The hours before an event, or before a host fell silent, kept as they were.

use std::cmp::Reverse;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    Bytes, Pool,
    comparison::Change,
    diagnosis::{Diagnosis, Evidence, Measure, Suspect, SuspectKind, Verdict},
    incident::{Picture, Reason, Trigger},
};

use crate::{
    case::{self, CaseFile},
    causes::diagnose_causes,
    confidence::is_hint,
    programs,
};

/// How far the picture looks back, and how far for what was installed.
const HOURS: SignedDuration = SignedDuration::from_hours(24);
const DAYS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Rows of each kind.
const ROWS: usize = 8;
/// Less is not worth a row.
const LEAST_BYTES: u64 = 1 << 20;
const LEAST_HANDLES: u64 = 500;
/// Growth that explains an event without a name: this share of the pool.
const EXPLAINS: f64 = 0.1;

/// The picture of the time before `at`. The case must not hold anything later.
#[must_use]
pub fn picture_before(case: &CaseFile, trigger: Trigger, at: Timestamp) -> Picture {
    let since = at.saturating_sub(HOURS).unwrap_or(at);
    let since_s = since.as_second();
    let from = case.axis.partition_point(|moment| moment.at_s < since_s).max(case.run_start());
    let to = case.axis.len().saturating_sub(1);
    let over_s = if from <= to && !case.axis.is_empty() { case.span_s(from, to) } else { 0 };
    let pool = match trigger {
        Trigger::PoolEmpty { pool } | Trigger::PoolLimit { pool } | Trigger::Silence { pool } => {
            Some(pool)
        }
        Trigger::CommitExhausted => None,
    };
    let grew = grew(case, pool, from, to, over_s);
    let held = held(case, from, to, over_s);
    let mut changed: Vec<Change> =
        case.changes.iter().filter(|change| within(change, at)).cloned().collect();
    changed.sort_by_key(|change| Reverse(change.at));
    changed.truncate(ROWS);
    let reason = reason(case, trigger, pool, &grew);
    Picture { trigger, at, since, grew, held, changed, reason }
}

fn within(change: &Change, at: Timestamp) -> bool {
    let before = at.duration_since(change.at);
    before >= SignedDuration::ZERO && before < DAYS
}

/// What grew, the most first.
fn grew(case: &CaseFile, pool: Option<Pool>, from: usize, to: usize, over_s: u64) -> Vec<Evidence> {
    let mut tags: Vec<_> = case
        .tags
        .iter()
        .filter(|series| pool.is_none_or(|pool| series.pool == pool))
        .map(|series| (case::growth(&series.bytes, from, to), series))
        .filter(|(grown, _)| *grown >= LEAST_BYTES)
        .collect();
    tags.sort_by_key(|(grown, _)| Reverse(*grown));
    let pools = Pool::ALL.into_iter().filter(|one| pool.is_none_or(|pool| pool == *one));
    let totals = pools.filter_map(|pool| {
        let grown = case::growth(case.pool(pool), from, to);
        (grown >= LEAST_BYTES).then_some(Evidence::PoolGrowth { pool, grown: Bytes(grown), over_s })
    });
    let rows = tags.into_iter().take(ROWS).map(|(grown, series)| Evidence::TagGrowth {
        tag: series.tag,
        pool: series.pool,
        grown: Bytes(grown),
        over_s,
    });
    totals.chain(rows).collect()
}

/// Whose handles grew, and who held most.
fn held(case: &CaseFile, from: usize, to: usize, over_s: u64) -> Vec<Evidence> {
    let mut processes: Vec<_> = case
        .processes
        .iter()
        .filter_map(|process| {
            let handles = case::last(&process.handles)?;
            Some((case::growth(&process.handles, from, to), handles, process))
        })
        .collect();
    processes.sort_by_key(|(grown, handles, _)| Reverse((*grown, *handles)));
    let mut facts = Vec::new();
    for (grown, handles, process) in processes.into_iter().take(ROWS) {
        let (image, pid) = (process.image.clone(), process.key.pid);
        if grown >= LEAST_HANDLES {
            let measure = Measure::Handles;
            facts.push(Evidence::ProcessGrowth {
                image: image.clone(),
                pid,
                measure,
                grown,
                over_s,
            });
        }
        if handles >= LEAST_HANDLES {
            let handles = u32::try_from(handles).unwrap_or(u32::MAX);
            facts.push(Evidence::ProcessHandles { image, pid, handles });
        }
    }
    facts
}

/// The likely reason. Nothing is better than something wrong.
fn reason(case: &CaseFile, trigger: Trigger, pool: Option<Pool>, grew: &[Evidence]) -> Reason {
    let all = diagnose_causes(case);
    // A pool may be found empty because commit ran out: then nothing in it is to blame.
    let is_commits = all.first().is_some_and(|worst| worst.verdict == Verdict::CommitExhaustion);
    let is_empty = matches!(trigger, Trigger::PoolEmpty { .. });
    let trigger = if is_empty && is_commits { Trigger::CommitExhausted } else { trigger };
    let accused = |diagnosis: &&Diagnosis| accuses(diagnosis, trigger, pool);
    let suspect = all.iter().filter(accused).find_map(|diagnosis| diagnosis.suspects.first());
    if let Some(reason) = suspect.and_then(|suspect| by_suspect(trigger, suspect)) {
        return reason;
    }
    let used = pool.and_then(|pool| case.memory.of(pool)).map_or(u64::MAX, |bytes| bytes.0);
    let explains = grew.iter().find_map(|fact| match fact {
        Evidence::TagGrowth { tag, grown, .. } if grown.0 as f64 >= EXPLAINS * used as f64 => {
            Some(*tag)
        }
        _ => None,
    });
    match (trigger, explains) {
        (Trigger::CommitExhausted, _) | (_, None) => match trigger {
            // The limit is the Server service's own: the pool itself need not be short.
            Trigger::PoolLimit { .. } => Reason::ConfiguredLimit,
            _ => Reason::NotShown,
        },
        (_, Some(tag)) => Reason::TagGrew { tag },
    }
}

/// Whether a diagnosis is about what the trigger is.
fn accuses(diagnosis: &Diagnosis, trigger: Trigger, pool: Option<Pool>) -> bool {
    match trigger {
        Trigger::CommitExhausted => diagnosis.verdict == Verdict::CommitExhaustion,
        _ => {
            matches!(diagnosis.verdict, Verdict::Exhausted | Verdict::Leak)
                && diagnosis.pool == pool
        }
    }
}

fn by_suspect(trigger: Trigger, suspect: &Suspect) -> Option<Reason> {
    let name = suspect.name.clone().filter(|_| !is_hint(suspect));
    if trigger == Trigger::CommitExhausted {
        return name.map(|image| Reason::CommitHeldBy { image });
    }
    let tag = *suspect.tags.first()?;
    match (suspect.kind, name) {
        (SuspectKind::Process, Some(image)) if !programs::is_vital(&image) => {
            Some(Reason::ProgramHolds { image, tag })
        }
        (SuspectKind::Driver, Some(driver)) => Some(Reason::DriverLeaks { driver, tag }),
        (SuspectKind::KernelReference, _) => Some(Reason::KernelReferences { tag }),
        _ => None,
    }
}
