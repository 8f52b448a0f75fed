//! The four ways to the culprit.

use poolwatch_analysis::{catalogue, holders};
use poolwatch_model::{Pool, PoolTag, diagnosis::Dump};
use poolwatch_web::{
    figures::grouped,
    steps::{Method, NextStep},
    words::objects_of,
};

use super::{
    Host,
    names::{findstr_pattern, word},
    plain, pool_switch,
};

/// Handles that are worth a question.
const MANY_HANDLES: u32 = 5_000;

/// Method 1: who has the most handles.
pub(super) fn list_handles(host: &Host<'_>) -> NextStep {
    NextStep {
        method: Some(Method::HandleCount),
        title: "Look for a process with very many handles".to_owned(),
        detail: format!(
            "A process that holds more than {} handles, and more each time you look, is the first \
             suspect. If none stands out, the pool is held by a driver.",
            grouped(u64::from(MANY_HANDLES))
        ),
        commands: vec![most_handles(host)],
        caution: None,
    }
}

/// Method 1: what a process holds handles to.
pub(super) fn count_handles(
    host: &Host<'_>,
    image: &str,
    pid: Option<u32>,
    handles: Option<u32>,
) -> NextStep {
    let held = handles.map_or_else(String::new, |handles| {
        format!(" It held {} when last seen.", grouped(u64::from(handles)))
    });
    let mut commands = vec![most_handles(host)];
    commands.extend(pid.map(|pid| format!("handle.exe -p {pid} -s")));
    NextStep {
        method: Some(Method::HandleCount),
        title: format!("See whether {image} still gains handles"),
        detail: format!(
            "Run the first command twice, some minutes apart.{held} Handle of Sysinternals \
             (handle.exe -p PID -s) counts its handles by type: the type that grows tells its maker \
             where to look."
        ),
        commands,
        caution: None,
    }
}

fn most_handles(host: &Host<'_>) -> String {
    if host.is_before_vista() {
        "wmic process get Name,ProcessId,HandleCount".to_owned()
    } else {
        "Get-Process | Sort-Object HandleCount -Descending | \
         Select-Object -First 10 Name,Id,HandleCount"
            .to_owned()
    }
}

/// Method 2: one picture shows no growth.
pub(super) fn measure_again(pool: Option<Pool>) -> NextStep {
    NextStep {
        method: Some(Method::PoolTag),
        title: "See which tag grows".to_owned(),
        detail: format!(
            "{} Import two captures some hours apart (poolmon -n file): what grew between them is \
             the trace.",
            pool_switch(pool)
        ),
        commands: vec!["poolmon -b -p".to_owned()],
        caution: None,
    }
}

/// Method 2: whether a tag grows, and whose it is.
pub(super) fn watch_tag(tag: PoolTag, pool: Option<Pool>) -> NextStep {
    let tag = plain(tag);
    let owner = match catalogue::group(tag) {
        _ if holders::is_object_tag(tag) => format!(
            "It counts {} objects, which the kernel makes for programs and drivers: when it grows \
             and no process gains handles, a driver keeps references.",
            objects_of(tag).unwrap_or("kernel")
        ),
        Some(entry) if entry.shared => {
            "Many drivers use this tag: it alone points to nobody.".to_owned()
        }
        Some(entry) if entry.pattern.as_tag().is_none() => {
            format!("Tags that begin like it mostly belong to {}.", entry.owner)
        }
        Some(entry) => format!("It belongs to {}: {}.", entry.owner, entry.meaning),
        None => {
            "It is in no catalogue: a driver's that is no part of Windows, most likely.".to_owned()
        }
    };
    NextStep {
        method: Some(Method::PoolTag),
        title: format!("Watch tag {tag}"),
        detail: format!("{owner} {}", pool_switch(pool)),
        commands: vec!["poolmon -b -p".to_owned()],
        caution: None,
    }
}

/// Method 2: which drivers hold the tag's bytes.
pub(super) fn find_driver(tag: PoolTag) -> NextStep {
    let tag = plain(tag);
    let command = findstr_pattern(tag)
        .map(|pattern| format!("findstr /m /l {pattern} %SystemRoot%\\System32\\drivers\\*.sys"));
    let detail = match command {
        Some(_) => {
            "The command, in a command prompt, lists drivers that hold its bytes: candidates, not \
             proof. It misses drivers outside that folder."
        }
        None => {
            "Its bytes are not printable: search the drivers' files for them in a hexadecimal \
             editor."
        }
    };
    NextStep {
        method: Some(Method::PoolTag),
        title: format!("Find the driver behind tag {tag}"),
        detail: detail.to_owned(),
        commands: command.into_iter().collect(),
        caution: None,
    }
}

/// Method 3: let Windows count what each driver allocates.
pub(super) fn verify_drivers(host: &Host<'_>, drivers: &[String]) -> NextStep {
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
    if host.os.is_some_and(|os| (os.major, os.minor) >= (6, 2)) {
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

/// Method 4: a dump of a host that hangs.
pub(super) fn take_dump(how: Dump) -> NextStep {
    const KEYBOARD: [&str; 2] = ["kbdhid", "i8042prt"];
    let keys = KEYBOARD.map(|driver| {
        format!(
            "reg add HKLM\\SYSTEM\\CurrentControlSet\\Services\\{driver}\\Parameters /v \
             CrashOnCtrlScroll /t REG_DWORD /d 1 /f"
        )
    });
    let by_keyboard = "Set these values and restart; from then on the right Ctrl key held and \
                       Scroll Lock pressed twice takes one.";
    let by_hypervisor = "A virtual machine gives one when its hypervisor sends it an NMI.";
    let (detail, commands) = match how {
        Dump::Keyboard => (by_keyboard.to_owned(), keys.to_vec()),
        Dump::Hypervisor => (by_hypervisor.to_owned(), Vec::new()),
        Dump::Either => (format!("{by_hypervisor} Another host: {by_keyboard}"), keys.to_vec()),
    };
    NextStep {
        method: Some(Method::Debugger),
        title: "Prepare to take a dump when the host hangs".to_owned(),
        detail,
        commands,
        caution: Some("Taking a dump stops the host and restarts it.".to_owned()),
    }
}

/// Method 4: what to ask a dump, or the live kernel.
pub(super) fn ask_debugger(
    pool: Option<Pool>,
    tag: Option<PoolTag>,
    object_type: Option<&str>,
    image: Option<&str>,
) -> NextStep {
    let used: &[&str] = match pool {
        Some(Pool::Nonpaged) => &["!poolused 2"],
        Some(Pool::Paged) => &["!poolused 4"],
        None => &["!poolused 2", "!poolused 4"],
    };
    let mut commands: Vec<String> =
        ["!vm"].iter().chain(used).chain(&["!process 0 0"]).map(|one| (*one).to_owned()).collect();
    let object_type = object_type.and_then(word);
    match (image.and_then(word), &object_type, tag.and_then(|tag| word(&tag.to_string()))) {
        (Some(image), Some(object_type), _) => {
            commands.push(format!("!process 0 0 {image}"));
            commands.push(format!("!handle 0 3 0 {object_type}"));
        }
        (Some(image), None, _) => commands.push(format!("!process 0 0 {image}")),
        (None, None, Some(tag)) => commands.push(format!("!poolfind {tag}")),
        _ => {}
    }
    NextStep {
        method: Some(Method::Debugger),
        title: "Ask the dump, or the live kernel, who holds it".to_owned(),
        detail: "Open it in WinDbg, run these commands, and import what they print: they tell how \
                 full the pools are, of what, and who holds how many handles."
            .to_owned(),
        commands,
        caution: None,
    }
}
