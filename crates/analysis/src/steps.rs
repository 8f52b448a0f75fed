//! What to do next, in the order of the four methods.

use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{Diagnosis, Dump, Evidence, NextStep, Return, Suspect, SuspectKind, Verdict},
    host::Arch,
};

use crate::{
    case::CaseFile,
    catalogue,
    confidence::{REMEDY, is_hint},
    facts, holders,
    programs::is_vital,
};

/// The next steps for a diagnosis.
#[must_use]
pub fn next_steps(case: &CaseFile, diagnosis: &Diagnosis) -> Vec<NextStep> {
    let pool = diagnosis.pool;
    match diagnosis.verdict {
        Verdict::NoLeakShown => return Vec::new(),
        Verdict::InsufficientEvidence => {
            return vec![NextStep::ListHandles, NextStep::MeasureAgain { pool }];
        }
        Verdict::CommitExhaustion => {
            let mut steps = vec![NextStep::ListCommit];
            let program = diagnosis.suspects.first();
            let program = program.filter(|one| one.kind == SuspectKind::Process);
            steps.extend(program.and_then(|suspect| remedy(suspect, None)));
            return steps;
        }
        Verdict::Exhausted | Verdict::Leak | Verdict::HighUse => {}
    }
    let suspect = diagnosis.suspects.first();
    let tag = suspect
        .and_then(|suspect| suspect.tags.first().copied())
        .or_else(|| diagnosis.tags.first().map(|tag| tag.tag));
    let program = suspect.filter(|suspect| suspect.kind == SuspectKind::Process);
    let mut steps = match program {
        Some(suspect) => by_program(diagnosis, suspect),
        None => vec![NextStep::ListHandles],
    };
    steps.push(NextStep::WatchTag { tag, pool });
    steps.extend(by_driver(diagnosis, tag));
    let is_program = program.is_some_and(|suspect| suspect.confidence >= REMEDY);
    // What the kernel itself allocates, as it does all objects, Verifier counts for nobody.
    if !is_program && tag.is_none_or(|tag| !facts::tag_facts(tag).objects) {
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
        image: program.filter(|one| !is_hint(one)).and_then(|suspect| suspect.name.clone()),
    });
    steps.sort_by_key(NextStep::method);
    steps
}

/// What to do about a program: whoever holds objects for others is asked for its callers, a hint is
/// one of many to look at, and only who is sure enough is stopped.
fn by_program(diagnosis: &Diagnosis, suspect: &Suspect) -> Vec<NextStep> {
    let (image, pid, handles) = accused(suspect);
    let remedy = remedy(suspect, expected(diagnosis, suspect));
    let mut steps: Vec<NextStep> = remedy.into_iter().collect();
    if !is_hint(suspect) || is_vital(&image) {
        steps.push(NextStep::CountHandles { image, pid, handles });
    } else {
        steps.push(NextStep::ListHandles);
    }
    steps
}

/// What stops a program, where it is sure enough and Windows can live without it.
fn remedy(suspect: &Suspect, returns: Option<Return>) -> Option<NextStep> {
    let (image, pid, _) = accused(suspect);
    match () {
        () if is_vital(&image) => Some(NextStep::FindCaller { image, pid }),
        () if suspect.confidence < REMEDY => None,
        () if suspect.services.is_empty() => Some(NextStep::EndProgram { image, pid, returns }),
        () => {
            let services = suspect.services.clone();
            Some(NextStep::RestartService { image, pid, services, returns })
        }
    }
}
fn by_driver(diagnosis: &Diagnosis, tag: Option<PoolTag>) -> Vec<NextStep> {
    let mut steps = Vec::new();
    let sure = || diagnosis.suspects.iter().filter(|suspect| suspect.confidence >= REMEDY);
    for fact in sure().flat_map(|suspect| &suspect.evidence) {
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
    let driver = sure().find(|suspect| suspect.kind == SuspectKind::Driver);
    if let Some((suspect, driver)) = driver.and_then(|one| Some((one, one.name.clone()?))) {
        steps.push(NextStep::ReplaceDriver { driver, version: suspect.version.clone() });
    }
    if let Some(tag) = tag.filter(|tag| {
        let known = facts::tag_facts(*tag);
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

#[cfg(test)]
mod tests {
    use super::*;

    fn steps_against(verdict: Verdict, suspect: Suspect) -> Vec<NextStep> {
        let (pool, suspects) = (Some(Pool::Nonpaged), vec![suspect]);
        let diagnosis = Diagnosis { verdict, pool, suspects, ..Diagnosis::default() };
        next_steps(&CaseFile::default(), &diagnosis)
    }

    fn program(name: &str, confidence: f32) -> Suspect {
        Suspect {
            kind: SuspectKind::Process,
            name: Some(name.into()),
            confidence,
            ..Suspect::default()
        }
    }

    #[test]
    fn a_program_is_stopped_only_when_it_is_sure_enough_and_not_vital() {
        for (name, confidence, ends, counts, finds_caller) in [
            ("a.exe", 0.35, false, false, false),
            ("a.exe", 0.5, false, true, false),
            ("a.exe", 0.69, false, true, false),
            ("a.exe", 0.7, true, true, false),
            ("lsass.exe", 0.4, false, true, true),
            ("lsass.exe", 0.9, false, true, true),
        ] {
            let steps = steps_against(Verdict::Leak, program(name, confidence));
            let has = |is_it: fn(&NextStep) -> bool| steps.iter().any(is_it);
            let found = (
                has(|step| matches!(step, NextStep::EndProgram { .. })),
                has(|step| matches!(step, NextStep::CountHandles { .. })),
                has(|step| matches!(step, NextStep::FindCaller { .. })),
            );
            assert_eq!(found, (ends, counts, finds_caller), "{name} at {confidence}");
            assert_eq!(has(|step| matches!(step, NextStep::ListHandles)), !counts, "{confidence}");
        }
    }

    #[test]
    fn who_holds_commit_is_ended_only_when_it_is_sure_enough() {
        for (confidence, count) in [(0.55, 1), (0.75, 2)] {
            let steps = steps_against(Verdict::CommitExhaustion, program("a.exe", confidence));
            assert_eq!(steps.len(), count, "at {confidence}: {steps:?}");
        }
    }

    #[test]
    fn a_driver_is_replaced_and_updated_only_when_it_is_sure_enough() {
        let known = Evidence::KnownLeak {
            tag: PoolTag::new(*b"Fooo"),
            owner: "foo.sys".into(),
            versions: String::new(),
            reference: String::new(),
        };
        for (confidence, count) in [(0.69, 0), (0.7, 2)] {
            let suspect = Suspect {
                kind: SuspectKind::Driver,
                name: Some("foo.sys".into()),
                tags: vec![PoolTag::new(*b"Fooo")],
                confidence,
                evidence: vec![known.clone()],
                ..Suspect::default()
            };
            let remedies = steps_against(Verdict::Leak, suspect).into_iter().filter(|step| {
                matches!(step, NextStep::Update { .. } | NextStep::ReplaceDriver { .. })
            });
            assert_eq!(remedies.count(), count, "at {confidence}");
        }
    }
}
