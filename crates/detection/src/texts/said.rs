//! What texts say and no picture shows: tags that sentences name, tags whose pool nobody tells, and
//! what Driver Verifier counted.

use poolwatch_evidence::{
    CombinedEvidence,
    statements::{AllocationCount, ToldTag, VerifiedDriver},
};
use poolwatch_model::{
    Bytes, Pool,
    diagnosis::{Diagnosis, Evidence, Suspect, SuspectKind, TagFinding, TagObservation, Verdict},
};

/// How sure a driver is that Driver Verifier caught: it counts every allocation of it.
const CAUGHT: f32 = 0.9;
/// One of which it counts very many allocations that are not freed: a place to look.
const COUNTED: f32 = 0.4;
/// A tag that is only named: a place to look.
const NAMED_ONLY: f32 = 0.2;
/// What is not freed by one driver, by Driver Verifier, from which on it strikes.
const STRIKING: u64 = 100_000;
/// A tag of so many bytes that is this part of its pool.
const STRIKING_BYTES: u64 = 100 << 20;
const MOST_OF_POOL: f64 = 0.5;
/// Few machines need so much.
const LARGE_NONPAGED: u64 = 1 << 30;
/// Tags of sentences that are told.
const MOST_TAGS: usize = 12;

/// Adds what Driver Verifier counted. It proves what it caught at an unload; other counts may be what
/// a driver works with.
pub(super) fn add_verified(diagnosis: &mut Diagnosis, verified: &[VerifiedDriver]) {
    for driver in verified {
        let name = (!driver.is_all()).then(|| driver.name.clone()).filter(|name| !name.is_empty());
        if let Some(allocations) = driver.left_at_unload {
            let fact = Evidence::LeftAtUnload { driver: name.clone(), allocations };
            accuse(diagnosis, driver, fact);
        }
        if let Some(pages) = driver.left_locked_pages {
            let fact = Evidence::LeftLockedPages { driver: name.clone(), pages };
            accuse(diagnosis, driver, fact);
        }
        let counts = [(Pool::Nonpaged, driver.nonpaged), (Pool::Paged, driver.paged)];
        for (pool, count) in counts {
            let Some(AllocationCount { outstanding, bytes }) =
                count.filter(|one| one.outstanding > 0)
            else {
                continue;
            };
            diagnosis.pool = diagnosis.pool.or(Some(pool));
            let (told_driver, bytes) = (name.clone(), Bytes(bytes));
            let fact = Evidence::VerifierCount { driver: told_driver, pool, bytes, outstanding };
            let is_known = diagnosis.suspects.iter().any(|one| one.name == name);
            if outstanding >= STRIKING && name.is_some() && !is_known {
                diagnosis.suspects.push(driver_suspect(driver, COUNTED, &fact));
            }
            diagnosis.evidence.push(fact);
            if diagnosis.verdict == Verdict::NoLeakShown && outstanding >= STRIKING {
                diagnosis.verdict = Verdict::InsufficientEvidence;
            }
        }
    }
}

fn accuse(diagnosis: &mut Diagnosis, driver: &VerifiedDriver, fact: Evidence) {
    if matches!(diagnosis.verdict, Verdict::NoLeakShown | Verdict::InsufficientEvidence) {
        diagnosis.verdict = Verdict::Leak;
    }
    if diagnosis.verdict == Verdict::Leak && !driver.is_all() && !driver.name.is_empty() {
        diagnosis.suspects.insert(0, driver_suspect(driver, CAUGHT, &fact));
    }
    diagnosis.evidence.push(fact);
}

fn driver_suspect(driver: &VerifiedDriver, confidence: f32, fact: &Evidence) -> Suspect {
    Suspect {
        kind: SuspectKind::Driver,
        name: Some(driver.name.clone()),
        tags: driver.tags.iter().map(|(tag, _)| *tag).collect(),
        confidence,
        evidence: vec![fact.clone()],
        ..Suspect::default()
    }
}

