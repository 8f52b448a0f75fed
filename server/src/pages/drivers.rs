//! Drivers over all hosts (`GET /drivers`), and the same as files.

pub(super) mod lines;

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::drivers::{DriverChangeRow, DriverLine, DriversPage, DriversQuery};
use serde::Serialize;

use super::{
    address,
    export::{Row, csv_file, inert, json_file},
    live, ordering, shell,
};
use crate::{app::SharedApp, auth::people::Person, failure::Failure};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(query): Query<DriversQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, Failure> {
    let shell = shell(&app, &person, address(&uri));
    let all = lines::all(app.clone()).await?;
    let suspected = all.iter().filter(|line| line.affected > 0).max_by_key(|line| line.affected);
    let (suspected, fleet) = (suspected.cloned(), all.len() as u64);
    let changed = all.iter().filter(|line| !line.changes.is_empty()).count() as u64;
    let selected = lines::select(all, &query);
    let page = DriversPage {
        shell,
        fleet,
        hosts: app.fleet.drivers().hosts as u64,
        suspected,
        changed,
        total: selected.len() as u64,
        rows: ordering::page(&selected, &query).cloned().collect(),
        query,
    };
    live(&page, &headers)
}

/// All drivers of a query as CSV.
pub(super) async fn csv(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<DriversQuery>,
) -> Result<Response, Failure> {
    csv_file("drivers", &plain_rows(app, &query).await?)
}

/// All drivers of a query as JSON.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<DriversQuery>,
) -> Result<Response, Failure> {
    json_file("drivers", &plain_rows(app, &query).await?)
}

async fn plain_rows(app: SharedApp, query: &DriversQuery) -> Result<Vec<PlainRow>, Failure> {
    let selected = lines::select(lines::all(app).await?, query);
    Ok(selected.into_iter().map(PlainRow::of).collect())
}

/// One driver. The names of the fields are the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct PlainRow {
    name: String,
    company: Option<String>,
    hosts: u64,
    share_of_hosts: f64,
    versions: u64,
    common_version: Option<String>,
    affected_hosts: u64,
    open_incident: Option<i64>,
    tags: String,
    change_in_7_days: Option<String>,
    changed_hosts: Option<u64>,
    changed_at: Option<jiff::Timestamp>,
}

impl PlainRow {
    fn of(line: DriverLine) -> Self {
        let change = line.changes.first();
        let tags: Vec<String> = line.tags.iter().map(ToString::to_string).collect();
        Self {
            change_in_7_days: change.map(DriverChangeRow::told),
            changed_hosts: change.map(|change| change.hosts),
            changed_at: change.map(|change| change.last),
            name: line.name,
            company: line.company,
            hosts: line.hosts,
            share_of_hosts: line.share,
            versions: line.versions,
            common_version: line.common.map(|(version, _)| version),
            affected_hosts: line.affected,
            open_incident: line.incident.map(|incident| incident.id.0),
            tags: tags.join(" "),
        }
    }
}

impl Row for PlainRow {
    fn for_spreadsheets(&self) -> Self {
        Self {
            name: inert(&self.name),
            company: self.company.as_deref().map(inert),
            common_version: self.common_version.as_deref().map(inert),
            tags: inert(&self.tags),
            change_in_7_days: self.change_in_7_days.as_deref().map(inert),
            ..self.clone()
        }
    }
}
