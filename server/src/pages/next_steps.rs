//! What to do next about a diagnosis: a remedy where one is known, then the four ways to the
//! culprit, easiest first, with the exact commands for the host.

mod methods;
mod names;
mod remedies;

use poolwatch_analysis::{catalogue, holders};
use poolwatch_model::{
    Pool, PoolTag, Snapshot,
    diagnosis::{Diagnosis, Evidence, SuspectKind, Verdict},
    host::OsVersion,
    process::ProcessUse,
};
use poolwatch_web::steps::NextStep;

/// Below this confidence a suspect is a hint, and drivers are looked at as well.
const SURE: f32 = 0.7;

/// The next steps for a diagnosis of a host, first things first. The snapshot is the host's latest.
pub(crate) fn of(
    diagnosis: &Diagnosis,
    os: Option<&OsVersion>,
    snapshot: Option<&Snapshot>,
) -> Vec<NextStep> {
    let case = Case { diagnosis, os, snapshot };
    match diagnosis.verdict {
        Verdict::NoLeakShown => Vec::new(),
        Verdict::CommitExhaustion => vec![remedies::find_commit(&case)],
        Verdict::InsufficientEvidence => {
            vec![methods::handle_count(&case), methods::pool_tag(&case)]
        }
        Verdict::Exhausted | Verdict::Leak | Verdict::HighUse => {
            let mut steps: Vec<NextStep> = remedies::of(&case).into_iter().collect();
            steps.push(methods::handle_count(&case));
            steps.push(methods::pool_tag(&case));
            if case.may_be_a_driver() {
                steps.push(methods::driver_verifier(&case));
            }
            steps.push(methods::debugger(&case));
            steps
        }
    }
}

/// What the steps are made of.
struct Case<'a> {
    diagnosis: &'a Diagnosis,
    os: Option<&'a OsVersion>,
    snapshot: Option<&'a Snapshot>,
}

