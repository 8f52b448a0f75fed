//! How long to wait before the next attempt.

use std::time::Duration;

const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);
/// More than a server may ask for.
const LONGEST_ASKED: Duration = Duration::from_secs(3600);

/// Doubles with every failure, spread so that the agents of a fleet do not come back together.
#[derive(Debug, Clone)]
pub(super) struct Backoff {
    random: u64,
    failures: u32,
}

impl Backoff {
    pub(super) fn new(seed: u64) -> Self {
        Self { random: seed, failures: 0 }
    }

    /// The wait after one more failure. What the server asked for holds, and is spread upwards.
    pub(super) fn next(&mut self, asked: Option<Duration>) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        match asked {
            Some(asked) => {
                let asked = asked.min(LONGEST_ASKED);
                asked + (asked / 4).min(LONGEST).mul_f64(self.fraction())
            }
            None => doubled.mul_f64(0.5 + self.fraction() / 2.0),
        }
    }

    /// The wait when nothing will change soon.
    pub(super) fn longest(&mut self) -> Duration {
        LONGEST.mul_f64(0.75 + self.fraction() / 4.0)
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// From 0 up to 1, by splitmix64: enough to spread, no need for more.
    fn fraction(&mut self) -> f64 {
        self.random = self.random.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.random;
        mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ mixed >> 31) as f64 / (u64::MAX as f64 + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_five_minutes() {
        let mut backoff = Backoff::new(1);
        for attempt in 0..40_u32 {
            let wait = backoff.next(None);
            let whole = Duration::from_secs(1 << attempt.min(16)).min(LONGEST);
            assert!(wait >= whole / 2 && wait <= whole, "{attempt}: {wait:?}");
        }
        backoff.reset();
        assert!(backoff.next(None) <= FIRST);
    }

    #[test]
    fn what_the_server_asks_for_is_never_undercut_and_never_endless() {
        let mut backoff = Backoff::new(2);
        let asked = Duration::from_secs(40);
        let wait = backoff.next(Some(asked));
        assert!(wait >= asked && wait <= Duration::from_secs(50), "{wait:?}");
        assert!(backoff.next(Some(Duration::MAX)) <= LONGEST_ASKED + LONGEST);
    }

    #[test]
    fn two_agents_do_not_come_back_together() {
        assert_ne!(Backoff::new(1).next(None), Backoff::new(2).next(None));
    }
}
