//! The two times of a simulation: the true one, and the one that the hosts live by.
//!
//! They are the same until the fleet goes live; from then on the hosts may live faster. Stamps,
//! boots and events carry true time; growth follows the hosts' own.

use jiff::{SignedDuration, Timestamp};

/// How true time becomes the hosts' own, in milliseconds since the fleet's epoch.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timeline {
    epoch: Timestamp,
    /// When the fleet went live; far off before that.
    live_ms: i64,
    speed: i64,
}

impl Timeline {
    pub(crate) fn new(epoch: Timestamp) -> Self {
        Self { epoch, live_ms: i64::MAX, speed: 1 }
    }

    /// From `live` on the hosts live `speed` times as fast.
    pub(crate) fn accelerate(&mut self, live: Timestamp, speed: u32) {
        self.live_ms = self.since_epoch_ms(live);
        self.speed = i64::from(speed.max(1));
    }

    /// When the fleet went live, if it did.
    pub(crate) fn live(self) -> Option<Timestamp> {
        (self.live_ms < i64::MAX).then(|| self.true_time(self.live_ms))
    }

    fn since_epoch_ms(self, time: Timestamp) -> i64 {
        time.as_millisecond() - self.epoch.as_millisecond()
    }

    /// The hosts' time at a true time.
    pub(crate) fn own_ms(self, time: Timestamp) -> i64 {
        let ms = self.since_epoch_ms(time);
        if ms <= self.live_ms { ms } else { self.live_ms + (ms - self.live_ms) * self.speed }
    }

    /// The true time of a host's time.
    pub(crate) fn true_time(self, own_ms: i64) -> Timestamp {
        let ms = if own_ms <= self.live_ms {
            own_ms
        } else {
            self.live_ms + (own_ms - self.live_ms) / self.speed
        };
        self.epoch.saturating_add(SignedDuration::from_millis(ms)).unwrap_or(Timestamp::MAX)
    }
}

/// So many seconds after a time.
pub(crate) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
