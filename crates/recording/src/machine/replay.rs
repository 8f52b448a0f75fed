//! A machine that is a capture, played in a loop while time goes on.

use poolwatch_model::{BootId, host::HostFacts};

use super::{InfoClass, Machine, Now, OwnUse, RawBuffer, Status};
use crate::{
    capture::{Capture, Round},
    clock::Clock,
};

/// Plays a capture. Every [`Machine::begin_round`] goes on to the next round, and after the last to
/// the first again.
pub struct Replay<C> {
    capture: Capture,
    clock: C,
    boot: BootId,
    /// Where the machine's uptime was when the clock's monotonic time was 0.
    uptime_at_start_ms: u64,
    round: usize,
    begun: bool,
    own_use: fn() -> Option<OwnUse>,
}

impl<C: Clock> Replay<C> {
    /// Plays `capture` as the boot `boot`, which has been up for `uptime_ms` now; without it, for as
    /// long as the capture says.
    #[must_use]
    pub fn new(capture: Capture, clock: C, boot: BootId, uptime_ms: Option<u64>) -> Self {
        let captured = capture.rounds.first().map_or(0, |round| round.now.uptime_ms);
        let elapsed = clock.monotonic().as_millis() as u64;
        let uptime_at_start_ms = uptime_ms.unwrap_or(captured).saturating_sub(elapsed);
        let own_use = || None;
        Self { capture, clock, boot, uptime_at_start_ms, round: 0, begun: false, own_use }
    }

    /// Lets snapshots tell what they cost the process that plays the capture.
    #[must_use]
    pub fn measured_by(self, own_use: fn() -> Option<OwnUse>) -> Self {
        Self { own_use, ..self }
    }

    fn round(&self) -> Option<&Round> {
        self.capture.rounds.get(self.round)
    }
}

impl<C: Clock> Machine for Replay<C> {
    fn query(&mut self, class: InfoClass) -> Result<RawBuffer<'_>, Status> {
        let width = self.capture.width();
        match self.round().and_then(|round| round.answers.get(&class)) {
            Some(Ok(buffer)) => Ok(buffer.as_raw(width)),
            Some(Err(status)) => Err(*status),
            None => Err(Status::NOT_FOUND),
        }
    }

    fn begin_round(&mut self) {
        if self.begun {
            self.round = (self.round + 1) % self.capture.rounds.len().max(1);
        }
        self.begun = true;
    }

    fn boot(&self) -> BootId {
        self.boot
    }

    fn now(&self) -> Now {
        Now {
            uptime_ms: self.uptime_at_start_ms + self.clock.monotonic().as_millis() as u64,
            wall: self.clock.wall(),
        }
    }

    fn facts(&self) -> HostFacts {
        self.capture.facts.clone()
    }

    fn own_use(&self) -> Option<OwnUse> {
        (self.own_use)()
    }
}

#[cfg(test)]
mod tests {
    use std::{cell::Cell, time::Duration};

    use jiff::Timestamp;
    use uuid::Uuid;

    use super::*;
    use crate::synthetic::small_capture;

    struct ManualClock(Cell<u64>);

    impl Clock for &ManualClock {
        fn wall(&self) -> Timestamp {
            Timestamp::from_second(1_780_000_000 + self.0.get() as i64).unwrap()
        }

        fn monotonic(&self) -> Duration {
            Duration::from_secs(self.0.get())
        }
    }

    #[test]
    fn rounds_go_round_while_time_goes_on() {
        let clock = ManualClock(Cell::new(5));
        let capture = small_capture();
        let first = capture.rounds[0].clone();
        let rounds = capture.rounds.len();
        let mut replay = Replay::new(capture, &clock, BootId(Uuid::from_u128(1)), None);
        assert_eq!(replay.now().uptime_ms, first.now.uptime_ms);
        let mut seen = Vec::new();
        for _ in 0..=rounds {
            replay.begin_round();
            seen.push(replay.query(InfoClass::PoolTags).unwrap().bytes.to_vec());
            clock.0.set(clock.0.get() + 60);
        }
        assert_eq!(seen[0], seen[rounds]);
        assert_ne!(seen[0], seen[1]);
        assert_eq!(replay.now().uptime_ms, first.now.uptime_ms + 60_000 * (rounds as u64 + 1));
    }

    #[test]
    fn what_was_not_captured_is_not_available() {
        let clock = ManualClock(Cell::new(0));
        let mut replay = Replay::new(small_capture(), &clock, BootId(Uuid::from_u128(1)), None);
        let status = replay.query(InfoClass::PoolTags2).unwrap_err();
        assert!(status.is_not_available());
    }
}
