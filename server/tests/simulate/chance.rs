//! The one source of chance of a day.

use std::{
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use poolwatch_simulator::patterns::rng::SeededRng;
use uuid::Uuid;

/// Tells days of this test from other streams of a seed.
const STREAM: u64 = 0x5149;

#[derive(Debug, Clone)]
pub(crate) struct DayChance(Arc<Mutex<SeededRng>>);

impl DayChance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(SeededRng::new([seed, STREAM, 0, 0]))))
    }

    fn rng(&self) -> MutexGuard<'_, SeededRng> {
        self.0.lock().unwrap()
    }

    pub(crate) fn below(&self, end: u64) -> u64 {
        self.rng().integer_below(end)
    }

    /// True once in so many times.
    pub(crate) fn one_in(&self, times: u64) -> bool {
        self.below(times) == 0
    }

    pub(crate) fn between(&self, least: Duration, most: Duration) -> Duration {
        let span = (most - least).as_millis() as u64;
        least + Duration::from_millis(self.below(span + 1))
    }

    /// Milliseconds from minus to plus.
    pub(crate) fn swing_ms(&self, most: Duration) -> i64 {
        let most = most.as_millis() as i64;
        self.rng().integer_between(-most, most)
    }

    pub(crate) fn uuid(&self) -> Uuid {
        self.rng().uuid()
    }
}
