//! The view of the whole fleet that pages show: made every few seconds, away from requests.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use poolwatch_analysis::growth::difference;
use poolwatch_model::{
    HostId, Pool, Presence,
    incident::{Incident, IncidentId},
    memory::{Ceiling, Memory},
};
use poolwatch_store::hosts::Host;

use super::{applications::Application, by_tag::ByTag, growing::Growing, sweep::Sweep};

/// The whole fleet at one moment.
#[derive(Debug, Default)]
pub struct FleetView {
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Every host, by id.
    pub hosts: Vec<Arc<HostSummary>>,
    /// Incidents that are not resolved, latest first.
    pub incidents: Vec<Incident>,
    /// Those of them that nobody is told of for a while.
    pub silenced: BTreeSet<IncidentId>,
    /// Tags that grow most over all hosts.
    pub growing: Vec<Growing>,
    /// Every tag of the fleet.
    pub tags: ByTag,
    /// What the last walk over all hosts found: programs, and the hosts behind each.
    pub sweep: Arc<Sweep>,
}

impl FleetView {
    /// One host.
    #[must_use]
    pub fn host(&self, id: HostId) -> Option<&Arc<HostSummary>> {
        self.hosts.binary_search_by_key(&id, |host| host.host.id).ok().map(|at| &self.hosts[at])
    }

    /// Hosts with an agent that were not heard since the server started: their figures are older.
    #[must_use]
    pub fn stale(&self) -> usize {
        self.hosts.iter().filter(|one| one.stale && one.host.instance_id.is_some()).count()
    }

    /// Hosts of which what is stored cannot be read.
    #[must_use]
    pub fn damaged(&self) -> usize {
        self.hosts.iter().filter(|one| one.host.is_damaged).count()
    }

    /// Hosts that report, and hosts that fell silent.
    #[must_use]
    pub fn heard(&self, now: Timestamp) -> (u64, u64) {
        self.hosts.iter().fold((0, 0), |(reporting, silent), host| match host.presence(now) {
            Presence::Live | Presence::Late => (reporting + 1, silent),
            Presence::Silent => (reporting, silent + 1),
            Presence::Imported | Presence::Waiting => (reporting, silent),
        })
    }

    /// Hosts with more tags or names than one host may add to what all share.
    #[must_use]
    pub fn capped(&self) -> usize {
        self.hosts.iter().filter(|one| one.is_capped).count()
    }

    /// A program over all hosts, by image name.
    #[must_use]
    pub fn application(&self, image: &str) -> Option<&Application> {
        let applications = &self.sweep.applications;
        let place = applications.binary_search_by(|one| (*one.image).cmp(image));
        place.ok().map(|at| &applications[at])
    }

    /// When the newest data of any host were received.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.hosts.iter().filter_map(|host| host.received).max()
    }
}

/// One host in short.
#[derive(Debug, Clone)]
pub struct HostSummary {
    /// Who it is.
    pub host: Arc<Host>,
    /// System-wide figures.
    pub memory: Memory,
    /// Limit of nonpaged pool.
    pub nonpaged_ceiling: Option<Ceiling>,
    /// Limit of paged pool.
    pub paged_ceiling: Option<Ceiling>,
    /// When its boot began.
    pub booted_at: Option<Timestamp>,
    /// When its latest snapshot was taken.
    pub at: Option<Timestamp>,
    /// When it was last heard.
    pub received: Option<Timestamp>,
    /// Whether its figures are what the database held when the server started: it was not heard
    /// since.
    pub stale: bool,
    /// Whether it has more tags or names than one host may add to what all share: what is beyond
    /// counts with it alone.
    pub is_capped: bool,
    /// Seconds between two of its snapshots; where they are not known, those that the server suggests.
    pub interval_s: u32,
    /// Hourly peaks of nonpaged pool of the last 24 h, oldest first.
    pub nonpaged_trend: Vec<Option<u64>>,
    /// Hourly peaks of paged pool of the last 24 h, oldest first.
    pub paged_trend: Vec<Option<u64>>,
    /// The process with the most handles: image, pid, handles.
    pub top_process: Option<(String, u32, u32)>,
    /// Its latest open incident, by place in [`FleetView::incidents`].
    pub incident: Option<usize>,
    /// How long it has left by its unresolved incidents, seconds; 0 when something is exhausted.
    pub left_s: Option<u64>,
}

impl HostSummary {
    /// Whether it is heard.
    #[must_use]
    pub fn presence(&self, now: Timestamp) -> Presence {
        match self.host.instance_id {
            Some(_) => Presence::of_agent(self.received, self.interval_s, now),
            None => Presence::Imported,
        }
    }

    /// Change of a pool over the last 24 h, bytes.
    #[must_use]
    pub fn growth(&self, pool: Pool) -> Option<i64> {
        let (trend, now) = match pool {
            Pool::Nonpaged => (&self.nonpaged_trend, self.memory.nonpaged?),
            Pool::Paged => (&self.paged_trend, self.memory.paged?),
        };
        // Less than a few hours say nothing about a day.
        let (index, first) =
            trend.iter().enumerate().find_map(|(at, value)| Some((at, (*value)?)))?;
        // Peaks are kept in whole pages.
        let change = difference(first, now.0);
        (index + 4 <= trend.len()).then_some(if change.abs() < 4096 { 0 } else { change })
    }

    /// Limit of a pool.
    #[must_use]
    pub fn ceiling(&self, pool: Pool) -> Option<Ceiling> {
        match pool {
            Pool::Nonpaged => self.nonpaged_ceiling,
            Pool::Paged => self.paged_ceiling,
        }
    }
}
