//! The one place that reads the machine's clocks.

use std::time::{Duration, Instant, SystemTime};

use jiff::Timestamp;

/// Clocks of the machine that the agent runs on.
pub trait Clock {
    /// Wall clock, to the millisecond: it can be wrong and can jump.
    fn wall(&self) -> Timestamp;
    /// Time since some moment in the past; never goes back.
    fn monotonic(&self) -> Duration;
}

/// The clocks of the operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock {
    started: Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at 0.
    #[must_use]
    pub fn start() -> Self {
        Self { started: Instant::now() }
    }
}

impl Clock for SystemClock {
    fn wall(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the executable's clock module")]
        let now = SystemTime::now();
        let since = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millisecond(since.as_millis() as i64).unwrap_or(Timestamp::MAX)
    }

    fn monotonic(&self) -> Duration {
        self.started.elapsed()
    }
}
