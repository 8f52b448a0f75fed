//! When a host starts, and why.

use poolwatch_model::BootId;

use crate::patterns::rng::{SeededRng, Subject};

pub(crate) const MINUTE_S: i64 = 60;
pub(crate) const HOUR_S: i64 = 3600;
pub(crate) const DAY_S: i64 = 24 * HOUR_S;

/// Why a host was restarted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reason {
    /// Updates were installed.
    Update,
    /// It stopped without being asked to.
    Crash,
}

/// One start of a host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Boot {
    /// Its number among the host's boots, from 0.
    pub(crate) number: usize,
    /// Its identity.
    pub(crate) id: BootId,
    /// When, in seconds of the host's time since the epoch.
    pub(crate) start_s: i64,
    /// How long the host was down before it.
    pub(crate) down_s: i64,
    /// Why.
    pub(crate) reason: Reason,
}

/// All starts of a host.
#[derive(Debug, Clone)]
pub(crate) struct Boots(Vec<Boot>);

impl Boots {
    /// These starts, in any order. Of two within six hours the later one is left out.
    pub(crate) fn new(seed: u64, host: usize, mut starts: Vec<(i64, Reason)>) -> Self {
        starts.sort_unstable_by_key(|(start_s, _)| *start_s);
        starts.dedup_by(|later, earlier| later.0 - earlier.0 < 6 * HOUR_S);
        let boots = starts.into_iter().enumerate().map(|(number, (start_s, reason))| {
            let mut rng = SeededRng::of_subject(seed, Subject::BootId, host, number);
            let down_s = match reason {
                Reason::Update => rng.integer_between(240, 900),
                Reason::Crash => rng.integer_between(120, 420),
            };
            Boot { number, id: BootId(rng.uuid()), start_s, down_s, reason }
        });
        Self(boots.collect())
    }

    /// The boot that is running at a time, `None` while the host is down.
    pub(crate) fn running_at(&self, own_s: i64) -> Option<Boot> {
        let next = self.0.partition_point(|boot| boot.start_s <= own_s);
        let going_down = self.0.get(next).is_some_and(|boot| own_s >= boot.start_s - boot.down_s);
        let boot = self.0[..next].last().copied();
        if going_down { None } else { boot }
    }

    /// All of them, oldest first.
    pub(crate) fn all(&self) -> &[Boot] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restart_takes_minutes_and_ends_in_another_boot() {
        let boots = Boots::new(1, 0, vec![(0, Reason::Update), (-DAY_S, Reason::Crash)]);
        let [old, new] = boots.all() else { panic!("two boots: {boots:?}") };
        assert_ne!(old.id, new.id);
        assert_eq!(boots.running_at(-DAY_S - 1).map(|boot| boot.number), None);
        assert_eq!(boots.running_at(-HOUR_S).map(|boot| boot.id), Some(old.id));
        assert_eq!(boots.running_at(-60).map(|boot| boot.number), None);
        assert_eq!(boots.running_at(0).map(|boot| boot.id), Some(new.id));
    }
}
