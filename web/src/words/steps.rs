//! Next steps in words, with the exact commands for the host.

mod names;
mod remedies;
mod trace;

use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{Diagnosis, Dump, KnownOutput, NextStep},
    host::OsVersion,
};

use self::names::{findstr_pattern, word};
use super::objects_of;
use crate::{
    figures::grouped,
    steps::{Method, NextStep as Step, Steps},
};

/// Handles that are worth a question.
const MANY_HANDLES: u64 = 5_000;

/// The next steps of a diagnosis in words, first things first.
#[must_use]
pub fn next_steps(diagnosis: &Diagnosis, os: Option<&OsVersion>) -> Vec<Step> {
    diagnosis.next_steps.iter().map(|one| step(one, os)).collect()
}

/// A version of a suspected driver that hosts run which have no trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HealthyVersion {
    /// File name of the driver.
    pub driver: String,
    /// The version.
    pub version: String,
    /// Hosts without an incident that run it.
    pub hosts: u64,
}

/// The next steps in the order of the suspect: what ends its trouble first, then ways to look.
#[must_use]
pub fn steps_by_suspect(
    diagnosis: &Diagnosis,
    os: Option<&OsVersion>,
    healthy: Option<&HealthyVersion>,
) -> Steps {
    let mut steps = Steps::default();
    for one in &diagnosis.next_steps {
        let mut words = step(one, os);
        match one {
            NextStep::ReplaceDriver { driver, version } => {
                if let Some(by) = healthy.filter(|by| by.driver.eq_ignore_ascii_case(driver)) {
                    remedies::replace_by(&mut words, driver, version.as_deref(), by);
                }
                // Nothing is as sure as what healthy hosts run.
                let place = if healthy.is_some() { 0 } else { steps.first.len() };
                steps.first.insert(place, words);
            }
            NextStep::Update { .. }
            | NextStep::RestartService { .. }
            | NextStep::EndProgram { .. }
            | NextStep::StopWithCare { .. }
            | NextStep::FindCaller { .. } => steps.first.push(words),
            _ => steps.general.push(words),
        }
    }
    steps
}

/// A step in words. Names that could be more than a name to a shell stay out of commands.
#[must_use]
pub fn step(step: &NextStep, os: Option<&OsVersion>) -> Step {
    let mut words = match step {
        NextStep::RestartService { image, services, returns, .. } => {
            remedies::restart_service(image, services, returns.as_ref())
        }
        NextStep::EndProgram { image, pid, returns } => {
            remedies::end_program(image, *pid, returns.as_ref())
        }
        NextStep::FindCaller { image, tag, .. } => remedies::find_caller(image, *tag),
        NextStep::StopWithCare { image, role, returns } => {
            remedies::stop_with_care(image, *role, returns.as_ref())
        }
        NextStep::StopTrigger { image, tag, role } => remedies::stop_trigger(image, *tag, *role),
        NextStep::TraceTag { tag, seconds } => trace::trace_tag(*tag, *seconds, os),
        NextStep::EnableTagging => enable_tagging(),
        NextStep::ReadTotals => read_totals(is_before_vista(os)),
        NextStep::ListTags { pool } => list_tags(*pool),
        NextStep::ListFilters { tag } => list_filters(*tag),
        NextStep::Update { name, remedy, reference } => remedies::update(name, remedy, reference),
        NextStep::ReplaceDriver { driver, version } => {
            remedies::replace_driver(driver, version.as_deref())
        }
        NextStep::RaiseLimit { pool } => remedies::raise_limit(*pool),
        NextStep::ListHandles => list_handles(is_before_vista(os)),
        NextStep::CountHandles { image, pid, handles } => {
            count_handles(image, *pid, *handles, is_before_vista(os))
        }
        NextStep::ListCommit => list_commit(is_before_vista(os)),
        NextStep::MeasureAgain { pool } => measure_again(*pool),
        NextStep::WatchTag { tag, pool } => watch_tag(*tag, *pool),
        NextStep::FindDriver { tag } => find_driver(*tag),
        NextStep::VerifyDrivers { drivers } => verify_drivers(drivers, os),
        NextStep::TakeDump { how } => take_dump(*how),
        NextStep::AskDebugger { pool, tag, object_type, known, .. } => {
            ask_debugger(*pool, *tag, object_type.as_deref(), known)
        }
    };
    words.method = match step.method() {
        1 => Some(Method::HandleCount),
        2 => Some(Method::PoolTag),
        3 => Some(Method::DriverVerifier),
        _ => Some(Method::Debugger),
    };
    words
}

/// Windows before Vista: no PowerShell by itself, and another set of tools.
fn is_before_vista(os: Option<&OsVersion>) -> bool {
    os.is_some_and(|os| os.major < 6)
}

