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

/// A healthy host to set beside this one: of the same Windows build, without an incident,
/// reporting; better of its group, with the most similar memory.
pub(super) fn healthy<'a>(
    view: &'a FleetView,
    beside: &HostSummary,
    taken: &[HostId],
    now: Timestamp,
) -> Option<&'a HostSummary> {
    let build = |host: &HostSummary| host.host.facts.os.as_ref().map(|os| os.build);
    let group = words::group(&beside.host.facts);
    let memory = |host: &HostSummary| host.memory.physical.map_or(0, |bytes| bytes.0);
    let fits = |host: &&std::sync::Arc<HostSummary>| {
        host.incident.is_none()
            && build(host) == build(beside)
            && !taken.contains(&host.host.id)
            && presence::source(host) == HostSource::Agent
            && host.presence(now).reports()
    };
    let likeness = |host: &&std::sync::Arc<HostSummary>| {
        let other = words::group(&host.host.facts) != group;
        (other, memory(host).abs_diff(memory(beside)), host.host.id)
    };
    view.hosts.iter().filter(fits).min_by_key(likeness).map(|host| &**host)
}
