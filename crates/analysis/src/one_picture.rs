//! What one picture, or a few, can show: for evidence from dead machines, where no long run is had.

use std::cmp::Reverse;

use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Diagnosis, Evidence, Suspect, SuspectKind, TagFinding, Verdict},
    history::{MISSING, TagSeries},
};

use crate::{
    case::{self, CaseFile},
    confidence::NAMED,
    facts,
    span::Span,
    suspects::{self, EVERYBODYS, FLAT, UNKNOWN},
    tag_list::{LISTED_TAGS, list_tag},
    whole,
};

/// Nothing usual holds this many allocations, this many bytes and this share of its pool.
const VERY_MANY: u64 = 1_000_000;
const MUCH: u64 = 256 << 20;
const MUCH_SHARE: f64 = 0.25;
/// Allocations of which next to nothing was freed: below this nobody wonders.
const MANY_ALLOCS: u64 = 100_000;
/// Handles that make one picture tell a leak when they match the objects of a tag.
const MANY_HANDLES: u64 = 15_000;
/// As many objects strike whoever looks, wherever they are.
const STRIKING: u64 = 50_000;
/// Growth between few pictures: bytes, or objects where bytes are not told.
const GREW_BYTES: u64 = 50 << 20;
const GREW_OBJECTS: u64 = 20_000;
/// And this part of the pool, or of the objects that there were.
const GREW_OF_POOL: u64 = 10;
const GREW_OF_OBJECTS: u64 = 4;
/// Two moments may be the ends of any swing. They count when so many times the objects came, or a part
/// of what was allocated stayed; else it takes so many moments.
const GREW_TIMES: u64 = 4;
const STAYED: u64 = 2;
const STEADY_MOMENTS: usize = 3;
/// A cache of which bytes are not told gains no more than so many.
const VERY_MANY_OF_CACHE: u64 = 5_000_000;
/// Buffers that a driver takes once, when its device starts, are a multiple of so many; a leak is by
/// chance alone.
const TAKEN_AT_ONCE: u64 = 1024;
/// Next to nothing is freed when it is less than this part of what was allocated.
const FREED: u64 = 50;
/// How sure it is that objects are referenced by the kernel, where handles are told. Else nothing tells
/// a program's objects from a driver's references.
const REFERENCES: f32 = 0.7;
/// Tags are in step when one counts this many of the other, within this share.
const IN_STEP: [f64; 3] = [1.0, 2.0, 0.5];
const OFF_STEP: f64 = 0.03;
/// Tags in step that are told: more are no help.
const MOST_IN_STEP: usize = 12;
/// A program that holds a tag's objects goes before all that merely grew.
const HELD: u64 = u64::MAX / 4;

/// A leak that a picture or a few show by themselves: those of the latest run of Windows, or, where
/// they show nothing, those before its restart, which resolves nothing.
#[must_use]
pub fn leak_from_pictures(case: &CaseFile) -> Option<Diagnosis> {
    if case.axis.is_empty() || case.axis.len() > whole::FEW {
        return None;
    }
    leak_of_latest_run(case).or_else(|| {
        let mut leak = leak_from_pictures(&case.before_restart()?)?;
        let tag = leak.tags.first()?.tag;
        leak.evidence.push(Evidence::BeforeRestart { tag });
        Some(leak)
    })
}

