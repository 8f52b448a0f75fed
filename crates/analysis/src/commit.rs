//! Commit that ran out, and commit that will: told before event 2004 is. No tag is to blame.

use std::cmp::Reverse;

use poolwatch_model::{
    Bytes,
    diagnosis::{Diagnosis, Evidence, Measure, Suspect, SuspectKind, Verdict},
    event::MemoryExhaustion,
};

use crate::{
    case::{self, CaseFile},
    events::commit_event,
    headroom::FULL,
    programs,
    rise::{self, Rise},
};

/// Less growth, as a share of the limit, is the usual coming and going of programs.
const NOTABLE: f64 = 0.1;
/// Told when it is expected to run out within this many hours: time enough to act, and little enough
/// that most forecasts come true.
const WITHIN_H: f64 = 24.0;
/// From this part of its growth on what grew in the pools is the cause, and commit no story of its
/// own: pools are charged to commit.
const OF_POOLS: f64 = 0.5;
/// The share of the growth that one program must explain to be named.
const EXPLAINS: f64 = 0.6;
/// How sure a program is that gained most of what commit did.
const GAINED_MOST: f32 = 0.75;
/// A program that event 2004 lists is named when it holds this share of the limit, and this many
/// times what any other program does.
const LEAST_SHARE: f64 = 0.1;
const TIMES_NEXT: u64 = 3;
/// How sure it then is: more when it holds this share of the limit, or this many handles beside,
/// which tell of something that is never closed.
const HOLDS_MOST: f64 = 0.4;
const MANY_HANDLES: u32 = 50_000;
const SURE_BY_SHARE: f32 = 0.85;
const SURE_BY_HANDLES: f32 = 0.75;
const SURE_BY_RANK: f32 = 0.55;

/// Commit ran out by Windows' own word: who holds it.
#[must_use]
pub fn commit_exhaustion(case: &CaseFile) -> Option<Diagnosis> {
    let event = commit_event(case);
    let facts = event.and_then(|event| event.exhaustion.as_ref()).or(case.exhaustions.first());
    if event.is_none() && facts.is_none() {
        return None;
    }
    let of_event = event.map(|event| Evidence::CommitExhaustedEvent { time: event.time });
    let of_facts = facts
        .and_then(|facts| facts.committed.zip(facts.commit_limit))
        .map(|(committed, limit)| Evidence::CommitUse { committed, limit });
    Some(Diagnosis {
        verdict: Verdict::CommitExhaustion,
        suspects: facts.into_iter().filter_map(listed_holder).collect(),
        evidence: of_event.into_iter().chain(of_facts).collect(),
        ..Diagnosis::default()
    })
}

/// Commit is full by its figures: who gained most of it, if it rose.
#[must_use]
pub fn full_commit(case: &CaseFile) -> Diagnosis {
    let rise = rise::steady_rises(case, &case.committed).into_iter().next();
    Diagnosis {
        verdict: Verdict::CommitExhaustion,
        suspects: rise.and_then(|rise| growing_holder(case, &rise)).into_iter().collect(),
        evidence: use_fact(case).into_iter().collect(),
        ..Diagnosis::default()
    }
}

/// Commit that rises steadily and reaches its limit within a day, or has reached it. When growth of
/// the pools explains half of it, it is not commit's own story.
#[must_use]
pub fn commit_running_out(case: &CaseFile) -> Option<Diagnosis> {
    let limit = case.memory.commit_limit.filter(|limit| limit.0 > 0)?;
    let (rise, left_s) = rise::steady_rises(case, &case.committed)
        .into_iter()
        .filter(|rise| rise.grown as f64 >= NOTABLE * limit.0 as f64)
        .find_map(|rise| {
            let hours = limit.0.saturating_sub(rise.last) as f64 / rise.per_hour.slope;
            (hours < WITHIN_H).then_some((rise, (hours * 3600.0) as u64))
        })?;
    let of_pools: u64 = case.pools.iter().map(|pool| case::growth(pool, rise.from, rise.to)).sum();
    if of_pools as f64 >= OF_POOLS * rise.grown as f64 {
        return None;
    }
    let committed = Bytes(case::last(&case.committed)?);
    let per_day = Bytes((rise.per_hour.slope * 24.0) as u64);
    // What is full already is not about to be.
    let is_full = committed.share_of(limit) >= FULL;
    let trend = Evidence::CommitTrend { per_day, over_s: rise.over_s, left_s };
    let mut evidence: Vec<Evidence> = (!is_full).then_some(trend).into_iter().collect();
    evidence.push(Evidence::CommitUse { committed, limit });
    Some(Diagnosis {
        verdict: Verdict::CommitExhaustion,
        suspects: growing_holder(case, &rise).into_iter().collect(),
        evidence,
        ..Diagnosis::default()
    })
}

fn use_fact(case: &CaseFile) -> Option<Evidence> {
    let (committed, limit) = case.memory.committed.zip(case.memory.commit_limit)?;
    Some(Evidence::CommitUse { committed, limit })
}

/// The program whose private memory grew by most of it.
fn growing_holder(case: &CaseFile, rise: &Rise) -> Option<Suspect> {
    let gained = |values: &[u64]| case::growth(values, rise.from, rise.to);
    let process = case
        .processes
        .iter()
        .filter(|process| !process.image.is_empty() && !programs::is_vital(&process.image))
        .min_by_key(|process| Reverse(gained(&process.private_bytes)))?;
    let (grown, image) = (gained(&process.private_bytes), process.image.clone());
    let share = grown as f64 / rise.grown as f64;
    (share >= EXPLAINS).then(|| Suspect {
        kind: SuspectKind::Process,
        name: Some(image.clone()),
        services: process.services.clone(),
        confidence: GAINED_MOST,
        evidence: vec![Evidence::ProcessGrowth {
            image,
            pid: process.key.pid,
            measure: Measure::PrivateBytes,
            grown,
            over_s: rise.over_s,
        }],
        ..Suspect::default()
    })
}

/// The program that holds far more commit than any other that event 2004 lists, if one does.
fn listed_holder(facts: &MemoryExhaustion) -> Option<Suspect> {
    let first = facts.top_processes.iter().max_by_key(|process| process.commit)?;
    let same = |image: &str| image.eq_ignore_ascii_case(&first.image);
    let others = facts.top_processes.iter().filter(|process| !same(&process.image));
    let next = others.map(|process| process.commit.0).max().unwrap_or(0);
    let share = facts.commit_limit.map_or(0.0, |limit| first.commit.share_of(limit));
    if share < LEAST_SHARE || first.commit.0 / TIMES_NEXT < next {
        return None;
    }
    let own = || facts.top_processes.iter().filter(|process| same(&process.image));
    let evidence = own().map(|process| Evidence::CommitHolder {
        image: process.image.clone(),
        pid: process.pid,
        commit: process.commit,
        handles: process.handles,
    });
    let confidence = match own().map(|process| process.handles).max() {
        _ if share > HOLDS_MOST => SURE_BY_SHARE,
        Some(handles) if handles > MANY_HANDLES => SURE_BY_HANDLES,
        _ => SURE_BY_RANK,
    };
    Some(Suspect {
        kind: SuspectKind::Process,
        name: Some(first.image.clone()),
        confidence,
        evidence: evidence.collect(),
        ..Suspect::default()
    })
}
