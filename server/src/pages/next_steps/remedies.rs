//! What ends the trouble for now, and proves the diagnosis by it.

use poolwatch_model::{Bytes, process::ProcessUse};
use poolwatch_web::{figures::counted, steps::NextStep};

use super::{Case, names::word};

/// Processes that Windows cannot live without.
const VITAL: [&str; 8] = [
    "system",
    "smss.exe",
    "csrss.exe",
    "wininit.exe",
    "winlogon.exe",
    "services.exe",
    "lsass.exe",
    "lsm.exe",
];
/// Services of one process that are listed.
const SERVICES: usize = 5;

/// The remedy for the first suspect, where one is known.
pub(super) fn of(case: &Case<'_>) -> Option<NextStep> {
    if let Some(image) = case.image() {
        let process = case.process();
        if VITAL.iter().any(|vital| vital.eq_ignore_ascii_case(image)) {
            return Some(vital(image));
        }
        let services: Vec<String> = process
            .iter()
            .flat_map(|process| &process.services)
            .filter_map(|service| word(service))
            .collect();
        return match (services.as_slice(), process) {
            ([service], _) => Some(restart_service(case, image, service)),
            ([_, ..], _) => Some(restart_one_of(image, &services)),
            ([], Some(process)) => Some(end_process(case, process)),
            ([], None) => None,
        };
    }
    let driver = case.drivers().into_iter().next()?;
    Some(replace_driver(driver))
}

/// Commit ran out, not pool: who holds it.
pub(super) fn find_commit(case: &Case<'_>) -> NextStep {
    let list = if case.is_before_vista() {
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

fn restart_service(case: &Case<'_>, image: &str, service: &str) -> NextStep {
    NextStep {
        method: None,
        title: format!("Restart the service behind {image}"),
        detail: proof(case),
        commands: vec![
            format!("sc.exe query {service}"),
            format!("net stop {service}"),
            format!("net start {service}"),
        ],
        caution: Some(
            "Its users lose their connection for the moment. Services that depend on it stop with \
             it, after a question: start those again too."
                .to_owned(),
        ),
    }
}

fn restart_one_of(image: &str, services: &[String]) -> NextStep {
    let queries = services.iter().take(SERVICES).map(|name| format!("sc.exe query {name}"));
    NextStep {
        method: None,
        title: format!("Find out which service in {image} it is"),
        detail: format!(
            "{} share this process. Stop and start one after the other; the one after whose stop \
             the handle count falls is the culprit.",
            counted(services.len(), "service", "services")
        ),
        commands: queries.collect(),
        caution: Some("Some services of Windows cannot be stopped without a restart.".to_owned()),
    }
}

fn end_process(case: &Case<'_>, process: &ProcessUse) -> NextStep {
    let pid = process.key.pid;
    NextStep {
        method: None,
        title: format!("Close {} and start it again", process.image),
        detail: proof(case),
        commands: vec![format!("tasklist /fi \"PID eq {pid}\""), format!("taskkill /pid {pid}")],
        caution: Some(
            "Unsaved work in it is lost. Check the name first: a process id is given to another \
             process when its own has ended."
                .to_owned(),
        ),
    }
}

fn vital(image: &str) -> NextStep {
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

fn replace_driver(driver: &str) -> NextStep {
    let commands = word(driver).map(|name| {
        vec![
            format!("dir %SystemRoot%\\System32\\drivers\\{name}"),
            format!("driverquery /v | findstr /i {name}"),
        ]
    });
    NextStep {
        method: None,
        title: format!("Replace driver {driver}"),
        detail: "Ask its maker for a newer version, or go back to the one before: if pool stays \
                 level afterwards, that was it."
            .to_owned(),
        commands: commands.unwrap_or_default(),
        caution: Some(
            "Changing a driver needs a restart, which also hides the leak at first.".to_owned(),
        ),
    }
}

/// What must come back when the suspect ends.
fn proof(case: &Case<'_>) -> String {
    let held = case.tag().zip(case.diagnosis.pool).and_then(|(tag, pool)| {
        let tags = case.snapshot?.tags.as_ref()?;
        let row = tags.rows.iter().find(|row| row.tag.unprotected() == tag)?;
        Some((tag, pool, Bytes(row.of(pool).bytes)))
    });
    match held {
        Some((tag, pool, bytes)) => format!(
            "It gives back what it holds. Note the use of {pool} pool before and after: about \
             {bytes} (tag {tag}) must come back, which proves the diagnosis."
        ),
        None => "It gives back what it holds. Note the use of pool before and after: what comes \
                 back is the proof."
            .to_owned(),
    }
}
