//! The one place that reads the system's clock.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::Clock;
use tracing::warn;

/// A clock that goes on by more than this between two looks, or back, has jumped. Machines that sleep
/// or are moved do less.
const JUMP: SignedDuration = SignedDuration::from_hours(48);
/// A jump is followed when it lasts for so long.
const LASTS: Duration = Duration::from_secs(900);

/// The clock of the machine.
#[derive(Debug, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The clock of the machine, without its jumps: one that lasts for less than a quarter of an hour
/// never was.
#[derive(Debug)]
pub struct SteadyClock(Mutex<Steady>);

impl Default for SteadyClock {
    fn default() -> Self {
        Self(Mutex::new(Steady::new(SystemClock.now(), Instant::now())))
    }
}

impl Clock for SteadyClock {
    fn now(&self) -> Timestamp {
        let mut steady = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        steady.look(SystemClock.now(), Instant::now())
    }
}

#[derive(Debug)]
struct Steady {
    /// What was told last, and when.
    told: (Timestamp, Instant),
    jumped: Option<Instant>,
}

impl Steady {
    fn new(wall: Timestamp, at: Instant) -> Self {
        Self { told: (wall, at), jumped: None }
    }

    fn look(&mut self, wall: Timestamp, at: Instant) -> Timestamp {
        let passed = SignedDuration::try_from(at.duration_since(self.told.1)).unwrap_or_default();
        let expected = self.told.0.saturating_add(passed).unwrap_or(wall);
        let now = if wall.duration_since(expected).abs() <= JUMP {
            self.jumped = None;
            wall
        } else {
            let first = self.jumped.is_none();
            let since = *self.jumped.get_or_insert(at);
            if first {
                warn!(clock = %wall, %expected, "The clock jumped: it is followed if that lasts");
            }
            if at.duration_since(since) < LASTS { expected } else { wall }
        };
        self.told = (now, at);
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_jump_that_passes_never_was_and_one_that_lasts_is_followed() {
        let begun = Instant::now();
        let wall =
            |seconds: u64| Timestamp::from_second(1_800_000_000 + seconds.cast_signed()).unwrap();
        let mut steady = Steady::new(wall(0), begun);
        let mut look = |passed_s: u64, wall| {
            steady.look(wall, begun + Duration::from_secs(passed_s)).as_second() - 1_800_000_000
        };
        let year = 400 * 86_400;
        assert_eq!(look(10, wall(11)), 11, "it is set a little");
        assert_eq!(look(20, wall(year)), 21);
        assert_eq!(look(60, wall(year + 40)), 61);
        assert_eq!(look(70, wall(70)), 70);
        assert_eq!(look(80, wall(year)), 80);
        assert_eq!(look(900, wall(year + 820)), 900);
        assert_eq!(look(980, wall(year + 900)), (year + 900).cast_signed());
        assert_eq!(look(990, wall(year + 910)), (year + 910).cast_signed());
        assert_eq!(look(1000, wall(1000)), (year + 920).cast_signed());
    }
}
