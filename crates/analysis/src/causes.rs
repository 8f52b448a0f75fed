//! The judgement on one host: one diagnosis for each cause, the worst first.

use std::cmp::Reverse;

use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Diagnosis, Evidence, TagFinding, TagObservation, Verdict},
};

use crate::{
    case::{self, CaseFile},
    confidence::NAMED,
    events,
    exhaustion::diagnose_exhaustion,
    growth, handles, headroom, high_use,
    lockstep::{self, Group},
    object_types, objects, one_picture, release,
    span::Span,
    statistics::Slope,
    steps,
    suspects::{self, EVERYBODYS},
    tag_list::{LISTED_TAGS, largest_tags, list_tag},
    trend::{self, Growth, Stage},
    whole,
};

/// Tags in step that are told beside the one that grew most: more are no help.
const MOST_IN_STEP: usize = 8;
/// A run shorter than this shows no trend.
const LONG_ENOUGH_S: u64 = 6 * 3600;

/// Everything that is wrong with a host, a diagnosis for each cause, the worst first. Never empty:
/// a host with which nothing is wrong gets that said.
#[must_use]
pub fn diagnose_causes(case: &CaseFile) -> Vec<Diagnosis> {
    let (leaks, watched) = grown(case);
    let mut found: Vec<Diagnosis> =
        lockstep::group_in_step(case, &leaks).iter().map(|group| leak(case, group)).collect();
    if found.is_empty() {
        found.extend(one_picture::leak_from_pictures(case));
    }
    let small = handles::handle_leaks(case, &found);
    found.extend(small);
    let spread = objects::object_leaks(case, &found);
    found.extend(spread);
    diagnose_exhaustion(case, &mut found);
    found.extend(high_use::high_use_tags(case));
    if found.is_empty() {
        found.extend(high_use::high_use_pools(case));
    }
    if found.is_empty() {
        found.push(nothing(case, &watched));
    }
    for diagnosis in &mut found {
        finish(case, diagnosis, &leaks);
    }
    found.sort_by_key(|one| {
        let rank = Verdict::ALL.iter().position(|verdict| *verdict == one.verdict);
        (rank, Reverse(one.tags.first().map(|tag| tag.bytes)))
    });
    found
}

/// The judgement in one: the worst, with the suspects and tags of all causes.
#[must_use]
pub fn diagnose_case(case: &CaseFile) -> Diagnosis {
    let mut all = diagnose_causes(case).into_iter();
    let mut first = all.next().unwrap_or_default();
    for other in all {
        let other_pool = other.pool.filter(|_| other.verdict != Verdict::HighUse);
        first.both |= other_pool.is_some() && first.pool.is_some() && other_pool != first.pool;
        for suspect in other.suspects {
            if !first
                .suspects
                .iter()
                .any(|one| one.name == suspect.name && one.tags == suspect.tags)
            {
                first.suspects.push(suspect);
            }
        }
        first.tags.extend(other.tags.into_iter().filter(|t| t.finding != TagFinding::Large));
        first.evidence.extend(other.evidence);
        for step in other.next_steps {
            if !first.next_steps.contains(&step) {
                first.next_steps.push(step);
            }
        }
    }
    first.evidence = dedup(first.evidence);
    first.next_steps.sort_by_key(poolwatch_model::diagnosis::NextStep::method);
    first
}

/// A tag that grew, by its place in the case.
type Grown = (usize, Growth);

/// The tags that leak and those that are watched, with their growths, the largest first.
fn grown(case: &CaseFile) -> (Vec<Grown>, Vec<Grown>) {
    let grown = case.tags.iter().enumerate().filter_map(|(at, series)| {
        let growth = trend::measure_growth(case, series)?;
        Some((at, growth))
    });
    let (mut leaks, mut watched): (Vec<_>, Vec<_>) =
        grown.partition(|(_, growth)| growth.stage == Stage::Leak);
    for list in [&mut leaks, &mut watched] {
        list.sort_by_key(|(at, growth)| {
            (suspects::owner_rank(case.tags[*at].tag) >= EVERYBODYS, Reverse(growth.bytes))
        });
    }
    (leaks, watched)
}

