//! An incident with all that it rests on, to be handed on: as text (`GET /incidents/{id}/report.txt`)
//! and for programs (`GET /incidents/{id}/evidence.json`).

use axum::{Extension, extract::State, response::Response};
use jiff::Timestamp;
use poolwatch_model::{
    Bytes, HostId,
    comparison::AttributeCounts,
    event::Event,
    incident::{Incident, IncidentId, Note, Picture},
};
use poolwatch_web::{
    incidents::{GrowthChart, IncidentPage, IncidentReport},
    links,
};
use serde::Serialize;

use super::{find, growth, load};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    pages::{export::download, shell},
    parameters::Path,
};

/// The file for programs.
#[derive(Debug, Serialize)]
struct Pack<'a> {
    /// The address of the incident's page.
    page: &'a str,
    /// When the file was made.
    made: Timestamp,
    /// The same as a text.
    report: &'a str,
    incident: &'a Incident,
    owner: Option<&'a str>,
    picture: Option<&'a Picture>,
    comparison: &'a [AttributeCounts],
    hosts: Vec<PackHost<'a>>,
    changes: Vec<PackChange<'a>>,
    events: Vec<PackEvent<'a>>,
    notes: &'a [Note],
    growth: Option<GrowthChart>,
}

#[derive(Debug, Serialize)]
struct PackHost<'a> {
    id: HostId,
    name: &'a str,
    windows: Option<String>,
    used: Option<Bytes>,
    growth_24h: Option<i64>,
}

#[derive(Debug, Serialize)]
struct PackChange<'a> {
    driver: &'a str,
    before: Option<&'a str>,
    after: Option<&'a str>,
    hosts: u64,
    first: Timestamp,
    last: Timestamp,
}

#[derive(Debug, Serialize)]
struct PackEvent<'a> {
    host: &'a str,
    event: &'a Event,
}

/// The report as a text.
pub(in crate::pages) async fn report(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Response, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = find(&mut db, IncidentId(id)).await?;
    let url = full_url(&app, incident.id);
    let page = load(&app, &mut db, incident, shell(&app, &person, String::new())).await?;
    let text = IncidentReport { page: &page, url: &url }.text()?;
    Ok(download("text/plain; charset=utf-8", &format!("incident-{id}.txt"), text.into_bytes()))
}

/// Everything for programs.
pub(in crate::pages) async fn evidence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i64>,
) -> Result<Response, AppError> {
    let mut db = app.pool.acquire().await?;
    let incident = find(&mut db, IncidentId(id)).await?;
    let url = full_url(&app, incident.id);
    let page = load(&app, &mut db, incident, shell(&app, &person, String::new())).await?;
    let now = page.shell.now;
    let growth = match page.incident.cause.pool() {
        Some(_) => Some(growth::chart(&app, &mut db, &page.incident, now).await?),
        None => None,
    };
    drop(db);
    let report = IncidentReport { page: &page, url: &url }.text()?;
    let body =
        serde_json::to_vec(&pack(&page, &url, &report, growth)).map_err(AppError::internal)?;
    Ok(download("application/json", &format!("incident-{id}.json"), body))
}

fn full_url(app: &SharedApp, id: IncidentId) -> String {
    format!("{}{}", app.settings.public_url, links::incident(&id))
}

fn pack<'a>(
    page: &'a IncidentPage,
    url: &'a str,
    report: &'a str,
    growth: Option<GrowthChart>,
) -> Pack<'a> {
    Pack {
        page: url,
        made: page.shell.now,
        report,
        incident: &page.incident,
        owner: page.owner.as_deref(),
        picture: page.picture.as_ref(),
        comparison: &page.comparison,
        hosts: page
            .hosts
            .iter()
            .map(|row| PackHost {
                id: row.host.id,
                name: &row.host.name,
                windows: row.os.as_ref().map(ToString::to_string),
                used: row.level.used,
                growth_24h: row.growth,
            })
            .collect(),
        changes: page
            .changes
            .iter()
            .map(|row| PackChange {
                driver: &row.name,
                before: row.before.as_deref(),
                after: row.after.as_deref(),
                hosts: row.hosts,
                first: row.first,
                last: row.last,
            })
            .collect(),
        events: page
            .events
            .iter()
            .map(|row| PackEvent { host: &row.host.name, event: &row.event })
            .collect(),
        notes: &page.notes,
        growth,
    }
}
