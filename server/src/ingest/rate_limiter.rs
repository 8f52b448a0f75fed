//! So many a second and no more.

use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

/// Lets so many through in each second.
#[derive(Debug, Default)]
pub struct RateLimiter(Mutex<(i64, u32)>);

impl RateLimiter {
    /// Whether one more is let through now.
    pub fn allows(&self, now: Timestamp, per_second: u32) -> bool {
        let mut passed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let second = now.as_second();
        if passed.0 != second {
            *passed = (second, 0);
        }
        let allowed = passed.1 < per_second;
        passed.1 += u32::from(allowed);
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_second_lets_as_many_through_and_no_more() {
        let limiter = RateLimiter::default();
        let at = |second| Timestamp::from_second(second).unwrap();
        let let_through = |second| (0..5).filter(|_| limiter.allows(at(second), 3)).count();
        assert_eq!((let_through(7), let_through(7), let_through(8)), (3, 0, 3));
    }
}
