//! Release is proof: what a suspect gives back when it goes.

use std::collections::BTreeSet;

use poolwatch_model::{
    Bytes, Pool,
    comparison::{Attribute, Change, ChangeKind},
    diagnosis::{Evidence, Suspect, SuspectKind},
    history::{MISSING, ProcessSeries, TagSeries},
    incident::Cause,
};

use crate::{
    case::{self, CaseFile},
    troughs,
};

/// What does not come back within this time does not come back.
const WITHIN_S: u64 = 5 * 60;
/// Series of ten minutes show it in their next minimum.
const STEP_S: u64 = 600;
/// A suspect that gives back this share of the tag is guilty; one that held as many handles and
/// gives back less than the other share is not.
const PROOF: f64 = 0.5;
const REFUTED: f64 = 0.1;
/// Less than this proves nothing either way.
const LEAST_OBJECTS: u64 = 5_000;
/// How sure a suspect is that was proven, and one that was refuted: chance and a second culprit remain.
const PROVEN: f32 = 0.97;
const CLEARED: f32 = 0.2;
/// Growth before and after a process ended is told by hours on either side, one at least and so many at
/// most, from so many objects per hour on: less comes and goes by itself.
const AROUND_S: (u64, u64) = (3600, 12 * 3600);
const MUCH_PER_HOUR: f64 = 100.0;
/// How sure it is that a program drives what leaks, when growth ended with it and nothing came back.
const DROVE: f32 = 0.7;
/// Growth per day that a change of version can end or begin: less comes and goes by itself.
const MUCH_PER_DAY: f64 = (16 << 20) as f64;
/// Below this share of the other the growth ended, or began; from that share on it goes on.
const ENDED: f64 = 0.1;
const GOES_ON: f64 = 0.5;
/// Days that growth per day is reckoned from: in fewer the hours of the day tell more than a leak.
const LEAST_DAYS: f64 = 1.0;
/// Points that make a line: its cost grows with their square.
const POINTS: usize = 200;
/// Of more drivers that changed, nobody can tell which did it.
const AT_ONCE: usize = 3;

/// What the tag gave back when processes of the suspect's image ended in this run of Windows, the
/// latest last. Neither proof nor refutation when little was held or too little is known. Who gave
/// nothing back is refuted only when growth goes on; when it ended, the program drove what another leaks.
#[must_use]
pub fn evidence_of_process_ends(case: &CaseFile, image: &str, series: &TagSeries) -> Vec<Evidence> {
    let run = case.run_start();
    let ended = case.processes.iter().filter(|process| process.image.eq_ignore_ascii_case(image));
    let mut facts: Vec<(usize, Evidence)> =
        ended.filter_map(|process| release(case, process, series, run)).collect();
    facts.sort_by_key(|(at, _)| *at);
    facts.into_iter().map(|(_, fact)| fact).collect()
}

