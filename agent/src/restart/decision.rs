//! Whether a service may be restarted.

use super::{Clocks, Leaker, Refusal, RestartRecord, RestartRules, ServiceFacts};

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
