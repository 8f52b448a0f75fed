//! One host (`GET /hosts/{id}`), what its charts draw (`/hosts/{id}/pools.json`, `series.json`), and
//! all of its tags, processes, object types and drivers, and what happened on it.

mod chart;
mod installed;
pub(super) mod judgement;
pub(super) mod lists;
mod series;
mod tables;
pub(super) mod timeline;
mod trends;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::Html,
};
use jiff::{SignedDuration, Timestamp};
use judgement::Known;
use poolwatch_model::{HostId, Pool, host_group::HostGroup, person::Role};
use poolwatch_store::{
    enrolment,
    events::{self, EventFilter},
    evidence, hosts, pool_failures, read,
};
use poolwatch_web::{
    Shell,
    host::{HostHead, HostPage, HostQuery, PoolFailuresView, PoolsChart},
    hosts::HostSource,
    steps::Steps,
    words,
};
use sqlx::PgConnection;
use trends::{Trends, figures};

pub(super) use series::series;

use super::{
    address, enrolment::candidate, healthy_version::find_healthy_version, live, presence, rows,
    shell,
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
    parameters::{Json, Path, Query},
};

/// Other hosts of the same name that are shown.
const NAMESAKES: usize = 10;
/// Latest events that are shown.
const EVENTS: i64 = 10;
/// Failures of the Server service are counted over this.
const FAILURES: SignedDuration = SignedDuration::from_hours(24);
/// Imported snapshots are looked for this far before the latest.
const IMPORTED_HISTORY: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    Query(query): Query<HostQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let shell = shell(&app, &person, address(&uri));
    let mut db = app.pool.acquire().await?;
    let known = match visible.shows(HostId(id)) {
        true => judgement::known(&app, &visible, &mut db, HostId(id), shell.now).await?,
        false => None,
    };
    let Some(known) = known else {
        let candidate = candidate::page(&visible, &mut db, HostId(id), &person, shell).await?;
        return candidate.ok_or_else(no_such_host);
    };
    let mut page = head(&known, shell, query);
    page.may_decide = person.role >= Role::Operator;
    page.may_label = page.may_decide && visible.is_whole();
    let groups = visible.view.groups.iter();
    let is_in = |group: &&HostGroup| known.summary.groups.contains(&group.id);
    page.host.groups = groups.filter(is_in).map(|group| group.name.clone()).collect();
    if !headers.contains_key("hx-request") {
        fill(&mut page, &app, &visible, &mut db, &known).await?;
    }
    drop(db);
    live(&page, &headers)
}

/// What the charts draw.
pub(super) async fn pools(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i32>,
    Query(query): Query<HostQuery>,
) -> Result<Json<PoolsChart>, AppError> {
    let now = app.clock.now();
    let mut db = app.pool.acquire().await?;
    visible.require_host(HostId(id))?;
    let summary = judgement::summary(&app, &visible, &mut db, HostId(id), now).await?;
    let summary = summary.ok_or_else(no_such_host)?;
    let interval_s = app.settings.interval_s;
    let mut chart = chart::load(&mut db, &summary, query.hours, interval_s, now).await?;
    if let Some((left, headroom)) = judgement::time_left(&visible, &mut db, HostId(id)).await? {
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
            labels: summary.host.labels.clone(),
            groups: Vec::new(),
            note: summary.host.note.clone(),
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
        may_label: false,
        diagnosis: known.diagnosis.clone(),
        incident: known.incident.clone(),
        steps: Steps::default(),
        nonpaged: rows::level(summary, Pool::Nonpaged),
        paged: rows::level(summary, Pool::Paged),
        growth_24h: Pool::ALL.map(|pool| summary.growth(pool)),
        memory: summary.memory.clone(),
        has_history: false,
        tags: None,
        processes: None,
        object_types: Vec::new(),
        events: Vec::new(),
        pool_failures: None,
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
    visible: &VisibleFleet,
    db: &mut PgConnection,
    known: &Known,
) -> Result<(), AppError> {
    let id = known.summary.host.id;
    let view = &visible.view;
    let namesakes = hosts::namesakes(db, id, &known.summary.host.name).await?;
    let namesakes = namesakes.into_iter().filter(|other| visible.shows(*other)).take(NAMESAKES);
    page.host.namesakes = namesakes.map(|other| rows::link_to(view, other)).collect();
    if page.host.source == HostSource::Agent {
        let twins = enrolment::twins(db, &known.summary.host.facts, Some(id)).await?;
        let clones = twins.of_machine.into_iter().filter(|other| visible.shows(*other));
        page.host.clones = clones.map(|other| rows::link_to(view, other)).collect();
    }
    let os = known.summary.host.facts.os.as_ref();
    if let Some(diagnosis) = &known.diagnosis {
        let affected = known.incident.as_ref().map_or(&[][..], |incident| &incident.hosts);
        let healthy = find_healthy_version(visible, diagnosis, affected);
        page.steps = words::steps_by_suspect(diagnosis, os, healthy.as_ref());
    }
    if let (Some(snapshot), Some(at)) = (&known.snapshot, known.summary.at) {
        let catalogue = app.tag_names.catalogue();
        let tables = tables::Tables { snapshot, known, query: &page.query, catalogue: &catalogue };
        let (mut tags, mut processes) = (tables.tags(), tables.processes());
        let tag_rows = tags.as_mut().map_or(&mut [][..], |table| &mut table.rows[..]);
        let no_rows = &mut Vec::new();
        let process_rows = processes.as_mut().map_or(no_rows, |table| &mut table.rows);
        let drawn = figures(tag_rows).chain(figures(process_rows)).collect();
        let trends = Trends::load(db, id, at, drawn).await?;
        trends.draw(tag_rows);
        trends.draw(process_rows);
        tables.order_by_growth(process_rows);
        (page.tags, page.processes) = (tags, processes);
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
            let mut row = rows::event(view, event);
            row.host.name.clone_from(&page.host.name);
            row
        })
        .collect();
    let since = page.shell.now.saturating_sub(FAILURES).unwrap_or(page.shell.now);
    let failed = pool_failures::sum_of_host(db, id, since).await?;
    page.pool_failures = failed.map(|failed| PoolFailuresView {
        nonpaged: failed.nonpaged,
        paged: failed.paged,
        last: failed.last,
    });
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
