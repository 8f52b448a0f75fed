//! Method 1: processes that hold the objects.

use std::cmp::Reverse;

use poolwatch_model::{
    PoolTag,
    diagnosis::{Evidence, Holding, Measure, Suspect, SuspectKind},
    history::{ProcessSeries, TagSeries},
};

use super::known;
use crate::{
    case::{self, CaseFile},
    facts, holders, lockstep,
    programs::{is_broker, is_kernel},
    span::Span,
};

/// Processes that share one leak at most.
pub(super) const SHARERS: usize = 4;
/// As many programs that share a leak are many.
const SPREAD: u32 = 8;
/// The share of the objects that suspects must explain, and how much more they may hold: a program
/// that leaks one type also opens others.
pub(super) const LEAST_SHARE: f64 = 0.6;
const MOST_SHARE: f64 = 1.35;
/// How far the way of the handles may lie from that of the objects, and of those of one of several.
const APART: f64 = 0.15;
const SHARERS_APART: f64 = 0.3;
/// Fewer objects come and go with any program.
const LEAST_OBJECTS: u64 = 100;
/// Programs that are looked at: those behind gained next to nothing.
const LOOKED_AT: usize = 32;
/// When the others gained this share as well, two could each be it alone, which leaves it open.
const OTHERS: f64 = 0.5;
/// Of several that share a leak each gained, or holds, this share at least, and all gained no more than
/// that.
pub(super) const SHARER: f64 = 0.08;
const SHARERS_MOST: f64 = 1.2;
/// More handles than objects are explained when all object tags gained this share of them at least.
const EXPLAINED: f64 = 0.5;
/// A process is not who gained the objects of a type when fewer of its handles than this part of what it
/// gained lead to that type.
const OF_OTHER_TYPES: u64 = 4;
/// Threads explain thread objects unless handles grew so many times as much.
const TIMES_THREADS: u64 = 2;
/// Confidence of one handle for each object along the same way; what each miss costs: objects that are
/// not explained, and ways apart; and what it never falls below.
pub(super) const ONE_FOR_ONE: f64 = 0.98;
const MISSED_SHARE: f64 = 0.25;
const MISSED_WAY: f64 = 0.5;
pub(super) const LEAST_SURE: f64 = 0.5;
/// Several that share a leak are each a little less sure.
pub(super) const SHARED: f32 = 0.1;
const SHARER_LEAST_SURE: f32 = 0.3;
/// Whoever holds objects for others: below what names.
const BROKER: f64 = 0.4;
/// A program gained some when it gained this part of the objects, and most when more than that part of
/// all handles.
const SOME: u64 = 200;
const MOST: u64 = 4;

/// What one process gained.
struct Gain<'a> {
    process: &'a ProcessSeries,
    measure: Measure,
    grown: u64,
    apart: f64,
}

