//! The fleet as memory knows it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use jiff::Timestamp;
use poolwatch_detection::history::{FleetHost, TagUseOverDay};
use poolwatch_model::{HostId, Pool, PoolTag, comparison::Attribute, host::HostFacts};
use poolwatch_web::{hosts::Presence, words};

use crate::{
    fleet::{Fleet, baselines::Window, view::FleetView},
    pages::presence,
};

/// The fleet at one moment.
#[derive(Debug)]
pub struct FleetNow<'a> {
    fleet: &'a Fleet,
    view: Arc<FleetView>,
    now: Timestamp,
}

impl<'a> FleetNow<'a> {
    /// The fleet by its newest view.
    #[must_use]
    pub fn new(fleet: &'a Fleet, now: Timestamp) -> Self {
        Self { fleet, view: fleet.view(), now }
    }
}

impl poolwatch_detection::Fleet for FleetNow<'_> {
    fn hosts(&self) -> impl Iterator<Item = FleetHost<'_>> {
        self.view.hosts.iter().map(|summary| FleetHost {
            id: summary.host.id,
            facts: &summary.host.facts,
            reports: presence::of(summary, self.now) == Presence::Reporting,
        })
    }

    fn group(&self, facts: &HostFacts) -> Option<String> {
        words::group(facts)
    }

    fn use_over_day(&self, host: HostId, tag: PoolTag, pool: Pool) -> Option<TagUseOverDay> {
        let live = self.fleet.known(host)?;
        let state = live.read();
        let cell = state.tables()?.tags.as_ref()?.get(tag, pool)?;
        let bytes = cell.counters.bytes;
        let growth = cell.then[Window::Day as usize].growth_to(bytes)?;
        Some(TagUseOverDay { bytes, growth })
    }

    fn attributes(&self, hosts: &BTreeSet<HostId>) -> BTreeMap<HostId, BTreeSet<Attribute>> {
        let mut sets: BTreeMap<HostId, BTreeSet<Attribute>> = BTreeMap::new();
        for (driver, loaded_on) in self.fleet.drivers().lines() {
            let (name, version) = (driver.name.clone(), driver.version.clone());
            let attribute = Attribute::Driver { name, version };
            for host in loaded_on.iter().filter(|host| hosts.contains(host)) {
                sets.entry(*host).or_default().insert(attribute.clone());
            }
        }
        sets
    }
}
