//! What to do next about a diagnosis, in words and with the exact commands for the host: a remedy
//! where one is known, then the four ways to the culprit, easiest first.

mod methods;
mod names;
mod remedies;

use poolwatch_model::{
    Pool, PoolTag, Snapshot,
    diagnosis::{Diagnosis, NextStep as Step},
    host::OsVersion,
};
use poolwatch_web::steps::NextStep;

/// The next steps of a diagnosis of a host, first things first. The snapshot is the host's latest.
pub(crate) fn of(
    diagnosis: &Diagnosis,
    os: Option<&OsVersion>,
    snapshot: Option<&Snapshot>,
) -> Vec<NextStep> {
    let host = Host { os, snapshot };
    diagnosis.next_steps.iter().map(|step| in_words(step, &host)).collect()
}

/// The host on which a step is done.
struct Host<'a> {
    os: Option<&'a OsVersion>,
    snapshot: Option<&'a Snapshot>,
}

impl Host<'_> {
    /// Windows before Vista: no PowerShell by itself, and another set of tools.
    fn is_before_vista(&self) -> bool {
        self.os.is_some_and(|os| os.major < 6)
    }

    /// The process with this id, if it is still of this image.
    fn pid_of(&self, image: &str, pid: Option<u32>) -> Option<u32> {
        let pid = pid?;
        let Some(processes) = self.snapshot.and_then(|one| one.processes.as_deref()) else {
            return Some(pid);
        };
        let same = |process: &poolwatch_model::process::ProcessUse| {
            process.key.pid == pid && process.image == image
        };
        processes.iter().any(same).then_some(pid)
    }
}

fn in_words(step: &Step, host: &Host<'_>) -> NextStep {
    match step {
        Step::RestartService { image, services, returns, .. } => {
            remedies::restart_service(image, services, returns.as_ref())
        }
        Step::EndProgram { image, pid, returns } => {
            remedies::end_program(image, host.pid_of(image, *pid), returns.as_ref())
        }
        Step::FindCaller { image, .. } => remedies::find_caller(image),
        Step::CountHandles { image, pid, handles } => {
            methods::count_handles(host, image, host.pid_of(image, *pid), *handles)
        }
        Step::ListHandles => methods::list_handles(host),
        Step::ListCommit => remedies::list_commit(host),
        Step::MeasureAgain { pool } => methods::measure_again(*pool),
        Step::WatchTag { tag, pool } => match tag {
            Some(tag) => methods::watch_tag(*tag, *pool),
            None => methods::measure_again(*pool),
        },
        Step::FindDriver { tag } => methods::find_driver(*tag),
        Step::Update { name, remedy, reference } => remedies::update(name, remedy, reference),
        Step::ReplaceDriver { driver, version } => {
            remedies::replace_driver(driver, version.as_deref())
        }
        Step::VerifyDrivers { drivers } => methods::verify_drivers(host, drivers),
        Step::TakeDump { how } => methods::take_dump(*how),
        Step::AskDebugger { pool, tag, object_type, image } => {
            methods::ask_debugger(*pool, *tag, object_type.as_deref(), image.as_deref())
        }
        Step::RaiseLimit { pool } => remedies::raise_limit(*pool),
    }
}

/// Which pool to look at in poolmon.
fn pool_switch(pool: Option<Pool>) -> String {
    match pool {
        Some(pool) => format!("P switches between the pools; look at {pool} pool."),
        None => "P switches between paged and nonpaged pool.".to_owned(),
    }
}

