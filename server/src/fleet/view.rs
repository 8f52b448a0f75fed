//! The view of the whole fleet that pages show: made every few seconds, away from requests.

use std::{collections::HashMap, sync::Arc};

use jiff::Timestamp;
use poolwatch_analysis::{ceilings, growth::difference};
use poolwatch_model::{
    HostId, Pool,
    incident::Incident,
    memory::{Ceiling, Memory},
};
use poolwatch_store::{
    PgPool, StoreError,
    hosts::{self, Host},
    incidents,
};

use super::{
    Fleet,
    growing::{Growing, Tally},
    host::State,
};

/// Hosts asked for at once.
const PAGE: i64 = 5_000;
/// Growing tags that are kept.
const GROWING: usize = 12;
/// Open incidents that are kept, the latest.
const INCIDENTS: i64 = 500;

/// The whole fleet at one moment.
#[derive(Debug, Default)]
pub struct FleetView {
    /// When it was made.
    pub at: Option<Timestamp>,
    /// Every host, by id.
    pub hosts: Vec<Arc<HostSummary>>,
    /// Incidents that are not resolved, latest first.
    pub incidents: Vec<Incident>,
    /// Tags that grow most over all hosts.
    pub growing: Vec<Growing>,
}

impl FleetView {
    /// One host.
    #[must_use]
    pub fn host(&self, id: HostId) -> Option<&Arc<HostSummary>> {
        self.hosts.binary_search_by_key(&id, |host| host.host.id).ok().map(|at| &self.hosts[at])
    }

    /// When the newest data of any host were received.
    #[must_use]
    pub fn newest(&self) -> Option<Timestamp> {
        self.hosts.iter().filter_map(|host| host.received).max()
    }
}

/// One host in short.
#[derive(Debug)]
pub struct HostSummary {
    /// Who it is.
    pub host: Host,
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
    /// Hourly peaks of nonpaged pool of the last 24 h, oldest first.
    pub nonpaged_trend: Vec<Option<u64>>,
    /// Hourly peaks of paged pool of the last 24 h, oldest first.
    pub paged_trend: Vec<Option<u64>>,
    /// The process with the most handles: image, pid, handles.
    pub top_process: Option<(String, u32, u32)>,
    /// Its latest open incident, by place in [`FleetView::incidents`].
    pub incident: Option<usize>,
}

impl HostSummary {
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
        (index + 4 <= trend.len()).then(|| difference(first, now.0))
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

/// Who there is, kept between views.
#[derive(Debug, Default)]
pub struct Roster {
    hosts: Vec<Host>,
    loaded: bool,
}

/// Makes and publishes a new view.
///
/// # Errors
/// When the database fails; the view before stays.
pub async fn refresh(
    pool: &PgPool,
    fleet: &Fleet,
    roster: &mut Roster,
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut db = pool.acquire().await?;
    if fleet.take_change() || !roster.loaded {
        roster.hosts.clear();
        loop {
            let after = roster.hosts.last().map_or(HostId(0), |host| host.id);
            let page = hosts::page(&mut db, after, PAGE).await?;
            if page.is_empty() {
                break;
            }
            roster.hosts.extend(page);
        }
        roster.loaded = true;
    }
    let filter = incidents::IncidentFilter { unresolved: true, ..Default::default() };
    let open = incidents::list(&mut db, filter, INCIDENTS).await?;
    drop(db);
    let mut marks: HashMap<HostId, usize> = HashMap::new();
    for (at, incident) in open.iter().enumerate() {
        if incident.state.is_active()
            && let Some(host) = incident.cause.host()
        {
            marks.entry(host).or_insert(at);
        }
    }
    let mut tally = Tally::default();
    let hosts = roster
        .hosts
        .iter()
        .map(|host| {
            let live = fleet.host(host.id);
            let state = live.read();
            tally.add(&state);
            Arc::new(summary(host, &state, marks.get(&host.id).copied(), now))
        })
        .collect();
    let growing = tally.most(GROWING);
    fleet.publish(FleetView { at: Some(now), hosts, incidents: open, growing });
    Ok(())
}

/// A host in short.
pub(crate) fn summary(
    host: &Host,
    state: &State,
    incident: Option<usize>,
    now: Timestamp,
) -> HostSummary {
    let processes = state.snapshot().and_then(|snapshot| snapshot.processes.as_deref());
    let top = processes.unwrap_or_default().iter().max_by_key(|process| process.handles);
    let os = host.facts.os.as_ref();
    let mut memory = state.memory.clone();
    memory.physical = memory.physical.or(host.facts.physical);
    HostSummary {
        nonpaged_ceiling: ceilings::ceiling(&memory, os, Pool::Nonpaged),
        paged_ceiling: ceilings::ceiling(&memory, os, Pool::Paged),
        booted_at: state.booted_at,
        at: state.at,
        received: state.received,
        nonpaged_trend: state.trend(Pool::Nonpaged, now, 24),
        paged_trend: state.trend(Pool::Paged, now, 24),
        top_process: top
            .and_then(|process| Some((process.image.clone(), process.key.pid, process.handles?))),
        host: host.clone(),
        memory,
        incident,
    }
}