/// Processes whose handles or threads grew with a tag's objects.
pub(super) fn by_growth(
    case: &CaseFile,
    series: &TagSeries,
    objects: u64,
    span: Span,
) -> Vec<Suspect> {
    if objects < LEAST_OBJECTS {
        return Vec::new();
    }
    let mut gains: Vec<Gain<'_>> = case
        .processes
        .iter()
        .filter_map(|process| gain(process, series, span))
        .filter(|gain| !is_of_other_types(case, gain, series.tag))
        .collect();
    gains.sort_by_key(|gain| Reverse(gain.grown));
    gains.truncate(LOOKED_AT);
    let share = |grown: u64| grown as f64 / objects as f64;
    // One program of several processes is one suspect, and one process explains it best.
    let fits = |grown: u64| {
        let explained = share(grown) <= MOST_SHARE || explains_more(case, grown, span);
        share(grown) >= LEAST_SHARE && explained
    };
    if let Some(one) = gains.iter().find(|gain| fits(gain.grown) && gain.apart < APART) {
        let rest: u64 = gains
            .iter()
            .filter(|gain| !std::ptr::eq(gain.process, one.process) && gain.apart < APART)
            .map(|gain| gain.grown)
            .sum();
        if share(rest) < OTHERS {
            return vec![suspect(case, one, series.tag, objects, span)];
        }
    }
    let mut sharers: Vec<&Gain<'_>> = Vec::new();
    for gain in
        gains.iter().filter(|gain| share(gain.grown) >= SHARER && gain.apart < SHARERS_APART)
    {
        if sharers.len() < SHARERS {
            sharers.push(gain);
        }
    }
    let sum: u64 = sharers.iter().map(|gain| gain.grown).sum();
    if sharers.len() < 2 || !(LEAST_SHARE..=SHARERS_MOST).contains(&share(sum)) {
        return Vec::new();
    }
    let sum_fact = Evidence::HandlesSumToObjects {
        holders: sharers.iter().map(|gain| holding(gain.process, gain.grown)).collect(),
        tag: series.tag,
        outstanding: objects,
    };
    let mut suspects: Vec<Suspect> = Vec::new();
    for gain in sharers {
        let mut one = suspect(case, gain, series.tag, objects, span);
        if suspects.iter().any(|known| known.name == one.name) {
            continue;
        }
        one.evidence.insert(0, sum_fact.clone());
        one.confidence = (one.confidence - SHARED).max(SHARER_LEAST_SURE);
        suspects.push(one);
    }
    suspects
}

fn gain<'a>(process: &'a ProcessSeries, series: &TagSeries, span: Span) -> Option<Gain<'a>> {
    if process.image.is_empty() || is_kernel(process) {
        return None;
    }
    let of = |measure: Measure, values: &'a [u64]| {
        let grown = case::growth(values, span.from, span.to);
        let apart = lockstep::greatest_distance(&series.outstanding, values, span.from, span.to)?;
        (grown > 0).then_some(Gain { process, measure, grown, apart })
    };
    let handles = of(Measure::Handles, &process.handles);
    if series.tag != PoolTag::of_object_type("Thread") {
        return handles;
    }
    let threads = of(Measure::Threads, &process.threads);
    match (handles, threads) {
        (Some(handles), Some(threads)) if threads.grown * TIMES_THREADS < handles.grown => {
            Some(handles)
        }
        (handles, threads) => threads.or(handles),
    }
}

/// Whether all object tags together gained about as much as a process's handles.
fn explains_more(case: &CaseFile, grown: u64, span: Span) -> bool {
    let all: u64 = case
        .tags
        .iter()
        .filter(|tag| facts::tag_facts(tag.tag).objects)
        .map(|tag| case::growth(&tag.outstanding, span.from, span.to))
        .sum();
    let share = grown as f64 / all.max(1) as f64;
    (EXPLAINED..=MOST_SHARE).contains(&share)
}

/// Whether the kernel lists next to none of the handles that a process gained as leading to the objects
/// of a tag.
fn is_of_other_types(case: &CaseFile, gain: &Gain<'_>, tag: PoolTag) -> bool {
    let listed = listed_handles(case, gain.process, tag);
    gain.measure == Measure::Handles
        && listed.is_some_and(|listed| u64::from(listed) < gain.grown / OF_OTHER_TYPES)
}

/// The handles of a process to the objects of a tag, where the kernel listed them.
pub(super) fn listed_handles(
    case: &CaseFile,
    process: &ProcessSeries,
    tag: PoolTag,
) -> Option<u32> {
    let object_type = holders::object_type(tag)?;
    let listed = case.handles_by_type.iter().find(|one| one.key == process.key)?;
    Some(listed.by_type.get(object_type).copied().unwrap_or(0))
}

/// That fact, where these are handles enough for so many objects.
pub(super) fn listed_fact(
    case: &CaseFile,
    process: &ProcessSeries,
    tag: PoolTag,
    objects: u64,
) -> Option<Evidence> {
    let handles = listed_handles(case, process, tag)?;
    (f64::from(handles) >= LEAST_SHARE * objects as f64).then(|| Evidence::HandlesOfType {
        image: process.image.clone(),
        pid: process.key.pid,
        object_type: holders::object_type(tag).unwrap_or_default().to_owned(),
        handles,
    })
}

