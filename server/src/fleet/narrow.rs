//! The view of some hosts alone.

use std::{collections::BTreeSet, sync::Arc};

use jiff::Timestamp;
use poolwatch_model::{
    HostId,
    incident::{Incident, IncidentId},
};

use super::{
    Fleet,
    applications::{Application, Past, Tally},
    by_tag::ByTag,
    growing::{self, GROWING},
    sweep::Sweep,
    view::{FleetView, HostSummary},
};

impl Fleet {
    /// The part of a view that is of some of its hosts, with incidents as these hosts tell them. Walks
    /// over the hosts: call it beside the threads that answer requests.
    #[must_use]
    pub fn narrow_view(
        &self,
        view: &FleetView,
        hosts: Vec<Arc<HostSummary>>,
        incidents: Vec<Incident>,
        now: Timestamp,
    ) -> FleetView {
        let ids: Vec<HostId> = hosts.iter().map(|host| host.host.id).collect();
        let tags = ByTag::among(self, &ids);
        let shown: BTreeSet<IncidentId> = incidents.iter().map(|incident| incident.id).collect();
        let has_member = |group| hosts.iter().any(|host| host.groups.contains(group));
        let sweep = Sweep {
            at: view.sweep.at,
            applications: self.applications_among(&ids, now),
            ..Sweep::default()
        };
        FleetView {
            at: view.at,
            groups: Arc::new(
                view.groups.iter().filter(|group| has_member(&group.id)).cloned().collect(),
            ),
            silenced: view.silenced.intersection(&shown).copied().collect(),
            growing: growing::most(&tags, GROWING),
            tags,
            sweep: Arc::new(sweep),
            hosts,
            incidents,
        }
    }

    /// Programs on some hosts. How they grew is not known.
    fn applications_among(&self, hosts: &[HostId], now: Timestamp) -> Vec<Application> {
        let mut tally = Tally::default();
        for live in hosts.iter().filter_map(|host| self.known(*host)) {
            let state = live.read();
            if let Some(processes) = state.tables().and_then(|tables| tables.processes.as_ref()) {
                tally.add(live.id, processes);
            }
        }
        tally.finish(&self.shared().names, &mut Past::default(), now)
    }
}