/// A step without cautions; [`step`] sets its method.
fn plain(title: impl Into<String>, detail: impl Into<String>, commands: Vec<String>) -> Step {
    Step {
        method: None,
        title: title.into(),
        detail: detail.into(),
        commands,
        caution: None,
        file: None,
    }
}

fn handles_command(before_vista: bool) -> String {
    if before_vista {
        "wmic process get Name,ProcessId,HandleCount".to_owned()
    } else {
        "Get-Process | Sort-Object HandleCount -Descending | Select-Object -First 10 Name,Id,HandleCount"
            .to_owned()
    }
}

fn list_handles(before_vista: bool) -> Step {
    plain(
        "Look for a process with very many handles",
        format!(
            "A process that holds more than {} handles, and more each time you look, is the first suspect. If none stands out, the pool is held by a driver.",
            grouped(MANY_HANDLES)
        ),
        vec![handles_command(before_vista)],
    )
}

fn count_handles(image: &str, pid: Option<u32>, handles: Option<u32>, before_vista: bool) -> Step {
    let held = handles.map_or_else(String::new, |handles| {
        format!(" It held {} when last seen.", grouped(u64::from(handles)))
    });
    let mut commands = vec![handles_command(before_vista)];
    commands.extend(pid.map(|pid| format!("handle.exe -p {pid} -s")));
    plain(
        format!("See whether {image} still gains handles"),
        format!(
            "Run the first command twice, some minutes apart.{held} Sysinternals Handle counts its handles by type: the type that grows shows its vendor where to look."
        ),
        commands,
    )
}

fn list_commit(before_vista: bool) -> Step {
    let list = if before_vista {
        "wmic process get Name,ProcessId,PageFileUsage"
    } else {
        "Get-Process | Sort-Object PagedMemorySize64 -Descending | Select-Object -First 10 Name,Id,PagedMemorySize64"
    };
    plain(
        "See who holds the committed memory",
        "Commit is bounded by memory and page file together. Look for the process whose private memory grows; if all are as usual, the page file is too small.",
        vec![list.to_owned()],
    )
}

fn read_totals(before_vista: bool) -> Step {
    let command = if before_vista {
        r#"typeperf -sc 1 "\Memory\Pool Nonpaged Bytes" "\Memory\Pool Paged Bytes""#
    } else {
        "Get-CimInstance Win32_PerfRawData_PerfOS_Memory | Select-Object PoolNonpagedBytes,PoolPagedBytes,AvailableBytes"
    };
    plain(
        "Read how much of both pools is in use",
        "Without the totals, it is not clear whether the known tags are what fills the pools. Process Explorer (View, System Information), given symbols, shows the maxima of both pools as well.",
        vec![command.to_owned()],
    )
}

fn list_tags(pool: Option<Pool>) -> Step {
    plain(
        "List all tags",
        format!(
            "What is known does not explain the pool: take the whole list, with its header, not its first screen. Large allocations and those of sessions have tags too. {}",
            look_at(pool)
        ),
        vec!["poolmon -n pool.txt".to_owned()],
    )
}

fn enable_tagging() -> Step {
    Step {
        caution: Some(
            "It takes effect with the next restart, which also hides the leak at first.".to_owned(),
        ),
        ..plain(
            "Turn pool tags on",
            "Windows 2000 and XP count tags only when a flag is set; later versions always do. gflags, of the Support Tools or the Debugging Tools, sets the flag; after the restart poolmon shows tags.",
            vec!["gflags /r +ptg".to_owned()],
        )
    }
}

fn list_filters(tag: PoolTag) -> Step {
    plain(
        "See who keeps the files",
        format!(
            "Tag {tag} stands for files that the file system keeps. A cache gives them back when memory is short; what stays is held, by a filter or by a program that opens very many. The first command lists filters, the second open files by program."
        ),
        vec!["fltmc instances".to_owned(), "handle.exe -s".to_owned()],
    )
}

fn measure_again(pool: Option<Pool>) -> Step {
    plain(
        "Take another snapshot in an hour",
        format!(
            "One snapshot shows what is large, not what grows. Capture the tags now and again in an hour or later, and import both. {}",
            look_at(pool)
        ),
        vec!["poolmon -n pool.txt".to_owned()],
    )
}

fn look_at(pool: Option<Pool>) -> String {
    match pool {
        Some(pool) => format!("P switches between the pools; look at {pool} pool."),
        None => "P switches between paged and nonpaged pool.".to_owned(),
    }
}

