//! Methods 2 and 3: drivers behind a tag, as candidates.

use poolwatch_model::{
    PoolTag,
    comparison::{Attribute, AttributeCounts, Change},
    diagnosis::{Evidence, OwnerSource, Suspect, SuspectKind},
    inventory::Driver,
};

use super::{holder, known_leak, owner_rank};
use crate::{
    case::CaseFile,
    catalogue::{self, LeakKind},
    facts,
    span::Span,
};

/// A tag by itself hardly ever convicts a part of Windows: others allocate through it.
const COMPONENT: f32 = 0.3;
/// How sure each source of an owner is: a known leak says that it leaks, a list only whose the tag is, a
/// scan or a name only that it may be.
const KNOWN_LEAK: f32 = 0.85;
const LISTED: f32 = 0.75;
const SCANNED: f32 = 0.7;
const NAMED_AFTER: f32 = 0.75;
/// What the comparison over the fleet tells, shared among attributes that tell as much.
const FLEET: f32 = 0.93;
const FLEET_LEAST: f32 = 0.2;
/// Attributes whose p is within so many times of the best tell as much as it.
const AS_TELLING: f64 = 10.0;
/// It accuses what more than this share of the affected and less than that of the healthy hosts have.
const AFFECTED_HAVE: f64 = 0.8;
const HEALTHY_HAVE: f64 = 0.3;
/// A second source is half as good as alone: lists copy each other. No sources together are proof.
const SECOND_SOURCE: f32 = 0.5;
const MOST_SURE: f32 = 0.95;
/// What a change shortly before adds.
const CHANGED: f32 = 0.1;
/// A change may be seen a little after what it caused: drivers are told when the agent starts, which is
/// after Windows did.
const SEEN_LATE_S: i64 = 3600;
/// Handles that the kernel's own process gained, from which on they are worth a word.
const KERNEL_HANDLES: u64 = 5_000;
/// Drivers that are told: more are no help.
const MOST_TOLD: usize = 5;
/// A tag is named after a driver by its first letters.
const TAG_LETTERS: usize = 4;
/// A change counts as shortly before growth for this long.
const SHORTLY_S: i64 = 7 * 24 * 3600;
/// How sure a comparison over the fleet must be.
const SIGNIFICANT: f64 = 1e-3;

/// Drivers and parts of Windows that may own one of these tags, the likeliest first.
pub(super) fn of_tags(case: &CaseFile, tags: &[PoolTag], span: Span) -> Vec<Suspect> {
    let mut found: Vec<Suspect> = Vec::new();
    // Parts of Windows are told for the most telling tag alone: beside a tag that nobody knows,
    // the kernel's own only goes along.
    let telling = tags.iter().map(|tag| owner_rank(*tag)).min();
    for &tag in tags {
        let facts = facts::tag_facts(tag);
        let owned = case.owners.iter().filter(|owner| owner.tag == tag);
        for owner in owned.clone() {
            // Several files that hold a tag's bytes share the suspicion.
            let rivals = owned.clone().filter(|one| one.source == owner.source).count() as f32;
            let sure = match owner.source {
                OwnerSource::KnownLeak => KNOWN_LEAK,
                OwnerSource::Pooltag | OwnerSource::Catalogue | OwnerSource::Fleet => LISTED,
                OwnerSource::Scan | OwnerSource::DriverName => SCANNED,
            };
            let by_name_alone =
                owner.source != OwnerSource::KnownLeak && owner.source != OwnerSource::Fleet;
            if !(facts.shared && by_name_alone) {
                add(&mut found, tag, &owner.driver, sure / rivals, owner.source);
            }
        }
        by_known_leaks(case, tag, &mut found);
        if facts.shared || facts.objects {
            continue;
        }
        if let Some(driver) = facts.driver() {
            let sure = if facts.cache { COMPONENT } else { LISTED };
            add(&mut found, tag, driver, sure, OwnerSource::Catalogue);
        } else if let Some(part) = facts.owner {
            if Some(owner_rank(tag)) == telling {
                found.push(component(tag, part));
            }
        } else {
            let by_framework = |driver: &String| {
                owned.clone().any(|owner| {
                    owner.source == OwnerSource::DriverName
                        && owner.driver.eq_ignore_ascii_case(driver)
                })
            };
            let mut named = named_after(case, tag);
            named.retain(|driver| !by_framework(driver));
            for driver in &named {
                let sure = NAMED_AFTER / named.len() as f32;
                add(&mut found, tag, driver, sure, OwnerSource::DriverName);
            }
        }
    }
    by_fleet(case, tags, &mut found);
    for suspect in &mut found {
        suspect.version = suspect.version.take().or_else(|| {
            let name = suspect.name.as_deref()?;
            case.drivers.iter().find(|one| one.name.eq_ignore_ascii_case(name))?.version.clone()
        });
        corroborate(case, suspect, span);
    }
    found.sort_by(|a, b| b.confidence.total_cmp(&a.confidence));
    found.truncate(MOST_TOLD);
    found
}