/// One cause that leaks.
fn leak(case: &CaseFile, group: &Group) -> Diagnosis {
    let series = &case.tags[group.first];
    let growth = &group.growth;
    let (tag, pool) = (series.tag, series.pool);
    let day = |per_hour: f64| Bytes((per_hour * 24.0).max(0.0) as u64);
    let mut evidence = vec![
        Evidence::TagGrowth { tag, pool, grown: Bytes(growth.bytes), over_s: growth.over_s },
        Evidence::TagTrend {
            tag,
            pool,
            per_day: day(growth.per_hour.slope),
            least: day(growth.per_hour.low),
            most: day(growth.per_hour.high),
            over_s: growth.over_s,
        },
    ];
    if growth.hardly_freed()
        && let Some((allocs, frees)) = growth.traffic
    {
        evidence.push(Evidence::HardlyFreed { tag, pool, allocs, frees });
    } else if growth.never_fell {
        evidence.push(Evidence::NeverFell { tag, pool, over_s: growth.over_s });
    }
    if !group.with.is_empty() {
        let with =
            group.with.iter().take(MOST_IN_STEP).map(|(at, ratio)| (case.tags[*at].tag, *ratio));
        evidence.push(Evidence::LockStep { tag, with: with.collect() });
    }
    evidence.extend(high_use::peer_fact(case, series));
    let span = Span { from: growth.from, to: growth.to, over_s: growth.over_s };
    evidence.extend(
        group.members().find_map(|at| object_types::type_growth(case, case.tags[at].tag, span)),
    );
    let mut accused = suspects::suspects_of_growth(case, group);
    release::weigh_evidence(case, pool, &mut accused);
    suspects::sort_suspects(&mut accused);
    let mut tags: Vec<TagObservation> = group
        .members()
        .map(|at| {
            let per_day = (at == group.first).then(|| day(growth.per_hour.slope));
            list_tag(&case.tags[at], TagFinding::Leaks, per_day)
        })
        .collect();
    // The tag that points to somebody comes first.
    let first = accused.first().filter(|suspect| suspect.confidence >= NAMED);
    let first = first.and_then(|suspect| suspect.tags.first().copied());
    tags.sort_by_key(|one| {
        (first.is_some_and(|tag| tag != one.tag), suspects::owner_rank(one.tag))
    });
    let both = group.members().any(|at| case.tags[at].pool != pool);
    Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(pool),
        both,
        suspects: accused,
        evidence,
        tags,
        ..Diagnosis::default()
    }
}