fn release(
    case: &CaseFile,
    process: &ProcessSeries,
    series: &TagSeries,
    run: usize,
) -> Option<(usize, Evidence)> {
    let (gone, held) = case::latest(&process.handles)?;
    let held = held.max(case::last(&process.threads).unwrap_or(0));
    let after = gone + 1;
    if gone < run || held < LEAST_OBJECTS || after >= case.axis.len() {
        return None;
    }
    let span_s = case.span_s(gone, after);
    // The list of processes must have been seen without it, and soon.
    let still_listed = case.processes.iter().any(|other| other.handles[after] != MISSING);
    if !still_listed || span_s > WITHIN_S.max(STEP_S) {
        return None;
    }
    // The minimum of the minutes in which it ended may hold what came after already.
    let before_at = [gone.checked_sub(1).filter(|at| *at >= run), Some(gone)]
        .into_iter()
        .flatten()
        .filter(|at| series.outstanding[*at] != MISSING)
        .max_by_key(|at| series.outstanding[*at])?;
    let (before, later) = (series.outstanding[before_at], series.outstanding[after]);
    if later == MISSING {
        return None;
    }
    let (name, tag, pool) = (process.image.clone(), series.tag, series.pool);
    let time = jiff::Timestamp::from_second(case.axis[after].at_s).ok()?;
    let back = before.saturating_sub(later) as f64 / held as f64;
    let confirms = match back {
        back if back >= PROOF => true,
        back if back < REFUTED => {
            let before = objects_per_hour(case, series, gone, SideOfEnd::Before)?;
            let later = objects_per_hour(case, series, after, SideOfEnd::After)?;
            match later / before {
                _ if before < MUCH_PER_HOUR => return None,
                // It holds nothing of it, and nothing grows without it.
                goes_on if goes_on < ENDED => {
                    let (per_hour_before, per_hour_after) = (before as u64, later as u64);
                    let fact = Evidence::EndedWithoutReturn {
                        name,
                        tag,
                        pool,
                        per_hour_before,
                        per_hour_after,
                        time,
                    };
                    return Some((after, fact));
                }
                goes_on if goes_on < GOES_ON => return None,
                _ => false,
            }
        }
        _ => return None,
    };
    let fact = Evidence::Release {
        name,
        tag,
        pool,
        before: Bytes(series.bytes[before_at]),
        after: Bytes(series.bytes[after]),
        within_s: span_s,
        time,
        confirms,
    };
    Some((after, fact))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum SideOfEnd {
    Before,
    After,
}

/// Objects that a tag gained per hour on one side of a moment, in its run; `None` where too little is
/// known.
fn objects_per_hour(
    case: &CaseFile,
    series: &TagSeries,
    at: usize,
    side: SideOfEnd,
) -> Option<f64> {
    let (least_s, most_s) = AROUND_S;
    let (from, to) = match side {
        SideOfEnd::Before => {
            let near = |from: &usize| case.span_s(*from, at) <= most_s;
            ((case.run_start()..=at).find(near)?, at)
        }
        SideOfEnd::After => {
            let near = |to: &usize| case.span_s(at, *to) <= most_s;
            (at, (at..case.axis.len()).rfind(near)?)
        }
    };
    let (first, last) = case::ends(&series.outstanding, from, to)?;
    let over_s = case.span_s(from, to);
    (over_s >= least_s).then(|| last.saturating_sub(first) as f64 * 3600.0 / over_s as f64)
}

/// What the ends of a suspect showed.
enum EndOutcome {
    Proven,
    Refuted,
    Drove,
}

/// Weighs what releases and changes of version showed into the suspects of what a pool lost.
pub fn weigh_evidence(case: &CaseFile, pool: Pool, suspects: &mut [Suspect]) {
    for suspect in suspects {
        let tag = suspect.tags.first().copied();
        let series = tag.and_then(|tag| {
            case.tag(tag, pool).or_else(|| case.tags.iter().find(|series| series.tag == tag))
        });
        let (Some(name), Some(series)) = (suspect.name.clone(), series) else { continue };
        let facts = match suspect.kind {
            SuspectKind::Process => evidence_of_process_ends(case, &name, series),
            SuspectKind::Driver => evidence_of_versions(case, &name, series),
            _ => continue,
        };
        let verdict = facts.iter().rev().find_map(|fact| match fact {
            Evidence::Release { confirms: true, .. } => Some(EndOutcome::Proven),
            Evidence::Release { confirms: false, .. } => Some(EndOutcome::Refuted),
            Evidence::EndedWithoutReturn { .. } => Some(EndOutcome::Drove),
            // That another version leaks as well clears nobody.
            Evidence::VersionOutcome { per_day_before, per_day_after, .. } => {
                let effect = effect_of_change(*per_day_before, *per_day_after)?;
                (effect != Effect::GoesOn).then_some(EndOutcome::Proven)
            }
            _ => None,
        });
        match verdict {
            Some(EndOutcome::Proven) => suspect.confidence = suspect.confidence.max(PROVEN),
            Some(EndOutcome::Refuted) => suspect.confidence = suspect.confidence.min(CLEARED),
            Some(EndOutcome::Drove) => {
                (suspect.kind, suspect.confidence) = (SuspectKind::Trigger, DROVE);
            }
            None => {}
        }
        suspect.evidence.splice(0..0, facts);
    }
}

/// How the tag grew with each version of a driver, over the changes that are known.
#[must_use]
pub fn evidence_of_versions(case: &CaseFile, driver: &str, series: &TagSeries) -> Vec<Evidence> {
    let about = |change: &&Change| {
        change.kind == ChangeKind::Changed
            && matches!(&change.attribute, Attribute::Driver { name, .. }
                if name.eq_ignore_ascii_case(driver))
    };
    let changes = case.changes.iter().filter(about);
    changes
        .filter_map(|change| {
            let Attribute::Driver { version, .. } = &change.attribute else { return None };
            let at = change.at.as_second();
            let per_day_before = per_day(case, series, i64::MIN, at)?;
            let per_day_after = per_day(case, series, at, i64::MAX)?;
            Some(Evidence::VersionOutcome {
                driver: driver.to_owned(),
                before: change.before.clone()?,
                after: version.clone()?,
                tag: series.tag,
                per_day_before: Bytes(per_day_before.max(0.0) as u64),
                per_day_after: Bytes(per_day_after.max(0.0) as u64),
            })
        })
        .collect()
}

/// What a change of version did to a leak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// It leaked before, and leaks no more.
    Ended,
    /// It leaks since.
    Began,
    /// It leaks with both.
    GoesOn,
}

