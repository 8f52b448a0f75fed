//! A stop in two steps: first what runs may end by itself, then it is cut off.

use tokio_util::sync::CancellationToken;

/// Tells requests or jobs to stop.
#[derive(Debug, Clone, Default)]
pub struct StopSignal {
    /// Nothing new begins; what is under way goes on to its end.
    pub begun: CancellationToken,
    /// What is still under way is given up.
    pub overdue: CancellationToken,
}
