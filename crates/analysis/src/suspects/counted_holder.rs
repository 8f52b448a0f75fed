//! Method 1 in one picture: programs whose handles are as many as the objects of a tag, and those that
//! stand out by themselves.

use std::{cmp::Reverse, collections::BTreeMap};

use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Evidence, Suspect},
    history::{ProcessSeries, TagSeries},
};

use super::holder::{
    LEAST_SHARE, LEAST_SURE, ONE_FOR_ONE, SHARED, SHARER, SHARERS, accuse, count_fact, holding,
    listed_fact, listed_handles,
};
use crate::{
    case::{self, CaseFile},
    chance, facts,
    headroom::FULL,
    holders,
    programs::{is_kernel, is_no_program},
    whole,
};

/// Below this many handles in one picture nobody is suspected.
const MANY_HANDLES: u64 = 5_000;
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
const ALONE: f64 = 0.6;
const ALONE_LESS: f64 = 0.4;

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
        // Who holds next to nothing of the objects explains none of them.
        if count > 1 && (handles as f64) < SHARER * outstanding as f64 {
            break;
        }
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
    standing.iter().filter_map(of_one).collect()
}

/// The process whose handles lead to most of the objects that a tag counts, as the kernel lists them.
fn by_listed_handles(case: &CaseFile, series: &TagSeries, outstanding: u64) -> Option<Suspect> {
    let holders = case.processes.iter().filter(|process| !is_no_program(process));
    let (process, listed) = holders
        .filter_map(|process| Some((process, listed_fact(case, process, series.tag, outstanding)?)))
        .max_by_key(|(process, _)| listed_handles(case, process, series.tag))?;
    let evidence = std::iter::once(listed).chain(count_fact(process)).collect();
    Some(accuse(process, vec![series.tag], ONE_FOR_ONE, evidence))
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
    mut sure: f64,
    by_chance: &Evidence,
) -> Option<Suspect> {
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
            image: program.image.to_owned(),
            tag,
            handles: u32::try_from(program.handles).unwrap_or(u32::MAX),
            outstanding,
        });
    }
    if standing.len() > 1 {
        sure -= f64::from(SHARED);
    }
    evidence.push(by_chance.clone());
    evidence.extend(count_facts(program));
    Some(accuse(program.processes.first()?, vec![tag], sure, evidence))
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
    let confidence = if is_sure { ALONE } else { ALONE_LESS };
    Some(accuse(first.processes.first()?, Vec::new(), confidence, count_facts(first)))
}
