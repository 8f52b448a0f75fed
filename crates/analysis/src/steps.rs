//! What to do next, in the order of the four methods.

use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{
        Diagnosis, Dump, Evidence, KnownOutput, NextStep, ProgramRole, Return, Suspect,
        SuspectKind, TagFinding, Verdict,
    },
    history::ProcessSeries,
    host::Arch,
};

use crate::{
    case::{self, CaseFile},
    catalogue,
    confidence::{REMEDY, is_hint, named_suspect},
    facts, headroom, holders,
    programs::{self, is_vital},
    whole,
};

/// The kernel's own process, and its id.
const SYSTEM: (&str, u32) = ("System", 4);
/// Processes with their handles that make a list.
const A_LIST: usize = 3;
/// Two pictures so far apart show what grows: no third is asked for.
const AGAIN_S: u64 = 6 * 3600;
/// Tags that explain less than this share of a pool are not all of them.
const EXPLAINED: f64 = 0.5;
/// Leaked allocations that a trace should show, and how long one may take.
const TRACED: u64 = 30;
const SHORTEST_TRACE_S: u64 = 60;
const LONGEST_TRACE_S: u64 = 4 * 3600;
/// Nonpaged pool that has to be left for its buffers, many times over.
const TRACE_LEAVES: Bytes = Bytes(1 << 30);
/// Whose structures stand for files that somebody keeps open.
const FILE_SYSTEMS: [&str; 4] = ["ntfs.sys", "fltmgr.sys", "refs.sys", "nt!cc"];

/// The next steps for a diagnosis.
#[must_use]
pub fn next_steps(case: &CaseFile, diagnosis: &Diagnosis) -> Vec<NextStep> {
    let pool = diagnosis.pool;
    match diagnosis.verdict {
        Verdict::NoLeakShown => return Vec::new(),
        Verdict::InsufficientEvidence => return to_decide(case, diagnosis),
        Verdict::CommitExhaustion => {
            let mut steps = vec![NextStep::ListCommit];
            let program = diagnosis.suspects.first();
            let program = program.filter(|one| one.kind == SuspectKind::Process);
            steps.extend(program.and_then(|suspect| remedy(suspect, None)));
            // The event itself lists them.
            let is_listed = |fact: &Evidence| matches!(fact, Evidence::CommitHolder { .. });
            if diagnosis.evidence.iter().any(is_listed) {
                steps.retain(|step| *step != NextStep::ListCommit);
            }
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
        None => Vec::new(),
    };
    steps.extend((!steps.iter().any(is_about_program)).then_some(NextStep::ListHandles));
    steps.extend(diagnosis.suspects.iter().filter_map(stop_trigger));
    steps.extend(missing(diagnosis));
    let is_kernels = diagnosis
        .suspects
        .iter()
        .flat_map(|one| &one.evidence)
        .any(|fact| matches!(fact, Evidence::HeldByKernel { .. }));
    if is_kernels {
        steps.push(NextStep::CountHandles {
            image: SYSTEM.0.to_owned(),
            pid: Some(SYSTEM.1),
            handles: None,
        });
    }
    if tag.is_some() || !steps.iter().any(|step| matches!(step, NextStep::ListTags { .. })) {
        steps.push(NextStep::WatchTag { tag, pool });
    }
    steps.extend(may_count_no_tags(case).then_some(NextStep::EnableTagging));
    steps.extend(trace(case, diagnosis));
    steps.extend(by_driver(diagnosis, tag));
    let is_program = program.is_some_and(|suspect| suspect.confidence >= REMEDY);
    let owner = tag.and_then(|tag| facts::tag_facts(tag).owner);
    if let Some(tag) = tag.filter(|_| owner.is_some_and(|owner| FILE_SYSTEMS.contains(&owner))) {
        steps.push(NextStep::ListFilters { tag });
    }
    // What the kernel itself allocates, as it does all objects, Verifier counts for nobody, unless a
    // driver opened them.
    if !is_program && (is_kernels || tag.is_none_or(|tag| !facts::tag_facts(tag).objects)) {
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
        known: known_outputs(case),
    });
    steps.retain(|step| !is_known_already(case, step));
    steps.sort_by_key(NextStep::method);
    steps
}

