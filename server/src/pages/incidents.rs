//! Incidents (`GET /incidents`, as files `/incidents.csv` and `.json`) and one incident (`GET /incidents/{id}`), with what people do about
//! it, what its chart draws, and what can be handed on.

mod actions;
mod growth;
mod pack;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
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
    incidents::{
        INCIDENTS, IncidentChoice, IncidentPage, IncidentRow, IncidentsPage, IncidentsQuery,
        OtherIncident,
    },
    list::ListView,
    words,
};
use sqlx::PgConnection;

pub(super) use actions::{acknowledge, comment, confirm, give, merge, reopen, resolve, silence};
pub(super) use growth::{growth, load_lines};
pub(super) use pack::{archive, evidence, report};

use super::{
    address,
    drivers::lines,
    healthy_version::find_healthy_version,
    lists::{self, Parameters},
    live, rows, search, shell, views,
};
use crate::{
    access::people::Person,
    app::{App, SharedApp},
    app_error::AppError,
    fleet::visible::VisibleFleet,
    incident_actions,
    parameters::Path,
};

/// Incidents that are listed, the latest, and looked through for a text.
const SHOWN: i64 = 500;
const LOOKED_THROUGH: i64 = 2_000;
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
/// A driver may have come so long before its leak was found, or be noticed so much later.
const CHANGED_BEFORE: SignedDuration = SignedDuration::from_hours(7 * 24);
const CHANGED_AFTER: SignedDuration = SignedDuration::from_hours(24);

/// Incidents that can be chosen to merge with.
const OTHERS: usize = 50;

/// All incidents, or those of one kind.
pub(super) async fn list(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let query = lists::read(&INCIDENTS, "/incidents", &parameters)?;
    let rows = select(&app, &visible, &query).await?;
    let open = visible.view.incidents.iter().filter(|one| one.state.is_active()).count();
    let page = IncidentsPage {
        shell: shell(&app, &person, address(&uri)),
        open: open as u64,
        list: ListView {
            views: views::of_list(&app, &person, &headers, "/incidents").await?,
            ..lists::page(query, &rows, Clone::clone)
        },
    };
    live(&page, &headers)
}

/// The same as files.
pub(super) async fn file(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&INCIDENTS, "/incidents", &parameters)?;
    let rows = select(&app, &visible, &query).await?;
    lists::file(&INCIDENTS, &rows, Clone::clone, &uri)
}

/// The incidents of a query, in its order: one by its number, or the latest that a text is about.
async fn select(
    app: &App,
    visible: &VisibleFleet,
    query: &IncidentsQuery,
) -> Result<Vec<IncidentRow>, AppError> {
    let text = query.filter.q.trim().trim_start_matches('#').to_lowercase();
    let show = query.filter.show;
    let filter = incidents::IncidentFilter {
        unresolved: show == IncidentChoice::Open,
        ..incidents::IncidentFilter::default()
    };
    let mut db = app.pool.acquire().await?;
    let number = text.parse().ok().map(IncidentId);
    let most = if text.is_empty() { SHOWN } else { LOOKED_THROUGH };
    let mut found = visible.incidents(&mut db, filter, most).await?;
    if let Some(id) = number.filter(|id| !found.iter().any(|one| one.id == *id)) {
        let filter = incidents::IncidentFilter { id: Some(id), ..Default::default() };
        found.extend(visible.incidents(&mut db, filter, 1).await?);
    }
    drop(db);
    let view = &visible.view;
    found.retain(|incident| {
        let is_shown = match show {
            IncidentChoice::Open => incident.state.is_active(),
            IncidentChoice::Past => !incident.state.is_active(),
            IncidentChoice::All => true,
        };
        let is_numbered = Some(incident.id) == number;
        is_numbered || is_shown && (text.is_empty() || search::is_about(incident, view, &text))
    });
    rows::sort_incidents(&mut found);
    let mut rows: Vec<IncidentRow> = found.iter().map(|one| rows::incident(view, one)).collect();
    query.sort_rows(&mut rows);
    Ok(rows)
}

/// One incident.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = visible.incident(&mut db, IncidentId(id)).await?;
    let may_act = person.role >= Role::Operator;
    let shell = shell(&app, &person, address(&uri));
    let mut page = load(&app, &visible, &mut db, incident, shell).await?;
    page.may_act = may_act;
    if may_act {
        for row in &mut page.deliveries {
            row.may_operate = true;
        }
        page.people = people::names(&mut db, incident_actions::PEOPLE).await?;
        page.others = others(&visible, page.incident.id);
    }
    drop(db);
    live(&page, &headers)
}

/// All that is told of an incident, for somebody who may change nothing. What is of all its hosts
/// together is left out where some of them are not shown.
async fn load(
    app: &App,
    visible: &VisibleFleet,
    db: &mut PgConnection,
    incident: Incident,
    shell: Shell,
) -> Result<IncidentPage, AppError> {
    let view = &visible.view;
    let mut details = incidents::details(db, incident.id).await?;
    let shows_all = visible.shows_all_of(db, incident.id).await?;
    if !shows_all {
        details.seen_on.retain(|host| visible.shows(*host));
        (details.picture, details.comparison) = (None, Vec::new());
    }
    details.seen_on.sort_unstable();
    // What goes on nowhere is shown where it was found.
    let mut shown = incident.clone();
    if shown.hosts.is_empty() {
        shown.hosts.clone_from(&details.seen_on);
    }
    let events = events_of(db, &shown).await?;
    let mut hosts = rows::incident_hosts(view, &shown);
    hosts.truncate(HOSTS);
    let healthy = find_healthy_version(visible, &incident.diagnosis, &shown.hosts);
    let os = hosts.first().and_then(|worst| worst.os.as_ref());
    Ok(IncidentPage {
        shell,
        owner: details.owner,
        acknowledged: details.acknowledged,
        silences: silences_of(db, incident.id, app.clock.now()).await?,
        deliveries: match shows_all {
            true => deliveries_of(db, incident.id).await?,
            false => Vec::new(),
        },
        confirmation: details.confirmation,
        merged_into: details.merged_into,
        others: Vec::new(),
        people: Vec::new(),
        may_act: false,
        seen_on: details.seen_on.len() as u64,
        worst_on: incident.worst.map(|host| rows::link_to(view, host)),
        picture: details.picture,
        comparison: details.comparison,
        steps: words::steps_by_suspect(&incident.diagnosis, os, healthy.as_ref()),
        changes: changes_of(db, &incident, &details.seen_on).await?,
        notes: incidents::notes(db, incident.id, NOTES).await?,
        hosts,
        events: events
            .into_iter()
            .map(|event| {
                let mut row = rows::event(view, event);
                row.incident = Some(incident.id);
                row
            })
            .collect(),
        incident,
    })
}

/// Incidents that another one can be made part of, the worst first.
fn others(visible: &VisibleFleet, id: IncidentId) -> Vec<OtherIncident> {
    let is_other = |one: &Incident| one.id != id && one.state.is_active();
    let rows = rows::open_incidents(&visible.view, is_other).into_iter().take(OTHERS);
    rows.map(|row| OtherIncident {
        id: row.incident.id,
        title: words::title(&row.incident.diagnosis),
    })
    .collect()
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
