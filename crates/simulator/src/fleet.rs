//! The fleet: its hosts, and what was planted in it.

use std::sync::Arc;

use jiff::Timestamp;

use crate::{
    causes::Causes,
    hosts::HostPlan,
    planning::{self, PlannedHost},
    scenario::{Plant, Scenario},
    simulation::HostSim,
    tags::Catalogue,
    timeline::Timeline,
};

/// A fleet.
#[derive(Debug, Clone)]
pub struct Fleet {
    scenario: Scenario,
    catalogue: Arc<Catalogue>,
    hosts: Vec<Arc<HostPlan>>,
    /// What is planted on each of them.
    causes: Vec<Causes>,
    timeline: Timeline,
    live: Timestamp,
}

impl Fleet {
    /// A fleet with every cause planted.
    #[must_use]
    pub fn new(seed: u64, hosts: usize, epoch: Timestamp) -> Self {
        Self::of(Scenario { seed, hosts, epoch, plant: Plant::ALL })
    }

    /// The fleet of a scenario.
    #[must_use]
    pub fn of(mut scenario: Scenario) -> Self {
        // Whole milliseconds are all that the wire carries.
        let ms = scenario.epoch.as_millisecond();
        scenario.epoch = Timestamp::from_millisecond(ms).unwrap_or(scenario.epoch);
        let planned = planning::plan_hosts(&scenario);
        let (hosts, causes) =
            planned.into_iter().map(|PlannedHost { plan, causes }| (plan, causes)).unzip();
        Self {
            catalogue: Arc::new(Catalogue::new(scenario.seed)),
            hosts,
            causes,
            timeline: Timeline::new(scenario.epoch),
            live: scenario.epoch,
            scenario,
        }
    }

    /// Its hosts, in order.
    #[must_use]
    pub fn hosts(&self) -> &[Arc<HostPlan>] {
        &self.hosts
    }

    /// What it was made from.
    #[must_use]
    pub fn scenario(&self) -> &Scenario {
        &self.scenario
    }

    /// When history ended and live data begin.
    #[must_use]
    pub fn live(&self) -> Timestamp {
        self.live
    }

    /// Lets the fleet go live at `at`, which is not before its epoch: events planted for live data
    /// happen that long after it, and from then on hosts live `speed` times as fast as true time.
    pub fn go_live(&mut self, at: Timestamp, speed: u32) {
        self.live = at.max(self.scenario.epoch);
        self.timeline.accelerate(self.live, speed);
    }

    /// A host, to be run from some time on.
    ///
    /// # Panics
    /// When there is no host of that index.
    #[must_use]
    pub fn simulate(&self, index: usize) -> HostSim {
        HostSim::new(
            self.scenario.seed,
            Arc::clone(&self.hosts[index]),
            Arc::clone(&self.causes[index]),
            &self.catalogue,
            self.timeline,
        )
    }

    /// Lets a host that runs already go live with the fleet.
    pub fn bring_live(&self, host: &mut HostSim) {
        host.accelerate(self.timeline);
    }

    /// Its hosts with what is planted on each.
    pub(crate) fn planted(&self) -> impl Iterator<Item = (&HostPlan, &Causes)> {
        self.hosts.iter().map(AsRef::as_ref).zip(&self.causes)
    }

    pub(crate) fn timeline(&self) -> Timeline {
        self.timeline
    }
}
