//! What the affected hosts of an incident have and healthy ones have not: shown with the incident,
//! and a vote on who is behind it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use poolwatch_analysis::compare::compare;
use poolwatch_model::{
    HostId, PoolTag,
    comparison::{Attribute, AttributeCounts},
    incident::{Cause, Incident, IncidentId},
};

use crate::{
    bounds::{AFFECTED, ATTRIBUTES, COMPARED_EVERY, COMPARED_PER_TURN, HEALTHY},
    history::{Fleet, FleetHost},
};

/// When each incident was compared, and over how many affected hosts.
#[derive(Debug, Default)]
pub struct ComparisonSchedule(HashMap<IncidentId, (Timestamp, usize)>);

impl ComparisonSchedule {
    /// The incidents that are due in this turn, those that were compared longest ago first.
    pub fn due_incidents<'a>(
        &mut self,
        incidents: &'a [Incident],
        now: Timestamp,
    ) -> Vec<&'a Incident> {
        self.0.retain(|id, _| incidents.iter().any(|incident| incident.id == *id));
        let compared = |incident: &Incident| self.0.get(&incident.id).copied();
        let is_due = |incident: &&Incident| {
            incident.state.is_active()
                && incident.cause.tag().is_some()
                && incident.hosts.len() >= AFFECTED
                && compared(incident).is_none_or(|(at, hosts)| {
                    hosts != incident.hosts.len() || now.duration_since(at) >= COMPARED_EVERY
                })
        };
        let mut due: Vec<&Incident> = incidents.iter().filter(is_due).collect();
        due.sort_by_key(|incident| compared(incident).map(|(at, _)| at));
        due.truncate(COMPARED_PER_TURN);
        due
    }

    /// Notes that an incident was compared.
    pub fn note_compared(&mut self, incident: &Incident, now: Timestamp) {
        self.0.insert(incident.id, (now, incident.hosts.len()));
    }
}

/// A host of an incident whose owner is not known: diagnosed again, it may tell by the comparison.
#[must_use]
pub fn host_to_name_owner(incident: &Incident) -> Option<HostId> {
    let is_unknown =
        matches!(incident.cause, Cause::UnknownOwner { .. } | Cause::KernelReference { .. });
    incident.hosts.first().copied().filter(|_| is_unknown)
}

/// What affected hosts (sorted) have and healthy ones have not, the most telling first.
#[must_use]
pub fn compare_hosts(fleet: &impl Fleet, affected: &[HostId]) -> Vec<AttributeCounts> {
    let is_affected = |id: &HostId| affected.binary_search(id).is_ok();
    let mut chosen: BTreeSet<HostId> = BTreeSet::new();
    let mut sets: BTreeMap<HostId, BTreeSet<Attribute>> = BTreeMap::new();
    let mut healthy = 0;
    for FleetHost { id, facts, reports } in fleet.hosts() {
        if !is_affected(&id) {
            if !reports || healthy == HEALTHY {
                continue;
            }
            healthy += 1;
        }
        let build = facts
            .os
            .as_ref()
            .map(|os| Attribute::OsBuild { build: os.build, revision: os.revision });
        let group = fleet.group(facts).map(|name| Attribute::Group { name });
        chosen.insert(id);
        sets.insert(id, build.into_iter().chain(group).collect());
    }
    for (host, attributes) in fleet.attributes(&chosen) {
        sets.entry(host).or_default().extend(attributes);
    }
    let of = |wanted: bool| -> Vec<&BTreeSet<Attribute>> {
        let hosts = sets.iter().filter(|(id, _)| is_affected(id) == wanted);
        hosts.map(|(_, set)| set).collect()
    };
    let mut found = compare(&of(true), &of(false));
    found.truncate(ATTRIBUTES);
    found
}

/// What comparisons tell of their tags, the most telling first: a host on which one of these tags
/// grows is most likely one more of its incident.
#[must_use]
pub fn votes_by_tag(
    comparisons: Vec<(Cause, Vec<AttributeCounts>)>,
) -> Vec<(PoolTag, AttributeCounts)> {
    let mut votes: Vec<(PoolTag, AttributeCounts)> = Vec::new();
    for (cause, comparison) in comparisons {
        let Some(tag) = cause.tag() else { continue };
        votes.extend(comparison.into_iter().map(|counts| (tag, counts)));
    }
    votes.sort_by(|a, b| a.1.p.total_cmp(&b.1.p));
    votes
}
