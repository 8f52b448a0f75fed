//! Method 1: processes that hold the objects.

use std::{cmp::Reverse, collections::BTreeMap};

use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Evidence, Holding, Measure, Suspect, SuspectKind},
    history::{ProcessSeries, TagSeries},
};

use super::known;
use crate::{
    case::{self, CaseFile},
    chance, facts,
    headroom::FULL,
    holders, lockstep,
    programs::{is_broker, is_kernel, is_no_program},
    span::Span,
    whole,
};

/// Below this many handles in one picture nobody is suspected.
const MANY_HANDLES: u64 = 5_000;
/// Processes that share one leak at most.
const SHARERS: usize = 4;
/// As many programs that share a leak are many.
const SPREAD: u32 = 8;
/// The share of the objects that suspects must explain, and how much more they may hold: a program
/// that leaks one type also opens others.
const LEAST_SHARE: f64 = 0.6;
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
/// Of several that share a leak each gained this share at least, and all no more than that.
const SHARER: f64 = 0.08;
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
const ONE_FOR_ONE: f64 = 0.98;
const MISSED_SHARE: f64 = 0.25;
const MISSED_WAY: f64 = 0.5;
const LEAST_SURE: f64 = 0.5;
/// Several that share a leak are each a little less sure.
const SHARED: f32 = 0.1;
const SHARER_LEAST_SURE: f32 = 0.3;
/// Whoever holds objects for others: below what names.
const BROKER: f64 = 0.4;
/// In one picture those stand out that hold so many times what the next does,
const STANDS_OUT: u64 = 4;
/// and one alone holds this share of the objects at least, any number this at most.
const ONE_LEAST: f64 = 0.5;
const COUNT_MOST: f64 = 1.25;
/// A count that is further off (by its logarithm) is no match of one for one; who holds handles of all
/// types and does not hold so many times what the next does is no surer then.
const ONE_FOR_ONE_OFF: f64 = 0.05;
const BY_FAR: u64 = 50;
const LOOSE: f64 = 0.65;
/// Tags and programs with fewer objects and handles are not compared with each other.
const COMPARED: u64 = 1_000;
/// A tag matters when it holds this share of its pool, or of what is listed where the pool's total is
/// not told; less where it counts more objects than a host that is well has.
const MATTERS: f64 = 0.25;
const MATTERS_BEYOND: f64 = 0.1;
/// Processes that are listed as holders together.
const MOST_HOLDERS: usize = 8;
/// Programs with so many handles are told, the first few.
const TOLD_HANDLES: u64 = 10_000;
const MOST_TOLD: usize = 3;
/// Without any tag a program is suspected that holds so many handles, and so many times the next; with
/// so many beside a list that shows others, it is named.
const ALONE_HINT: u64 = 100_000;
const ALONE_TIMES: u64 = 100;
const ALONE_SURE: u64 = 500_000;
const ALONE: f32 = 0.6;
const ALONE_LESS: f32 = 0.4;
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
fn listed_handles(case: &CaseFile, process: &ProcessSeries, tag: PoolTag) -> Option<u32> {
    let object_type = holders::object_type(tag)?;
    let listed = case.handles_by_type.iter().find(|one| one.key == process.key)?;
    Some(listed.by_type.get(object_type).copied().unwrap_or(0))
}

/// That fact, where these are handles enough for so many objects.
fn listed_fact(
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
    if is_broker(&image) {
        evidence.push(Evidence::Broker { image: image.clone(), pid });
        confidence = BROKER;
    }
    Suspect {
        kind: SuspectKind::Process,
        name: Some(image),
        services: process.services.clone(),
        tags: vec![tag],
        confidence: confidence as f32,
        evidence,
        ..Suspect::default()
    }
}

/// The processes of one program, and what they hold together.
struct Program<'a> {
    image: &'a str,
    processes: Vec<&'a ProcessSeries>,
    handles: u64,
}

