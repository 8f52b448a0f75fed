//! When a frame was taken, by the server's clock.
//!
//! Uptime does not lie, wall clocks do. A boot gets an anchor, the time at which it began; a frame
//! is placed by it and its uptime. The delay of an upload makes a boot seem to have begun later, so an
//! earlier estimate holds at once and a later one only when several uploads agree. What holds anew
//! begins after every frame that has its time: one that is sent again keeps it, and times never run
//! backwards within a boot.

use jiff::{SignedDuration, Timestamp};
use poolwatch_protocol::{
    limits,
    v1::{SenderClock, Stamp},
};
use poolwatch_store::boots::{Anchor, Boot};

use crate::fleet::{delays::Delays, host::AHEAD};

/// Anchors closer than this are the same.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
/// Anchors of one boot at most: a clock that drifts all the time is followed no longer then.
const ANCHORS: usize = 500;
/// A boot that seems to have begun so much later than it was taken to: no upload is delayed so long,
/// and the server's clock may be what is wrong.
const DOUBTFUL: SignedDuration = SignedDuration::from_hours(24);

/// When the boot that sends began, as one upload tells: in whole milliseconds, so that a time is the
/// same in memory and in the database.
#[must_use]
pub fn estimate(clock: &SenderClock, arrived: Timestamp) -> Timestamp {
    before(arrived, clock.uptime_ms)
}

/// When the boot of a frame began, as well as an upload can tell.
#[must_use]
pub fn booted_at(stamp: &Stamp, clock: &SenderClock, arrived: Timestamp) -> Timestamp {
    if stamp.boot == clock.boot {
        return estimate(clock, arrived);
    }
    // An earlier boot: its wall clock, corrected by how wrong that clock is now.
    let wrong_by = arrived.duration_since(clock.wall);
    let taken = stamp.wall.saturating_add(wrong_by).unwrap_or(arrived);
    before(taken.min(arrived), stamp.uptime_ms)
}

/// An anchor that has to hold before a frame is placed: because its boot began at another time than
/// the last one says, or because the frame would come before others of lower numbers.
#[must_use]
pub fn better_anchor(
    boot: &Boot,
    stamp: &Stamp,
    clock: &SenderClock,
    arrived: Timestamp,
    delays: &Delays,
) -> Option<Anchor> {
    let last = *boot.anchors.last()?;
    let is_placed = boot.newest.is_some_and(|newest| stamp.seq <= newest.seq);
    if is_placed || boot.anchors.len() >= ANCHORS {
        return None;
    }
    let begun = (stamp.boot == clock.boot)
        .then(|| {
            let now = estimate(clock, arrived);
            let earlier = (last.booted_at.duration_since(now) > TOLERANCE).then_some(now);
            let later = || {
                let least = delays.least(boot.id)?;
                (least.duration_since(last.booted_at) > TOLERANCE).then_some(least)
            };
            earlier.or_else(later)
        })
        .flatten();
    let newest = boot.newest.filter(|newest| newest.at.duration_since(arrived) <= AHEAD);
    let runs_back =
        newest.is_some_and(|newest| boot.time_of(stamp.seq, stamp.uptime_ms) <= newest.at);
    (begun.is_some() || runs_back).then(|| Anchor {
        from_seq: boot.newest.map_or(0, |newest| newest.seq + 1),
        booted_at: begun.unwrap_or(last.booted_at),
        not_before: newest.map(|newest| newest.at),
    })
}

/// Whether what is known of a boot and what this upload says of it are so far apart that nothing may
/// be refused for its time.
#[must_use]
pub fn is_doubtful(boot: &Boot, clock: &SenderClock, arrived: Timestamp, delays: &Delays) -> bool {
    let known = boot.anchors.last().map(|anchor| anchor.booted_at);
    let apart = known.map(|known| estimate(clock, arrived).duration_since(known));
    boot.id == clock.boot
        && delays.least(boot.id).is_none()
        && apart.is_some_and(|apart| apart > DOUBTFUL)
}

/// Whether a frame of that time can be kept, which is when it is not older than `kept`.
///
/// # Errors
/// With the reason, when it is older than what is kept or from the future.
pub fn check(at: Timestamp, arrived: Timestamp, kept: SignedDuration) -> Result<(), String> {
    if at.duration_since(arrived) > AHEAD {
        return Err(format!("taken at {at}, more than {} min in the future", AHEAD.as_mins()));
    }
    if arrived.duration_since(at) > kept {
        let days = kept.as_hours() / 24;
        return Err(format!("taken at {at}, longer ago than the {days} days that are kept"));
    }
    Ok(())
}

