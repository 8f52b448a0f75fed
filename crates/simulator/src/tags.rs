//! What tags exist, and what each does on a host without troubles.

mod generated;
mod known;
mod spec;

use std::collections::BTreeMap;

use poolwatch_model::{Pool, PoolTag};

pub(crate) use spec::FOO_TAG;
use spec::{Found, Pace, Spec};

use crate::{
    boots::{HOUR_S, MINUTE_S},
    hosts::{Era, HostPlan},
    patterns::{
        load::MEAN_LOAD,
        rng::{SeededRng, Subject},
        workload::{Conditions, WorkloadPattern},
    },
    warmup::{WARM_UP, WARM_UP_S},
};

/// All tags of the fleet.
#[derive(Debug)]
pub(crate) struct Catalogue(Vec<Spec>);

impl Catalogue {
    pub(crate) fn new(seed: u64) -> Self {
        let mut specs = known::specs();
        generated::extend(&mut specs, &mut SeededRng::of_subject(seed, Subject::Catalogue, 0, 0));
        Self(specs)
    }

    /// The tags of a host, in the order of the catalogue.
    pub(crate) fn on_host(&self, seed: u64, plan: &HostPlan) -> Vec<HostTag> {
        let mut rng = SeededRng::of_subject(seed, Subject::Tags, plan.index, 0);
        let vendors = rng.next_bits();
        let mut tags: Vec<HostTag> = self
            .0
            .iter()
            .filter_map(|spec| {
                // Chance is drawn for every tag, so that one host's lot is not another's.
                let (lot, scale) = (rng.integer_below(100), 1.0 + 0.25 * rng.uniform_swing());
                let found = match (spec.found, plan.era) {
                    (Found::Everywhere, _) => true,
                    (Found::Era(era), of) => era == of,
                    (Found::Vendor(vendor), Era::Modern) => vendors >> (vendor % 32) & 1 == 1,
                    (Found::Vendor(vendor), Era::Legacy) => vendor < 3,
                };
                let share = match plan.era {
                    Era::Modern => 97,
                    Era::Legacy => 60,
                };
                let missing = spec.made_up && lot >= share;
                (found && !missing).then(|| HostTag::new(spec, plan, scale))
            })
            .collect();
        for pool in Pool::ALL {
            scale_to_budget(&mut tags, pool, plan.budget(pool));
        }
        tags
    }
}

/// Makes the levels of all tags of a pool add up to what the host uses.
fn scale_to_budget(tags: &mut [HostTag], pool: Pool, budget: u64) {
    let of_pool = |tag: &&mut HostTag| tag.pool == pool;
    let total: f64 = tags.iter_mut().filter(of_pool).map(|tag| tag.level * tag.unit as f64).sum();
    if total > 0.0 {
        let factor = budget as f64 / total;
        tags.iter_mut().filter(of_pool).for_each(|tag| tag.level *= factor);
    }
}

/// A tag's use of one pool on one host.
#[derive(Debug, Clone, Copy)]
pub(crate) struct HostTag {
    pub(crate) tag: PoolTag,
    pub(crate) pool: Pool,
    pub(crate) unit: u64,
    /// Outstanding allocations when warm, at mean load.
    level: f64,
    pace: Pace,
    pattern: WorkloadPattern,
    /// Allocations per minute.
    churn: u64,
}

impl HostTag {
    fn new(spec: &Spec, plan: &HostPlan, scale: f64) -> Self {
        let unit = match plan.era {
            Era::Modern => spec.unit,
            Era::Legacy => (spec.unit * 5 / 8).next_multiple_of(8),
        };
        let level = (spec.typical as f64 / spec.unit as f64 * scale).max(1.0);
        // Churn follows the fleet's typical use: scaling a pool must not still its traffic.
        let churn = (spec.typical / spec.unit).max(1) * spec.churn / 1000;
        let grows_s = 3 * HOUR_S + (scale * 100.0) as i64 % 5 * 40 * MINUTE_S;
        let pattern = match spec.pattern {
            WorkloadPattern::Cache { fill, .. } => {
                WorkloadPattern::Cache { fill, duration: grows_s as f64 }
            }
            other => other,
        };
        Self {
            tag: spec.tag,
            pool: spec.pool,
            unit,
            level,
            pace: spec.pace,
            pattern,
            churn: churn.max(1),
        }
    }

    /// The chance that the counters move in a minute, of 2^32.
    pub(crate) fn chance(&self) -> u32 {
        self.pace.chance()
    }

    /// Outstanding allocations, at this uptime and load.
    pub(crate) fn outstanding(&self, uptime_s: i64, load: f64, rng: &mut SeededRng) -> u64 {
        // Caches are cold in a way of their own.
        let warm = match self.pattern {
            WorkloadPattern::Cache { .. } => 1.0,
            _ => WARM_UP.share(uptime_s as f64),
        };
        let (uptime, load) = (uptime_s as f64, load - MEAN_LOAD);
        let at = Conditions { uptime, load, ..Conditions::default() };
        let level = self.level * warm * self.pattern.expected_share(&at);
        (level * (1.0 + self.pace.stray() * rng.uniform_swing())).round().max(1.0) as u64
    }

    /// Allocations in one minute, at this load.
    pub(crate) fn allocations(&self, load: f64, rng: &mut SeededRng) -> u64 {
        let busy = self.churn as f64 * (0.4 + load) * (1.0 + 0.2 * rng.uniform_swing());
        (busy as u64).max(1)
    }

    /// Allocations since a start so long ago, about.
    pub(crate) fn allocations_since(&self, uptime_s: i64) -> u64 {
        let minutes = uptime_s.unsigned_abs() / 60;
        match self.pace {
            Pace::Busy => self.churn * minutes,
            Pace::Often => self.churn * minutes * 2 / 5,
            Pace::Rare => self.churn * minutes / 12,
            Pace::Still => self.churn * minutes / 400,
        }
    }
}

/// The least chance that a tag's counters move in a minute: while a host starts, most do.
pub(crate) fn least_chance(uptime_s: i64) -> u32 {
    if uptime_s < WARM_UP_S { u32::MAX / 3 } else { 0 }
}

/// The places of tags in a table sorted by tag.
pub(crate) fn places<'a>(tags: impl IntoIterator<Item = &'a PoolTag>) -> BTreeMap<PoolTag, usize> {
    let mut places: BTreeMap<PoolTag, usize> = tags.into_iter().map(|tag| (*tag, 0)).collect();
    for (at, place) in places.values_mut().enumerate() {
        *place = at;
    }
    places
}
