//! All hosts (`GET /hosts`), and the same as files (`/hosts.csv`, `/hosts.json`).

pub(super) mod selection;

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::{
    hosts::{HOSTS, HostsPage},
    list::ListView,
};

use super::{
    address,
    fleet::groups,
    lists::{self, Parameters},
    live, rows, shell,
};
use crate::{
    access::people::Person, app::SharedApp, app_error::AppError, fleet::view::HostSummary,
};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let shell = shell(&app, &person, address(&uri));
    let query = lists::read(&HOSTS, "/hosts", &parameters)?;
    let view = app.fleet.view();
    let found = selection::select(app.clone(), view.clone(), &query, shell.now).await?;
    let row = |host: &Arc<HostSummary>| rows::host(&view, host, shell.now);
    let list = ListView {
        groups: groups(&view),
        all: view.hosts.len() as u64,
        ..lists::page(query, &found, row)
    };
    live(&HostsPage { shell, list }, &headers)
}

/// All hosts of a query.
pub(super) async fn file(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&HOSTS, "/hosts", &parameters)?;
    let (view, now) = (app.fleet.view(), app.clock.now());
    let found = selection::select(app, view.clone(), &query, now).await?;
    lists::file(&HOSTS, &found, |host| rows::host(&view, host, now), &uri)
}