/// What a change of version did, by the growth per day before and after. `None` when little grew,
/// or when it is neither this nor that.
#[must_use]
pub fn effect_of_change(before: Bytes, after: Bytes) -> Option<Effect> {
    let (before, after) = (before.0 as f64, after.0 as f64);
    let most = before.max(after);
    match before.min(after) / most {
        _ if most <= MUCH_PER_DAY => None,
        share if share < ENDED && before > after => Some(Effect::Ended),
        share if share < ENDED => Some(Effect::Began),
        share if share >= GOES_ON => Some(Effect::GoesOn),
        _ => None,
    }
}

/// What changes of drivers did to the leak of a tag that was found before: those of the accused
/// driver, or, when nobody is accused, those that ended it, unless everything changed at once.
#[must_use]
pub fn evidence_of_changes(case: &CaseFile, cause: &Cause) -> Vec<Evidence> {
    let (Some(tag), Some(pool)) = (cause.tag(), cause.pool()) else { return Vec::new() };
    let Some(series) = case.tag(tag, pool) else { return Vec::new() };
    if let Cause::Driver { driver, .. } = cause {
        return evidence_of_versions(case, driver, series);
    }
    let changed: BTreeSet<&str> = case
        .changes
        .iter()
        .filter_map(|change| match &change.attribute {
            Attribute::Driver { name, .. } if change.kind == ChangeKind::Changed => {
                Some(name.as_str())
            }
            _ => None,
        })
        .collect();
    if changed.len() > AT_ONCE {
        return Vec::new();
    }
    let outcomes =
        changed.into_iter().flat_map(|driver| evidence_of_versions(case, driver, series));
    let ended = |fact: &Evidence| {
        matches!(fact, Evidence::VersionOutcome { per_day_before, per_day_after, .. }
            if effect_of_change(*per_day_before, *per_day_after) == Some(Effect::Ended))
    };
    outcomes.filter(ended).collect()
}

/// Growth per day in the longest part of a run of Windows between two times, after a day at least.
fn per_day(case: &CaseFile, series: &TagSeries, from_s: i64, to_s: i64) -> Option<f64> {
    let troughs = troughs::hourly(&case.axis, &series.bytes);
    let within: Vec<_> = troughs
        .into_iter()
        .filter(|trough| (from_s..to_s).contains(&(trough.hour.saturating_mul(3600))))
        .collect();
    let runs = within.chunk_by(|a, b| a.boot == b.boot);
    let run = runs.max_by_key(|run| run.len())?;
    let first = run.first()?.hour;
    // A cache that fills after the start says nothing about the driver.
    let points: Vec<(f64, f64)> = run
        .iter()
        .map(|trough| ((trough.hour - first) as f64 / 24.0, trough.value as f64))
        .collect();
    if points.last()?.0 < LEAST_DAYS {
        return None;
    }
    let every = points.len().div_ceil(POINTS);
    let thinned: Vec<_> = points.into_iter().step_by(every).collect();
    crate::statistics::theil_sen(&thinned).map(|line| line.slope)
}
