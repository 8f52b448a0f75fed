//! Lines of the log that others could make many of.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

/// Lets a line through now and then.
#[derive(Debug, Default)]
pub struct LogGate(Mutex<Option<Instant>>);

impl LogGate {
    /// Time between two.
    const EVERY: Duration = Duration::from_secs(10);

    /// Whether a line may be written now.
    pub fn opens(&self) -> bool {
        let mut opened = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let opens = opened.is_none_or(|opened| opened.elapsed() >= Self::EVERY);
        if opens {
            *opened = Some(Instant::now());
        }
        opens
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_line_passes_and_the_next_waits() {
        let gate = LogGate::default();
        assert!(gate.opens() && !gate.opens());
    }
}