fn watch_tag(tag: Option<PoolTag>, pool: Option<Pool>) -> Step {
    let (title, detail) = match tag {
        None => (
            "See which tag grows".to_owned(),
            "Import two captures some hours apart (poolmon -n file): what grew between them is the trace."
                .to_owned(),
        ),
        Some(tag) => (
            format!("Watch tag {tag}"),
            match objects_of(tag) {
                Some(objects) => format!(
                    "It counts {objects} objects, which the kernel makes for programs and drivers: when it grows and no process gains handles, a driver keeps references."
                ),
                None => "Its bytes and its difference of allocations and frees must rise together.".to_owned(),
            },
        ),
    };
    plain(title, format!("{detail} {}", look_at(pool)), vec!["poolmon -b -p".to_owned()])
}

/// How to look for the driver behind a tag on a host that uses it.
#[must_use]
pub fn find_driver(tag: PoolTag) -> Step {
    let title = format!("Find the driver behind tag {tag}");
    match findstr_pattern(tag) {
        Some(pattern) => plain(
            title,
            "The command, in a command prompt, lists drivers that hold its bytes: candidates, not proof. It misses drivers outside that folder, and drivers made with KMDF, whose tag is the beginning of their name.",
            vec![format!("findstr /m /l {pattern} %SystemRoot%\\System32\\drivers\\*.sys")],
        ),
        None => plain(
            title,
            "Its bytes are not printable: search the drivers' files for them in a hexadecimal editor.",
            Vec::new(),
        ),
    }
}

fn verify_drivers(drivers: &[String], os: Option<&OsVersion>) -> Step {
    let named: Vec<String> = drivers.iter().filter_map(|driver| word(driver)).collect();
    let (drivers, fill_in) = if named.is_empty() {
        (
            "candidate.sys".to_owned(),
            " Put the names that the step before found in place of candidate.sys.",
        )
    } else {
        (named.join(" "), "")
    };
    let mut commands = vec![format!("verifier /flags 0x8 /driver {drivers}")];
    // Known since Windows 8; without it the setting stays until it is reset.
    if os.is_some_and(|os| (os.major, os.minor) >= (6, 2)) {
        commands.push("verifier /bootmode oneboot".to_owned());
    }
    commands.extend(["verifier /query".to_owned(), "verifier /reset".to_owned()]);
    Step {
        caution: Some(
            "It needs a restart, and stops the host (bug check 0xC4 or 0xCB) when a driver goes away with memory still allocated. Try it on a test machine first, security and filter drivers last. If the host no longer starts: safe mode, then verifier /reset."
                .to_owned(),
        ),
        ..plain(
            "Let Driver Verifier count the candidates' allocations",
            format!(
                "It counts from the next restart on; then /query shows what each driver holds, and /reset ends it.{fill_in}"
            ),
            commands,
        )
    }
}

fn take_dump(how: Dump) -> Step {
    let keyboard = "reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\kbdhid\\Parameters /v CrashOnCtrlScroll /t REG_DWORD /d 1";
    let by_keyboard = "by the keyboard (CrashOnCtrlScroll, set and restarted beforehand; then right Ctrl held and Scroll Lock twice; i8042prt in place of kbdhid for a PS/2 keyboard)";
    let (detail, commands) = match how {
        Dump::Hypervisor => ("The hypervisor sends an NMI.".to_owned(), Vec::new()),
        Dump::Keyboard => (format!("The host gives one {by_keyboard}."), vec![keyboard.to_owned()]),
        Dump::Either => (
            format!(
                "A virtual machine gives one by its hypervisor's NMI, another host {by_keyboard}."
            ),
            vec![keyboard.to_owned()],
        ),
    };
    Step {
        caution: Some("Taking a dump stops the host and restarts it.".to_owned()),
        ..plain("If the host hangs first, take a dump", detail, commands)
    }
}

fn ask_debugger(
    pool: Option<Pool>,
    tag: Option<PoolTag>,
    object_type: Option<&str>,
    known: &[KnownOutput],
) -> Step {
    let asked = [
        (KnownOutput::Totals, "!vm", true),
        (KnownOutput::Tags, "!poolused 2", pool != Some(Pool::Paged)),
        (KnownOutput::Tags, "!poolused 4", pool != Some(Pool::Nonpaged)),
        (KnownOutput::Processes, "!process 0 0", true),
    ];
    let asked = asked.into_iter().filter(|(of, _, is_wanted)| *is_wanted && !known.contains(of));
    let mut commands: Vec<String> = asked.map(|(_, command, _)| command.to_owned()).collect();
    let kind = object_type.and_then(word).filter(|kind| !kind.contains(' '));
    if let Some(kind) = &kind {
        commands.push(format!("!handle 0 F <EPROCESS> {kind}"));
        commands.push("!process <EPROCESS> 7".to_owned());
    } else if let Some(tag) = tag.and_then(findstr_pattern).filter(|tag| !tag.starts_with('/')) {
        commands.push(format!("!poolfind {tag}"));
    }
    let traced = kind.as_deref().map_or("", |_| {
        commands.extend(["!htrace -enable".to_owned(), "!htrace -diff".to_owned()]);
        " The last two run in a debugger that is attached to the program itself: they show who opened what was not closed between them. They know nothing of handles from before, and slow the program."
    });
    let detail = match kind.as_deref() {
        Some("Thread") => {
            commands.insert(commands.len() - 2, "!thread <ETHREAD>".to_owned());
            " A thread that has ended and is still referenced shows no stack: its handle is what leaks. Object tracing does not show who keeps references to threads."
        }
        Some("File") => {
            " Object tracing does not show who keeps references to files, but the names of the handles show which paths they are."
        }
        _ => "",
    };
    plain(
        "Read the dump, or ask a live kernel",
        format!(
            "Open it in WinDbg, run these commands, and import what they print. Put the address that !process prints for the process with the most handles in place of <EPROCESS>.{detail}{traced}"
        ),
        commands,
    )
}