impl Case<'_> {
    /// The suspected process as it is in the snapshot: the accused pid, of the accused image.
    fn process(&self) -> Option<&ProcessUse> {
        let suspect = self.diagnosis.suspects.first()?;
        let accused = suspect.evidence.iter().find_map(|fact| match fact {
            Evidence::ProcessHandles { image, pid, .. } => Some((image, *pid)),
            _ => None,
        })?;
        let processes = self.snapshot?.processes.as_deref()?;
        processes.iter().find(|process| process.key.pid == accused.1 && process.image == *accused.0)
    }

    /// The suspected program's image name.
    fn image(&self) -> Option<&str> {
        let suspect = self.diagnosis.suspects.first()?;
        (suspect.kind == SuspectKind::Process).then_some(suspect.name.as_deref()).flatten()
    }

    /// File names of suspected drivers.
    fn drivers(&self) -> Vec<&str> {
        let of_kind = self.diagnosis.suspects.iter().filter(|one| one.kind == SuspectKind::Driver);
        of_kind.filter_map(|suspect| suspect.name.as_deref()).collect()
    }

    /// Whether counting drivers' allocations can tell anything. What the kernel itself allocates,
    /// as it does all objects, is not counted for the driver that asked.
    fn may_be_a_driver(&self) -> bool {
        let first = self.diagnosis.suspects.first();
        if first.is_some_and(|one| one.kind == SuspectKind::Process && one.confidence >= SURE) {
            return false;
        }
        let by_kernel = |tag| {
            holders::is_object_tag(tag)
                || catalogue::entry(tag).is_some_and(|entry| !entry.shared && entry.owner == "nt")
        };
        !self.drivers().is_empty() || !self.tag().is_some_and(by_kernel)
    }

    /// The tag that matters most: the suspect's, else the one that grew or holds most.
    fn tag(&self) -> Option<PoolTag> {
        let accused = self.diagnosis.suspects.first().and_then(|suspect| suspect.tags.first());
        let told = || {
            self.diagnosis.evidence.iter().find_map(|fact| match fact {
                Evidence::TagGrowth { tag, .. } | Evidence::TagUse { tag, .. } => Some(*tag),
                _ => None,
            })
        };
        let largest = || {
            let pool = self.diagnosis.pool.unwrap_or(Pool::Nonpaged);
            let rows = &self.snapshot?.tags.as_ref()?.rows;
            rows.iter().max_by_key(|row| row.of(pool).bytes).map(|row| row.tag)
        };
        accused.copied().or_else(told).or_else(largest).map(PoolTag::unprotected)
    }

    /// Windows before Vista: no PowerShell by itself, and another set of tools.
    fn is_before_vista(&self) -> bool {
        self.os.is_some_and(|os| os.major < 6)
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        Bytes,
        diagnosis::Suspect,
        tag::{AllocCounting, TagCounters, TagTable, TagUse},
    };
    use poolwatch_web::steps::Method;

    use super::*;

    fn diagnosis(verdict: Verdict, suspects: Vec<Suspect>) -> Diagnosis {
        Diagnosis { verdict, pool: Some(Pool::Nonpaged), suspects, ..Diagnosis::default() }
    }

    fn thread_leak(image: &str, services: &[&str]) -> (Diagnosis, Snapshot) {
        let mut process = ProcessUse::new(416, None, image);
        process.services = services.iter().map(|name| (*name).to_owned()).collect();
        process.handles = Some(90_472);
        let tag = PoolTag::new(*b"Thre");
        let nonpaged = TagCounters { bytes: 76_892_800, outstanding: 120_145, allocs: 0 };
        let rows = vec![TagUse { tag, paged: TagCounters::default(), nonpaged }];
        let snapshot = Snapshot {
            tags: Some(TagTable::new(AllocCounting::OutstandingOnly, false, rows)),
            processes: Some(vec![process]),
            ..Snapshot::default()
        };
        let fact = Evidence::ProcessHandles { image: image.into(), pid: 416, handles: 90_472 };
        let suspect = Suspect {
            kind: SuspectKind::Process,
            name: Some(image.into()),
            tags: vec![tag],
            confidence: 0.85,
            evidence: vec![fact],
            ..Suspect::default()
        };
        (diagnosis(Verdict::Exhausted, vec![suspect]), snapshot)
    }

    fn commands(steps: &[NextStep]) -> String {
        steps.iter().map(NextStep::script).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_service_behind_the_suspect_is_restarted_first() {
        let (diagnosis, snapshot) = thread_leak("mybadapp.exe", &["BadApp"]);
        let steps = of(&diagnosis, None, Some(&snapshot));
        assert_eq!(
            steps[0].commands,
            ["sc.exe query BadApp", "net stop BadApp", "net start BadApp"]
        );
        assert!(steps[0].detail.contains("73 MB"), "{}", steps[0].detail);
        let methods: Vec<_> = steps.iter().map(|step| step.method).collect();
        assert_eq!(
            methods,
            [None, Some(Method::HandleCount), Some(Method::PoolTag), Some(Method::Debugger)],
            "a driver is not to be verified for what a program does"
        );
        assert!(commands(&steps).contains("!poolused 2"));
    }

    #[test]
    fn nobody_is_told_to_stop_what_windows_cannot_live_without() {
        let (diagnosis, snapshot) = thread_leak("lsass.exe", &["SamSs"]);
        let steps = of(&diagnosis, None, Some(&snapshot));
        let commands = commands(&steps);
        assert!(!commands.contains("net stop") && !commands.contains("taskkill"), "{commands}");
        assert!(steps[0].detail.contains("on behalf of"), "{}", steps[0].detail);
    }

    #[test]
    fn names_that_could_be_commands_stay_out_of_commands() {
        for name in ["a&calc.exe", "$(calc)", "x\" & del *.*", "`calc`", "%COMSPEC%", "a\nb", "ä"]
        {
            let (mut diagnosis, mut snapshot) = thread_leak(name, &[name, "/y", "-x"]);
            diagnosis.suspects[0].tags = vec![PoolTag::new(*b"a&b|")];
            if let Some(tags) = &mut snapshot.tags {
                tags.rows[0].tag = PoolTag::new(*b"a&b|");
            }
            let commands = commands(&of(&diagnosis, None, Some(&snapshot)));
            for piece in [name, "a&b|", "net stop", "sc.exe query"] {
                assert!(!commands.contains(piece), "{name:?}: {commands}");
            }
        }
    }

    #[test]
    fn without_a_suspect_the_four_ways_come_in_their_order() {
        let mut diagnosis = diagnosis(Verdict::Exhausted, vec![]);
        diagnosis.evidence.push(Evidence::TagUse {
            tag: PoolTag::new(*b"Fooo"),
            pool: Pool::Nonpaged,
            bytes: Bytes(1 << 30),
            outstanding: 9,
        });
        let steps = of(&diagnosis, None, None);
        let methods: Vec<_> = steps.iter().filter_map(|step| step.method).collect();
        assert_eq!(methods.len(), 4);
        assert!(methods.is_sorted());
        let commands = commands(&steps);
        assert!(commands.contains("findstr /m /l Fooo %SystemRoot%\\System32\\drivers\\*.sys"));
        assert!(commands.contains("verifier /flags 0x8 /driver"));
    }

    #[test]
    fn a_healthy_host_is_left_alone_and_commit_is_not_looked_for_in_tags() {
        assert!(of(&diagnosis(Verdict::NoLeakShown, vec![]), None, None).is_empty());
        let steps = of(&diagnosis(Verdict::CommitExhaustion, vec![]), None, None);
        assert_eq!(steps.len(), 1);
        assert!(!steps[0].script().contains("poolmon"));
    }
}
