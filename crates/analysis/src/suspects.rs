//! Who may be behind what grew or fills a pool. No suspect beats a wrong one.

mod counted_holder;
mod driver;
mod holder;
mod quota;
mod trigger;

use poolwatch_model::{
    Bytes, PoolTag,
    diagnosis::{Evidence, Meaning, Suspect, SuspectKind},
    history::{MISSING, TagSeries},
};

use crate::{
    case::{self, CaseFile},
    catalogue::{self, KnownLeak, LeakKind},
    confidence::{NAMED, REMEDY},
    facts,
    lockstep::Group,
    object_types,
    span::Span,
};

pub(crate) use counted_holder::{by_handles_alone, is_beyond_usual, who_stands_out};
pub(crate) use holder::of_nobody;

/// How sure a program is whose leak of one of its tags is publicly known, once something else names
/// it.
const KNOWN_LEAK: f32 = 0.95;
/// Handles are flat when they gained less than this part of the objects.
pub(crate) const FLAT: u64 = 4;
/// How sure it is that objects which grew without handles are referenced by the kernel: more when they
/// belong to processes that have ended, less from one picture.
const REFERENCES: f32 = 0.8;
const REFERENCES_TO_ENDED: f32 = 0.85;
const ENDED: f32 = 0.75;
/// Process objects are far more than live processes when they are so many times, and so many more: a
/// host that starts many programs always has some that are just ending.
const TIMES_LIVE: u64 = 3;
const MORE_THAN_LIVE: u64 = 1000;
/// Nobody is known: no more than a place to look.
pub(crate) const UNKNOWN: f32 = 0.2;
/// The driver of a tag that is large, and no more: a place to look.
const PLACE_TO_LOOK: f32 = 0.4;
/// Fewer objects come and go in a run.
const GAINED_IN_RUN: u64 = 1_000;
/// This part of the objects is most of them.
const MOST_OF_OBJECTS: u64 = 2;
/// Tags whose meaning is told.
const MEANINGS: usize = 3;
/// Ranks from here on, see [`rank`], belong to everybody: caches and shared tags.
pub(crate) const EVERYBODYS: u8 = 3;

/// The suspects for tags that grew in step, most likely first.
#[must_use]
pub fn suspects_of_growth(case: &CaseFile, group: &Group) -> Vec<Suspect> {
    let span = Span { from: group.growth.from, to: group.growth.to, over_s: group.growth.over_s };
    let mut suspects = Vec::new();
    for at in group.members() {
        let series = &case.tags[at];
        if !facts::tag_facts(series.tag).objects {
            continue;
        }
        let gained = case::growth(&series.outstanding, span.from, span.to);
        let found = holder::by_growth(case, series, gained, span);
        if !found.is_empty() {
            suspects = found;
            break;
        }
    }
    let tags = named_tags(case, group);
    for suspect in &mut suspects {
        let own = suspect.tags.clone();
        suspect.tags.extend(tags.iter().filter(|tag| !own.contains(tag)));
        by_known_leaks(suspect);
        quota::corroborate(case, &case.tags[group.first], span, suspect);
    }
    if suspects.iter().any(|suspect| suspect.confidence >= NAMED) {
        return suspects;
    }
    let mut drivers = driver::of_tags(case, &tags, span);
    let references = references(case, group, span);
    match (drivers.first(), references) {
        (Some(driver), Some(reference)) if driver.confidence < REMEDY => {
            drivers.insert(0, reference);
        }
        (None, Some(reference)) => drivers.push(reference),
        _ => {}
    }
    suspects.extend(drivers);
    let first = &case.tags[group.first];
    let named = suspects.iter().any(|one| one.name.is_some() && one.confidence >= NAMED);
    suspects.extend(quota::hint(case, first, span).filter(|_| !named));
    if suspects.is_empty() {
        let mut nobody = unknown_owner(&tags);
        let objects = group.members().map(|at| &case.tags[at]);
        nobody.evidence.extend(
            objects.filter(|series| facts::tag_facts(series.tag).objects).find_map(|series| {
                let gained = case::growth(&series.outstanding, span.from, span.to);
                of_nobody(case, series.tag, gained, span)
            }),
        );
        suspects.push(nobody);
    }
    suspects.extend(trigger::of_growth(case, first, span));
    sort_suspects(&mut suspects);
    suspects
}

/// Sorts by how sure they are. A trigger is no culprit, and comes behind all who may be one.
pub(crate) fn sort_suspects(suspects: &mut [Suspect]) {
    suspects.sort_by(|a, b| {
        let is_trigger = |one: &Suspect| one.kind == SuspectKind::Trigger;
        is_trigger(a).cmp(&is_trigger(b)).then(b.confidence.total_cmp(&a.confidence))
    });
}

