//! When to look closely: a snapshot every few seconds while a host is running out, for a while.

use std::time::Duration;

use poolwatch_model::memory::Memory;

/// Between two snapshots while looking closely.
const CLOSE_INTERVAL: Duration = Duration::from_secs(10);
/// How long that may last: what goes on for longer is no news.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Share of commit or of resident-available memory below which headroom is low: one part in so many.
const LOW_PART: u64 = 20;

/// What tells that a host is running out. The kernel's conditions stay on while they last, so that
/// only their turning on counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Signs {
    /// One of the kernel's low-memory conditions is on.
    pub(super) condition: bool,
    /// Little is left of commit or of resident-available memory.
    pub(super) headroom: bool,
}

/// Whether to look closely.
#[derive(Debug, Default)]
pub(super) struct Pressure {
    signs: Signs,
    close_until: Option<Duration>,
}

impl Pressure {
    /// Takes notice of signs. Whether they are a reason to begin to look closely.
    pub(super) fn observe(&mut self, now: Duration, signs: Signs) -> bool {
        let before = std::mem::replace(&mut self.signs, signs);
        let turned_on = signs.condition && !before.condition || signs.headroom && !before.headroom;
        turned_on && self.begin(now)
    }

    /// The signs seen last.
    pub(super) fn signs(&self) -> Signs {
        self.signs
    }

    /// Begins to look closely. A further reason while it lasts does not make it last longer.
    pub(super) fn begin(&mut self, now: Duration) -> bool {
        let is_new = !self.is_close(now);
        if is_new {
            self.close_until = Some(now + LONGEST);
        }
        is_new
    }

    /// Between two snapshots, where `usual` is what the settings say.
    pub(super) fn interval(&self, now: Duration, usual: Duration) -> Duration {
        if self.is_close(now) { usual.min(CLOSE_INTERVAL) } else { usual }
    }

    fn is_close(&self, now: Duration) -> bool {
        self.close_until.is_some_and(|until| now < until)
    }
}

/// Whether little is left of commit or of resident-available memory, upon which pool fails before its
/// own limit is met. What is unknown is not low.
pub(super) fn headroom_is_low(memory: &Memory) -> bool {
    let is_low = |left: u64, of: u64| of > 0 && left < of / LOW_PART;
    let commit = memory.commit_limit.zip(memory.committed);
    let resident = memory.physical.zip(memory.resident_available);
    commit.is_some_and(|(limit, used)| is_low(limit.0.saturating_sub(used.0), limit.0))
        || resident.is_some_and(|(physical, left)| is_low(left.0, physical.0))
}

#[cfg(test)]
mod tests {
    use poolwatch_model::Bytes;

    use super::*;

    const USUAL: Duration = Duration::from_secs(60);
    const OFF: Signs = Signs { condition: false, headroom: false };
    const ON: Signs = Signs { condition: true, headroom: false };

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_condition_that_turns_on_is_looked_at_closely_for_half_an_hour() {
        let mut pressure = Pressure::default();
        assert!(!pressure.observe(minutes(0), OFF));
        assert_eq!(pressure.interval(minutes(0), USUAL), USUAL);
        assert!(pressure.observe(minutes(1), ON));
        assert_eq!(pressure.interval(minutes(1), USUAL), CLOSE_INTERVAL);
        // It stays on, which is no further reason.
        for minute in 2..90 {
            assert!(!pressure.observe(minutes(minute), ON), "{minute}");
        }
        assert_eq!(pressure.interval(minutes(30), USUAL), CLOSE_INTERVAL);
        assert_eq!(pressure.interval(minutes(31), USUAL), USUAL);
        // It turns off and on again.
        assert!(!pressure.observe(minutes(91), OFF));
        assert!(pressure.observe(minutes(92), ON));
    }

    #[test]
    fn events_one_after_the_other_do_not_make_it_last_for_ever() {
        let mut pressure = Pressure::default();
        assert!(pressure.begin(minutes(0)));
        for minute in 1..30 {
            assert!(!pressure.begin(minutes(minute)));
        }
        assert_eq!(pressure.interval(minutes(30), USUAL), USUAL);
    }

    #[test]
    fn an_interval_that_is_short_already_stays() {
        let mut pressure = Pressure::default();
        pressure.begin(minutes(0));
        let short = Duration::from_secs(5);
        assert_eq!(pressure.interval(minutes(1), short), short);
    }

    #[test]
    fn headroom_is_judged_by_what_is_known() {
        let gb = |gb: u64| Some(Bytes(gb << 30));
        let commit =
            |committed, commit_limit| Memory { committed, commit_limit, ..Memory::default() };
        let resident = |resident_available, physical| Memory {
            resident_available,
            physical,
            ..Memory::default()
        };
        for (memory, low) in [
            (Memory::default(), false),
            (commit(gb(10), gb(18)), false),
            (commit(gb(39), gb(40)), true),
            (commit(gb(41), gb(40)), true),
            (commit(gb(1), gb(0)), false),
            (resident(gb(13), gb(16)), false),
            (resident(gb(0), gb(16)), true),
            (resident(None, gb(16)), false),
        ] {
            assert_eq!(headroom_is_low(&memory), low, "{memory:?}");
        }
    }
}
