//! The four ways to the culprit.

use poolwatch_analysis::{catalogue, holders};
use poolwatch_model::{Pool, PoolTag};
use poolwatch_web::{
    figures::grouped,
    steps::{Method, NextStep},
    words::objects_of,
};

use super::{
    Case,
    names::{findstr_pattern, word},
};

/// Handles that are worth a question.
const MANY_HANDLES: u32 = 5_000;

/// Method 1: who has the most handles.
pub(super) fn handle_count(case: &Case<'_>) -> NextStep {
    let list = if case.is_before_vista() {
        "wmic process get Name,ProcessId,HandleCount"
    } else {
        "Get-Process | Sort-Object HandleCount -Descending | \
         Select-Object -First 10 Name,Id,HandleCount"
    };
    let mut commands = vec![list.to_owned()];
    let (title, detail) = match case.process() {
        Some(process) => {
            commands.push(format!("handle.exe -p {} -s", process.key.pid));
            let handles = process.handles.map_or_else(String::new, |handles| {
                format!(" It held {} when last seen.", grouped(u64::from(handles)))
            });
            (
                format!("See whether {} still gains handles", process.image),
                format!(
                    "Run the first command twice, some minutes apart.{handles} The second \
                     (Sysinternals Handle) counts its handles by type: the type that grows tells \
                     its maker where to look."
                ),
            )
        }
        None => (
            "Look for a process with very many handles".to_owned(),
            format!(
                "A process that holds more than {} handles, and more each time you look, is the \
                 first suspect. If none stands out, the pool is held by a driver.",
                grouped(u64::from(MANY_HANDLES))
            ),
        ),
    };
    NextStep { method: Some(Method::HandleCount), title, detail, commands, caution: None }
}

/// Method 2: which tag grows, and whose it is.
pub(super) fn pool_tag(case: &Case<'_>) -> NextStep {
    let watch = "poolmon -b -p".to_owned();
    let switch = match case.diagnosis.pool {
        Some(pool) => format!("P switches between the pools; look at {pool} pool."),
        None => "P switches between paged and nonpaged pool.".to_owned(),
    };
    let Some(tag) = case.tag() else {
        return NextStep {
            method: Some(Method::PoolTag),
            title: "See which tag grows".to_owned(),
            detail: format!(
                "{switch} Import two captures some hours apart (poolmon -n file): what grew \
                 between them is the trace."
            ),
            commands: vec![watch],
            caution: None,
        };
    };
    let mut commands = vec![watch];
    let (title, owner) = match catalogue::entry(tag) {
        _ if holders::is_object_tag(tag) => (
            format!("Watch tag {tag}"),
            format!(
                "It counts {} objects, which the kernel makes for programs and drivers: when it \
                 grows and no process gains handles, a driver keeps references.",
                objects_of(tag).unwrap_or("kernel")
            ),
        ),
        Some(entry) if entry.shared => (
            format!("Watch tag {tag}"),
            "Many drivers use this tag: it alone points to nobody.".to_owned(),
        ),
        Some(entry) => (
            format!("Watch tag {tag}"),
            format!("It belongs to {}: {}.", entry.owner, entry.meaning),
        ),
        None => {
            commands.extend(search_drivers(tag));
            let how = if commands.len() > 1 {
                "The second command, in a command prompt, lists drivers that hold its bytes: \
                 candidates, not proof. It misses drivers outside that folder."
            } else {
                "Its bytes are not printable: search the drivers' files for them in a hexadecimal \
                 editor."
            };
            (format!("Find the driver behind tag {tag}"), how.to_owned())
        }
    };
    NextStep {
        method: Some(Method::PoolTag),
        title,
        detail: format!("{owner} {switch}"),
        commands,
        caution: None,
    }
}

fn search_drivers(tag: PoolTag) -> Option<String> {
    let pattern = findstr_pattern(tag)?;
    Some(format!("findstr /m /l {pattern} %SystemRoot%\\System32\\drivers\\*.sys"))
}

/// Method 3: let Windows count what each driver allocates.
pub(super) fn driver_verifier(case: &Case<'_>) -> NextStep {
    let named: Vec<String> = case.drivers().into_iter().filter_map(word).collect();
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
    if case.os.is_some_and(|os| (os.major, os.minor) >= (6, 2)) {
        commands.push("verifier /bootmode oneboot".to_owned());
    }
    commands.extend(["verifier /query".to_owned(), "verifier /reset".to_owned()]);
    NextStep {
        method: Some(Method::DriverVerifier),
        title: "Let Driver Verifier count the candidates' allocations".to_owned(),
        detail: format!(
            "It counts from the next restart on; then /query shows what each driver holds, and \
             /reset ends it.{fill_in}"
        ),
        commands,
        caution: Some(
            "It needs a restart, and stops the host (bug check 0xC4 or 0xCB) when a driver goes \
             away with memory still allocated. Try it on a test machine first, security and filter \
             drivers last. If the host does not start any more: safe mode, then verifier /reset."
                .to_owned(),
        ),
    }
}

/// Method 4: a dump, read in the debugger.
pub(super) fn debugger(case: &Case<'_>) -> NextStep {
    let used = match case.diagnosis.pool {
        Some(Pool::Nonpaged) => vec!["!poolused 2"],
        Some(Pool::Paged) => vec!["!poolused 4"],
        None => vec!["!poolused 2", "!poolused 4"],
    };
    let commands = [vec!["!vm"], used, vec!["!process 0 0"]].concat();
    NextStep {
        method: Some(Method::Debugger),
        title: "If the host hangs first, take a dump and read it".to_owned(),
        detail:
            "A virtual machine gives one by its hypervisor's NMI, another host by the keyboard \
                 (CrashOnCtrlScroll, set and restarted beforehand). Open it in WinDbg, run these \
                 commands, and import what they print."
                .to_owned(),
        commands: commands.into_iter().map(str::to_owned).collect(),
        caution: Some("Taking a dump stops the host and restarts it.".to_owned()),
    }
}
