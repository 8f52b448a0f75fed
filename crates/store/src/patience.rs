//! Patience with a database that is away for a while: what has to be written down about what was done
//! is tried again until it is.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::{StoreError, is_temporary};

/// Between two attempts.
const PAUSE: Duration = Duration::from_millis(500);

/// How long something is tried.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    until: Instant,
}

impl Patience {
    /// For so long from now on.
    #[must_use]
    pub fn lasting(span: Duration) -> Self {
        Self { until: Instant::now() + span }
    }

    /// Whether to try again what failed, after a pause: the database may be back then.
    pub async fn allows_another_try(&self, error: &StoreError) -> bool {
        let allows = is_temporary(error) && Instant::now() + PAUSE < self.until;
        if allows {
            sleep(PAUSE).await;
        }
        allows
    }
}
