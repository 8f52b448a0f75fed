//! What the sampler and the uploader share.

use std::sync::Arc;

use crate::{
    identity::IdentityFile,
    machine::{Machine, Status},
    spool::Spool,
    suggested::Suggested,
    survey::Survey,
};

/// A running agent.
pub struct Agent {
    /// What is measured.
    pub machine: Box<dyn Machine>,
    /// Where snapshots wait.
    pub spool: Spool,
    /// Who the agent is.
    pub identity: IdentityFile,
    /// What the server suggested last.
    pub suggested: Suggested,
    /// Whether the event log can be read; what is replayed has none.
    pub event_log: Result<(), Status>,
    /// What reads driver files and the registry; what is replayed has none.
    pub survey: Option<Arc<Survey>>,
}
