//! The columns of a comparison: whom an address names, and what is known of them.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::HostId;
use poolwatch_store::{inventories, read};
use poolwatch_web::{
    compare::{Column, CompareQuery, Subject, Wanted},
    hosts::HostSource,
    words,
};
use sqlx::PgConnection;

use super::table::Machine;
use crate::{
    app::App,
    app_error::AppError,
    fleet::{
        view::{FleetView, HostSummary},
        visible::VisibleFleet,
    },
    pages::{groups::is_in_group, presence, rows},
};

/// Hosts of a group that are looked at.
const OF_A_GROUP: usize = 40;
/// A host as it was is looked for this far before the time that is asked for.
const BEFORE: SignedDuration = SignedDuration::from_hours(24);

/// A column with what is known of its machines.
pub(super) struct Loaded {
    /// What stands above it.
    pub(super) head: Column,
    /// Its machines; one but for groups.
    pub(super) machines: Vec<Machine>,
}

/// Loads a column; in words why not, where there is none.
pub(super) async fn load(
    app: &App,
    visible: &VisibleFleet,
    db: &mut PgConnection,
    query: &CompareQuery,
    number: usize,
    now: Timestamp,
) -> Result<Result<Loaded, String>, AppError> {
    let view = &visible.view;
    let mut without = query.clone();
    let wanted = without.columns.remove(number);
    without.page = 1;
    let without = without.url();
    match &wanted.subject {
        Subject::Host(name) => {
            let Some(summary) = find(view, name) else {
                return Ok(Err(format!("There is no host {name}.")));
            };
            host(app, db, summary, &wanted, without, now).await
        }
        Subject::Group(name) => {
            let is_member = |host: &&std::sync::Arc<HostSummary>| {
                is_in_group(view, host, name) && host.presence(now).reports()
            };
            let members: Vec<_> = view.hosts.iter().filter(is_member).collect();
            if members.is_empty() {
                return Ok(Err(format!("No host of the group {name} reports.")));
            }
            let mut machines = Vec::new();
            for summary in members.iter().take(OF_A_GROUP) {
                machines.push(machine(app, db, summary, now).await?);
            }
            let head = Column {
                name: name.clone(),
                host: None,
                what: if members.len() > OF_A_GROUP {
                    format!("median of {OF_A_GROUP} of its {} hosts", members.len())
                } else {
                    format!("median of {} hosts", members.len())
                },
                at: None,
                is_affected: false,
                is_known: true,
                without,
            };
            Ok(Ok(Loaded { head, machines }))
        }
    }
}

async fn host(
    app: &App,
    db: &mut PgConnection,
    summary: &HostSummary,
    wanted: &Wanted,
    without: String,
    now: Timestamp,
) -> Result<Result<Loaded, String>, AppError> {
    let link = rows::link(summary);
    let mut machine = machine(app, db, summary, now).await?;
    let mut head = Column {
        name: link.name.clone(),
        what: summary.host.facts.os.as_ref().map_or_else(String::new, words::os_short),
        at: rows::last_seen(summary),
        is_affected: summary.incident.is_some(),
        is_known: true,
        host: Some(link),
        without,
    };
    if let Some(moment) = wanted.moment {
        let until = moment.as_of(now);
        let since = until.saturating_sub(BEFORE).unwrap_or(until);
        let Some(was) = read::state_at(db, summary.host.id, since, until).await? else {
            let name = &head.name;
            return Ok(Err(format!(
                "Of {name} at that time, and the day before, nothing is kept."
            )));
        };
        machine.summary.memory = was.snapshot.memory.clone();
        machine.snapshot = Some(was.snapshot);
        // What was installed is known as of now alone.
        machine.inventory = None;
        head.at = Some(was.at);
        head.is_affected = false;
        head.what = match was.step_s {
            0 => "as it was".to_owned(),
            step_s => format!("means of {} min", step_s / 60),
        };
    }
    Ok(Ok(Loaded { head, machines: vec![machine] }))
}

async fn machine(
    app: &App,
    db: &mut PgConnection,
    summary: &HostSummary,
    now: Timestamp,
) -> Result<Machine, AppError> {
    let id = summary.host.id;
    Ok(Machine {
        summary: summary.clone(),
        snapshot: app.latest_snapshot(db, id, now).await?,
        inventory: inventories::find(db, id).await?,
    })
}

/// A host by its number, its name, or the first label of its name.
pub(super) fn find<'a>(view: &'a FleetView, name: &str) -> Option<&'a HostSummary> {
    if let Some(host) = name.parse().ok().and_then(|id| view.host(HostId(id))) {
        return Some(host);
    }
    let is_called = |told: &str| told.eq_ignore_ascii_case(name);
    let full = view.hosts.iter().find(|host| is_called(&host.host.name));
    let short = || view.hosts.iter().find(|host| is_called(&rows::short_name(host)));
    full.or_else(short).map(|host| &**host)
}

/// Candidates whose role is asked for, the most alike.
const CANDIDATES: usize = 40;

/// A healthy host to set beside this one: of the same Windows build, without an incident, reporting;
/// better of the same role, then with the most similar memory, then of its group.
pub(super) async fn find_healthy<'a>(
    view: &'a FleetView,
    db: &mut PgConnection,
    beside: &HostSummary,
    taken: &[HostId],
    now: Timestamp,
) -> Result<Option<&'a HostSummary>, AppError> {
    let build = |host: &HostSummary| host.host.facts.os.as_ref().map(|os| os.build);
    let group = words::group(&beside.host.facts);
    let fits = |host: &&std::sync::Arc<HostSummary>| {
        host.incident.is_none()
            && build(host) == build(beside)
            && !taken.contains(&host.host.id)
            && presence::source(host) == HostSource::Agent
            && host.presence(now).reports()
    };
    let mut candidates: Vec<&std::sync::Arc<HostSummary>> =
        view.hosts.iter().filter(fits).collect();
    candidates.sort_by_cached_key(|host| likeness(host, beside, group.as_ref()));
    candidates.truncate(CANDIDATES);
    let ids: Vec<HostId> = candidates.iter().map(|host| host.host.id).collect();
    let roles = inventories::roles_of(db, &[&ids[..], &[beside.host.id]].concat()).await?;
    let role = |host: HostId| roles.iter().find(|(id, _)| *id == host).map(|(_, role)| *role);
    let wanted = role(beside.host.id);
    let alike = candidates.iter().find(|host| wanted.is_some() && role(host.host.id) == wanted);
    Ok(alike.or(candidates.first()).map(|host| &***host))
}

/// How unlike two hosts are: memory in powers of two, then the group, then memory exactly.
fn likeness(
    host: &HostSummary,
    beside: &HostSummary,
    group: Option<&String>,
) -> (u32, bool, u64, HostId) {
    let memory = |host: &HostSummary| host.memory.physical.map_or(0, |bytes| bytes.0);
    let power = |host: &HostSummary| memory(host).max(1).ilog2();
    let other_group = words::group(&host.host.facts).as_ref() != group;
    let apart = memory(host).abs_diff(memory(beside));
    (power(host).abs_diff(power(beside)), other_group, apart, host.host.id)
}
