//! What the agent's process has used, as the system tells it.

use std::time::Duration;

use poolwatch_model::snapshot::AgentHoldings;

/// What this process has used so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OwnUse {
    /// CPU time since its start.
    pub(crate) cpu: Duration,
    /// Memory of its own.
    pub(crate) private_bytes: u64,
    /// What it holds.
    pub(crate) held: Option<AgentHoldings>,
}
