//! The split: what rules may be tuned on, and what only tells how good they are.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use poolwatch_simulator::patterns::leaks::Family;

use crate::{
    fleet::Plan,
    study::{self, Results},
};

/// Hosts of one group.
const HOSTS: usize = 20;

/// One half of all fleets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Half {
    /// May be looked at.
    Tuning,
    /// Must not be looked at when rules are changed.
    HeldOut,
}

impl Half {
    /// The families of its leaks.
    #[must_use]
    pub const fn families(self) -> &'static [Family] {
        match self {
            Self::Tuning => &Family::TUNING,
            Self::HeldOut => &Family::HELD_OUT,
        }
    }

    /// Its seed, from the seed of the whole: the halves share none.
    #[must_use]
    pub const fn seed(self, seed: u64) -> u64 {
        match self {
            Self::Tuning => seed * 2,
            Self::HeldOut => seed * 2 + 1,
        }
    }

    /// Its fleets: so many groups of healthy hosts, and so many for each family.
    #[must_use]
    pub fn plans(self, seed: u64, healthy: usize, of_family: usize) -> Vec<Plan> {
        let plan = |group: usize, family| Plan {
            seed: self.seed(seed),
            group: group as u64,
            hosts: HOSTS,
            held_out: self == Self::HeldOut,
            family,
        };
        let leaking = self.families().iter().flat_map(|family| vec![Some(*family); of_family]);
        std::iter::repeat_n(None, healthy)
            .chain(leaking)
            .enumerate()
            .map(|(group, family)| plan(group, family))
            .collect()
    }
}

/// Judges all fleets, on all cores. The order of the results is that of the plans.
#[must_use]
pub fn run(plans: &[Plan]) -> Results {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Results>>> = Mutex::new(vec![None; plans.len()]);
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    let Some(plan) = plans.get(at) else { break };
                    let results = study::run(*plan);
                    if let Ok(mut done) = done.lock() {
                        done[at] = Some(results);
                    }
                }
            });
        }
    });
    let mut all = Results::default();
    let done = done.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner);
    done.into_iter().flatten().for_each(|results| all.extend(results));
    all
}
