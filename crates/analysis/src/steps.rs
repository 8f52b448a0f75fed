//! What to do next, in the order of the four methods.

use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{Diagnosis, Dump, Evidence, NextStep, Return, Suspect, SuspectKind, Verdict},
    host::Arch,
};

use crate::{case::CaseFile, catalogue, facts, holders, programs::is_vital};

/// Below this a suspect is a hint, and drivers are looked at as well.
const SURE: f32 = 0.7;

/// The next steps for a diagnosis.
#[must_use]
pub fn of(case: &CaseFile, diagnosis: &Diagnosis) -> Vec<NextStep> {
    let pool = diagnosis.pool;
    let suspect = diagnosis.suspects.first();
    let process = suspect.filter(|suspect| suspect.kind == SuspectKind::Process);
    match diagnosis.verdict {
        Verdict::NoLeakShown => return Vec::new(),
        Verdict::InsufficientEvidence => {
            return vec![NextStep::ListHandles, NextStep::MeasureAgain { pool }];
        }
        Verdict::CommitExhaustion => {
            let mut steps = vec![NextStep::ListCommit];
            steps.extend(process.map(|suspect| end(suspect, None)));
            return steps;
        }
        Verdict::Exhausted | Verdict::Leak | Verdict::HighUse => {}
    }
    let tag = suspect
        .and_then(|suspect| suspect.tags.first().copied())
        .or_else(|| diagnosis.tags.first().map(|tag| tag.tag));
    let mut steps = match process {
        Some(suspect) => by_process(diagnosis, suspect),
        None => vec![NextStep::ListHandles],
    };
    steps.push(NextStep::WatchTag { tag, pool });
    steps.extend(by_driver(diagnosis, tag));
    let is_program = process.is_some_and(|suspect| suspect.confidence >= SURE);
    // What the kernel itself allocates, as it does all objects, Verifier counts for nobody.
    if !is_program && tag.is_none_or(|tag| !facts::of(tag).objects) {
        let drivers = drivers(diagnosis).map(ToOwned::to_owned).collect();
        steps.push(NextStep::VerifyDrivers { drivers });
    }
    if let (Some(pool), Some(Arch::X86)) = (pool, case.arch()) {
        steps.push(NextStep::RaiseLimit { pool });
    }
    steps.push(NextStep::TakeDump { how: Dump::Either });
    steps.push(NextStep::AskDebugger {
        pool,
        tag,
        object_type: tag.and_then(holders::object_type).map(ToOwned::to_owned),
        image: process.and_then(|suspect| suspect.name.clone()),
    });
    steps.sort_by_key(NextStep::method);
    steps
}

fn by_process(diagnosis: &Diagnosis, suspect: &Suspect) -> Vec<NextStep> {
    let (image, pid, handles) = accused(suspect);
    let returns = expected(diagnosis, suspect);
    let remedy = match () {
        () if is_vital(&image) => NextStep::FindCaller { image: image.clone(), pid },
        () if !suspect.services.is_empty() => NextStep::RestartService {
            image: image.clone(),
            pid,
            services: suspect.services.clone(),
            returns,
        },
        () => end(suspect, returns),
    };
    vec![remedy, NextStep::CountHandles { image, pid, handles }]
}

fn end(suspect: &Suspect, returns: Option<Return>) -> NextStep {
    let (image, pid, _) = accused(suspect);
    if is_vital(&image) {
        return NextStep::FindCaller { image, pid };
    }
    NextStep::EndProgram { image, pid, returns }
}

fn by_driver(diagnosis: &Diagnosis, tag: Option<PoolTag>) -> Vec<NextStep> {
    let mut steps = Vec::new();
    let facts = diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence);
    for fact in facts {
        if let Evidence::KnownLeak { tag, owner, reference, .. } = fact {
            let mut known = catalogue::known_leaks(*tag);
            let remedy = known.find(|leak| leak.name == owner).map_or("", |leak| leak.remedy);
            steps.push(NextStep::Update {
                name: owner.clone(),
                remedy: remedy.to_owned(),
                reference: reference.clone(),
            });
        }
    }
    let sure = diagnosis
        .suspects
        .iter()
        .find(|suspect| suspect.kind == SuspectKind::Driver && suspect.confidence >= SURE);
    if let Some((suspect, driver)) = sure.and_then(|one| Some((one, one.name.clone()?))) {
        steps.push(NextStep::ReplaceDriver { driver, version: suspect.version.clone() });
    }
    if let Some(tag) = tag.filter(|tag| {
        let known = facts::of(*tag);
        !known.objects && (known.owner.is_none() || known.shared)
    }) {
        steps.push(NextStep::FindDriver { tag });
    }
    steps
}

fn drivers(diagnosis: &Diagnosis) -> impl Iterator<Item = &str> {
    let of_kind = diagnosis.suspects.iter().filter(|one| one.kind == SuspectKind::Driver);
    of_kind.filter_map(|suspect| suspect.name.as_deref())
}

/// The suspect's image, process and handles, as its evidence tells them.
fn accused(suspect: &Suspect) -> (String, Option<u32>, Option<u32>) {
    let name = suspect.name.clone().unwrap_or_default();
    suspect
        .evidence
        .iter()
        .find_map(|fact| match fact {
            Evidence::ProcessHandles { image, pid, handles } if *image == name => {
                Some((name.clone(), (*pid != 0).then_some(*pid), Some(*handles)))
            }
            Evidence::CommitHolder { image, pid, handles, .. } if *image == name => {
                Some((name.clone(), (*pid != 0).then_some(*pid), Some(*handles)))
            }
            _ => None,
        })
        .unwrap_or((name, None, None))
}

/// What must come back when the suspect ends.
fn expected(diagnosis: &Diagnosis, suspect: &Suspect) -> Option<Return> {
    let tag = suspect.tags.first()?;
    let judged = diagnosis.tags.iter().find(|one| one.tag == *tag)?;
    let pool = diagnosis.pool.unwrap_or(Pool::Nonpaged);
    Some(Return { tag: *tag, pool, bytes: judged.bytes, objects: judged.outstanding })
}