/// The programs whose handles or threads grew with the objects that a tag gained.
pub(crate) fn holders_of(
    case: &CaseFile,
    series: &TagSeries,
    objects: u64,
    span: Span,
) -> Vec<Suspect> {
    let mut found = holder::by_growth(case, series, objects, span);
    found.iter_mut().for_each(by_known_leaks);
    found
}

/// A program whose leak of one of its tags is publicly known is the likelier.
fn by_known_leaks(suspect: &mut Suspect) {
    let Some(name) = suspect.name.as_deref() else { return };
    let is_its =
        |leak: &&KnownLeak| leak.kind == LeakKind::Program && leak.name.eq_ignore_ascii_case(name);
    let leaks = suspect.tags.iter().flat_map(|tag| catalogue::known_leaks(*tag)).filter(is_its);
    let facts: Vec<Evidence> = leaks.map(known_leak).collect();
    if !facts.is_empty() && suspect.confidence >= NAMED {
        suspect.confidence = suspect.confidence.max(KNOWN_LEAK);
    }
    suspect.evidence.extend(facts);
}

fn known_leak(leak: &KnownLeak) -> Evidence {
    Evidence::KnownLeak {
        tag: leak.tag,
        owner: leak.name.to_owned(),
        versions: leak.versions.to_owned(),
        reference: leak.reference.to_owned(),
    }
}

/// What keeps a picture from being called well although nobody can be named: more objects of a type than
/// large hosts that are well have, and very many handles of the kernel itself.
#[must_use]
pub(crate) fn unusual_counts(case: &CaseFile) -> Vec<Evidence> {
    let objects = case.tags.iter().filter_map(|series| {
        let outstanding = case::last(&series.outstanding)?;
        let is_unusual =
            facts::tag_facts(series.tag).objects && is_beyond_usual(case, series, outstanding);
        let (tag, pool) = (series.tag, series.pool);
        let bytes = Bytes(case::last(&series.bytes).unwrap_or(0));
        is_unusual.then_some(Evidence::TagUse { tag, pool, bytes, outstanding })
    });
    objects.chain(counted_holder::many_kernel_handles(case)).collect()
}

/// The suspects for what a pool is full of, from one picture. That a tag is large makes its driver a
/// place to look, no suspect: only a known leak or the fleet accuses it.
#[must_use]
pub fn suspects_of_picture(case: &CaseFile, series: &TagSeries) -> Vec<Suspect> {
    let mut found = suspects_of_waste(case, series);
    for suspect in &mut found {
        let accuses =
            |fact: &Evidence| matches!(fact, Evidence::KnownLeak { .. } | Evidence::Differs(_));
        if suspect.kind == SuspectKind::Driver && !suspect.evidence.iter().any(accuses) {
            suspect.confidence = suspect.confidence.min(PLACE_TO_LOOK);
        }
    }
    found
}

/// The suspects for a tag that shows by itself that it leaks, from one picture.
#[must_use]
pub fn suspects_of_waste(case: &CaseFile, series: &TagSeries) -> Vec<Suspect> {
    let facts = facts::tag_facts(series.tag);
    let outstanding = case::last(&series.outstanding).unwrap_or(0);
    if facts.objects {
        let mut found = holders_of_run(case, series, outstanding);
        if found.is_empty() {
            found = counted_holder::by_count(case, series, outstanding);
            found.iter_mut().for_each(by_known_leaks);
        }
        if found.is_empty() {
            found.extend(zombie_suspect(case, series));
        }
        if found.is_empty() {
            found.extend(counted_holder::by_kernel_count(case, series, outstanding).map(|held| {
                let mut nobody = unknown_owner(&[series.tag]);
                nobody.evidence.insert(0, held);
                nobody
            }));
        }
        return found;
    }
    let last = case.axis.len().saturating_sub(1);
    driver::of_tags(case, &[series.tag], Span { from: last, to: last, over_s: 0 })
}

/// The programs whose handles or threads grew with the objects of a tag in this run of Windows, where
/// most of them were gained in it, or where the program holds as many handles as most of them. Growth
/// in step tells more than any count, be it a leak by itself or not.
fn holders_of_run(case: &CaseFile, series: &TagSeries, outstanding: u64) -> Vec<Suspect> {
    let Some(to) = case.axis.len().checked_sub(1) else { return Vec::new() };
    let from = case.run_start();
    let gained = case::growth(&series.outstanding, from, to);
    if gained < GAINED_IN_RUN {
        return Vec::new();
    }
    let span = Span { from, to, over_s: case.span_s(from, to) };
    let mut found = holders_of(case, series, gained, span);
    if gained < outstanding / MOST_OF_OBJECTS {
        let handles = |name: &str| -> u64 {
            let of_program = case.processes.iter().filter(|one| one.image == name);
            of_program.filter_map(|process| case::last(&process.handles)).sum()
        };
        found.retain(|suspect| {
            let name = suspect.name.as_deref().unwrap_or_default();
            handles(name) >= outstanding / MOST_OF_OBJECTS
        });
    }
    found
}