/// Programs, those with the most handles first.
fn programs(case: &CaseFile) -> Vec<Program<'_>> {
    let mut programs: BTreeMap<String, Program<'_>> = BTreeMap::new();
    for process in &case.processes {
        let Some(handles) = case::last(&process.handles) else { continue };
        if process.image.is_empty() || is_no_program(process) {
            continue;
        }
        let program = programs.entry(process.image.to_ascii_lowercase()).or_insert(Program {
            image: &process.image,
            processes: Vec::new(),
            handles: 0,
        });
        program.processes.push(process);
        program.handles = program.handles.saturating_add(handles);
    }
    let mut programs: Vec<Program<'_>> = programs.into_values().collect();
    for program in &mut programs {
        program.processes.sort_by_key(|one| (Reverse(case::last(&one.handles)), one.key.pid));
    }
    programs.sort_by_key(|program| Reverse(program.handles));
    programs
}

/// Programs whose handles go with the objects that a tag counts in one picture. Handles are of all
/// types: near a tag's count some are by chance, so the tag has to matter to its pool, the programs
/// have to stand out, and how sure it is follows from how likely such a match is.
pub(super) fn by_count(case: &CaseFile, series: &TagSeries, outstanding: u64) -> Vec<Suspect> {
    if outstanding < MANY_HANDLES || !matters(case, series, outstanding) {
        return Vec::new();
    }
    if let Some(listed) = by_listed_handles(case, series, outstanding) {
        return vec![listed];
    }
    let programs = programs(case);
    let many = programs.iter().take_while(|one| one.handles >= MANY_HANDLES).count();
    let compared = programs.iter().filter(|one| one.handles >= COMPARED).count();
    let tags = compared_tags(case);
    let kernel = kernel_handles(case).unwrap_or(0);
    let is_beyond = is_beyond_usual(case, series, outstanding);
    let mut best: Option<(f64, usize)> = None;
    let mut sum: u64 = 0;
    for count in 1..=many.min(SHARERS) {
        let handles = programs[count - 1].handles;
        sum = sum.saturating_add(handles);
        let least = if count == 1 { ONE_LEAST } else { LEAST_SHARE };
        let share = sum as f64 / outstanding as f64;
        let next = programs.get(count).map_or(0, |one| one.handles);
        if handles / STANDS_OUT < next || !(least..=COUNT_MOST).contains(&share) {
            continue;
        }
        let next = next.max(kernel);
        let is_by_far = next > 0 && handles / BY_FAR >= next;
        // As many objects as large hosts have that are well are somebody's, and no leak.
        if next > 0 && !is_by_far && !is_beyond {
            continue;
        }
        let sure = chance::sureness(sum, outstanding, tags, compared);
        let is_near = share.ln().abs() <= ONE_FOR_ONE_OFF;
        let sure = if is_near || is_by_far { sure } else { sure.min(LOOSE) };
        if best.is_none_or(|(known, _)| sure > known) {
            best = Some((sure, count));
        }
    }
    let Some((sure, count)) = best else { return Vec::new() };
    let held: u64 = programs[..count].iter().map(|one| one.handles).sum();
    let by_chance = Evidence::ChanceMatch {
        chance: (1.0 - chance::sureness(held, outstanding, tags, compared)) as f32,
        tags: u32::try_from(tags).unwrap_or(u32::MAX),
        programs: u32::try_from(compared).unwrap_or(u32::MAX),
    };
    let standing = &programs[..count];
    let of_one = |one| counted(standing, one, series.tag, outstanding, sure, &by_chance);
    standing.iter().map(of_one).collect()
}

