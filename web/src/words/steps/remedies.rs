//! What ends the trouble for now, and proves the diagnosis by it.

use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{ProgramRole, Return},
};

use super::{HealthyVersion, names::word, plain};
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
            "Its users lose their connection for the moment. Services that depend on it, which the second command lists, stop with it, after a question: start those again too."
                .to_owned(),
        ),
        ..plain(
            format!("Restart the service behind {image}"),
            proof(returns),
            vec![
                format!("sc.exe query {service}"),
                format!("sc.exe enumdepend {service}"),
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

pub(super) fn find_caller(image: &str, tag: Option<PoolTag>) -> Step {
    let is_tokens = tag == Some(PoolTag::new(*b"Toke"));
    let (who, commands) = if is_tokens {
        (
            "Tokens stand for those who logged on: see who logs on and never lets go, by the sessions and by events 4624 without their 4634.",
            vec![
                "klist sessions".to_owned(),
                "Get-WinEvent -MaxEvents 2000 -FilterHashtable @{LogName='Security';Id=4624} | Group-Object { $_.Properties[17].Value } | Sort-Object Count -Descending | Select-Object -First 10 Count,Name".to_owned(),
            ],
        )
    } else {
        ("See whose objects they are, then restart that program.", Vec::new())
    };
    plain(
        format!("Leave {image} running; find who works through it"),
        format!(
            "Windows stops without {image}. It mostly holds handles on behalf of another program. {who}"
        ),
        commands,
    )
}

/// What stops growth where a program's work drives it. Nothing comes back, so that nothing proves it but
/// growth that ends.
pub(super) fn stop_trigger(image: &str, tag: PoolTag, role: Option<ProgramRole>) -> Step {
    let proof = format!(
        "It holds nothing of tag {tag}, so nothing comes back: what has leaked stays until Windows restarts. That the tag grows no more while the program rests is the proof. Whoever leaks is in the kernel: tell its maker what this program does.",
    );
    let watch = vec!["poolmon -b -p".to_owned()];
    match role {
        Some(role) => {
            let (title, detail, _) = care(image, role);
            plain(title, format!("{detail} {proof}"), watch)
        }
        None => Step {
            caution: Some(
                "Unsaved work in it is lost; what starts it may start it again.".to_owned(),
            ),
            ..plain(
                format!("Let {image} rest for some hours and see growth stop"),
                format!(
                    "Stop its jobs, its service or its schedule rather than one process of it. {proof}"
                ),
                watch,
            )
        },
    }
}

/// How a program is stopped that must not be ended by its process id.
pub(super) fn stop_with_care(image: &str, role: ProgramRole, returns: Option<&Return>) -> Step {
    let (title, detail, commands) = care(image, role);
    plain(title, format!("{detail} {}", proof(returns)), commands)
}

/// How a program of a role is stopped, in a title, a detail and commands.
fn care(image: &str, role: ProgramRole) -> (String, &'static str, Vec<String>) {
    let (title, detail) = match role {
        ProgramRole::NotAProgram | ProgramRole::Broker => (
            format!("Leave {image} alone"),
            "It is no program that can be ended: what it holds belongs to drivers or to those who call it.",
        ),
        ProgramRole::VirtualMachine => (
            format!("Shut down or move the virtual machine behind {image}"),
            "To end the process pulls the machine's plug. Find out which machine it is (its id stands in the command line), shut it down from within, or move it to another host.",
        ),
        ProgramRole::Cluster => (
            format!("Move the roles of this node before {image} is restarted"),
            "To end it takes the node out of the cluster at once. Drain the node (Suspend-ClusterNode -Drain), restart the service, then resume the node.",
        ),
        ProgramRole::Database => (
            format!("Restart the database behind {image} in its window"),
            "To end it cuts off transactions, and recovery takes time. Fail over to another replica, or stop the service by its name when its users agree.",
        ),
        ProgramRole::MailStore => (
            format!("Move the mailbox databases before {image} is restarted"),
            "To end it dismounts mailboxes. Activate their copies on another server, or stop the service by its name in its window.",
        ),
        ProgramRole::Security => (
            format!("Have the maker of {image} look at it; leave it running"),
            "It protects the host, resists being ended, and the host is open without it. Update it by its own console, and ask its maker with the figures of this page.",
        ),
        ProgramRole::DomainController => (
            format!("Restart the service of {image} while another domain controller answers"),
            "Those who log on depend on it. Make sure that another domain controller is up, then restart the service by its name.",
        ),
        ProgramRole::Session => (
            format!("Have the user of {image} sign out"),
            "To end it closes or blinds a session with unsaved work. Signing out gives back what it holds.",
        ),
        ProgramRole::ServiceHost => (
            format!("Find out which service in {image} it is"),
            "Several services may live in one such process, and some take Windows down. List them by the process id, and restart the one that holds the handles by its name.",
        ),
    };
    let commands = match role {
        ProgramRole::ServiceHost => vec![format!("tasklist /svc /fi \"IMAGENAME eq {}\"", "svchost.exe")],
        ProgramRole::VirtualMachine => vec!["Get-CimInstance Win32_Process -Filter \"Name='vmwp.exe'\" | Select-Object ProcessId,CommandLine".to_owned(), "Get-VM | Select-Object Name,Id,State".to_owned()],
        _ => Vec::new(),
    };
    (title, detail, commands)
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

/// Names the version that healthy hosts run as what to replace a driver by.
pub(super) fn replace_by(step: &mut Step, driver: &str, runs: Option<&str>, by: &HealthyVersion) {
    let HealthyVersion { version, hosts, .. } = by;
    let others = counted(*hosts, "healthy host runs", "healthy hosts run");
    let now = runs.map_or_else(|| driver.to_owned(), |runs| format!("{driver} {runs}"));
    step.title = match runs.is_some_and(|runs| is_older(version, runs)) {
        true => format!("Go back from {now} to {version}, which {others}"),
        false => format!("Replace {now} by {version}, which {others}"),
    };
    step.detail = format!(
        "Hosts with version {version} have no incident. If pool stays level after the change, that was it."
    );
}

/// Whether a version is below another, number by number.
fn is_older(version: &str, than: &str) -> bool {
    let numbers = |text: &str| -> Vec<u64> {
        text.split(|letter: char| !letter.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect()
    };
    numbers(version) < numbers(than)
}

/// 32-bit Windows alone has limits that can be set.
pub(super) fn raise_limit(pool: Pool) -> Step {
    let (detail, commands) = match pool {
        Pool::Paged => (
            "A 32-bit Windows XP or 2003 sets the sizes of its pools when it starts, by its memory and its switches: with little memory or /3GB that may be some 200 MB of paged pool. The command lets it take all that the kernel's address space leaves, up to 490 MB on XP and 530 MB on 2003; taking /3GB away gives the kernel back a gigabyte of addresses. Vista and later share the addresses out by themselves.",
            vec![
                "reg add \"HKLM\\SYSTEM\\CurrentControlSet\\Control\\Session Manager\\Memory Management\" /v PagedPoolSize /t REG_DWORD /d 0xFFFFFFFF"
                    .to_owned(),
            ],
        ),
        Pool::Nonpaged => (
            "A 32-bit Windows XP or 2003 has 256 MB of nonpaged pool at most, and 128 MB with the switch /3GB, less with little memory: that is why it can be out of it at 200 MB. If /3GB is set in boot.ini or by bcdedit and nothing needs it, taking it away gains 128 MB; its size cannot be set otherwise. Vista and later go up to 2 GB or three quarters of memory, where more memory helps.",
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_driver_is_replaced_by_what_healthy_hosts_run() {
        for (runs, version, title) in [
            (
                "5.0.3.0",
                "5.0.3.1",
                "Replace foo.sys 5.0.3.0 by 5.0.3.1, which 58 healthy hosts run",
            ),
            ("5.10", "5.9.9", "Go back from foo.sys 5.10 to 5.9.9, which 58 healthy hosts run"),
        ] {
            let by =
                HealthyVersion { driver: "foo.sys".into(), version: version.into(), hosts: 58 };
            let mut step = replace_driver("foo.sys", Some(runs));
            replace_by(&mut step, "foo.sys", Some(runs), &by);
            assert_eq!(step.title, title);
            assert!(step.commands.iter().any(|command| command.starts_with("driverquery")));
        }
    }
}
