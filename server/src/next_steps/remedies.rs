//! What ends the trouble for now, and proves the diagnosis by it.

use poolwatch_model::{Pool, diagnosis::Return};
use poolwatch_web::{figures::counted, steps::NextStep};

use super::{Host, names::word};

/// Services of one process that are listed.
const SERVICES: usize = 5;

/// Commit ran out, not pool: who holds it.
pub(super) fn list_commit(host: &Host<'_>) -> NextStep {
    let list = if host.is_before_vista() {
        "wmic process get Name,ProcessId,PageFileUsage"
    } else {
        "Get-Process | Sort-Object PagedMemorySize64 -Descending | \
         Select-Object -First 10 Name,Id,PagedMemorySize64"
    };
    NextStep {
        method: None,
        title: "See who holds the committed memory".to_owned(),
        detail: "Commit is bounded by memory and page file together. Look for the process whose \
                 private memory grows; if all are as usual, the page file is too small."
            .to_owned(),
        commands: vec![list.to_owned()],
        caution: None,
    }
}

/// Restart the service behind a suspect, or find out which of several it is.
pub(super) fn restart_service(
    image: &str,
    services: &[String],
    returns: Option<&Return>,
) -> NextStep {
    let services: Vec<String> = services.iter().filter_map(|service| word(service)).collect();
    match services.as_slice() {
        [] => end_program(image, None, returns),
        [service] => NextStep {
            method: None,
            title: format!("Restart the service behind {image}"),
            detail: proof(returns),
            commands: vec![
                format!("sc.exe query {service}"),
                format!("net stop {service}"),
                format!("net start {service}"),
            ],
            caution: Some(
                "Its users lose their connection for the moment. Services that depend on it stop \
                 with it, after a question: start those again too."
                    .to_owned(),
            ),
        },
        several => NextStep {
            method: None,
            title: format!("Find out which service in {image} it is"),
            detail: format!(
                "{} share this process. Stop and start one after the other; the one after whose \
                 stop the handle count falls is the culprit.",
                counted(several.len(), "service", "services")
            ),
            commands: several
                .iter()
                .take(SERVICES)
                .map(|name| format!("sc.exe query {name}"))
                .collect(),
            caution: Some(
                "Some services of Windows cannot be stopped without a restart.".to_owned(),
            ),
        },
    }
}

/// End the suspected program and start it again.
pub(super) fn end_program(image: &str, pid: Option<u32>, returns: Option<&Return>) -> NextStep {
    let commands = match (pid, word(image)) {
        (Some(pid), _) => {
            vec![format!("tasklist /fi \"PID eq {pid}\""), format!("taskkill /pid {pid}")]
        }
        (None, Some(image)) => vec![format!("tasklist /fi \"IMAGENAME eq {}\"", bare(&image))],
        (None, None) => Vec::new(),
    };
    NextStep {
        method: None,
        title: format!("Close {image} and start it again"),
        detail: proof(returns),
        commands,
        caution: Some(
            "Unsaved work in it is lost. Check the name first: a process id is given to another \
             process when its own has ended."
                .to_owned(),
        ),
    }
}

/// The holder only works for others.
pub(super) fn find_caller(image: &str) -> NextStep {
    NextStep {
        method: None,
        title: format!("Leave {image} running; find who works through it"),
        detail: format!(
            "Windows stops without {image}. It mostly holds handles on behalf of another program: \
             see whose objects they are, then restart that program."
        ),
        commands: Vec::new(),
        caution: None,
    }
}

/// A known leak has a known end.
pub(super) fn update(name: &str, remedy: &str, reference: &str) -> NextStep {
    NextStep {
        method: None,
        title: format!("Mend the known leak of {name}"),
        detail: format!("{remedy} See {reference}"),
        commands: Vec::new(),
        caution: None,
    }
}

/// Another version of a suspected driver.
pub(super) fn replace_driver(driver: &str, version: Option<&str>) -> NextStep {
    let commands = word(driver).map(|name| {
        let name = bare(&name).to_owned();
        vec![
            format!("dir \"%SystemRoot%\\System32\\drivers\\{name}\""),
            format!("driverquery /v | findstr /i /c:\"{name}\""),
        ]
    });
    let runs = version.map_or_else(String::new, |version| format!(" Version {version} runs."));
    NextStep {
        method: None,
        title: format!("Replace driver {driver}"),
        detail: format!(
            "Ask its maker for a newer version, or go back to the one before: if pool stays level \
             afterwards, that was it.{runs}"
        ),
        commands: commands.unwrap_or_default(),
        caution: Some(
            "Changing a driver needs a restart, which also hides the leak at first.".to_owned(),
        ),
    }
}

/// A wider limit on 32-bit Windows.
pub(super) fn raise_limit(pool: Pool) -> NextStep {
    let (detail, command) = match pool {
        Pool::Nonpaged => (
            "With /3GB in boot.ini nonpaged pool has 128 MB instead of 256: without it the host \
             lasts longer.",
            "type %SystemDrive%\\boot.ini",
        ),
        Pool::Paged => (
            "PagedPoolSize 0xFFFFFFFF lets paged pool grow as far as 32-bit Windows allows.",
            "reg query \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory \
             Management\" /v PagedPoolSize",
        ),
    };
    NextStep {
        method: None,
        title: format!("Look at the limit of {pool} pool of this 32-bit Windows"),
        detail: format!("{detail} A wider limit gains time and cures nothing."),
        commands: vec![command.to_owned()],
        caution: Some(
            "What one kernel area gains another loses, page table entries among them; a change \
             needs a restart."
                .to_owned(),
        ),
    }
}

/// A word without the quotes that keep its spaces together.
fn bare(word: &str) -> &str {
    word.trim_matches('"')
}

/// What must come back when the suspect ends.
fn proof(returns: Option<&Return>) -> String {
    match returns {
        Some(Return { tag, pool, bytes, .. }) if bytes.0 > 0 => format!(
            "It gives back what it holds. Note the use of {pool} pool before and after: about \
             {bytes} (tag {tag}) must come back, which proves the diagnosis."
        ),
        _ => "It gives back what it holds. Note the use of pool before and after: what comes \
              back is the proof."
            .to_owned(),
    }
}