/// The process whose handles lead to most of the objects that a tag counts, as the kernel lists them.
fn by_listed_handles(case: &CaseFile, series: &TagSeries, outstanding: u64) -> Option<Suspect> {
    let holders = case.processes.iter().filter(|process| !is_no_program(process));
    let (process, listed) = holders
        .filter_map(|process| Some((process, listed_fact(case, process, series.tag, outstanding)?)))
        .max_by_key(|(process, _)| listed_handles(case, process, series.tag))?;
    let (image, pid) = (process.image.clone(), process.key.pid);
    let mut evidence = vec![listed];
    evidence.extend(count_fact(process));
    let mut confidence = ONE_FOR_ONE;
    if is_broker(&image) {
        evidence.push(Evidence::Broker { image: image.clone(), pid });
        confidence = BROKER;
    }
    Some(Suspect {
        kind: SuspectKind::Process,
        name: Some(image),
        services: process.services.clone(),
        tags: vec![series.tag],
        confidence: confidence as f32,
        evidence,
        ..Suspect::default()
    })
}

/// Tags of kernel objects that handles can be compared with.
fn compared_tags(case: &CaseFile) -> usize {
    let of_objects = case.tags.iter().filter(|tag| facts::tag_facts(tag.tag).objects);
    let counts = of_objects.filter_map(|tag| case::last(&tag.outstanding));
    counts.filter(|objects| *objects >= COMPARED).count()
}

/// Whether a tag holds enough for its objects to be worth accusing somebody for.
fn matters(case: &CaseFile, series: &TagSeries, outstanding: u64) -> bool {
    let is_beyond = outstanding >= most_usual(series.tag);
    if !series.has_bytes() {
        return is_beyond;
    }
    let bytes = Bytes(case::last(&series.bytes).unwrap_or(0));
    is_full(case, series.pool)
        || match case.memory.of(series.pool) {
            Some(used) if is_beyond => bytes.share_of(used) >= MATTERS_BEYOND,
            Some(used) => bytes.share_of(used) >= MATTERS,
            None => bytes.share_of(whole::explained(case, series.pool)) >= MATTERS,
        }
}

fn is_full(case: &CaseFile, pool: Pool) -> bool {
    let limit = case.memory.of(pool).zip(case.memory.limit_of(pool));
    limit.is_some_and(|(used, limit)| used.share_of(limit) >= FULL)
}

/// Whether so many objects are a leak by themselves once somebody holds them: more than a large host
/// that is well has, or the pool is full.
pub(crate) fn is_beyond_usual(case: &CaseFile, series: &TagSeries, outstanding: u64) -> bool {
    outstanding >= most_usual(series.tag) || is_full(case, series.pool)
}

/// Objects of a type that large hosts have when they are well.
fn most_usual(tag: PoolTag) -> u64 {
    match holders::object_type(tag) {
        Some("Process") => 5_000,
        Some("Thread") => 30_000,
        Some("Token") => 50_000,
        _ => 300_000,
    }
}

/// The handles of the kernel's own process where they are as many as the objects of a tag that
/// matters: a driver opens them.
pub(super) fn by_kernel_count(
    case: &CaseFile,
    series: &TagSeries,
    outstanding: u64,
) -> Option<Evidence> {
    let handles = kernel_handles(case)?;
    let share = handles as f64 / outstanding.max(1) as f64;
    let goes = (LEAST_SHARE..=COUNT_MOST).contains(&share)
        && chance::sureness(handles, outstanding, compared_tags(case), 1) >= LEAST_SURE;
    (goes && outstanding >= MANY_HANDLES && matters(case, series, outstanding)).then(|| {
        Evidence::HeldByKernel { handles: u32::try_from(handles).unwrap_or(u32::MAX), grown: 0 }
    })
}

/// The handles of the kernel's own process where they are no healthy host's.
pub(super) fn many_kernel_handles(case: &CaseFile) -> Option<Evidence> {
    let handles = kernel_handles(case).filter(|handles| *handles >= ALONE_HINT)?;
    Some(Evidence::HeldByKernel { handles: u32::try_from(handles).unwrap_or(u32::MAX), grown: 0 })
}

fn kernel_handles(case: &CaseFile) -> Option<u64> {
    let system = case.processes.iter().find(|process| is_kernel(process))?;
    case::last(&system.handles)
}

