//! One host (`GET /hosts/{id}`) and what its charts draw (`/hosts/{id}/pools.json`).

mod chart;
mod installed;
pub(super) mod judgement;
mod tables;
mod trends;

use axum::{
    Extension, Json,
    extract::State,
    http::{HeaderMap, Uri},
    response::Html,
};
use jiff::{SignedDuration, Timestamp};
use judgement::Known;
use poolwatch_model::{HostId, Pool, person::Role};
use poolwatch_store::{
    enrolment,
    events::{self, EventFilter},
    evidence, hosts, read,
};
use poolwatch_web::{
    Shell,
    host::{HostHead, HostPage, HostQuery, PoolsChart},
    hosts::HostSource,
    words,
};
use sqlx::PgConnection;
use trends::Trends;

use super::{address, enrolment::candidate, live, presence, rows, shell};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    parameters::{Path, Query},
};

/// Other hosts of the same name that are shown.
const NAMESAKES: usize = 10;
/// Latest events that are shown.
const EVENTS: i64 = 10;
/// Imported snapshots are looked for this far before the latest.
const IMPORTED_HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(id): Path<i32>,
    Query(query): Query<HostQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let shell = shell(&app, &person, address(&uri));
    let mut db = app.pool.acquire().await?;
    let Some(known) = judgement::known(&app, &mut db, HostId(id), shell.now).await? else {
        let candidate = candidate::page(&app, &mut db, HostId(id), &person, shell).await?;
        return candidate.ok_or_else(no_such_host);
    };
    let mut page = head(&known, shell, query);
    page.may_decide = person.role >= Role::Operator;
    if !headers.contains_key("hx-request") {
        fill(&mut page, &app, &mut db, &known).await?;
    }
    drop(db);
    live(&page, &headers)
}

/// What the charts draw.
pub(super) async fn pools(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(id): Path<i32>,
    Query(query): Query<HostQuery>,
) -> Result<Json<PoolsChart>, AppError> {
    let now = app.clock.now();
    let mut db = app.pool.acquire().await?;
    let summary = judgement::summary(&app, &mut db, HostId(id), now).await?;
    let summary = summary.ok_or_else(no_such_host)?;
    let interval_s = app.settings.interval_s;
    let mut chart = chart::load(&mut db, &summary, query.hours, interval_s, now).await?;
    if let Some((left, headroom)) = judgement::time_left(&mut db, HostId(id)).await? {
        chart.project(&left, headroom);
    }
    Ok(Json(chart))
}

fn no_such_host() -> AppError {
    AppError::not_found("There is no such host")
}

/// The page with all that its live part shows, and nothing else yet.
fn head(known: &Known, shell: Shell, query: HostQuery) -> HostPage {
    let summary = &known.summary;
    HostPage {
        query,
        host: HostHead {
            id: summary.host.id,
            name: rows::short_name(summary),
            namesakes: Vec::new(),
            clones: Vec::new(),
            renamed: summary.host.renamed.clone(),
            facts: summary.host.facts.clone(),
            source: presence::source(summary),
            presence: summary.presence(shell.now),
            booted: rows::booted(summary),
            last_seen: rows::last_seen(summary),
            is_damaged: summary.host.is_damaged,
            is_capped: summary.is_capped,
            sent_24h: None,
        },
        shell,
        may_decide: false,
        diagnosis: known.diagnosis.clone(),
        incident: known.incident.clone(),
        steps: Vec::new(),
        nonpaged: rows::level(summary, Pool::Nonpaged),
        paged: rows::level(summary, Pool::Paged),
        growth_24h: Pool::ALL.map(|pool| summary.growth(pool)),
        memory: summary.memory.clone(),
        has_history: false,
        tags: None,
        processes: None,
        object_types: Vec::new(),
        events: Vec::new(),
        faults: Vec::new(),
        cost: None,
        installed: None,
        evidence: Vec::new(),
    }
}

/// Adds what is loaded once per visit.
async fn fill(
    page: &mut HostPage,
    app: &SharedApp,
    db: &mut PgConnection,
    known: &Known,
) -> Result<(), AppError> {
    let id = known.summary.host.id;
    let view = app.fleet.view();
    let namesakes = hosts::namesakes(db, id, &known.summary.host.name).await?;
    let namesakes = namesakes.into_iter().take(NAMESAKES);
    page.host.namesakes = namesakes.map(|other| rows::link_to(&view, other)).collect();
    if page.host.source == HostSource::Agent {
        let twins = enrolment::twins(db, &known.summary.host.facts, Some(id)).await?;
        let clones = twins.of_machine.into_iter();
        page.host.clones = clones.map(|other| rows::link_to(&view, other)).collect();
    }
    let os = known.summary.host.facts.os.as_ref();
    if let Some(diagnosis) = &known.diagnosis {
        page.steps = words::next_steps(diagnosis, os);
    }
    if let (Some(snapshot), Some(at)) = (&known.snapshot, known.summary.at) {
        let catalogue = app.tag_names.catalogue();
        let tables = tables::Tables { snapshot, known, query: page.query, catalogue: &catalogue };
        let shown = tables.shown();
        let trends = Trends::load(db, id, at, shown.figures()).await?;
        page.tags = tables.tags(&shown, &trends);
        page.processes = tables.processes(&shown, &trends);
        page.object_types = tables::object_types(snapshot);
        page.faults.clone_from(&snapshot.faults);
        page.cost = snapshot.cost;
        page.has_history = has_history(db, page.host.source, id, at).await?;
    }
    page.installed = installed::of_host(db, id).await?;
    let filter = EventFilter { host: Some(id), ..EventFilter::default() };
    let latest = events::list(db, &filter, EVENTS, 0).await?;
    page.events = latest
        .into_iter()
        .map(|event| {
            let mut row = rows::event(&view, event);
            row.host.name.clone_from(&page.host.name);
            row
        })
        .collect();
    page.evidence = evidence::list(db, id).await?.into_iter().map(rows::file).collect();
    Ok(())
}

/// Whether there is more than one moment to draw.
async fn has_history(
    db: &mut PgConnection,
    source: HostSource,
    id: HostId,
    at: Timestamp,
) -> Result<bool, AppError> {
    if source == HostSource::Agent {
        return Ok(true);
    }
    let since = at.saturating_sub(IMPORTED_HISTORY).unwrap_or(at);
    let series = read::pools(db, id, since, at, 60).await?;
    Ok(series.nonpaged.points.len().max(series.paged.points.len()) > 1)
}