fn suspect(case: &CaseFile, gain: &Gain<'_>, tag: PoolTag, objects: u64, span: Span) -> Suspect {
    let Gain { process, measure, grown, apart } = *gain;
    let (image, pid) = (process.image.clone(), process.key.pid);
    let mut evidence = vec![Evidence::GrowsWithObjects {
        image: image.clone(),
        pid,
        measure,
        grown,
        tag,
        objects,
        over_s: span.over_s,
    }];
    evidence.extend(count_fact(process));
    let share = grown as f64 / objects.max(1) as f64;
    let unlike = (1.0 - share.min(1.0)) * MISSED_SHARE + apart * MISSED_WAY;
    let mut confidence = (ONE_FOR_ONE - unlike).clamp(LEAST_SURE, ONE_FOR_ONE);
    if let Some(listed) = listed_fact(case, process, tag, objects) {
        evidence.push(listed);
        confidence = ONE_FOR_ONE;
    }
    accuse(process, vec![tag], confidence, evidence)
}

/// A process under suspicion; less where it holds objects for others.
pub(super) fn accuse(
    process: &ProcessSeries,
    tags: Vec<PoolTag>,
    mut confidence: f64,
    mut evidence: Vec<Evidence>,
) -> Suspect {
    let (image, pid) = (process.image.clone(), process.key.pid);
    if is_broker(&image) {
        evidence.push(Evidence::Broker { image: image.clone(), pid });
        confidence = confidence.min(BROKER);
    }
    Suspect {
        kind: SuspectKind::Process,
        name: Some(image),
        services: process.services.clone(),
        tags,
        confidence: confidence.max(0.0) as f32,
        evidence,
        ..Suspect::default()
    }
}

/// Who holds objects that no single program explains: the kernel's own process, or many programs
/// that gained a little each.
pub(crate) fn of_nobody(
    case: &CaseFile,
    tag: PoolTag,
    objects: u64,
    span: Span,
) -> Option<Evidence> {
    if let Some((handles, grown)) = kernel_gain(case, span)
        && grown as f64 >= LEAST_SHARE * objects as f64
    {
        return Some(Evidence::HeldByKernel { handles, grown });
    }
    let gains = case.processes.iter().filter(|process| !is_kernel(process));
    let gains = gains.map(|process| case::growth(&process.handles, span.from, span.to));
    let (mut programs, mut handles, mut most) = (0, 0, 0);
    for gain in gains.filter(|gain| *gain * SOME >= objects) {
        (programs, handles, most) = (programs + 1, handles + gain, most.max(gain));
    }
    let is_spread = programs >= SPREAD && most * MOST < handles;
    (is_spread && handles as f64 >= LEAST_SHARE * objects as f64)
        .then_some(Evidence::HandlesSpread { tag, objects, handles, programs, most })
}

/// What the kernel's own process gained.
pub(super) fn kernel_gain(case: &CaseFile, span: Span) -> Option<(u32, u64)> {
    let system = case.processes.iter().find(|process| is_kernel(process))?;
    let handles = known(*system.handles.get(span.to)?)?;
    let grown = case::growth(&system.handles, span.from, span.to);
    Some((u32::try_from(handles).unwrap_or(u32::MAX), grown))
}

pub(super) fn holding(process: &ProcessSeries, count: u64) -> Holding {
    Holding { image: process.image.clone(), pid: process.key.pid, count }
}

pub(super) fn count_fact(process: &ProcessSeries) -> Option<Evidence> {
    let handles = u32::try_from(case::last(&process.handles)?).unwrap_or(u32::MAX);
    let (image, pid) = (process.image.clone(), process.key.pid);
    Some(Evidence::ProcessHandles { image, pid, handles })
}
