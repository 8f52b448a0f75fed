//! What ends the trouble for now, and proves the diagnosis by it.

use poolwatch_model::{Pool, diagnosis::Return};

use super::{names::word, plain};
use crate::{
    figures::{counted, grouped},
    steps::NextStep as Step,
};

/// Services of one process that are listed.
const SERVICES: usize = 5;

pub(super) fn restart_service(image: &str, services: &[String], returns: Option<&Return>) -> Step {
    let words: Vec<String> = services.iter().filter_map(|service| word(service)).collect();
    let [service] = words.as_slice() else {
        return restart_one_of(image, services.len(), &words);
    };
    Step {
        caution: Some(
            "Its users lose their connection for the moment. Services that depend on it stop with it, after a question: start those again too."
                .to_owned(),
        ),
        ..plain(
            format!("Restart the service behind {image}"),
            proof(returns),
            vec![
                format!("sc.exe query {service}"),
                format!("net stop {service}"),
                format!("net start {service}"),
            ],
        )
    }
}

fn restart_one_of(image: &str, count: usize, words: &[String]) -> Step {
    let queries = words.iter().take(SERVICES).map(|name| format!("sc.exe query {name}"));
    Step {
        caution: Some("Some services of Windows cannot be stopped without a restart.".to_owned()),
        ..plain(
            format!("Find out which service in {image} it is"),
            format!(
                "{} in this process. Stop and start one after the other; the one after whose stop the handle count falls is the culprit.",
                counted(count as u64, "service lives", "services live")
            ),
            queries.collect(),
        )
    }
}

pub(super) fn end_program(image: &str, pid: Option<u32>, returns: Option<&Return>) -> Step {
    let commands = pid.map_or_else(Vec::new, |pid| {
        vec![format!("tasklist /fi \"PID eq {pid}\""), format!("taskkill /pid {pid}")]
    });
    Step {
        caution: Some(
            "Unsaved work in it is lost. Check the name first: a process id is given to another process when its own has ended."
                .to_owned(),
        ),
        ..plain(format!("Close {image} and start it again"), proof(returns), commands)
    }
}

pub(super) fn find_caller(image: &str) -> Step {
    plain(
        format!("Leave {image} running; find who works through it"),
        format!(
            "Windows stops without {image}. It mostly holds handles on behalf of another program: see whose objects they are, then restart that program."
        ),
        Vec::new(),
    )
}

pub(super) fn update(name: &str, remedy: &str, reference: &str) -> Step {
    plain(
        format!("Update {name}"),
        format!("Others had this leak: {remedy}. See {reference}"),
        Vec::new(),
    )
}

pub(super) fn replace_driver(driver: &str, version: Option<&str>) -> Step {
    let commands = word(driver).map(|name| {
        vec![
            format!("dir %SystemRoot%\\System32\\drivers\\{name}"),
            format!("driverquery /v | findstr /i {name}"),
        ]
    });
    let runs = version.map_or_else(String::new, |version| format!(" Version {version} runs now."));
    Step {
        caution: Some(
            "Changing a driver needs a restart, which also hides the leak at first.".to_owned(),
        ),
        ..plain(
            format!("Replace driver {driver}"),
            format!(
                "Ask its maker for a newer version, or go back to the one before: if pool stays level afterwards, that was it.{runs}"
            ),
            commands.unwrap_or_default(),
        )
    }
}

/// 32-bit Windows alone has limits that can be set.
pub(super) fn raise_limit(pool: Pool) -> Step {
    let (detail, commands) = match pool {
        Pool::Paged => (
            "On 32-bit Windows the command lets paged pool take all that the kernel's address space leaves, from the next restart on.",
            vec![
                "reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\" /v PagedPoolSize /t REG_DWORD /d 0xFFFFFFFF"
                    .to_owned(),
            ],
        ),
        Pool::Nonpaged => (
            "On 32-bit Windows the switch /3GB halves nonpaged pool, to 128 MB: if it is set in boot.ini or by bcdedit and nothing needs it, take it out. Its size cannot be set otherwise.",
            vec!["bcdedit /enum {current}".to_owned(), "type C:\\boot.ini".to_owned()],
        ),
    };
    Step {
        caution: Some(
            "A raised limit gains time and cures nothing. It needs a restart, and takes address space from other parts of the kernel."
                .to_owned(),
        ),
        ..plain("Gain time by a higher limit", detail, commands)
    }
}

/// What must come back when the suspect ends.
fn proof(returns: Option<&Return>) -> String {
    match returns {
        Some(Return { tag, pool, bytes, objects }) if bytes.0 > 0 => format!(
            "It gives back what it holds. Note the use of {pool} pool before and after: within five minutes about {bytes} in {} allocations (tag {tag}) must come back, which proves the diagnosis.",
            grouped(*objects)
        ),
        _ => "It gives back what it holds. Note the use of pool before and after: what comes back is the proof."
            .to_owned(),
    }
}
