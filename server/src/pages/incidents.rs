//! Incidents (`GET /incidents`) and one incident (`GET /incidents/{id}`), with what people do about
//! it, what its chart draws, and what can be handed on.

mod actions;
mod growth;
mod pack;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::Html,
};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    alerting::Silence,
    incident::{Incident, IncidentId},
    person::Role,
};
use poolwatch_store::{
    deliveries::{self, DeliveryFilter},
    events::{self, EventFilter, HostEvent},
    incidents, inventories, people, silences,
};
use poolwatch_web::{
    Shell,
    alerts::DeliveryRow,
    drivers::DriverChangeRow,
    incidents::{IncidentFilter, IncidentPage, IncidentsPage, IncidentsQuery},
    words,
};
use sqlx::PgConnection;

pub(super) use actions::{acknowledge, comment, give, resolve, silence};
pub(super) use growth::growth;
pub(super) use pack::{evidence, report};

use super::{address, drivers::lines, live, rows, shell};
use crate::{
    access::people::Person,
    app::{App, SharedApp},
    app_error::AppError,
    parameters::{Path, Query},
};

/// Incidents that are shown, the latest.
const SHOWN: i64 = 500;
/// Events of one incident that are shown.
const EVENTS: usize = 50;
/// Hosts of one incident that are shown, the worst.
const HOSTS: usize = 200;
/// Messages of one incident that are shown, the latest.
const DELIVERIES: i64 = 50;
/// Notes of one incident that are shown, the latest.
const NOTES: i64 = 200;
/// Drivers that are shown of those that changed around the beginning.
const CHANGES: i64 = 15;
/// People whom an incident can be given to.
const PEOPLE: i64 = 500;
/// A driver may have come so long before its leak was found, or be noticed so much later.
const CHANGED_BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);
const CHANGED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// All incidents, or those of one kind.
pub(super) async fn list(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(query): Query<IncidentsQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let view = app.fleet.view();
    let filter = incidents::IncidentFilter {
        unresolved: query.show == IncidentFilter::Open,
        ..Default::default()
    };
    let mut found = incidents::list(&mut *app.pool.acquire().await?, filter, SHOWN).await?;
    let is_open = |incident: &Incident| incident.state.is_active();
    match query.show {
        IncidentFilter::Open => found.retain(is_open),
        IncidentFilter::Past => found.retain(|incident| !is_open(incident)),
        IncidentFilter::All => {}
    }
    rows::sort_incidents(&mut found);
    let open = match query.show {
        IncidentFilter::Past => view.incidents.iter().filter(|one| is_open(one)).count(),
        IncidentFilter::Open | IncidentFilter::All => {
            found.iter().filter(|one| is_open(one)).count()
        }
    };
    let page = IncidentsPage {
        shell: shell(&app, &person, address(&uri)),
        show: query.show,
        open: open as u64,
        rows: found.iter().map(|incident| rows::incident(&view, incident)).collect(),
    };
    live(&page, &headers)
}

/// One incident.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = find(&mut db, IncidentId(id)).await?;
    let may_act = person.role >= Role::Operator;
    let mut page = load(&app, &mut db, incident, shell(&app, &person, address(&uri))).await?;
    page.may_act = may_act;
    if may_act {
        for row in &mut page.deliveries {
            row.may_operate = true;
        }
        page.people = people::names(&mut db, PEOPLE).await?;
    }
    drop(db);
    live(&page, &headers)
}

async fn find(db: &mut PgConnection, id: IncidentId) -> Result<Incident, AppError> {
    let filter = incidents::IncidentFilter { id: Some(id), ..Default::default() };
    let found = incidents::list(db, filter, 1).await?;
    found.into_iter().next().ok_or_else(|| AppError::not_found("There is no such incident"))
}

/// All that is told of an incident, for somebody who may change nothing.
async fn load(
    app: &App,
    db: &mut PgConnection,
    incident: Incident,
    shell: Shell,
) -> Result<IncidentPage, AppError> {
    let view = app.fleet.view();
    let events = events_of(db, &incident).await?;
    let details = incidents::details(db, incident.id).await?;
    let mut hosts = rows::incident_hosts(&view, &incident);
    hosts.truncate(HOSTS);
    let os = hosts.first().and_then(|worst| worst.os.as_ref());
    Ok(IncidentPage {
        shell,
        owner: details.owner,
        acknowledged: details.acknowledged,
        silences: silences_of(db, incident.id, app.clock.now()).await?,
        deliveries: deliveries_of(db, incident.id).await?,
        people: Vec::new(),
        may_act: false,
        seen_on: details.seen_on.len() as u64,
        worst_on: incident.worst.map(|host| rows::link_to(&view, host)),
        picture: details.picture,
        comparison: details.comparison,
        steps: words::next_steps(&incident.diagnosis, os),
        changes: changes_of(db, &incident, &details.seen_on).await?,
        notes: incidents::notes(db, incident.id, NOTES).await?,
        hosts,
        events: events
            .into_iter()
            .map(|event| {
                let mut row = rows::event(&view, event);
                row.incident = Some(incident.id);
                row
            })
            .collect(),
        incident,
    })
}

/// Silences of one incident alone that go on.
async fn silences_of(
    db: &mut PgConnection,
    id: IncidentId,
    now: Timestamp,
) -> Result<Vec<Silence>, AppError> {
    let silences = silences::ending_after(db, now).await?;
    let is_of = |silence: &Silence| silence.matcher.incident == Some(id) && silence.is_active(now);
    Ok(silences.into_iter().filter(is_of).collect())
}

/// What people were told of an incident, latest first, as who may change nothing sees it.
async fn deliveries_of(
    db: &mut PgConnection,
    id: IncidentId,
) -> Result<Vec<DeliveryRow>, AppError> {
    let filter = DeliveryFilter { incident: Some(id), ..DeliveryFilter::default() };
    let found = deliveries::list(db, filter, DELIVERIES).await?;
    Ok(found.into_iter().map(|delivery| DeliveryRow::new(delivery, false)).collect())
}

/// Drivers that changed around the beginning, on the hosts that it was seen on.
async fn changes_of(
    db: &mut PgConnection,
    incident: &Incident,
    seen_on: &[poolwatch_model::HostId],
) -> Result<Vec<DriverChangeRow>, AppError> {
    let from = incident.opened.saturating_sub(CHANGED_BEFORE).unwrap_or(incident.opened);
    let to = incident.opened.saturating_add(CHANGED_AFTER).unwrap_or(incident.opened);
    let changes = inventories::changed_on(db, seen_on, (from, to), CHANGES).await?;
    Ok(changes.iter().map(lines::changed).collect())
}

/// The events that an incident rests on, latest first.
async fn events_of(db: &mut PgConnection, incident: &Incident) -> Result<Vec<HostEvent>, AppError> {
    let mut found = Vec::new();
    for event_id in [2019, 2020, 2004] {
        let filter = EventFilter {
            among: Some(incident.hosts.clone()),
            event_id: Some(event_id),
            since: Some(rows::rests_on_since(incident)),
            ..EventFilter::default()
        };
        found.extend(events::list(db, &filter, EVENTS as i64, 0).await?);
    }
    found.retain(|event| rows::is_part(incident, event));
    found.sort_by_key(|event| std::cmp::Reverse(event.event.time));
    found.truncate(EVENTS);
    Ok(found)
}
