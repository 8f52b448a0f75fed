//! An incident with all that it rests on, to be handed on: as text (`GET /incidents/{id}/report.txt`),
//! for programs (`GET /incidents/{id}/evidence.json`), and as an archive for somebody else's support
//! (`GET /incidents/{id}/evidence.zip`).

use std::io::{Cursor, Write};

use axum::{Extension, extract::State, response::Response};
use jiff::Timestamp;
use poolwatch_model::{
    Bytes, HostId, Pool, Snapshot,
    comparison::AttributeCounts,
    event::Event,
    incident::{Incident, IncidentId, Note, Picture},
};
use poolwatch_web::{
    Page,
    incidents::{GrowthChart, IncidentPage, IncidentReport, PackPage},
    links,
    list::{ColumnValue, inert},
    visible::{escape_unseen, show_unseen},
};
use serde::Serialize;
use sqlx::PgConnection;
use zip::{ZipWriter, result::ZipResult, write::SimpleFileOptions};

use super::{growth, load};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::visible::VisibleFleet,
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
    growth: GrowthChart,
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

/// What the page of an incident shows, and its address.
async fn load_page(
    app: &SharedApp,
    person: &Person,
    visible: &VisibleFleet,
    db: &mut PgConnection,
    id: IncidentId,
) -> Result<(IncidentPage, String), AppError> {
    let incident = visible.incident(db, id).await?;
    let url = full_url(app, incident.id);
    let shell = shell(app, person, String::new());
    Ok((load(app, visible, db, incident, shell).await?, url))
}

/// The report as a text.
pub(in crate::pages) async fn report(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Response, AppError> {
    let mut db = app.pool.acquire().await?;
    let (page, url) = load_page(&app, &person, &visible, &mut db, IncidentId(id)).await?;
    let text = report_text(&page, &url)?;
    Ok(download("text/plain; charset=utf-8", &format!("incident-{id}.txt"), text.into_bytes()))
}

fn report_text(page: &IncidentPage, url: &str) -> Result<String, AppError> {
    Ok(show_unseen(&IncidentReport { page, url }.text()?).into_owned())
}

/// Hosts whose latest snapshot goes along, the worst.
const RAW_HOSTS: usize = 5;

/// Everything for people: a page to read, charts, tables, and the snapshots of the worst hosts.
pub(in crate::pages) async fn archive(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Response, AppError> {
    let mut db = app.pool.acquire().await?;
    let (page, url) = load_page(&app, &person, &visible, &mut db, IncidentId(id)).await?;
    let now = page.shell.now;
    let growth = growth::chart(&visible, &mut db, &page.incident, now).await?;
    let mut raw = Vec::new();
    for row in page.hosts.iter().take(RAW_HOSTS) {
        if let Some(snapshot) = app.latest_snapshot(&mut db, row.host.id, now).await? {
            raw.push((format!("{}-{}", plain(&row.host.name), row.host.id), snapshot));
        }
    }
    drop(db);
    let work = move || make_archive(&page, &url, growth, &raw);
    let bytes = tokio::task::spawn_blocking(work).await.map_err(AppError::internal)??;
    Ok(download("application/zip", &format!("incident-{id}.zip"), bytes))
}

fn make_archive(
    page: &IncidentPage,
    url: &str,
    growth: GrowthChart,
    raw: &[(String, Snapshot)],
) -> Result<Vec<u8>, AppError> {
    let report = report_text(page, url)?;
    let names = raw.iter().map(|(name, _)| name.clone()).collect();
    let chart = growth.svg();
    let html = PackPage { page, url, chart: &chart, raw: names }.render()?;
    let mut files: Vec<(String, Vec<u8>)> = vec![
        ("index.html".to_owned(), show_unseen(&html).into_owned().into_bytes()),
        ("report.txt".to_owned(), report.clone().into_bytes()),
        ("hosts.csv".to_owned(), hosts_csv(page)?),
        ("events.csv".to_owned(), events_csv(page)?),
        ("growth.csv".to_owned(), growth_csv(&growth)?),
        ("growth.svg".to_owned(), chart.into_bytes()),
    ];
    for (name, snapshot) in raw {
        files.push((format!("raw/{name}.json"), json_file(snapshot)?));
        files.push((format!("raw/{name}-tags.csv"), tags_csv(snapshot)?));
        files.push((format!("raw/{name}-processes.csv"), processes_csv(snapshot)?));
    }
    files.push(("incident.json".to_owned(), json_file(&pack(page, url, &report, growth))?));
    write_archive(files).map_err(AppError::internal)
}

fn json_file(content: &impl Serialize) -> Result<Vec<u8>, AppError> {
    let json = serde_json::to_string_pretty(content).map_err(AppError::internal)?;
    Ok(escape_unseen(&json).into_owned().into_bytes())
}

fn write_archive(files: Vec<(String, Vec<u8>)>) -> ZipResult<Vec<u8>> {
    let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        archive.start_file(name, SimpleFileOptions::default())?;
        archive.write_all(&content)?;
    }
    Ok(archive.finish()?.into_inner())
}

/// A name as a part of a file's.
fn plain(name: &str) -> String {
    let is_plain = |letter: &char| letter.is_ascii_alphanumeric() || *letter == '-';
    name.chars().filter(is_plain).take(40).collect()
}

fn csv<const N: usize>(
    heads: [&str; N],
    rows: impl Iterator<Item = [ColumnValue; N]>,
) -> Result<Vec<u8>, AppError> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    writer.write_record(heads).map_err(AppError::internal)?;
    for row in rows {
        writer.serialize(row.map(ColumnValue::inert).to_vec()).map_err(AppError::internal)?;
    }
    writer.into_inner().map_err(AppError::internal)
}