/// Objects of ended processes that something still references.
#[must_use]
pub fn zombie_suspect(case: &CaseFile, series: &TagSeries) -> Option<Suspect> {
    let (at, outstanding, live) = zombie_count(case, series)?;
    let handles: u64 = case.processes.iter().filter_map(|process| known(process.handles[at])).sum();
    // Handles that are counted and could hold them leave it open whose they are.
    if handles >= (outstanding - live) / 2 {
        return None;
    }
    Some(Suspect {
        kind: SuspectKind::KernelReference,
        tags: vec![series.tag],
        confidence: ENDED,
        evidence: vec![Evidence::MoreObjectsThanLive { tag: series.tag, outstanding, live }],
        ..Suspect::default()
    })
}

/// The moment with the most process objects beyond the live processes, if they are far more.
#[must_use]
pub fn zombie_count(case: &CaseFile, series: &TagSeries) -> Option<(usize, u64, u64)> {
    if series.tag != PoolTag::of_object_type("Process") {
        return None;
    }
    (0..case.axis.len())
        .filter_map(|at| {
            let outstanding = known(series.outstanding[at])?;
            let live = known(case.live_processes[at])?;
            let many = outstanding >= live.saturating_mul(TIMES_LIVE)
                && outstanding >= live + MORE_THAN_LIVE;
            many.then_some((at, outstanding, live))
        })
        .max_by_key(|(_, outstanding, _)| *outstanding)
}

/// The tags of a group, the most telling first: those that somebody in particular owns, then
/// kernel objects, then those that everybody uses.
fn named_tags(case: &CaseFile, group: &Group) -> Vec<PoolTag> {
    let mut tags: Vec<PoolTag> = group.members().map(|at| case.tags[at].tag).collect();
    tags.dedup();
    tags.sort_by_key(|tag| owner_rank(*tag));
    tags
}

/// How much a tag tells of its owner; less is more.
#[must_use]
pub fn owner_rank(tag: PoolTag) -> u8 {
    let facts = facts::tag_facts(tag);
    match (facts.driver(), facts.owner) {
        _ if facts.cache => EVERYBODYS,
        _ if facts.shared => EVERYBODYS + 1,
        _ if facts.objects => 1,
        (Some(_), _) | (None, None) => 0,
        (None, Some(_)) => 2,
    }
}

/// Kernel objects that grew while nobody's handles did.
fn references(case: &CaseFile, group: &Group, span: Span) -> Option<Suspect> {
    let series =
        group.members().map(|at| &case.tags[at]).find(|s| facts::tag_facts(s.tag).objects)?;
    let objects = case::growth(&series.outstanding, span.from, span.to);
    let of_processes: u64 =
        case.processes.iter().map(|p| case::growth(&p.handles, span.from, span.to)).sum();
    let of_type = object_types::objects_and_handles_gained(case, series.tag, span)
        .map(|(_, handles)| handles);
    let gained = of_type.unwrap_or(of_processes);
    let zombies = zombie_suspect(case, series);
    let is_counted = case.all_processes || of_type.is_some() || zombies.is_some();
    if !is_counted || gained * FLAT > objects {
        return None;
    }
    let mut evidence = vec![Evidence::NoHandlesFor { tag: series.tag, objects, handles: gained }];
    let confidence = if zombies.is_some() { REFERENCES_TO_ENDED } else { REFERENCES };
    evidence.extend(zombies.into_iter().flat_map(|suspect| suspect.evidence));
    Some(Suspect {
        kind: SuspectKind::KernelReference,
        tags: named_tags(case, group),
        confidence,
        evidence,
        ..Suspect::default()
    })
}

/// A tag whose owner is not known.
#[must_use]
pub fn unknown_owner(tags: &[PoolTag]) -> Suspect {
    let meaning = |tag: &PoolTag| match facts::tag_facts(*tag) {
        facts if facts.shared => Meaning::Shared,
        facts if facts.cache => Meaning::Cache,
        facts if facts.objects => Meaning::Objects,
        _ => Meaning::Unknown,
    };
    Suspect {
        tags: tags.to_vec(),
        confidence: UNKNOWN,
        evidence: tags
            .iter()
            .take(MEANINGS)
            .map(|tag| Evidence::TagMeaning { tag: *tag, meaning: meaning(tag) })
            .collect(),
        ..Suspect::default()
    }
}

fn known(value: u64) -> Option<u64> {
    (value != MISSING).then_some(value)
}
