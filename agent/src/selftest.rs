//! Whether what the collectors say can be true, for a person with a real Windows machine.
//!
//! Each check compares figures that come by different ways, or with what every Windows has. A
//! machine that lacks a source is no failure: the check says that it is not available.

mod checks;
mod read_back;

use std::fmt;

use jiff::Timestamp;
use poolwatch_model::host::HostFacts;

use crate::{clock::Clock, collect::CollectError, events::EventLog, machine::Machine};

/// What a process knows of itself by other calls than the collectors'.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Own {
    /// Its id.
    pub pid: u32,
    /// Its handles, by `GetProcessHandleCount`.
    pub handles: u32,
}

/// How a check ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The figures fit.
    Good,
    /// The machine does not offer what is checked.
    NotAvailable,
    /// The figures do not fit, or a source failed that ought to work.
    Bad,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Good => "good",
            Self::NotAvailable => "not available",
            Self::Bad => "BAD",
        })
    }
}

/// One check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What was checked.
    pub name: &'static str,
    /// How it ended.
    pub outcome: Outcome,
    /// What was seen, in words.
    pub seen: String,
}

/// What a check saw, or why it saw nothing.
type Seen = Result<Finding, CollectError>;

/// Whether the figures fit, and what they are.
struct Finding {
    fits: bool,
    seen: String,
}

impl Finding {
    fn new(fits: bool, seen: impl Into<String>) -> Self {
        Self { fits, seen: seen.into() }
    }
}

impl Check {
    fn new(name: &'static str, seen: Seen) -> Self {
        let (outcome, seen) = match seen {
            Ok(Finding { fits: true, seen }) => (Outcome::Good, seen),
            Ok(Finding { fits: false, seen }) => (Outcome::Bad, seen),
            Err(error) if error.status().is_not_available() => {
                (Outcome::NotAvailable, error.to_string())
            }
            Err(error) => (Outcome::Bad, error.to_string()),
        };
        Self { name, outcome, seen }
    }
}

/// Runs every check. `own` and `log` are there on the machine itself, not in a replay.
pub fn run(
    machine: &mut dyn Machine,
    clock: &dyn Clock,
    own: Option<Own>,
    log: Option<&mut dyn EventLog>,
) -> Vec<Check> {
    machine.begin_round();
    let mut all = vec![
        Check::new("performance", checks::performance(machine)),
        Check::new("limits", checks::limits(machine)),
        Check::new("pool tags", checks::pool_tags(machine)),
        Check::new("processes", checks::processes(machine)),
        Check::new("object types", checks::object_types(machine)),
        Check::new("services", checks::services(machine)),
        Check::new("server service", checks::server_service(machine)),
        Check::new("drivers", checks::drivers(machine)),
        Check::new("handles", checks::handles(machine, own)),
        Check::new("memory conditions", checks::conditions(machine)),
    ];
    if let Some(own) = own {
        all.push(Check::new("own handles", checks::own_handles(machine, own)));
    }
    if let Some(log) = log {
        all.push(Check::new("event log", read_back::event_log(log)));
    }
    all.push(Check::new("cost", checks::cost(machine, clock)));
    all
}

/// The checks as a text to send. It names the Windows but not the host.
#[must_use]
pub fn report(facts: &HostFacts, now: Timestamp, checks: &[Check]) -> String {
    let os = facts.os.as_ref().map_or_else(
        || "unknown system".to_owned(),
        |os| format!("{} {}.{}.{}.{}", os.product, os.major, os.minor, os.build, os.revision),
    );
    let version = env!("CARGO_PKG_VERSION");
    let mut text = format!("poolwatch-agent {version} selftest, {now:.0}\n{os}\n\n");
    for check in checks {
        text += &format!("{:<14} {:<18} {}\n", check.outcome, check.name, check.seen);
    }
    let count = |outcome| checks.iter().filter(|check| check.outcome == outcome).count();
    text += &format!(
        "\n{} good, {} not available, {} bad\n",
        count(Outcome::Good),
        count(Outcome::NotAvailable),
        count(Outcome::Bad)
    );
    text
}

#[cfg(test)]
mod tests;
