//! Whether a service may be restarted.

use std::fmt;

use super::{Clocks, Leaker, RestartRecord, RestartRules, ServiceFacts};

/// Images that are never ended, whatever Windows says of them.
const NEVER: [&str; 11] = [
    "System",
    "Registry",
    "smss.exe",
    "csrss.exe",
    "wininit.exe",
    "winlogon.exe",
    "services.exe",
    "lsass.exe",
    "lsaiso.exe",
    "clussvc.exe",
    "poolwatch-agent.exe",
];

/// What speaks against a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// The policy does not list the service.
    NotListed,
    /// It did not hold too much for long enough.
    NotLongEnough,
    /// Its image is a part of Windows that is never ended.
    PartOfWindows,
    /// Other services live in its process, or may.
    SharedProcess,
    /// It runs in another process by now.
    MovedOn,
    /// It cannot be stopped.
    CannotStop,
    /// Services that need it run.
    HasDependents,
    /// Windows ends with its process.
    Critical,
    /// Windows protects its process.
    Protected,
    /// A cluster looks after the host's services.
    InCluster,
    /// A service was restarted not long ago.
    TooSoon,
    /// The restart before did not help.
    DidNotHelp,
    /// It is not known yet whether the restart before helped.
    NotYetKnown,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotListed => "the policy does not list it",
            Self::NotLongEnough => "it did not hold too much for long enough",
            Self::PartOfWindows => "it is a part of Windows that is never ended",
            Self::SharedProcess => "other services live in its process, or may",
            Self::MovedOn => "it runs in another process by now",
            Self::CannotStop => "it cannot be stopped",
            Self::HasDependents => "services that need it run",
            Self::Critical => "Windows ends with its process",
            Self::Protected => "Windows protects its process",
            Self::InCluster => "a failover cluster looks after this host's services",
            Self::TooSoon => "a service was restarted not long ago",
            Self::DidNotHelp => "restarting it did not help before",
            Self::NotYetKnown => "it is not known yet whether the restart before helped",
        })
    }
}

/// Whether a service that held too much may be restarted now. What is not known speaks against it.
///
/// # Errors
/// The first thing that speaks against it.
pub fn permit(
    rules: &RestartRules,
    leaker: &Leaker,
    facts: &ServiceFacts,
    record: &RestartRecord,
    now: Clocks,
) -> Result<(), Refusal> {
    let is_never = NEVER.iter().any(|name| name.eq_ignore_ascii_case(&leaker.image));
    let is_kernels = leaker.process.pid <= 4 || leaker.image.is_empty();
    for (speaks_against, refusal) in [
        (!rules.services.contains(&leaker.service), Refusal::NotListed),
        (leaker.held_for < rules.after, Refusal::NotLongEnough),
        (is_never || is_kernels, Refusal::PartOfWindows),
        (leaker.housemates != 1 || facts.has_own_process != Some(true), Refusal::SharedProcess),
        (facts.pid != Some(leaker.process.pid), Refusal::MovedOn),
        (facts.accepts_stop != Some(true), Refusal::CannotStop),
        (facts.has_running_dependents != Some(false), Refusal::HasDependents),
        (facts.is_critical != Some(false), Refusal::Critical),
        (facts.is_protected != Some(false), Refusal::Protected),
        (facts.is_in_cluster != Some(false), Refusal::InCluster),
    ] {
        if speaks_against {
            return Err(refusal);
        }
    }
    record.allows(&leaker.service, rules.period, now)
}
