//! When to look closely: a snapshot every few seconds while a host is running out, for a while.

use std::time::Duration;

use poolwatch_model::memory::Memory;

/// Between two snapshots while looking closely.
const CLOSE_INTERVAL: Duration = Duration::from_secs(10);
/// How long a sign may cause that: what goes on for longer is no news.
const LONGEST: Duration = Duration::from_secs(30 * 60);
/// Share of commit or of resident-available memory below which little is left, upon which pool fails
/// before its own limit is met: one part in so many.
const LOW_PART: u64 = 20;
/// Share from which on enough is left again. Between the two it stays what it was, so that a host that
/// lives near the limit is one case and not many.
const ENOUGH_PART: u64 = 10;

/// What tells that a host is running out. Each is judged on its own: one that stays on does not hide
/// another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    /// `LowNonPagedPoolCondition`.
    LowNonpaged,
    /// `LowPagedPoolCondition`.
    LowPaged,
    /// `HighCommitCondition`.
    HighCommit,
    /// `MaximumCommitCondition`.
    MaximumCommit,
    /// Little is left of the commit limit.
    LittleCommit,
    /// Little is left of resident-available memory.
    LittleResident,
    /// An event says that memory ran out.
    Event,
}

impl Sign {
    const COUNT: usize = 7;

    /// Whether a host may live with this: then it is no news when the agent finds it so at its start.
    fn may_last(self) -> bool {
        matches!(self, Self::HighCommit | Self::LittleCommit | Self::LittleResident)
    }
}

/// What was seen of one sign.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    on: Option<bool>,
    close_until: Option<Duration>,
}

/// Whether to look closely.
#[derive(Debug, Default)]
pub(super) struct Pressure([Seen; Sign::COUNT]);

impl Pressure {
    /// Takes notice of a sign that lasts. Whether its turning on is a reason to look closely, at once.
    pub(super) fn observe(&mut self, now: Duration, sign: Sign, is_on: bool) -> bool {
        let before = self.0[sign as usize].on.replace(is_on);
        let turned_on = is_on && !before.unwrap_or(sign.may_last());
        turned_on && self.begin(now, sign)
    }

    /// Takes notice of a snapshot's figures, as [`Self::observe`] does.
    pub(super) fn observe_headroom(&mut self, now: Duration, memory: &Memory) -> bool {
        let commit = memory.commit_limit.zip(memory.committed);
        let commit =
            commit.and_then(|(limit, used)| is_little(limit.0.saturating_sub(used.0), limit.0));
        let resident = memory.physical.zip(memory.resident_available);
        let resident = resident.and_then(|(physical, left)| is_little(left.0, physical.0));
        let mut is_news = false;
        for (sign, is_little) in [(Sign::LittleCommit, commit), (Sign::LittleResident, resident)] {
            is_news |= is_little.is_some_and(|is_little| self.observe(now, sign, is_little));
        }
        is_news
    }

    /// Begins to look closely because of a sign. The same sign while that lasts does not make it last
    /// longer.
    pub(super) fn begin(&mut self, now: Duration, sign: Sign) -> bool {
        let seen = &mut self.0[sign as usize];
        let is_new = seen.close_until.is_none_or(|until| now >= until);
        if is_new {
            seen.close_until = Some(now + LONGEST);
        }
        is_new
    }

    /// Between two snapshots, where `usual` is what the settings say.
    pub(super) fn interval(&self, now: Duration, usual: Duration) -> Duration {
        let is_close = self.0.iter().any(|seen| seen.close_until.is_some_and(|until| now < until));
        if is_close { usual.min(CLOSE_INTERVAL) } else { usual }
    }
}

/// Whether little is left; `None` between little and enough, and where there is no limit.
fn is_little(left: u64, of: u64) -> Option<bool> {
    if of > 0 && left < of / LOW_PART {
        return Some(true);
    }
    (of > 0 && left >= of / ENOUGH_PART).then_some(false)
}

#[cfg(test)]
mod tests {
    use poolwatch_model::Bytes;

    use super::*;

    const USUAL: Duration = Duration::from_secs(60);

    fn minutes(minutes: u64) -> Duration {
        Duration::from_secs(60 * minutes)
    }