fn leak_of_latest_run(case: &CaseFile) -> Option<Diagnosis> {
    let mut found: Vec<Found<'_>> = case.tags.iter().filter_map(|tag| tells(case, tag)).collect();
    if case.is_watched {
        found.retain(Found::is_held_by_name);
    }
    found.sort_by_key(|one| {
        (suspects::owner_rank(one.series.tag) >= EVERYBODYS, Reverse(one.weight), one.series.tag)
    });
    let first = found.first()?;
    let (tag, pool) = (first.series.tag, first.series.pool);
    let with = in_step(case, first.series);
    let mut members: Vec<&TagSeries> = vec![first.series];
    members.extend(with.iter().map(|(series, _)| *series));
    members.sort_by_key(|series| (suspects::owner_rank(series.tag), Reverse(last_bytes(series))));
    let mut accused: Vec<Suspect> = first.suspects.clone();
    if accused.is_empty() {
        let of_tag = match first.is_waste() {
            true => suspects::suspects_of_waste,
            false => suspects::suspects_of_picture,
        };
        accused = members.iter().flat_map(|series| of_tag(case, series)).collect();
        let telling = suspects::owner_rank(members[0].tag);
        accused.retain(|suspect| {
            suspect.kind != SuspectKind::Component
                || suspect.tags.iter().all(|tag| suspects::owner_rank(*tag) == telling)
        });
        accused.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    }
    if accused.is_empty() && facts::tag_facts(tag).objects || is_flat(case, first) {
        accused.insert(0, reference(case, first));
    }
    if accused.is_empty() {
        let tags: Vec<PoolTag> = members.iter().map(|series| series.tag).collect();
        accused.push(suspects::unknown_owner(&tags));
    }
    let mut evidence = first.evidence.clone();
    if !with.is_empty() {
        let with = with.iter().map(|(series, ratio)| (series.tag, *ratio)).collect();
        evidence.push(Evidence::LockStep { tag, with });
    }
    let both = members.iter().any(|series| series.pool != pool);
    let mut tags: Vec<_> =
        members.iter().map(|series| list_tag(series, TagFinding::Leaks, None)).collect();
    tags.sort_by_key(|one| one.tag != tag);
    // Others that give themselves away, of a cause of their own.
    let others = found.iter().skip(1).filter(|one| {
        !members.iter().any(|member| (member.tag, member.pool) == (one.series.tag, one.series.pool))
    });
    let others = others.take(LISTED_TAGS).map(|one| list_tag(one.series, TagFinding::Leaks, None));
    tags.extend(others);
    Some(Diagnosis {
        verdict: Verdict::Leak,
        pool: Some(pool),
        both,
        suspects: accused,
        evidence,
        tags,
        ..Diagnosis::default()
    })
}

/// A tag that gives itself away.
struct Found<'a> {
    series: &'a TagSeries,
    weight: u64,
    evidence: Vec<Evidence>,
    suspects: Vec<Suspect>,
    /// Objects gained between the moments; 0 in one picture.
    gained: u64,
}

impl Found<'_> {
    /// Whether somebody is named who holds what the tag counts.
    fn is_held_by_name(&self) -> bool {
        let named = |suspect: &Suspect| suspect.name.is_some() && suspect.confidence >= NAMED;
        self.suspects.iter().any(named)
    }

    /// Whether growth or a lack of frees shows it, and not its size alone.
    fn is_waste(&self) -> bool {
        let shows = |fact: &Evidence| {
            matches!(
                fact,
                Evidence::HardlyFreed { .. }
                    | Evidence::TagGrowth { .. }
                    | Evidence::ObjectGrowth { .. }
            )
        };
        self.evidence.iter().any(shows)
    }
}