fn add(found: &mut Vec<Suspect>, tag: PoolTag, driver: &str, sure: f32, source: OwnerSource) {
    let fact = Evidence::TagOwner { tag, owner: driver.to_owned(), source };
    let known = found
        .iter_mut()
        .find(|one| one.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(driver)));
    match known {
        Some(known) => {
            if !known.tags.contains(&tag) {
                known.tags.push(tag);
            }
            // What two sources say is surer than what either does.
            known.confidence = 1.0 - (1.0 - known.confidence) * (1.0 - sure * SECOND_SOURCE);
            known.confidence = known.confidence.max(sure).min(MOST_SURE);
            known.evidence.push(fact);
        }
        None => found.push(Suspect {
            kind: SuspectKind::Driver,
            name: Some(driver.to_owned()),
            tags: vec![tag],
            confidence: sure,
            evidence: vec![fact],
            ..Suspect::default()
        }),
    }
}

/// Drivers with a publicly known leak of this tag: those whose own tag it is, and those that run here.
fn by_known_leaks(case: &CaseFile, tag: PoolTag, found: &mut Vec<Suspect>) {
    let runs = |name: &str| case.drivers.iter().any(|one| one.name.eq_ignore_ascii_case(name));
    let drivers = catalogue::known_leaks(tag).filter(|leak| leak.kind == LeakKind::Driver);
    for leak in drivers.filter(|leak| leak.by_tag_alone || runs(leak.name)) {
        add(found, tag, leak.name, KNOWN_LEAK, OwnerSource::KnownLeak);
        let accused = found.iter_mut().find(|one| {
            one.name.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(leak.name))
        });
        if let Some(accused) = accused {
            accused.evidence.push(known_leak(leak));
        }
    }
}

fn component(tag: PoolTag, part: &str) -> Suspect {
    let source = OwnerSource::Catalogue;
    Suspect {
        kind: SuspectKind::Component,
        name: Some(part.to_owned()),
        tags: vec![tag],
        confidence: COMPONENT,
        evidence: vec![Evidence::TagOwner { tag, owner: part.to_owned(), source }],
        ..Suspect::default()
    }
}

/// Loaded drivers that are named as the tag begins: the tag of a KMDF driver's own allocations is
/// the first four letters of its service name.
fn named_after(case: &CaseFile, tag: PoolTag) -> Vec<String> {
    let bytes = tag.bytes();
    if !bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || *byte == b'_') {
        return Vec::new();
    }
    let begins = |name: &str| {
        let name = name.as_bytes();
        name.len() > TAG_LETTERS
            && name[..TAG_LETTERS].eq_ignore_ascii_case(&bytes)
            // Drivers of Windows have tags of their own and are in the catalogue.
            && !name.starts_with(b"Wdf")
    };
    case.drivers.iter().filter(|one| begins(&one.name)).map(|one| one.name.clone()).collect()
}

/// Drivers that hosts with the growth have and hosts without do not, and that this host has.
fn by_fleet(case: &CaseFile, tags: &[PoolTag], found: &mut Vec<Suspect>) {
    let told = case.fleet.iter().filter(|(tag, counts)| {
        tags.contains(tag) && tells(counts) && is_here(case, &counts.attribute)
    });
    let told: Vec<&AttributeCounts> = told.map(|(_, counts)| counts).collect();
    let Some(best) = told.first() else { return };
    // Several drivers that come and go together share the suspicion.
    let rivals: Vec<_> = told.iter().filter(|one| one.p <= best.p * AS_TELLING).collect();
    for counts in &rivals {
        let Attribute::Driver { name, version } = &counts.attribute else { continue };
        let sure = (FLEET / rivals.len() as f32).max(FLEET_LEAST);
        add(found, tags[0], name, sure, OwnerSource::Fleet);
        let known = found.iter_mut().find(|one| one.name.as_deref() == Some(name));
        if let Some(known) = known {
            known.version.clone_from(version);
            known.evidence.insert(0, Evidence::Differs((**counts).clone()));
        }
    }
}

/// Whether this host has it, as far as its drivers are known; anything else counts as had.
fn is_here(case: &CaseFile, attribute: &Attribute) -> bool {
    let Attribute::Driver { name, version } = attribute else { return true };
    let is_it = |one: &Driver| one.name.eq_ignore_ascii_case(name) && one.version == *version;
    case.drivers.is_empty() || case.drivers.iter().any(is_it)
}

fn tells(counts: &AttributeCounts) -> bool {
    let share = |with: u32, of: u32| f64::from(with) / f64::from(of.max(1));
    counts.p < SIGNIFICANT
        && share(counts.affected, counts.affected_of) > AFFECTED_HAVE
        && share(counts.healthy, counts.healthy_of) < HEALTHY_HAVE
}

/// What else speaks for a driver: it changed shortly before, or the kernel's own handles grew.
fn corroborate(case: &CaseFile, suspect: &mut Suspect, span: Span) {
    if suspect.kind != SuspectKind::Driver {
        return;
    }
    let Some(name) = suspect.name.as_deref() else { return };
    let start = case.axis.get(span.from).map_or(0, |moment| moment.at_s);
    let shortly = |change: &&Change| {
        let before = start - change.at.as_second();
        matches!(&change.attribute, Attribute::Driver { name: of, .. }
            if of.eq_ignore_ascii_case(name))
            && (-SEEN_LATE_S..SHORTLY_S).contains(&before)
    };
    if let Some(change) = case.changes.iter().find(shortly) {
        suspect.confidence = (suspect.confidence + CHANGED).min(MOST_SURE);
        suspect.evidence.push(Evidence::Changed(change.clone()));
    }
    if let Some((handles, grown)) = holder::kernel_gain(case, span)
        && grown > KERNEL_HANDLES
    {
        suspect.evidence.push(Evidence::HeldByKernel { handles, grown });
    }
}
