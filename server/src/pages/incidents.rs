//! Incidents (`GET /incidents`) and one incident (`GET /incidents/{id}`).

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::Html,
};
use jiff::SignedDuration;
use poolwatch_model::incident::{Incident, IncidentId, IncidentState};
use poolwatch_store::{
    PgPool,
    events::{self, EventFilter, HostEvent},
    incidents,
};
use poolwatch_web::incidents::{IncidentFilter, IncidentPage, IncidentsPage, IncidentsQuery};

use super::{address, live, next_steps, rows, shell};
use crate::{app::SharedApp, auth::people::Person, clock, failure::Failure, fleet::load};

/// Incidents that are shown, the latest.
const SHOWN: i64 = 500;
/// Events of one incident that are shown.
const EVENTS: usize = 50;

/// All incidents, or those of one kind.
pub(super) async fn list(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(query): Query<IncidentsQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, Failure> {
    let view = app.fleet.view();
    let filter = incidents::IncidentFilter {
        unresolved: query.show == IncidentFilter::Open,
        ..Default::default()
    };
    let mut found = incidents::list(&mut *app.pool.acquire().await?, filter, SHOWN).await?;
    let is_open = |incident: &Incident| incident.state == IncidentState::Open;
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
) -> Result<Html<String>, Failure> {
    let filter = incidents::IncidentFilter { id: Some(IncidentId(id)), ..Default::default() };
    let found = incidents::list(&mut *app.pool.acquire().await?, filter, 1).await?;
    let incident =
        found.into_iter().next().ok_or_else(|| Failure::not_found("There is no such incident"))?;
    let view = app.fleet.view();
    let events = events_of(&app.pool, &incident).await?;
    let host = incident.cause.host();
    let snapshot = {
        let mut db = app.pool.acquire().await?;
        load::snapshot(&app, &mut db, host, clock::now()).await?
    };
    let os = view.host(host).and_then(|host| host.host.facts.os.as_ref());
    let steps = next_steps::of(&incident.diagnosis, os, snapshot.as_ref());
    let page = IncidentPage {
        shell: shell(&app, &person, address(&uri)),
        hosts: vec![rows::incident_host(&view, &incident)],
        steps,
        events: events
            .into_iter()
            .map(|event| {
                let mut row = rows::event(&view, event);
                row.incident = Some(incident.id);
                row
            })
            .collect(),
        incident,
    };
    live(&page, &headers)
}

/// The events that an incident rests on, latest first.
async fn events_of(pool: &PgPool, incident: &Incident) -> Result<Vec<HostEvent>, Failure> {
    let mut db = pool.acquire().await?;
    let mut found = Vec::new();
    for event_id in [2019, 2020] {
        let filter = EventFilter {
            host: Some(incident.cause.host()),
            event_id: Some(event_id),
            since: incident.opened.saturating_sub(SignedDuration::from_secs(1)).ok(),
            ..EventFilter::default()
        };
        found.extend(events::list(&mut db, &filter, EVENTS as i64, 0).await?);
    }
    found.retain(|event| rows::is_part(incident, event));
    found.sort_by_key(|event| std::cmp::Reverse(event.event.time));
    found.truncate(EVENTS);
    Ok(found)
}