/// What decides a case that is open: exactly what is missing.
fn to_decide(case: &CaseFile, diagnosis: &Diagnosis) -> Vec<NextStep> {
    let pool = diagnosis.pool;
    let suspect = diagnosis.suspects.first().filter(|one| one.kind == SuspectKind::Process);
    let mut steps: Vec<NextStep> = suspect
        .map(|suspect| {
            let (image, pid, handles) = accused(suspect);
            NextStep::CountHandles { image, pid, handles }
        })
        .into_iter()
        .collect();
    steps.push(NextStep::ListHandles);
    steps.extend(missing(diagnosis));
    if case.tags.is_empty() && !steps.iter().any(|step| matches!(step, NextStep::ListTags { .. })) {
        steps.push(NextStep::ListTags { pool });
    }
    steps.extend(may_count_no_tags(case).then_some(NextStep::EnableTagging));
    steps.push(NextStep::MeasureAgain { pool });
    steps.retain(|step| !is_known_already(case, step));
    steps.sort_by_key(NextStep::method);
    steps
}

/// What gets the figures and tags that a diagnosis lacks.
fn missing(diagnosis: &Diagnosis) -> Vec<NextStep> {
    let facts = || diagnosis.evidence.iter();
    let unknown = facts().any(|fact| matches!(fact, Evidence::PoolTotalUnknown { .. }));
    let mut steps: Vec<NextStep> = unknown.then_some(NextStep::ReadTotals).into_iter().collect();
    let unexplained = facts().find_map(|fact| match fact {
        Evidence::TagsExplain { pool, explained, used }
            if explained.share_of(*used) < EXPLAINED =>
        {
            Some(*pool)
        }
        _ => None,
    });
    let is_torn = facts().any(|fact| matches!(fact, Evidence::TornTable));
    if let Some(pool) = unexplained {
        steps.push(NextStep::ListTags { pool: diagnosis.pool.or(Some(pool)) });
    } else if is_torn {
        steps.push(NextStep::ListTags { pool: diagnosis.pool });
    }
    steps
}

/// Whether a host may count no tags: Windows 2000 and XP, which were for 32 bits alone but for rare ones, do so
/// only when they are told to.
fn may_count_no_tags(case: &CaseFile) -> bool {
    match &case.os {
        Some(os) => (os.major, os.minor) < (5, 2),
        None => case.arch() == Some(Arch::X86) && case.tags.is_empty(),
    }
}

/// What a debugger need not print again. A host with an agent is asked when it hangs: nothing is known of
/// that moment.
fn known_outputs(case: &CaseFile) -> Vec<KnownOutput> {
    let is_told = |output: &KnownOutput| match output {
        _ if case.is_watched => false,
        KnownOutput::Totals => has_totals(case),
        KnownOutput::Tags => !case.tags.is_empty() && !case.is_torn && whole::gaps(case).is_empty(),
        KnownOutput::Processes => has_list(case),
    };
    [KnownOutput::Totals, KnownOutput::Tags, KnownOutput::Processes]
        .into_iter()
        .filter(is_told)
        .collect()
}

fn has_totals(case: &CaseFile) -> bool {
    Pool::ALL.into_iter().all(|pool| case.memory.of(pool).is_some())
}

fn has_list(case: &CaseFile) -> bool {
    let counted = |process: &&ProcessSeries| case::last(&process.handles).is_some();
    case.processes.iter().filter(counted).count() >= A_LIST
}

/// A trace of the tag that leaks, where its rate is known and nobody is named. Its buffers are
/// nonpaged pool: none is proposed while that is short, or where nobody knows how much is left.
fn trace(case: &CaseFile, diagnosis: &Diagnosis) -> Option<NextStep> {
    let is_open = diagnosis.verdict == Verdict::Leak && named_suspect(diagnosis).is_none();
    let left = headroom::headroom(case, Pool::Nonpaged)?.left;
    let one = diagnosis.tags.iter().find(|one| one.finding == TagFinding::Leaks)?;
    let (per_day, each) = (one.bytes_per_day?.0, one.bytes.0.checked_div(one.outstanding)?.max(1));
    let seconds = TRACED.checked_mul(86_400)?.checked_mul(each)?.div_ceil(per_day.max(1));
    let is_printable = one.tag.bytes()[0].is_ascii_graphic();
    (is_open && left >= TRACE_LEAVES && seconds <= LONGEST_TRACE_S && is_printable)
        .then(|| NextStep::TraceTag { tag: one.tag, seconds: seconds.max(SHORTEST_TRACE_S) })
}

/// Whether what a step asks for is in the case: nobody is asked for what was just given.
fn is_known_already(case: &CaseFile, step: &NextStep) -> bool {
    match step {
        NextStep::ListHandles => has_list(case),
        NextStep::ReadTotals => has_totals(case),
        NextStep::VerifyDrivers { .. } => case.is_verified,
        NextStep::MeasureAgain { .. } => {
            let last = case.axis.len().saturating_sub(1);
            let run = case.run_start();
            !case.tags.is_empty() && run < last && case.span_s(run, last) >= AGAIN_S
        }
        _ => false,
    }
}

