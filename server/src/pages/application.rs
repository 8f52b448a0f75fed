//! One program over the fleet (`GET /applications/{image}`), and its hosts as files.

mod hosts;

use axum::{
    Extension,
    extract::{Path, Query, State},
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::application::{ApplicationHosts, ApplicationPage, ApplicationQuery};

use super::{
    address, applications,
    export::{csv_file, json_file},
    live, ordering, rows, shell,
};
use crate::{app::SharedApp, auth::people::Person, failure::Failure};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(image): Path<String>,
    Query(query): Query<ApplicationQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, Failure> {
    let view = app.fleet.view();
    let hosts = hosts::select(app.clone(), view.clone(), &image, &query).await?;
    let query = ApplicationHosts { image, query };
    let page = ApplicationPage {
        shell: shell(&app, &person, address(&uri)),
        line: view.application(&query.image).map(|one| applications::line(&view, one)),
        incidents: rows::open_incidents(&view, |one| rows::suspects(one, &query.image)),
        total: hosts.len() as u64,
        rows: ordering::page(&hosts, &query).map(hosts::RunningHost::row).collect(),
        query,
    };
    live(&page, &headers)
}

/// All hosts of a program as CSV.
pub(super) async fn csv(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(image): Path<String>,
    Query(query): Query<ApplicationQuery>,
) -> Result<Response, Failure> {
    csv_file("application-hosts", &plain_rows(app, &image, &query).await?)
}

/// All hosts of a program as JSON.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(image): Path<String>,
    Query(query): Query<ApplicationQuery>,
) -> Result<Response, Failure> {
    json_file("application-hosts", &plain_rows(app, &image, &query).await?)
}

async fn plain_rows(
    app: SharedApp,
    image: &str,
    query: &ApplicationQuery,
) -> Result<Vec<hosts::PlainRow>, Failure> {
    let view = app.fleet.view();
    let hosts = hosts::select(app, view, image, query).await?;
    Ok(hosts.iter().map(|host| host.plain(image)).collect())
}
