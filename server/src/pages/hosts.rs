//! All hosts (`GET /hosts`), and the same as files (`/hosts.csv`, `/hosts.json`).

mod export;
pub(super) mod selection;

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::hosts::{HostsPage, HostsQuery};

use super::{
    address,
    export::{csv_file, json_file},
    fleet::groups,
    live, ordering, rows, shell,
};
use crate::{app::SharedApp, auth::people::Person, failure::Failure};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(query): Query<HostsQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, Failure> {
    let shell = shell(&app, &person, address(&uri));
    let view = app.fleet.view();
    let selected = selection::select(app.clone(), view.clone(), query.clone(), shell.now).await?;
    let page = HostsPage {
        shell,
        groups: groups(&view),
        total: selected.len() as u64,
        fleet: view.hosts.len() as u64,
        rows: ordering::page(&selected, &query).map(|host| rows::host(&view, host)).collect(),
        query,
    };
    live(&page, &headers)
}

/// All hosts of a query as CSV.
pub(super) async fn csv(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<HostsQuery>,
) -> Result<Response, Failure> {
    let rows = plain_rows(app, query).await?;
    csv_file("hosts", &rows)
}

/// All hosts of a query as JSON.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<HostsQuery>,
) -> Result<Response, Failure> {
    let rows = plain_rows(app, query).await?;
    json_file("hosts", &rows)
}

async fn plain_rows(app: SharedApp, query: HostsQuery) -> Result<Vec<export::PlainRow>, Failure> {
    let (view, now) = (app.fleet.view(), app.clock.now());
    let selected = selection::select(app, view.clone(), query, now).await?;
    Ok(selected
        .iter()
        .map(|host| export::PlainRow::of(&rows::host(&view, host), host, now))
        .collect())
}
