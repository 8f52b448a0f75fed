//! What may be stopped, and how: the one table of programs that nobody ends by their process id.

use poolwatch_model::{diagnosis::ProgramRole, history::ProcessSeries};

/// Programs by what they do; `*` ends the beginning of a name. A program that is not in here is an
/// ordinary one.
const ROLES: [(ProgramRole, &[&str]); 10] = [
    (
        ProgramRole::NotAProgram,
        &[
            "system",
            "registry",
            "memory compression",
            "memcompression",
            "secure system",
            "idle",
            "system idle process",
            "system interrupts",
            "vmmem*",
        ],
    ),
    (
        ProgramRole::Broker,
        &["lsass", "csrss", "services", "smss", "wininit", "winlogon", "lsm", "fontdrvhost"],
    ),
    (
        ProgramRole::VirtualMachine,
        &["vmwp", "vmms", "vmcompute", "vmware-vmx", "vboxheadless", "qemu*"],
    ),
    (ProgramRole::Cluster, &["clussvc", "rhs", "csvsvc"]),
    (
        ProgramRole::Database,
        &[
            "sqlservr",
            "oracle",
            "postgres",
            "mysqld",
            "mariadbd",
            "mongod",
            "db2sysc*",
            "msmdsrv",
            "fbserver",
            "firebird",
            "redis-server",
            "hdbindexserver",
            "sqlanywhere*",
        ],
    ),
    (
        ProgramRole::MailStore,
        &[
            "store",
            "microsoft.exchange.*",
            "mailstore*",
            "edgetransport",
            "mad",
            "hmailserver",
            "nserver",
            "msexchange*",
        ],
    ),
    (
        ProgramRole::Security,
        &[
            "msmpeng",
            "mssense",
            "senseir",
            "nissrv",
            "lsaiso",
            "csfalconservice",
            "csfalconcontainer",
            "sentinelagent",
            "ekrn",
            "avp",
            "mcshield",
            "masvc",
            "ccsvchst",
            "sepmasterservice",
            "savservice",
            "sophos*",
            "bdservicehost",
            "cb",
            "cbdefense*",
            "repmgr",
            "cyserver",
            "cylancesvc",
            "coreserviceshell",
            "ntrtscan",
            "tmbmsrv",
            "xagt",
            "wrsa",
            "fsavd",
            "trustedinstaller",
        ],
    ),
    (
        ProgramRole::DomainController,
        &["ntds", "dns", "dfsrs", "ntfrs", "ismserv", "kdcsvc", "microsoft.activedirectory.*"],
    ),
    (ProgramRole::Session, &["dwm", "logonui", "userinit", "sihost"]),
    (ProgramRole::ServiceHost, &["svchost", "dllhost"]),
];

/// The process of the kernel itself has this id on every Windows since XP.
const SYSTEM_PID: u32 = 4;

/// What a program does that must not simply be ended; none of an ordinary one.
#[must_use]
pub fn role(image: &str) -> Option<ProgramRole> {
    let lower = image.trim().to_ascii_lowercase();
    let name = lower.strip_suffix(".exe").unwrap_or(&lower);
    let is_it = |known: &&str| match known.strip_suffix('*') {
        Some(beginning) => name.starts_with(beginning),
        None => name == *known,
    };
    ROLES.iter().find(|(_, names)| names.iter().any(&is_it)).map(|(role, _)| *role)
}

/// Whether a program of Windows only holds objects for others.
#[must_use]
pub(crate) fn is_broker(image: &str) -> bool {
    role(image) == Some(ProgramRole::Broker)
}

/// Whether Windows cannot live without a program, or it is none.
#[must_use]
pub fn is_vital(image: &str) -> bool {
    matches!(role(image), Some(ProgramRole::Broker | ProgramRole::NotAProgram))
}

/// Whether a process is the kernel's own: its handles belong to drivers.
#[must_use]
pub(crate) fn is_kernel(process: &ProcessSeries) -> bool {
    process.key.pid == SYSTEM_PID || process.image.eq_ignore_ascii_case("system")
}

/// Whether a process is the kernel's own, or only bears a name.
#[must_use]
pub(crate) fn is_no_program(process: &ProcessSeries) -> bool {
    is_kernel(process) || role(&process.image) == Some(ProgramRole::NotAProgram)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_must_not_be_ended_is_known_in_any_case_with_and_without_its_ending() {
        use ProgramRole::{
            Broker, Cluster, Database, DomainController, MailStore, NotAProgram, Security,
            ServiceHost, Session, VirtualMachine,
        };
        for (image, expected) in [
            ("LSASS.exe", Some(Broker)),
            ("System", Some(NotAProgram)),
            ("Registry", Some(NotAProgram)),
            ("Memory Compression", Some(NotAProgram)),
            ("Secure System", Some(NotAProgram)),
            ("vmwp", Some(VirtualMachine)),
            ("vmms.exe", Some(VirtualMachine)),
            ("clussvc.exe", Some(Cluster)),
            ("sqlservr", Some(Database)),
            ("store.exe", Some(MailStore)),
            ("Microsoft.Exchange.Store.Worker.exe", Some(MailStore)),
            ("MsMpEng.exe", Some(Security)),
            ("LsaIso.exe", Some(Security)),
            ("dns.exe", Some(DomainController)),
            ("dwm.exe", Some(Session)),
            ("svchost.exe", Some(ServiceHost)),
            ("badapp.exe", None),
            ("storeclient.exe", None),
        ] {
            assert_eq!(role(image), expected, "{image}");
        }
    }
}