fn tells<'a>(case: &CaseFile, series: &'a TagSeries) -> Option<Found<'a>> {
    let outstanding = case::last(&series.outstanding)?;
    let bytes = last_bytes(series);
    let facts = facts::tag_facts(series.tag);
    let mut found = Found {
        series,
        weight: bytes.max(outstanding),
        evidence: vec![],
        suspects: vec![],
        gained: 0,
    };
    let (tag, pool) = (series.tag, series.pool);
    if let Some(grew) = grew(case, series) {
        found.gained = grew.objects;
        if grew.bytes > 0 {
            let grown = Bytes(grew.bytes);
            found.evidence.push(Evidence::TagGrowth { tag, pool, grown, over_s: grew.over_s });
        }
        if grew.objects > 0 {
            let (grown, over_s) = (grew.objects, grew.over_s);
            found.evidence.push(Evidence::ObjectGrowth { tag, pool, grown, over_s });
        }
        found.weight = found.weight.max(grew.objects);
    }
    if let Some((_, outstanding, live)) = suspects::zombie_count(case, series) {
        found.evidence.push(Evidence::MoreObjectsThanLive { tag, outstanding, live });
        found.suspects = suspects::zombie_suspect(case, series).into_iter().collect();
    }
    let is_excused = facts.cache && !whole::is_large(case, bytes)
        || (1..VERY_MANY).contains(&outstanding) && outstanding.is_multiple_of(TAKEN_AT_ONCE);
    if !is_excused
        && let Some((at, allocs)) = case::latest(&series.allocs)
        && allocs >= MANY_ALLOCS
        && outstanding >= MANY_ALLOCS
    {
        let held = series.outstanding[at];
        let frees = if held == MISSING { allocs } else { allocs.saturating_sub(held) };
        if frees < allocs / FREED {
            found.evidence.push(Evidence::HardlyFreed { tag, pool, allocs, frees });
        }
    }
    let share = bytes as f64 / pool_total(case, pool).max(1) as f64;
    if !is_excused && outstanding >= VERY_MANY && bytes >= MUCH && share >= MUCH_SHARE {
        found.evidence.push(Evidence::TagUse { tag, pool, bytes: Bytes(bytes), outstanding });
    }
    let is_beyond = outstanding >= STRIKING || suspects::is_beyond_usual(case, series, outstanding);
    if facts.objects && outstanding >= MANY_HANDLES && is_beyond {
        let holders = suspects::suspects_of_picture(case, series);
        let holds =
            |suspect: &Suspect| handles_told(suspect) >= MANY_HANDLES && !is_by_chance(suspect);
        if holders.iter().any(holds) {
            found.evidence.push(Evidence::TagUse { tag, pool, bytes: Bytes(bytes), outstanding });
            found.weight = found.weight.max(HELD.saturating_add(outstanding));
            found.suspects = holders;
        }
    }
    (!found.evidence.is_empty()).then_some(found)
}

fn handles_told(suspect: &Suspect) -> u64 {
    suspect
        .evidence
        .iter()
        .map(|fact| match fact {
            Evidence::HandlesMatchObjects { handles, .. }
            | Evidence::ProcessHandles { handles, .. } => u64::from(*handles),
            Evidence::HeldByKernel { handles, .. } => u64::from(*handles),
            Evidence::HandlesSumToObjects { holders, .. } => holders.iter().map(|h| h.count).sum(),
            _ => 0,
        })
        .max()
        .unwrap_or(0)
}

/// Whether it is as likely as not that handles and objects only happen to be as many.
fn is_by_chance(suspect: &Suspect) -> bool {
    let likely = |fact: &Evidence| matches!(fact, Evidence::ChanceMatch { chance, .. } if *chance > 1.0 - NAMED);
    suspect.evidence.iter().any(likely)
}

struct Grew {
    bytes: u64,
    objects: u64,
    over_s: u64,
}

/// Growth between few pictures of one run: it rises from each to the next, and far.
fn grew(case: &CaseFile, series: &TagSeries) -> Option<Grew> {
    let from = case.run_start();
    let values: Vec<(usize, u64)> = series.outstanding[from..]
        .iter()
        .enumerate()
        .filter(|(_, value)| **value != MISSING)
        .map(|(at, value)| (from + at, *value))
        .collect();
    let ((first, before), (last, after)) = (*values.first()?, *values.last()?);
    if values.len() < 2 || values.windows(2).any(|pair| pair[1].1 < pair[0].1) {
        return None;
    }
    let objects = after.saturating_sub(before);
    let bytes = if series.has_bytes() { case::growth(&series.bytes, first, last) } else { 0 };
    let much = bytes >= GREW_BYTES.max(pool_total(case, series.pool) / GREW_OF_POOL)
        || !series.has_bytes() && objects >= GREW_OBJECTS && objects >= before / GREW_OF_OBJECTS;
    let hardly_freed = case::ends(&series.allocs, first, last)
        .is_some_and(|(a, b)| b > a && objects >= (b - a) / STAYED);
    let steady = values.len() >= STEADY_MOMENTS
        || hardly_freed
        || objects >= before.saturating_mul(GREW_TIMES);
    let is_much = match series.has_bytes() {
        true => whole::is_large(case, last_bytes(series)),
        false => objects >= VERY_MANY_OF_CACHE,
    };
    let cache = facts::tag_facts(series.tag).cache && !is_much;
    let over_s = case.span_s(first, last);
    (much && steady && !cache && (objects > 0 || bytes > 0)).then_some(Grew {
        bytes,
        objects,
        over_s,
    })
}