fn hosts_csv(page: &IncidentPage) -> Result<Vec<u8>, AppError> {
    let rows = page.hosts.iter().map(|row| {
        [
            row.host.id.into(),
            row.host.name.as_str().into(),
            row.os.as_ref().map(ToString::to_string).into(),
            row.level.used.into(),
            row.level.ceiling.map(|ceiling| ceiling.bytes).into(),
            row.growth.into(),
        ]
    });
    csv(["id", "name", "windows", "pool_bytes", "limit_bytes", "change_24h_bytes"], rows)
}

fn events_csv(page: &IncidentPage) -> Result<Vec<u8>, AppError> {
    let rows = page.events.iter().map(|row| {
        [
            row.event.time.into(),
            row.host.name.as_str().into(),
            row.event.event_id.into(),
            row.event.provider.as_str().into(),
            row.event.data.join("; ").into(),
        ]
    });
    csv(["time", "host", "event_id", "provider", "data"], rows)
}

/// A row per moment: the median, then each host.
fn growth_csv(growth: &GrowthChart) -> Result<Vec<u8>, AppError> {
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(Vec::new());
    let heads = ["time".to_owned(), "median_bytes".to_owned()].into_iter();
    let names = growth.hosts.iter().map(|host| inert(&host.name));
    writer.write_record(heads.chain(names)).map_err(AppError::internal)?;
    for (at, t) in growth.t.iter().enumerate() {
        let time = Timestamp::from_second(*t).map_or_else(|_| t.to_string(), |at| at.to_string());
        let bytes = |value: Option<u64>| value.map(|value| value.to_string()).unwrap_or_default();
        let first = [time, bytes(growth.median[at])].into_iter();
        let hosts = growth.hosts.iter().map(|host| bytes(host.values[at]));
        writer.write_record(first.chain(hosts)).map_err(AppError::internal)?;
    }
    writer.into_inner().map_err(AppError::internal)
}

fn tags_csv(snapshot: &Snapshot) -> Result<Vec<u8>, AppError> {
    let rows = snapshot.tags.iter().flat_map(|table| &table.rows).flat_map(|row| {
        Pool::ALL.map(|pool| {
            let of = row.of(pool);
            [
                row.tag.to_string().into(),
                pool.as_str().into(),
                of.bytes.into(),
                of.outstanding.into(),
                of.allocs.into(),
            ]
        })
    });
    csv(["tag", "pool", "bytes", "outstanding", "allocations"], rows)
}

fn processes_csv(snapshot: &Snapshot) -> Result<Vec<u8>, AppError> {
    let rows = snapshot.processes.iter().flatten().map(|one| {
        [
            one.image.as_str().into(),
            one.key.pid.into(),
            one.services.join(" ").into(),
            one.handles.into(),
            one.threads.into(),
            one.private_bytes.into(),
        ]
    });
    csv(["image", "pid", "services", "handles", "threads", "private_bytes"], rows)
}

/// Everything for programs.
pub(in crate::pages) async fn evidence(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Path(id): Path<i64>,
) -> Result<Response, AppError> {
    let mut db = app.pool.acquire().await?;
    let (page, url) = load_page(&app, &person, &visible, &mut db, IncidentId(id)).await?;
    let now = page.shell.now;
    let growth = growth::chart(&visible, &mut db, &page.incident, now).await?;
    drop(db);
    let report = report_text(&page, &url)?;
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
    growth: GrowthChart,
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