fn counted(
    standing: &[Program<'_>],
    program: &Program<'_>,
    tag: PoolTag,
    outstanding: u64,
    sure: f64,
    by_chance: &Evidence,
) -> Suspect {
    let image = program.image.to_owned();
    let mut confidence = sure;
    let mut evidence = Vec::new();
    let processes = standing.iter().flat_map(|one| &one.processes);
    if standing.len() > 1 || program.processes.len() > 1 {
        let held = |p: &&ProcessSeries| holding(p, case::last(&p.handles).unwrap_or(0));
        evidence.push(Evidence::HandlesSumToObjects {
            holders: processes.take(MOST_HOLDERS).map(held).collect(),
            tag,
            outstanding,
        });
    } else {
        evidence.push(Evidence::HandlesMatchObjects {
            image: image.clone(),
            tag,
            handles: u32::try_from(program.handles).unwrap_or(u32::MAX),
            outstanding,
        });
    }
    if standing.len() > 1 {
        confidence -= f64::from(SHARED);
    }
    evidence.push(by_chance.clone());
    evidence.extend(count_facts(program));
    let pid = program.processes.first().map_or(0, |one| one.key.pid);
    if is_broker(&image) {
        evidence.push(Evidence::Broker { image: image.clone(), pid });
        confidence = confidence.min(BROKER);
    }
    Suspect {
        kind: SuspectKind::Process,
        name: Some(image),
        services: program.processes.first().map_or_else(Vec::new, |one| one.services.clone()),
        tags: vec![tag],
        confidence: confidence.max(0.0) as f32,
        evidence,
        ..Suspect::default()
    }
}

/// What a program holds: of one process, or of all its processes together.
fn count_facts(program: &Program<'_>) -> Vec<Evidence> {
    match program.processes.as_slice() {
        [one] => count_fact(one).into_iter().collect(),
        several => vec![Evidence::ProgramHandles {
            image: program.image.to_owned(),
            processes: u32::try_from(several.len()).unwrap_or(u32::MAX),
            handles: program.handles,
        }],
    }
}

/// Programs that hold very many handles, with the fact of each, the most first: what stands out is
/// told, whether it proves anything or not.
pub(crate) fn who_stands_out(case: &CaseFile) -> Vec<Evidence> {
    let programs = programs(case);
    let many = programs.iter().take_while(|one| one.handles >= TOLD_HANDLES);
    many.take(MOST_TOLD).flat_map(count_facts).collect()
}

/// The one program that no tag explains and whose handles are no healthy program's: so many, and so
/// many times what the next holds. Less is a hint.
pub(crate) fn by_handles_alone(case: &CaseFile) -> Option<Suspect> {
    let programs = programs(case);
    let first = programs.first().filter(|one| one.handles >= ALONE_HINT)?;
    let next = programs.get(1).map_or(0, |one| one.handles).max(kernel_handles(case).unwrap_or(0));
    if first.handles / ALONE_TIMES < next {
        return None;
    }
    let is_sure = next > 0 && first.handles >= ALONE_SURE;
    let mut evidence = count_facts(first);
    let mut confidence = if is_sure { ALONE } else { ALONE_LESS };
    if is_broker(first.image) {
        let pid = first.processes.first().map_or(0, |one| one.key.pid);
        evidence.push(Evidence::Broker { image: first.image.to_owned(), pid });
        confidence = confidence.min(BROKER as f32);
    }
    Some(Suspect {
        kind: SuspectKind::Process,
        name: Some(first.image.to_owned()),
        services: first.processes.first().map_or_else(Vec::new, |one| one.services.clone()),
        confidence,
        evidence,
        ..Suspect::default()
    })
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

fn holding(process: &ProcessSeries, count: u64) -> Holding {
    Holding { image: process.image.clone(), pid: process.key.pid, count }
}

fn count_fact(process: &ProcessSeries) -> Option<Evidence> {
    let handles = u32::try_from(case::last(&process.handles)?).unwrap_or(u32::MAX);
    let (image, pid) = (process.image.clone(), process.key.pid);
    Some(Evidence::ProcessHandles { image, pid, handles })
}
