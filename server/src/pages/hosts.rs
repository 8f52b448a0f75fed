//! All hosts (`GET /hosts`), and the same as files (`/hosts.csv`, `/hosts.json`).

pub(super) mod export;
pub(super) mod selection;

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, Uri, header},
    response::{Html, IntoResponse, Response},
};
use poolwatch_web::hosts::{HostsPage, HostsQuery, PER_PAGE};

use super::{address, fleet::groups, live, rows, shell};
use crate::{app::SharedApp, auth::people::Person, clock, failure::Failure};

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
    let skip = (query.page.max(1) - 1) as usize * PER_PAGE as usize;
    let page = HostsPage {
        shell,
        groups: groups(&view),
        total: selected.len() as u64,
        fleet: view.hosts.len() as u64,
        rows: selected
            .iter()
            .skip(skip)
            .take(PER_PAGE as usize)
            .map(|host| rows::host(&view, host))
            .collect(),
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
    let body = export::csv(&rows).map_err(Failure::internal)?;
    Ok(download("text/csv; charset=utf-8", "hosts.csv", body))
}

/// All hosts of a query as JSON.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<HostsQuery>,
) -> Result<Response, Failure> {
    let rows = plain_rows(app, query).await?;
    let body = serde_json::to_vec(&rows).map_err(Failure::internal)?;
    Ok(download("application/json", "hosts.json", body))
}

async fn plain_rows(app: SharedApp, query: HostsQuery) -> Result<Vec<export::PlainRow>, Failure> {
    let (view, now) = (app.fleet.view(), clock::now());
    let selected = selection::select(app, view.clone(), query, now).await?;
    Ok(selected
        .iter()
        .map(|host| export::PlainRow::of(&rows::host(&view, host), host, now))
        .collect())
}

/// A file to be saved.
pub(super) fn download(content_type: &'static str, name: &str, body: Vec<u8>) -> Response {
    let headers = [
        (header::CONTENT_TYPE, content_type.to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, body).into_response()
}