/// Whether a machine can have been up for so long.
///
/// # Errors
/// With the reason, when it cannot.
pub fn check_uptime(uptime_ms: u64) -> Result<(), String> {
    match uptime_ms <= limits::UPTIME_MS {
        true => Ok(()),
        false => Err("an uptime is beyond fifty years".to_owned()),
    }
}

fn before(at: Timestamp, uptime_ms: u64) -> Timestamp {
    let uptime = SignedDuration::from_millis(i64::try_from(uptime_ms).unwrap_or(i64::MAX));
    let begun = at.saturating_sub(uptime).unwrap_or(Timestamp::MIN);
    Timestamp::from_millisecond(begun.as_millisecond()).unwrap_or(begun)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use poolwatch_model::BootId;
    use poolwatch_store::boots::Placed;
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    const NOW: i64 = 1_800_000_000;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn boot_id(n: u128) -> BootId {
        BootId(Uuid::from_u128(n))
    }

    #[test]
    fn a_frame_of_this_boot_is_placed_by_uptime_whatever_its_wall_clock_says() {
        let clock = SenderClock { boot: boot_id(1), uptime_ms: 3_600_000, wall: at(5) };
        let stamp = Stamp { boot: boot_id(1), seq: 1, uptime_ms: 60_000, wall: at(99) };
        assert_eq!(booted_at(&stamp, &clock, at(NOW)), at(NOW - 3600));
    }

    #[test]
    fn a_frame_of_an_earlier_boot_is_placed_by_its_corrected_wall_clock() {
        // The host's clock is an hour behind.
        let clock = SenderClock { boot: boot_id(2), uptime_ms: 60_000, wall: at(NOW - 3600) };
        let wall = at(NOW - 3600 - 86_400);
        let stamp = Stamp { boot: boot_id(1), seq: 1, uptime_ms: 7_000, wall };
        assert_eq!(booted_at(&stamp, &clock, at(NOW)), at(NOW - 86_400 - 7));
    }

    /// One upload: the uptime at which it was stamped, how long it was under way, and its frames.
    struct Upload {
        sent_s: u64,
        delay_s: u64,
        seqs: Vec<u64>,
    }

    /// A host whose boot began at `NOW` and that takes a frame a minute.
    struct Host {
        boot: Option<Boot>,
        delays: Delays,
        /// Seconds that its uptime loses in each hour.
        slow_s: u64,
    }

    impl Host {
        fn new() -> Self {
            Self { boot: None, delays: Delays::default(), slow_s: 0 }
        }

        fn send(&mut self, upload: &Upload) -> Vec<(u64, Timestamp)> {
            let uptime_s = |true_s: u64| true_s - true_s * self.slow_s / 3600;
            let clock = SenderClock {
                boot: boot_id(1),
                uptime_ms: uptime_s(upload.sent_s) * 1000,
                wall: at(0),
            };
            let arrived = at(NOW + (upload.sent_s + upload.delay_s).cast_signed());
            let begun = estimate(&clock, arrived);
            self.delays.note(clock.boot, begun);
            let boot = self.boot.get_or_insert_with(|| {
                let anchor = Anchor { from_seq: 0, booted_at: begun, not_before: None };
                Boot { no: 1, id: clock.boot, anchors: vec![anchor], newest: None }
            });
            let place = |seq: &u64| {
                let uptime_ms = uptime_s(seq * 60) * 1000;
                let stamp = Stamp { boot: boot.id, seq: *seq, uptime_ms, wall: at(0) };
                if let Some(anchor) = better_anchor(boot, &stamp, &clock, arrived, &self.delays) {
                    boot.put_anchor(anchor);
                    let again = better_anchor(boot, &stamp, &clock, arrived, &self.delays);
                    assert_eq!(again, None, "one look is enough");
                }
                let at = boot.time_of(*seq, uptime_ms);
                boot.note_placed(Placed { seq: *seq, at });
                (*seq, at)
            };
            upload.seqs.iter().map(place).collect()
        }
    }

    fn upload(seq: u64, delay_s: u64) -> Upload {
        Upload { sent_s: seq * 60, delay_s, seqs: vec![seq] }
    }

    fn in_order(times: &BTreeMap<u64, Timestamp>) -> bool {
        times.values().is_sorted_by(|earlier, later| earlier < later)
    }

    #[test]
    fn an_upload_that_takes_long_mixes_no_times_and_is_made_up_for_by_the_next() {
        let mut host = Host::new();
        let mut times = BTreeMap::new();
        for one in [upload(1, 0), upload(2, 90), upload(3, 0), upload(4, 0), upload(5, 0)] {
            times.extend(host.send(&one));
        }
        assert!(in_order(&times), "{times:?}");
        assert!(times.iter().all(|(seq, time)| *time == at(NOW + seq.cast_signed() * 60)));

        // The first of a boot: what comes at once says how late it was.
        let mut host = Host::new();
        let mut times = BTreeMap::new();
        for one in [upload(1, 90), upload(2, 0), upload(3, 0), upload(4, 0)] {
            times.extend(host.send(&one));
        }
        assert!(in_order(&times), "{times:?}");
        assert_eq!(times[&1], at(NOW + 150));
        assert_eq!(times[&4], at(NOW + 240));
    }

    #[test]
    fn a_clock_that_drifts_is_followed_once_several_uploads_agree() {
        let mut host = Host { slow_s: 60, ..Host::new() };
        let mut times = BTreeMap::new();
        for seq in 1..=600 {
            times.extend(host.send(&upload(seq, seq % 3)));
        }
        assert!(in_order(&times), "{times:?}");
        let wrong = |(seq, time): (&u64, &Timestamp)| {
            time.duration_since(at(NOW + seq.cast_signed() * 60)).abs()
        };
        assert!(times.iter().map(wrong).max() < Some(SignedDuration::from_secs(15)));
        assert!(host.boot.unwrap().anchors.len() < 150);
    }

    #[test]
    fn a_time_to_come_counts_for_nothing_once_the_clock_is_right_again() {
        let mut host = Host::new();
        // The server's clock is 400 days ahead for one upload, the boot's first.
        host.send(&upload(1, 400 * 86_400));
        assert_eq!(host.send(&upload(2, 0)), [(2, at(NOW + 120))]);
    }

    #[test]
    fn nothing_is_refused_by_a_clock_that_one_upload_alone_speaks_for() {
        let mut host = Host::new();
        host.send(&upload(1, 0));
        let boot = host.boot.take().unwrap();
        let clock = SenderClock { boot: boot_id(1), uptime_ms: 120_000, wall: at(0) };
        let right = at(NOW + 125);
        assert!(!is_doubtful(&boot, &clock, right, &host.delays));
        let wrong = at(NOW + 400 * 86_400);
        assert!(is_doubtful(&boot, &clock, wrong, &host.delays));
        for _ in 0..5 {
            host.delays.note(boot.id, estimate(&clock, wrong));
        }
        assert!(!is_doubtful(&boot, &clock, wrong, &host.delays), "it was away for a year");
    }

    proptest! {
        #[test]
        fn slow_stalled_and_reordered_uploads_keep_the_order_and_what_is_sent_again_its_time(
            delays in prop::collection::vec(prop_oneof![0..3_u64, 0..300_u64], 40),
            order in prop::collection::vec(0..4_usize, 40),
            again in prop::collection::vec(any::<bool>(), 40),
        ) {
            let mut host = Host::new();
            let mut times: BTreeMap<u64, Timestamp> = BTreeMap::new();
            let mut waiting: Vec<u64> = (1..=40).collect();
            let mut sent_s = 60;
            for ((delay_s, place), again) in delays.into_iter().zip(order).zip(again) {
                let seq = waiting.remove(place.min(waiting.len() - 1));
                sent_s = sent_s.max(seq * 60);
                let upload = Upload { sent_s, delay_s, seqs: vec![seq] };
                times.extend(host.send(&upload));
                if again {
                    let resent = Upload { sent_s: sent_s + 30, delay_s: 0, seqs: vec![seq] };
                    prop_assert_eq!(host.send(&resent), [(seq, times[&seq])]);
                }
            }
            prop_assert!(in_order(&times), "{:?}", times);
            let resent: Vec<u64> = times.keys().copied().collect();
            let all = host.send(&Upload { sent_s: sent_s + 60, delay_s: 200, seqs: resent });
            prop_assert_eq!(all, times.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn lying_clocks_are_refused_with_a_reason() {
        let kept = SignedDuration::from_hours(30 * 24);
        assert!(check(at(NOW + 3600), at(NOW), kept).is_err());
        assert!(check(at(NOW - 31 * 86_400), at(NOW), kept).is_err());
        assert_eq!(check(at(NOW - 86_400), at(NOW), kept), Ok(()));
    }
}