/// Whether the handles of all processes are told for the moments of a growth and did not grow with it.
fn is_flat(case: &CaseFile, found: &Found<'_>) -> bool {
    let is_reference = |one: &Suspect| one.kind == SuspectKind::KernelReference;
    found.gained > 0
        && handles_gained(case).is_some_and(|gained| gained * FLAT < found.gained)
        && !found.suspects.iter().any(is_reference)
}

/// What all processes together gained, where all are listed at two moments at least.
fn handles_gained(case: &CaseFile) -> Option<u64> {
    let (from, last) = (case.run_start(), case.axis.len().checked_sub(1)?);
    let is_told = |at: &usize| case.processes.iter().any(|process| process.handles[*at] != MISSING);
    let moments = (from..=last).filter(is_told).count();
    let gained = case.processes.iter().map(|p| case::growth(&p.handles, from, last)).sum();
    (case.all_processes && moments > 1).then_some(gained)
}

/// Objects that nobody is seen to hold: references of the kernel, where the handles of all processes
/// are known to be too few.
fn reference(case: &CaseFile, found: &Found<'_>) -> Suspect {
    let tag = found.series.tag;
    let held = || {
        let held = case.processes.iter().filter_map(|process| case::last(&process.handles)).sum();
        (case.all_processes && case.axis.len() == 1).then_some(held)
    };
    let (objects, handles) = match found.gained {
        0 => (case::last(&found.series.outstanding).unwrap_or(0), held()),
        gained => (gained, handles_gained(case)),
    };
    let handles = handles.filter(|handles: &u64| handles.saturating_mul(FLAT) < objects);
    let mut suspect = Suspect {
        tags: vec![tag],
        confidence: UNKNOWN,
        evidence: found.evidence.clone(),
        ..Suspect::default()
    };
    if let Some(handles) = handles {
        suspect.kind = SuspectKind::KernelReference;
        suspect.confidence = REFERENCES;
        suspect.evidence.insert(0, Evidence::NoHandlesFor { tag, objects, handles });
    }
    suspect
}

/// Tags that count as many allocations, or gained as many, as this one: one cause.
fn in_step<'a>(case: &'a CaseFile, first: &TagSeries) -> Vec<(&'a TagSeries, f32)> {
    let last = case.axis.len() - 1;
    let span = Span { from: case.run_start(), to: last, over_s: 0 };
    let amount = |series: &TagSeries| {
        let gained = case::growth(&series.outstanding, span.from, span.to);
        if gained > 0 { gained } else { case::last(&series.outstanding).unwrap_or(0) }
    };
    let of_first = amount(first);
    if of_first < GREW_OBJECTS {
        return Vec::new();
    }
    case.tags
        .iter()
        .filter(|series| series.tag != first.tag)
        .filter_map(|series| {
            let ratio = amount(series) as f64 / of_first as f64;
            let near = |whole: &f64| (ratio / whole - 1.0).abs() < OFF_STEP;
            IN_STEP.iter().any(near).then_some((series, ratio as f32))
        })
        .take(MOST_IN_STEP)
        .collect()
}

fn last_bytes(series: &TagSeries) -> u64 {
    case::last(&series.bytes).unwrap_or(0)
}

/// Use of a pool, or, where it is not told, what the listed tags hold.
fn pool_total(case: &CaseFile, pool: Pool) -> u64 {
    let listed = || case.tags.iter().filter(|series| series.pool == pool).map(last_bytes).sum();
    case.memory.of(pool).map_or_else(listed, |bytes| bytes.0)
}