/// A tag without the protection bit of old kernels.
fn plain(tag: PoolTag) -> PoolTag {
    tag.unprotected()
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{
        Bytes,
        diagnosis::{Dump, Return},
        host::Arch,
    };
    use poolwatch_web::steps::Method;

    use super::*;

    fn words(step: Step) -> NextStep {
        in_words(&step, &Host { os: None, snapshot: None })
    }

    fn returns() -> Option<Return> {
        Some(Return {
            tag: PoolTag::new(*b"Thre"),
            pool: Pool::Nonpaged,
            bytes: Bytes(76_892_800),
            objects: 120_145,
        })
    }

    #[test]
    fn a_service_is_restarted_and_what_must_come_back_is_told() {
        let step = words(Step::RestartService {
            image: "mybadapp.exe".into(),
            pid: Some(416),
            services: vec!["BadApp".into()],
            returns: returns(),
        });
        assert_eq!(step.commands, ["sc.exe query BadApp", "net stop BadApp", "net start BadApp"]);
        assert!(step.detail.contains("73 MB"), "{}", step.detail);
    }

    #[test]
    fn of_several_services_one_is_found_by_trying() {
        let services = vec!["Dhcp".into(), "EventLog".into()];
        let step = words(Step::RestartService {
            image: "svchost.exe".into(),
            pid: Some(7),
            services,
            returns: None,
        });
        assert_eq!(step.commands, ["sc.exe query Dhcp", "sc.exe query EventLog"]);
    }

    #[test]
    fn nobody_is_told_to_stop_what_windows_cannot_live_without() {
        let step = words(Step::FindCaller { image: "lsass.exe".into(), pid: Some(7) });
        assert!(!step.script().contains("stop") && !step.script().contains("taskkill"));
        assert!(step.detail.contains("on behalf of"), "{}", step.detail);
    }

    #[test]
    fn names_that_could_be_commands_stay_out_of_commands() {
        for name in ["a&calc.exe", "$(calc)", "x\" & del *.*", "`calc`", "%COMSPEC%", "a\nb", "ä"]
        {
            let image = || name.to_owned();
            let tag = PoolTag::new(*b"a&b|");
            let steps = [
                Step::RestartService {
                    image: image(),
                    pid: None,
                    services: vec![image(), "/y".into(), "-x".into()],
                    returns: None,
                },
                Step::EndProgram { image: image(), pid: None, returns: None },
                Step::CountHandles { image: image(), pid: None, handles: None },
                Step::WatchTag { tag: Some(tag), pool: None },
                Step::FindDriver { tag },
                Step::ReplaceDriver { driver: image(), version: None },
                Step::VerifyDrivers { drivers: vec![image()] },
                Step::AskDebugger {
                    pool: None,
                    tag: Some(tag),
                    object_type: Some(image()),
                    image: Some(image()),
                },
            ];
            let commands: Vec<String> =
                steps.into_iter().map(|step| words(step).script()).collect();
            let commands = commands.join("\n");
            for piece in [name, "a&b|", "net stop", "sc.exe query"] {
                assert!(!commands.contains(piece), "{name:?}: {commands}");
            }
        }
    }

    #[test]
    fn commands_are_those_of_the_hosts_windows() {
        let os = |major| OsVersion {
            product: String::new(),
            major,
            minor: 0,
            build: 0,
            revision: 0,
            arch: Arch::X64,
        };
        let (old, new) = (os(5), os(10));
        let on = |os| Host { os: Some(os), snapshot: None };
        assert!(in_words(&Step::ListHandles, &on(&old)).script().contains("wmic"));
        assert!(in_words(&Step::ListHandles, &on(&new)).script().contains("Get-Process"));
        let verify = Step::VerifyDrivers { drivers: vec!["foo.sys".into()] };
        assert!(!in_words(&verify, &on(&old)).script().contains("oneboot"));
        let new = in_words(&verify, &on(&new)).script();
        assert!(new.starts_with("verifier /flags 0x8 /driver foo.sys\nverifier /bootmode oneboot"));
    }

    #[test]
    fn every_step_belongs_to_its_method_and_tells_its_risk() {
        let dump = words(Step::TakeDump { how: Dump::Either });
        assert!(dump.script().contains("CrashOnCtrlScroll") && dump.caution.is_some());
        let ask = words(Step::AskDebugger {
            pool: Some(Pool::Paged),
            tag: Some(PoolTag::new(*b"Toke")),
            object_type: Some("Token".into()),
            image: Some("a.exe".into()),
        });
        assert_eq!(ask.method, Some(Method::Debugger));
        assert_eq!(
            ask.commands,
            ["!vm", "!poolused 4", "!process 0 0", "!process 0 0 a.exe", "!handle 0 3 0 Token"]
        );
        let limit = words(Step::RaiseLimit { pool: Pool::Paged });
        assert!(limit.detail.contains("cures nothing") && limit.caution.is_some());
        let find = words(Step::FindDriver { tag: PoolTag::new(*b"Fooo") });
        assert!(find.script().contains("findstr /m /l Fooo"));
    }
}