/// Adds the tags and pools that sentences tell of, and tags of tables whose pool is not told, where
/// nothing measured tells of them already. They accuse nobody.
pub(super) fn add_told(diagnosis: &mut Diagnosis, combined: &CombinedEvidence) {
    let unplaced = combined.unplaced.iter().map(|one| ToldTag {
        tag: Some(one.tag),
        bytes: (one.bytes.0 > 0).then_some(one.bytes),
        outstanding: (one.outstanding > 0).then_some(one.outstanding),
        ..ToldTag::default()
    });
    let mut told: Vec<ToldTag> = combined.told.iter().copied().chain(unplaced).collect();
    told.sort_by_key(|one| {
        let weight = one.bytes.map_or(0, |bytes| bytes.0).max(one.outstanding.unwrap_or(0));
        (one.tag.is_none(), !one.leaks, std::cmp::Reverse(weight), one.tag, one.pool)
    });
    told.dedup();
    let leaks = told.iter().any(|one| one.leaks);
    // What uses much, and is said to grow, leaks.
    let of_pool = |one: &ToldTag| one.leaks && one.pool.is_some() && one.pool == diagnosis.pool;
    match diagnosis.verdict {
        Verdict::NoLeakShown if leaks => diagnosis.verdict = Verdict::InsufficientEvidence,
        Verdict::HighUse if told.iter().any(of_pool) => diagnosis.verdict = Verdict::Leak,
        _ => {}
    }
    let is_open = matches!(diagnosis.verdict, Verdict::InsufficientEvidence | Verdict::Leak);
    for one in told.into_iter().take(MOST_TAGS).filter(|one| one.tag.is_some() || one.leaks) {
        let known = one.tag.is_some_and(|tag| {
            diagnosis.tags.iter().any(|known| known.tag == tag)
                || diagnosis.suspects.iter().any(|suspect| suspect.tags.contains(&tag))
        });
        if is_open && diagnosis.pool.is_none() {
            diagnosis.pool = one.pool;
        }
        if known {
            continue;
        }
        let ToldTag { tag, pool, bytes, outstanding, leaks } = one;
        let fact = Evidence::TextSays { tag, pool, bytes, outstanding, leaks };
        match (tag, pool) {
            (Some(tag), Some(pool)) => diagnosis.tags.push(TagObservation {
                tag,
                pool,
                bytes: bytes.unwrap_or(Bytes(0)),
                outstanding: outstanding.unwrap_or(0),
                finding: TagFinding::Large,
                bytes_per_day: None,
            }),
            (Some(tag), None) => diagnosis.suspects.push(Suspect {
                tags: vec![tag],
                confidence: NAMED_ONLY,
                evidence: vec![fact.clone()],
                ..Suspect::default()
            }),
            (None, _) => {}
        }
        diagnosis.evidence.push(fact);
    }
    if is_open && diagnosis.pool.is_none() {
        diagnosis.pool = striking_pool(diagnosis, combined);
    }
}

/// The pool that the texts are about: the only one whose use they tell, the one that a tag fills, or
/// nonpaged pool, when it is large beside the other.
fn striking_pool(diagnosis: &Diagnosis, combined: &CombinedEvidence) -> Option<Pool> {
    let memory = &combined.snapshots.last()?.snapshot.memory;
    let largest = diagnosis.tags.iter().max_by_key(|tag| tag.bytes);
    let (Some(nonpaged), Some(paged)) = (memory.nonpaged, memory.paged) else {
        let told = memory.nonpaged.map(|_| Pool::Nonpaged).or(memory.paged.map(|_| Pool::Paged));
        let of_tag = largest.filter(|tag| tag.bytes.0 >= STRIKING_BYTES).map(|tag| tag.pool);
        return told.or(of_tag);
    };
    let of = |pool| if pool == Pool::Paged { paged } else { nonpaged };
    let filled = largest.filter(|tag| {
        tag.bytes.0 >= STRIKING_BYTES && tag.bytes.share_of(of(tag.pool)) >= MOST_OF_POOL
    });
    let is_large = nonpaged.0 >= LARGE_NONPAGED && nonpaged > paged;
    filled.map(|tag| tag.pool).or(is_large.then_some(Pool::Nonpaged))
}