fn is_about_program(step: &NextStep) -> bool {
    matches!(step, NextStep::CountHandles { .. } | NextStep::ListHandles)
}

/// What to do about a program: whoever holds objects for others is asked for its callers, a hint is
/// one of many to look at, and only who is sure enough is stopped.
fn by_program(diagnosis: &Diagnosis, suspect: &Suspect) -> Vec<NextStep> {
    let (image, pid, handles) = accused(suspect);
    let remedy = remedy(suspect, expected(diagnosis, suspect));
    let mut steps: Vec<NextStep> = remedy.into_iter().collect();
    if !is_hint(suspect) || is_vital(&image) || suspect.tags.is_empty() {
        steps.push(NextStep::CountHandles { image, pid, handles });
    } else {
        steps.push(NextStep::ListHandles);
    }
    steps
}

/// What stops a program, where it is sure enough and may be stopped, in its own way.
fn remedy(suspect: &Suspect, returns: Option<Return>) -> Option<NextStep> {
    let (image, pid, _) = accused(suspect);
    match programs::role(&image) {
        Some(ProgramRole::Broker) => {
            Some(NextStep::FindCaller { image, pid, tag: suspect.tags.first().copied() })
        }
        _ if suspect.confidence < REMEDY => None,
        Some(role) if role != ProgramRole::ServiceHost || suspect.services.is_empty() => {
            Some(NextStep::StopWithCare { image, role, returns })
        }
        _ if suspect.services.is_empty() => Some(NextStep::EndProgram { image, pid, returns }),
        _ => {
            let services = suspect.services.clone();
            Some(NextStep::RestartService { image, pid, services, returns })
        }
    }
}