#[cfg(test)]
mod tests {
    use poolwatch_model::{Bytes, diagnosis::Return};

    use super::*;

    fn restart(image: &str, services: &[&str]) -> NextStep {
        NextStep::RestartService {
            image: image.into(),
            pid: Some(416),
            services: services.iter().map(|name| (*name).to_owned()).collect(),
            returns: Some(Return {
                tag: PoolTag::new(*b"Thre"),
                pool: Pool::Nonpaged,
                bytes: Bytes(76_892_800),
                objects: 120_145,
            }),
        }
    }

    #[test]
    fn the_service_behind_the_suspect_is_restarted_and_must_give_back() {
        let words = step(&restart("mybadapp.exe", &["BadApp"]), None);
        assert_eq!(words.method, Some(Method::HandleCount));
        assert_eq!(
            words.commands,
            [
                "sc.exe query BadApp",
                "sc.exe enumdepend BadApp",
                "net stop BadApp",
                "net start BadApp"
            ]
        );
        assert!(words.detail.contains("73 MB"), "{}", words.detail);
    }

    #[test]
    fn names_that_could_be_commands_stay_out_of_commands() {
        for name in ["a&calc.exe", "$(calc)", "x\" & del *.*", "`calc`", "%COMSPEC%", "a\nb", "ä"]
        {
            let text = Some(name.to_owned());
            for hostile in [
                restart(name, &[name, "/y", "-x"]),
                NextStep::EndProgram { image: name.into(), pid: Some(4), returns: None },
                NextStep::ReplaceDriver { driver: name.into(), version: text.clone() },
                NextStep::VerifyDrivers { drivers: vec![name.into()] },
                NextStep::FindDriver { tag: PoolTag::new(*b"a&b|") },
                NextStep::AskDebugger {
                    pool: None,
                    tag: Some(PoolTag::new(*b"a&b|")),
                    object_type: text.clone(),
                    image: text,
                    known: vec![],
                },
            ] {
                let script = step(&hostile, None).script();
                for piece in [name, "a&b|", "net stop", "sc.exe query"] {
                    assert!(!script.contains(piece), "{name:?}: {script}");
                }
            }
        }
    }

    #[test]
    fn methods_keep_their_commands() {
        for (of, command) in [
            (NextStep::ListHandles, "HandleCount"),
            (NextStep::MeasureAgain { pool: None }, "poolmon -n"),
            (
                NextStep::FindDriver { tag: PoolTag::new(*b"Fooo") },
                "findstr /m /l Fooo %SystemRoot%\\System32\\drivers\\*.sys",
            ),
            (NextStep::VerifyDrivers { drivers: vec![] }, "verifier /flags 0x8 /driver"),
            (NextStep::TakeDump { how: Dump::Keyboard }, "CrashOnCtrlScroll"),
            (NextStep::RaiseLimit { pool: Pool::Paged }, "PagedPoolSize"),
            (
                NextStep::AskDebugger {
                    pool: Some(Pool::Nonpaged),
                    tag: Some(PoolTag::new(*b"Thre")),
                    object_type: Some("Thread".into()),
                    image: None,
                    known: vec![],
                },
                "!vm\n!poolused 2\n!process 0 0\n!handle 0 F <EPROCESS> Thread\n!process <EPROCESS> 7\n!thread <ETHREAD>\n!htrace -enable\n!htrace -diff",
            ),
            (
                NextStep::AskDebugger {
                    pool: None,
                    tag: Some(PoolTag::new(*b"Fooo")),
                    object_type: None,
                    image: None,
                    known: vec![KnownOutput::Totals, KnownOutput::Processes],
                },
                "!poolused 2\n!poolused 4\n!poolfind Fooo",
            ),
        ] {
            let words = step(&of, None);
            assert!(words.script().contains(command), "{words:?}");
            assert_eq!(words.method.map(|method| method as u8 + 1), Some(of.method()));
        }
    }
}