/// Nothing is wrong, or nothing can be said: that no leak shows is said of a whole picture alone.
fn nothing(case: &CaseFile, watched: &[Grown]) -> Diagnosis {
    let run = case.run_start();
    let over_s = case.axis.len().checked_sub(1).map_or(0, |last| case.span_s(run, last));
    let told = case.tags.iter().any(|series| case::last(&series.outstanding).unwrap_or(0) > 0);
    let is_picture = whole::is_picture(case);
    let gaps = whole::gaps(case);
    let growths = if is_picture { growth::total_growths(case) } else { Vec::new() };
    // A single picture that shows nothing shows no leak; a run has to be long enough to show one.
    let long_enough = case.axis.len() == 1 || over_s >= LONG_ENOUGH_S;
    let alone = if is_picture { suspects::by_handles_alone(case) } else { None };
    let unusual = if is_picture { suspects::unusual_counts(case) } else { Vec::new() };
    let is_named = alone.as_ref().is_some_and(|suspect| suspect.confidence >= NAMED);
    let enough = told && long_enough && gaps.is_empty() && alone.is_none() && unusual.is_empty();
    let verdict = match () {
        () if is_named => Verdict::Leak,
        () if enough => Verdict::NoLeakShown,
        () => Verdict::InsufficientEvidence,
    };
    let mut tags: Vec<TagObservation> = watched
        .iter()
        .take(LISTED_TAGS)
        .map(|(at, growth)| {
            let per_day = Bytes(growth.per_day().max(0.0) as u64);
            list_tag(&case.tags[*at], TagFinding::Watched, Some(per_day))
        })
        .collect();
    let pool = growths.iter().chain(&unusual).chain(&gaps).find_map(|fact| match fact {
        Evidence::PoolGrowth { pool, .. } | Evidence::TagUse { pool, .. } if !enough => Some(*pool),
        // A pool of which no tags were listed, or that is the smaller one, is not what the picture is
        // about.
        Evidence::TagsExplain { pool, explained, used }
            if !enough && explained.0 > 0 && is_larger(case, *pool, *used) =>
        {
            Some(*pool)
        }
        _ => None,
    });
    let of_watched = watched.iter().take(LISTED_TAGS).map(|(at, growth)| Evidence::TagGrowth {
        tag: case.tags[*at].tag,
        pool: case.tags[*at].pool,
        grown: Bytes(growth.bytes),
        over_s: growth.over_s,
    });
    let mut evidence: Vec<Evidence> = growths;
    evidence.extend(unusual);
    evidence.extend(of_watched);
    if is_picture {
        evidence.extend(suspects::who_stands_out(case));
        evidence.extend(whole::shares(case));
        let used =
            |pool| Some(Evidence::PoolUse { pool, used: case.memory.of(pool)?, ceiling: None });
        evidence.extend(Pool::ALL.into_iter().filter_map(used));
    }
    if verdict != Verdict::NoLeakShown {
        evidence.extend(gaps);
    }
    for pool in Pool::ALL {
        for series in largest_tags(case, pool) {
            if !tags.iter().any(|one| one.tag == series.tag && one.pool == pool) {
                tags.push(list_tag(series, TagFinding::Large, None));
            }
        }
    }
    let suspects = alone.into_iter().collect();
    Diagnosis { verdict, pool, suspects, evidence, tags, ..Diagnosis::default() }
}

/// Whether the other pool does not use more.
fn is_larger(case: &CaseFile, pool: Pool, used: Bytes) -> bool {
    Pool::ALL.into_iter().all(|one| one == pool || case.memory.of(one).is_none_or(|b| b <= used))
}

/// What every diagnosis gets: how full the pool is, what is left, for how long, and what to do.
fn finish(case: &CaseFile, diagnosis: &mut Diagnosis, leaks: &[Grown]) {
    if let Some(pool) = diagnosis.pool {
        // Of what is exhausted it is known which bound ran out, or that none is known.
        if diagnosis.verdict != Verdict::Exhausted {
            diagnosis.headroom = headroom::headroom(case, pool);
        }
        let bound = diagnosis.headroom.map(|headroom| headroom.bound);
        diagnosis.evidence.extend(headroom::use_facts(case, pool, bound));
        let of_pool = leaks.iter().filter(|(at, _)| case.tags[*at].pool == pool);
        let per_hour: Vec<Slope> = of_pool.map(|(_, growth)| growth.per_hour).collect();
        diagnosis.time_left =
            diagnosis.headroom.and_then(|left| headroom::time_left(&left, &per_hour));
    }
    if whole::is_picture(case) {
        diagnosis.evidence.extend(suspects::who_stands_out(case));
        diagnosis.evidence.extend(events::past_events(case));
        if diagnosis.verdict != Verdict::CommitExhaustion {
            diagnosis.evidence.extend(growth::total_growths(case));
        }
    }
    diagnosis.evidence = dedup(std::mem::take(&mut diagnosis.evidence));
    diagnosis.next_steps = steps::next_steps(case, diagnosis);
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
