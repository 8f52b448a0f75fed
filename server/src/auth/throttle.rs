//! Slows down who guesses passwords.

use std::{
    collections::HashMap,
    sync::Mutex,
    time::{Duration, Instant},
};

/// Wrong attempts that are free.
const FREE: u32 = 5;
/// How long one is remembered.
const MEMORY: Duration = Duration::from_secs(15 * 60);
/// Names remembered at most: beyond that the oldest are forgotten.
const NAMES: usize = 10_000;

/// Counts wrong attempts per name.
#[derive(Debug, Default)]
pub struct Throttle {
    attempts: Mutex<HashMap<String, (u32, Instant)>>,
}

impl Throttle {
    /// How long the next attempt for a name has to wait, if at all.
    #[must_use]
    pub fn wait(&self, name: &str, now: Instant) -> Option<Duration> {
        let attempts = self.attempts.lock().ok()?;
        let (count, last) = *attempts.get(&name.to_lowercase())?;
        let over = count.checked_sub(FREE)?;
        let pause = Duration::from_secs(1 << over.min(9));
        pause.checked_sub(now.duration_since(last)).filter(|left| !left.is_zero())
    }

    /// Remembers a wrong attempt.
    pub fn failed(&self, name: &str, now: Instant) {
        let Ok(mut attempts) = self.attempts.lock() else { return };
        attempts.retain(|_, (_, last)| now.duration_since(*last) < MEMORY);
        if attempts.len() >= NAMES
            && let Some(oldest) =
                attempts.iter().min_by_key(|(_, (_, last))| *last).map(|(name, _)| name.clone())
        {
            attempts.remove(&oldest);
        }
        let entry = attempts.entry(name.to_lowercase()).or_insert((0, now));
        *entry = (entry.0 + 1, now);
    }

    /// Forgets the attempts for a name: the right password was given.
    pub fn succeeded(&self, name: &str) {
        if let Ok(mut attempts) = self.attempts.lock() {
            attempts.remove(&name.to_lowercase());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guessing_gets_slower_and_a_success_forgives() {
        let throttle = Throttle::default();
        let now = Instant::now();
        for _ in 0..FREE {
            assert_eq!(throttle.wait("Ana@x", now), None);
            throttle.failed("ana@x", now);
        }
        assert_eq!(throttle.wait("ANA@x", now), Some(Duration::from_secs(1)));
        throttle.failed("ana@x", now);
        assert_eq!(throttle.wait("ana@x", now), Some(Duration::from_secs(2)));
        assert_eq!(throttle.wait("ana@x", now + Duration::from_secs(2)), None);
        throttle.succeeded("ana@x");
        assert_eq!(throttle.wait("ana@x", now), None);
    }
}