    #[test]
    fn a_condition_that_turns_on_is_looked_at_closely_for_half_an_hour() {
        let mut pressure = Pressure::default();
        assert!(!pressure.observe(minutes(0), Sign::LowPaged, false));
        assert_eq!(pressure.interval(minutes(0), USUAL), USUAL);
        assert!(pressure.observe(minutes(1), Sign::LowPaged, true));
        assert_eq!(pressure.interval(minutes(1), USUAL), CLOSE_INTERVAL);
        // It stays on, which is no further reason.
        for minute in 2..90 {
            assert!(!pressure.observe(minutes(minute), Sign::LowPaged, true), "{minute}");
        }
        assert_eq!(pressure.interval(minutes(30), USUAL), CLOSE_INTERVAL);
        assert_eq!(pressure.interval(minutes(31), USUAL), USUAL);
        // It turns off and on again.
        assert!(!pressure.observe(minutes(91), Sign::LowPaged, false));
        assert!(pressure.observe(minutes(92), Sign::LowPaged, true));
    }

    #[test]
    fn a_condition_that_stays_on_does_not_hide_another() {
        let mut pressure = Pressure::default();
        assert!(pressure.observe(minutes(0), Sign::LowPaged, true));
        assert!(pressure.observe(minutes(29), Sign::LowNonpaged, true));
        assert_eq!(pressure.interval(minutes(58), USUAL), CLOSE_INTERVAL);
        assert_eq!(pressure.interval(minutes(59), USUAL), USUAL);
        assert!(pressure.begin(minutes(90), Sign::Event));
    }

    #[test]
    fn what_a_host_may_live_with_is_no_news_at_the_start() {
        for sign in [Sign::HighCommit, Sign::LittleCommit, Sign::LittleResident] {
            let mut pressure = Pressure::default();
            assert!(!pressure.observe(minutes(0), sign, true), "{sign:?}");
            assert!(!pressure.observe(minutes(1), sign, false), "{sign:?}");
            assert!(pressure.observe(minutes(2), sign, true), "{sign:?}");
        }
        for sign in [Sign::LowNonpaged, Sign::LowPaged, Sign::MaximumCommit] {
            assert!(Pressure::default().observe(minutes(0), sign, true), "{sign:?}");
        }
    }

    #[test]
    fn events_one_after_the_other_do_not_make_it_last_for_ever() {
        let mut pressure = Pressure::default();
        assert!(pressure.begin(minutes(0), Sign::Event));
        for minute in 1..30 {
            assert!(!pressure.begin(minutes(minute), Sign::Event));
        }
        assert_eq!(pressure.interval(minutes(30), USUAL), USUAL);
    }

    #[test]
    fn an_interval_that_is_short_already_stays() {
        let mut pressure = Pressure::default();
        pressure.begin(minutes(0), Sign::Event);
        let short = Duration::from_secs(5);
        assert_eq!(pressure.interval(minutes(1), short), short);
    }

    fn with_commit(left_percent: u64) -> Memory {
        let (committed, commit_limit) = (Some(Bytes(100 - left_percent)), Some(Bytes(100)));
        Memory { committed, commit_limit, ..Memory::default() }
    }

    #[test]
    fn a_host_that_lives_near_the_limit_is_one_case() {
        let mut pressure = Pressure::default();
        let mut seen = Vec::new();
        for (minute, left) in [50, 4, 6, 4, 7, 3, 9, 4, 11, 4].into_iter().enumerate() {
            if pressure.observe_headroom(minutes(60 * minute as u64), &with_commit(left)) {
                seen.push(minute);
            }
        }
        assert_eq!(seen, [1, 9]);
    }

    #[test]
    fn headroom_is_judged_by_what_is_known() {
        let is_low = |memory: &Memory| {
            let mut pressure = Pressure::default();
            let plenty = Memory { physical: Some(Bytes(16 << 30)), ..with_commit(90) };
            let plenty = Memory { resident_available: plenty.physical, ..plenty };
            assert!(!pressure.observe_headroom(minutes(0), &plenty));
            pressure.observe_headroom(minutes(1), memory)
        };
        let no_limit = Memory { commit_limit: Some(Bytes(0)), ..with_commit(50) };
        let over = Memory { committed: Some(Bytes(101)), ..with_commit(50) };
        let resident = |left, physical: u64| Memory {
            resident_available: left,
            physical: Some(Bytes(physical << 30)),
            ..Memory::default()
        };
        for (memory, low) in [
            (Memory::default(), false),
            (with_commit(45), false),
            (with_commit(4), true),
            (over, true),
            (no_limit, false),
            (resident(Some(Bytes(13 << 30)), 16), false),
            (resident(Some(Bytes(0)), 16), true),
            (resident(None, 16), false),
        ] {
            assert_eq!(is_low(&memory), low, "{memory:?}");
        }
    }
}