/// What ends growth where a program drives it: to stop the program, in its own way, where it is sure
/// enough and may be stopped. Nothing comes back by that.
fn stop_trigger(suspect: &Suspect) -> Option<NextStep> {
    let is_it = suspect.kind == SuspectKind::Trigger && suspect.confidence >= REMEDY;
    let image = suspect.name.clone().filter(|image| is_it && !is_vital(image))?;
    let role = programs::role(&image);
    Some(NextStep::StopTrigger { image, tag: *suspect.tags.first()?, role })
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
            Evidence::ProgramHandles { image, handles, .. } if *image == name => {
                let handles = u32::try_from(*handles).unwrap_or(u32::MAX);
                Some((name.clone(), None, Some(handles)))
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
    use poolwatch_model::diagnosis::TagObservation;

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
            tags: vec![PoolTag::of_object_type("Thread")],
            confidence,
            ..Suspect::default()
        }
    }

    fn leaking(left: u64, per_day: u64) -> Option<u64> {
        let mut case = CaseFile::default();
        case.memory.nonpaged = Some(Bytes(1 << 30));
        case.memory.nonpaged_limit = Some(Bytes((1 << 30) + left));
        let tag = TagObservation {
            tag: PoolTag::new(*b"Qvfz"),
            pool: Pool::Nonpaged,
            bytes: Bytes(320_000_000),
            outstanding: 1_000_000,
            finding: TagFinding::Leaks,
            bytes_per_day: Some(Bytes(per_day)),
        };
        let verdict = Verdict::Leak;
        let diagnosis = Diagnosis { verdict, tags: vec![tag], ..Diagnosis::default() };
        next_steps(&case, &diagnosis).into_iter().find_map(|step| match step {
            NextStep::TraceTag { seconds, .. } => Some(seconds),
            _ => None,
        })
    }

    fn asked(case: &CaseFile, verdict: Verdict) -> Vec<NextStep> {
        let pool = Some(Pool::Nonpaged);
        next_steps(case, &Diagnosis { verdict, pool, ..Diagnosis::default() })
    }

    #[test]
    fn nobody_is_asked_for_what_was_just_given() {
        use poolwatch_model::{
            history::{Moment, TagSeries},
            process::{ProcessKey, ProcessUse},
        };
        let mut case = CaseFile::default();
        let of_debugger = |case: &CaseFile| {
            asked(case, Verdict::Leak).into_iter().find_map(|step| match step {
                NextStep::AskDebugger { known, .. } => Some(known),
                _ => None,
            })
        };
        let has = |case: &CaseFile, verdict, is_it: fn(&NextStep) -> bool| {
            asked(case, verdict).iter().any(is_it)
        };
        let open = Verdict::InsufficientEvidence;
        assert_eq!(of_debugger(&case), Some(vec![]));
        assert!(has(&case, Verdict::Leak, |step| matches!(step, NextStep::VerifyDrivers { .. })));
        assert!(has(&case, open, |step| matches!(step, NextStep::MeasureAgain { .. })));
        (case.memory.paged, case.memory.nonpaged) = (Some(Bytes(1 << 20)), Some(Bytes(1 << 20)));
        for pid in 0..3 {
            let mut process = ProcessSeries::unmeasured(
                &ProcessUse {
                    key: ProcessKey { pid, created: None },
                    ..ProcessUse::new(pid, None, "a")
                },
                2,
            );
            process.handles = vec![9, 9];
            case.processes.push(process);
        }
        for pool in Pool::ALL {
            let (bytes, outstanding) = (vec![1 << 20; 2], vec![9; 2]);
            let tag = PoolTag::new(*b"Abcd");
            case.tags.push(TagSeries { tag, pool, bytes, outstanding, allocs: vec![9; 2] });
        }
        let moment = |at_s| Moment { at_s, boot: 0, uptime_s: None };
        case.axis = vec![moment(0), moment(7 * 3600)];
        case.is_verified = true;
        let all = vec![KnownOutput::Totals, KnownOutput::Tags, KnownOutput::Processes];
        assert_eq!(of_debugger(&case), Some(all));
        assert!(!has(&case, open, |step| matches!(step, NextStep::ListHandles)));
        assert!(!has(&case, open, |step| matches!(step, NextStep::MeasureAgain { .. })));
        assert!(!has(&case, Verdict::Leak, |step| matches!(step, NextStep::VerifyDrivers { .. })));
        case.is_watched = true;
        assert_eq!(of_debugger(&case), Some(vec![]), "a hang is another moment");
    }

    #[test]
    fn windows_that_may_count_no_tags_is_told_how_to() {
        let mut case = CaseFile { arch: Some(Arch::X86), ..CaseFile::default() };
        let tells =
            |case: &CaseFile| asked(case, Verdict::Exhausted).contains(&NextStep::EnableTagging);
        assert!(tells(&case));
        case.arch = Some(Arch::X64);
        assert!(!tells(&case));
    }

    #[test]
    fn a_trigger_is_stopped_in_its_own_way_and_a_weak_one_is_not() {
        let trigger = |name: &str, confidence| Suspect {
            kind: SuspectKind::Trigger,
            ..program(name, confidence)
        };
        let tag = PoolTag::of_object_type("Thread");
        let stops = |name: &str, confidence| {
            steps_against(Verdict::Leak, trigger(name, confidence)).into_iter().find(|step| {
                matches!(step, NextStep::StopTrigger { .. } | NextStep::EndProgram { .. })
            })
        };
        let stop = |image: &str, role| NextStep::StopTrigger { image: image.to_owned(), tag, role };
        assert_eq!(stops("git.exe", 0.85), Some(stop("git.exe", None)));
        assert_eq!(stops("git.exe", 0.69), None);
        assert_eq!(
            stops("vmwp.exe", 0.85),
            Some(stop("vmwp.exe", Some(ProgramRole::VirtualMachine)))
        );
        assert_eq!(stops("lsass.exe", 0.85), None);
    }

    #[test]
    fn a_trace_is_long_enough_for_thirty_and_is_not_proposed_while_pool_is_short() {
        // 320 bytes each: thirty a day take a day, thirty in half an hour half an hour.
        assert_eq!(leaking(4 << 30, 30 * 320 * 48), Some(1800));
        assert_eq!(leaking(4 << 30, 30 * 320), None, "a day is too long");
        assert_eq!(leaking(4 << 30, 320 << 20), Some(SHORTEST_TRACE_S));
        assert_eq!(leaking(100 << 20, 30 * 320 * 48), None, "its buffers are nonpaged pool");
    }

    #[test]
    fn what_must_not_be_ended_is_stopped_in_its_own_way_however_sure_it_is() {
        for (name, role) in [
            ("vmwp.exe", ProgramRole::VirtualMachine),
            ("clussvc.exe", ProgramRole::Cluster),
            ("sqlservr.exe", ProgramRole::Database),
            ("store.exe", ProgramRole::MailStore),
            ("MsMpEng.exe", ProgramRole::Security),
            ("svchost.exe", ProgramRole::ServiceHost),
            ("Memory Compression", ProgramRole::NotAProgram),
        ] {
            let steps = steps_against(Verdict::Leak, program(name, 0.95));
            let ends = |step: &NextStep| {
                matches!(step, NextStep::EndProgram { .. } | NextStep::RestartService { .. })
            };
            assert!(!steps.iter().any(ends), "{steps:?}");
            let cares = |step: &NextStep| matches!(step, NextStep::StopWithCare { role: of, .. } if *of == role);
            assert!(steps.iter().any(cares), "{steps:?}");
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
