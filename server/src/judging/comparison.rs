//! What the affected hosts of an incident have and healthy ones have not: kept with the incident,
//! shown on its page, and a vote on who is behind it.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::compare::compare;
use poolwatch_model::{
    HostId, PoolTag,
    comparison::{Attribute, AttributeCounts},
    incident::{Cause, Incident, IncidentId},
};
use poolwatch_store::incidents;
use poolwatch_web::{hosts::Presence, words};
use sqlx::PgConnection;

use crate::{app::SharedApp, failure::Failure, pages::presence};

/// Fewer affected hosts have too much in common by accident.
const AFFECTED: usize = 3;
/// So many healthy hosts are enough to tell what is usual.
const HEALTHY: usize = 1000;
/// Attributes that are kept, the most telling.
const KEPT: usize = 12;
/// Incidents whose comparisons are told.
const TOLD: i64 = 50;
/// Incidents that are compared in one go, and how often each.
const AT_ONCE: usize = 4;
const EVERY: SignedDuration = SignedDuration::from_mins(10);

/// When each incident was compared, and over how many affected hosts.
pub type Compared = HashMap<IncidentId, (Timestamp, usize)>;

/// Compares the incidents that are due. Returns a host of each whose owner is not known: studied
/// again, it may tell now.
///
/// # Errors
/// When the database fails.
pub async fn refresh(
    app: &SharedApp,
    compared: &mut Compared,
    now: Timestamp,
) -> Result<Vec<HostId>, Failure> {
    let view = app.fleet.view();
    compared.retain(|id, _| view.incidents.iter().any(|incident| incident.id == *id));
    let is_due = |incident: &&Incident| {
        let last = compared.get(&incident.id);
        incident.state.is_active()
            && incident.cause.tag().is_some()
            && incident.hosts.len() >= AFFECTED
            && last.is_none_or(|(at, hosts)| {
                *hosts != incident.hosts.len() || now.duration_since(*at) >= EVERY
            })
    };
    let due: Vec<Incident> = view.incidents.iter().filter(is_due).take(AT_ONCE).cloned().collect();
    let mut unknown = Vec::new();
    for incident in due {
        let (id, affected) = (incident.id, incident.hosts.len());
        if matches!(incident.cause, Cause::UnknownOwner { .. } | Cause::KernelReference { .. }) {
            unknown.extend(incident.hosts.first());
        }
        let of = app.clone();
        let found = tokio::task::spawn_blocking(move || of_incident(&of, &incident, now))
            .await
            .map_err(Failure::internal)?;
        incidents::set_comparison(&mut *app.pool.acquire().await?, id, &found).await?;
        compared.insert(id, (now, affected));
    }
    Ok(unknown)
}

/// What the comparisons of all incidents tell of their tags, the most telling first: a host on which
/// one of these tags grows is most likely one more of its incident.
///
/// # Errors
/// When the database fails.
pub async fn told(db: &mut PgConnection) -> Result<Vec<(PoolTag, AttributeCounts)>, Failure> {
    let mut told: Vec<(PoolTag, AttributeCounts)> = Vec::new();
    for (cause, comparison) in incidents::comparisons(db, TOLD).await? {
        let tag = cause.tag();
        told.extend(comparison.into_iter().filter_map(|counts| Some((tag?, counts))));
    }
    told.sort_by(|a, b| a.1.p.total_cmp(&b.1.p));
    Ok(told)
}

fn of_incident(app: &SharedApp, incident: &Incident, now: Timestamp) -> Vec<AttributeCounts> {
    let view = app.fleet.view();
    let mut sets: BTreeMap<HostId, BTreeSet<Attribute>> = BTreeMap::new();
    let is_affected = |id: &HostId| incident.hosts.binary_search(id).is_ok();
    let mut healthy = 0;
    for host in &view.hosts {
        let id = host.host.id;
        if !is_affected(&id) {
            if presence::of(host, now) != Presence::Reporting || healthy == HEALTHY {
                continue;
            }
            healthy += 1;
        }
        let facts = &host.host.facts;
        let build = facts
            .os
            .as_ref()
            .map(|os| Attribute::OsBuild { build: os.build, revision: os.revision });
        let group = words::group(facts).map(|name| Attribute::Group { name });
        sets.insert(id, build.into_iter().chain(group).collect());
    }
    for (driver, hosts) in app.fleet.drivers().lines() {
        let attribute =
            Attribute::Driver { name: driver.name.clone(), version: driver.version.clone() };
        for host in hosts {
            if let Some(set) = sets.get_mut(host) {
                set.insert(attribute.clone());
            }
        }
    }
    let of = |wanted: bool| -> Vec<&BTreeSet<Attribute>> {
        let hosts = sets.iter().filter(|(id, _)| is_affected(id) == wanted);
        hosts.map(|(_, set)| set).collect()
    };
    let mut found = compare(&of(true), &of(false));
    found.truncate(KEPT);
    found
}
