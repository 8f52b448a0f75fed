//! When a frame was taken, by the server's clock.
//!
//! Uptime does not lie, wall clocks do. A boot gets an anchor, the time at which it began; a frame
//! is placed by it and its uptime. A clock that runs off is anchored anew from a frame on.

use jiff::{SignedDuration, Timestamp};
use poolwatch_protocol::v1::{SenderClock, Stamp};
use poolwatch_store::boots::Boot;

/// Anchors closer than this are the same: the network's delay is no drift.
const TOLERANCE: SignedDuration = SignedDuration::from_secs(5);
/// Anchors of one boot at most: a clock that drifts all the time is followed no longer then.
const ANCHORS: usize = 500;
/// A frame may be this far ahead of the server's clock.
const AHEAD: SignedDuration = SignedDuration::from_mins(10);

/// When the boot of a frame began, as well as an upload can tell.
#[must_use]
pub fn booted_at(stamp: &Stamp, clock: &SenderClock, received: Timestamp) -> Timestamp {
    if stamp.boot == clock.boot {
        return before(received, clock.uptime_ms);
    }
    // An earlier boot: its wall clock, corrected by how wrong that clock is now.
    let wrong_by = received.duration_since(clock.wall);
    let taken = stamp.wall.saturating_add(wrong_by).unwrap_or(received);
    before(taken.min(received), stamp.uptime_ms)
}

/// A better estimate of when the boot began, to hold from this frame on: when the sender's clocks
/// now say something else than the last anchor, and the frame is newer than all before it.
#[must_use]
pub fn better_anchor(
    boot: &Boot,
    stamp: &Stamp,
    clock: &SenderClock,
    received: Timestamp,
) -> Option<Timestamp> {
    let (from_seq, last) = *boot.anchors.last()?;
    if stamp.boot != clock.boot || stamp.seq <= from_seq || boot.anchors.len() >= ANCHORS {
        return None;
    }
    let estimate = before(received, clock.uptime_ms);
    (estimate.duration_since(last).abs() > TOLERANCE).then_some(estimate)
}

/// Whether a frame of that time can be kept, which is when it is not older than `kept`.
///
/// # Errors
/// With the reason, when it is older than what is kept or from the future.
pub fn check(at: Timestamp, received: Timestamp, kept: SignedDuration) -> Result<(), String> {
    if at.duration_since(received) > AHEAD {
        return Err(format!("taken at {at}, more than {} min in the future", AHEAD.as_mins()));
    }
    if received.duration_since(at) > kept {
        let days = kept.as_hours() / 24;
        return Err(format!("taken at {at}, longer ago than the {days} days that are kept"));
    }
    Ok(())
}

fn before(at: Timestamp, uptime_ms: u64) -> Timestamp {
    let uptime = SignedDuration::from_millis(i64::try_from(uptime_ms).unwrap_or(i64::MAX));
    at.saturating_sub(uptime).unwrap_or(Timestamp::MIN)
}

#[cfg(test)]
mod tests {
    use poolwatch_model::BootId;
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

    #[test]
    fn a_drifting_clock_is_anchored_anew_from_a_newer_frame_on() {
        let mut boot = Boot { no: 1, id: boot_id(1), anchors: vec![(0, at(NOW - 1000))] };
        let stamp = |seq| Stamp { boot: boot_id(1), seq, uptime_ms: 0, wall: at(0) };
        let clock = |uptime_s: u64| SenderClock {
            boot: boot_id(1),
            uptime_ms: uptime_s * 1000,
            wall: at(0),
        };
        assert_eq!(better_anchor(&boot, &stamp(9), &clock(1003), at(NOW)), None);
        let anchor = better_anchor(&boot, &stamp(9), &clock(1010), at(NOW));
        assert_eq!(anchor, Some(at(NOW - 1010)));
        boot.anchors.push((9, at(NOW - 1010)));
        assert_eq!(better_anchor(&boot, &stamp(9), &clock(2000), at(NOW)), None);
    }

    #[test]
    fn lying_clocks_are_refused_with_a_reason() {
        let kept = SignedDuration::from_hours(30 * 24);
        assert!(check(at(NOW + 3600), at(NOW), kept).is_err());
        assert!(check(at(NOW - 31 * 86_400), at(NOW), kept).is_err());
        assert_eq!(check(at(NOW - 86_400), at(NOW), kept), Ok(()));
    }
}
