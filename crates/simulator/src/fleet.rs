//! The fleet: its hosts, and what was planted in it.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::{
    hosts::{self, HostPlan},
    simulation::HostSim,
    tags::Catalogue,
    timeline::Timeline,
    truth::Truth,
};

/// What fleet is made.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What all chance comes from.
    pub seed: u64,
    /// How many hosts.
    pub hosts: usize,
    /// Where history ends: planted growth reaches its published figures at this moment.
    pub epoch: Timestamp,
    /// What is planted.
    pub plant: Plant,
}

/// Which causes are planted. A cause whose host lies beyond the size of the fleet is not.
#[derive(Debug, Clone, Copy)]
pub struct Plant {
    /// A 32-bit host whose service leaks threads until nonpaged pool is empty (event 2019).
    pub classic: bool,
    /// A host whose service leaks tokens until paged pool is empty (event 2020).
    pub paged: bool,
    /// A driver whose version 5.1 leaks on every host that has it.
    pub driver: bool,
    /// A host where a driver holds much contiguous memory, without growth.
    pub high_use: bool,
    /// A host that ran out of commit, not of pool (event 2004).
    pub commit: bool,
}

impl Plant {
    /// Everything.
    pub const ALL: Self =
        Self { classic: true, paged: true, driver: true, high_use: true, commit: true };
    /// A fleet without troubles.
    pub const NOTHING: Self =
        Self { classic: false, paged: false, driver: false, high_use: false, commit: false };
}

/// A fleet.
#[derive(Debug, Clone)]
pub struct Fleet {
    scenario: Scenario,
    catalogue: Arc<Catalogue>,
    hosts: Vec<Arc<HostPlan>>,
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
        Self {
            catalogue: Arc::new(Catalogue::new(scenario.seed)),
            hosts: hosts::plan(&scenario),
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
            &self.catalogue,
            self.timeline,
        )
    }

    /// Lets a host that runs already go live with the fleet.
    pub fn bring_live(&self, host: &mut HostSim) {
        host.accelerate(self.timeline);
    }

    /// What is true of the fleet, whose data begin at `since`.
    #[must_use]
    pub fn truth(&self, since: Timestamp) -> Truth {
        Truth::of(self, since)
    }

    pub(crate) fn timeline(&self) -> Timeline {
        self.timeline
    }
}

/// So many seconds after a time.
pub(crate) fn after(time: Timestamp, seconds: i64) -> Timestamp {
    time.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}
