//! A pool that ran out, and of what: its own limit, commit, or physical memory.

use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Bound, Diagnosis, Evidence, Headroom, Suspect, TagFinding, Verdict},
    event::EventKind,
};

use crate::{
    case::{self, CaseFile},
    commit,
    events::{commit_event, recent_events},
    facts,
    headroom::{FULL, exhausted_bound},
    suspects,
    tag_list::{largest_tags, list_tag},
};

/// From this share of commit or memory on a pool is what fills them; below, others hold the rest, and
/// nothing in the pool is to blame.
const FILLS_BOUND: f64 = 0.25;
/// From this share of its pool on one tag is what the pool is full of.
const FILLS_POOL: f64 = 0.25;

/// A pool that ran out.
#[derive(Debug, Clone, PartialEq)]
struct Exhaustion {
    pool: Pool,
    /// The bound that ran out; none where the event alone tells that something did.
    bound: Option<Bound>,
    event: Option<Evidence>,
}

/// Says what ran out, if anything did: leaks of a pool that ran out are its causes; without any, what
/// fills it; and where commit ran out the pool is not blamed, unless it is what fills commit.
pub(crate) fn diagnose_exhaustion(case: &CaseFile, found: &mut Vec<Diagnosis>) {
    let Some(exhaustion) = exhaustion(case) else {
        found.extend(commit::commit_exhaustion(case).or_else(|| commit::commit_running_out(case)));
        return;
    };
    let is_commits = exhaustion.bound == Some(Bound::Commit);
    if fills_bound(case, &exhaustion) {
        if !blame_leaks(&exhaustion, found) {
            found.push(blame_largest(case, &exhaustion));
        }
    } else if is_commits {
        let mut diagnosis =
            commit::commit_exhaustion(case).unwrap_or_else(|| commit::full_commit(case));
        diagnosis.evidence.splice(0..0, exhaustion.event);
        found.push(diagnosis);
    } else {
        found.push(exhausted(case, &exhaustion, Vec::new()));
    }
}

/// The pool that ran out, by an event or by a measured limit, and the bound that did.
fn exhaustion(case: &CaseFile) -> Option<Exhaustion> {
    let by_event = recent_events(case)
        .filter_map(|event| match event.kind() {
            EventKind::PoolEmpty(pool) => Some((event.time, pool, event.event_id)),
            _ => None,
        })
        .max();
    if let Some((time, pool, event_id)) = by_event {
        let by_windows = || commit_event(case).map(|_| Bound::Commit);
        let bound = exhausted_bound(case, pool).or_else(by_windows);
        let event = Some(Evidence::PoolEmptyEvent { pool, event_id, time });
        return Some(Exhaustion { pool, bound, event });
    }
    // Without an event only what was measured counts: Windows lives well with commit nearly full.
    let is_full = |pool: &Pool| {
        let used = case.memory.of(*pool).zip(case.memory.limit_of(*pool));
        used.is_some_and(|(used, limit)| used.share_of(limit) >= FULL)
    };
    let pool = Pool::ALL.into_iter().find(is_full)?;
    Some(Exhaustion { pool, bound: Some(Bound::MeasuredLimit), event: None })
}

/// Whether the pool itself is what used its bound up.
fn fills_bound(case: &CaseFile, exhaustion: &Exhaustion) -> bool {
    let whole = match exhaustion.bound {
        Some(Bound::Commit) => case.memory.commit_limit,
        Some(Bound::ResidentAvailable) => case.memory.physical,
        Some(Bound::MeasuredLimit | Bound::DocumentedCeiling) | None => return true,
    };
    let used = case.memory.of(exhaustion.pool).zip(whole);
    used.is_some_and(|(used, whole)| used.share_of(whole) >= FILLS_BOUND)
}

/// Makes the leaks of the pool the causes of its exhaustion. False when there are none.
fn blame_leaks(exhaustion: &Exhaustion, found: &mut [Diagnosis]) -> bool {
    let mut leaks = found.iter_mut().filter(|one| one.pool == Some(exhaustion.pool)).peekable();
    let any = leaks.peek().is_some();
    for diagnosis in leaks {
        diagnosis.verdict = Verdict::Exhausted;
        diagnosis.headroom = headroom_of(exhaustion);
        diagnosis.evidence.splice(0..0, exhaustion.event.clone());
    }
    any
}

/// What the pool is full of, without growth: objects with their holders, or a tag that dominates it.
fn blame_largest(case: &CaseFile, exhaustion: &Exhaustion) -> Diagnosis {
    let pool = exhaustion.pool;
    let largest = largest_tags(case, pool);
    let mut accused: Vec<Suspect> = Vec::new();
    for series in largest.iter().filter(|series| facts::tag_facts(series.tag).objects) {
        for suspect in suspects::suspects_of_picture(case, series) {
            if !accused.iter().any(|known| known.name == suspect.name) {
                accused.push(suspect);
            }
        }
    }
    let dominant = largest.first().filter(|series| {
        let all = case::last(case.pool(pool)).or(case.memory.of(pool).map(|bytes| bytes.0));
        let bytes = case::last(&series.bytes).unwrap_or(0);
        all.is_some_and(|all| bytes as f64 >= FILLS_POOL * all as f64)
    });
    if let Some(series) = dominant.filter(|_| accused.is_empty()) {
        accused.extend(suspects::suspects_of_picture(case, series));
        if accused.is_empty() {
            accused.push(suspects::unknown_owner(&[series.tag]));
        }
    }
    exhausted(case, exhaustion, accused)
}

fn exhausted(case: &CaseFile, exhaustion: &Exhaustion, suspects: Vec<Suspect>) -> Diagnosis {
    let largest = largest_tags(case, exhaustion.pool);
    Diagnosis {
        verdict: Verdict::Exhausted,
        pool: Some(exhaustion.pool),
        suspects,
        evidence: exhaustion.event.iter().cloned().collect(),
        tags: largest.iter().map(|series| list_tag(series, TagFinding::Large, None)).collect(),
        headroom: headroom_of(exhaustion),
        ..Diagnosis::default()
    }
}

fn headroom_of(exhaustion: &Exhaustion) -> Option<Headroom> {
    let pool = exhaustion.pool;
    exhaustion.bound.map(|bound| Headroom { pool, left: Bytes(0), bound })
}
