//! Restarts of services that leak: off, unless Group Policy lists services.
//!
//! A service is restarted when the process that it lives in alone held too much at every snapshot of a
//! long time ([`watch`]), when nothing speaks against it ([`decision`]), and when the one before was
//! long ago and helped ([`record`]). What is not known speaks against it. Nothing here calls Windows:
//! [`ServiceControl`] does.

mod decision;
mod record;
mod refusal;
#[cfg(test)]
mod tests;
mod watch;

use std::{collections::BTreeSet, fmt, io, time::Duration};

use jiff::Timestamp;
use poolwatch_model::{Snapshot, process::ProcessKey};

pub use decision::permit;
pub use record::{RestartRecord, RestartRecordFile};
pub use refusal::Refusal;
pub use watch::LeakWatch;

/// What Group Policy says of restarts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartRules {
    /// Names of the services that may be restarted.
    pub services: BTreeSet<String>,
    /// So many handles of the process are too many.
    pub handles: u32,
    /// So much of both pools charged to the process is too much, percent of what is in use.
    pub quota_percent: u32,
    /// For how long it has to be so without a break.
    pub after: Duration,
    /// At most one restart of any service in so long.
    pub period: Duration,
}

/// A service that held too much for long, as it was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leaker {
    /// The service's name, as the policy writes it.
    pub service: String,
    /// The process that it lives in.
    pub process: ProcessKey,
    /// The image of that.
    pub image: String,
    /// All services that live in it.
    pub housemates: usize,
    /// Its handles.
    pub handles: u32,
    /// Pool charged to its quota, percent of both pools in use.
    pub quota_percent: u32,
    /// Both pools in use, bytes.
    pub pool_bytes: u64,
    /// Since when it held too much.
    pub held_for: Duration,
}

impl fmt::Display for Leaker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} ({}, pid {}) held {} handles and {} % of pool for {} minutes; {} MB of pool in use",
            self.service,
            self.image,
            self.process.pid,
            self.handles,
            self.quota_percent,
            self.held_for.as_secs() / 60,
            self.pool_bytes >> 20
        )
    }
}

/// What Windows knows of a service and its process. `None` is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ServiceFacts {
    /// The process that it runs in now; `None` as well when it does not run.
    pub pid: Option<u32>,
    /// Whether it is made to have a process of its own.
    pub has_own_process: Option<bool>,
    /// Whether it accepts to be stopped.
    pub accepts_stop: Option<bool>,
    /// Whether services that need it run.
    pub has_running_dependents: Option<bool>,
    /// Whether Windows ends with its process.
    pub is_critical: Option<bool>,
    /// Whether Windows protects its process, or starts it protected.
    pub is_protected: Option<bool>,
    /// Whether the host is a member of a failover cluster, which restarts services by itself.
    pub is_in_cluster: Option<bool>,
}

/// Calls to the service control manager: the narrowest there are.
pub trait ServiceControl {
    /// What is known of a service.
    fn facts(&mut self, service: &str) -> ServiceFacts;

    /// Asks it to stop. Does not wait.
    ///
    /// # Errors
    /// When Windows refuses.
    fn stop(&mut self, service: &str) -> io::Result<()>;

    /// Whether it has stopped.
    ///
    /// # Errors
    /// When Windows refuses to say.
    fn has_stopped(&mut self, service: &str) -> io::Result<bool>;

    /// Starts it. Does not wait.
    ///
    /// # Errors
    /// When Windows refuses.
    fn start(&mut self, service: &str) -> io::Result<()>;

    /// Tells those who look after the host, in a log that outlives the agent's own.
    fn tell(&mut self, text: &str);
}

/// Both pools in use, bytes, where both are known.
#[must_use]
pub fn pool_bytes(snapshot: &Snapshot) -> Option<u64> {
    let memory = &snapshot.memory;
    Some(memory.paged?.0.saturating_add(memory.nonpaged?.0))
}

/// The clocks by which restarts are spaced: the wall clock, which outlives the agent and may jump, and
/// time since the agent's start, which does neither.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clocks {
    /// Wall clock.
    pub wall: Timestamp,
    /// Since the agent's start.
    pub monotonic: Duration,
}
