//! All hosts (`GET /hosts`), and the same as files (`/hosts.csv`, `/hosts.json`).

pub(super) mod labels;
pub(super) mod selected;
pub(super) mod selection;

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_model::person::Role;
use poolwatch_web::{
    hosts::{HOSTS, HostsPage},
    list::ListView,
};

use super::{
    address,
    groups::group_names,
    lists::{self, Parameters},
    live, rows, shell, views,
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::{view::HostSummary, visible::VisibleFleet},
};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let shell = shell(&app, &person, address(&uri));
    let query = lists::read(&HOSTS, "/hosts", &parameters)?;
    let visible_is_whole = visible.is_whole();
    let view = visible.view;
    let found = selection::select(app.clone(), view.clone(), &query, shell.now).await?;
    let row = |host: &Arc<HostSummary>| rows::host(&view, host, shell.now);
    let list = ListView {
        groups: group_names(&view),
        all: view.hosts.len() as u64,
        views: views::of_list(&app, &person, &headers, "/hosts").await?,
        ..lists::page(query, &found, row)
    };
    let may_operate = person.role >= Role::Operator;
    let may_label = may_operate && visible_is_whole;
    live(&HostsPage { shell, list, may_label, may_operate }, &headers)
}

/// All hosts of a query.
pub(super) async fn file(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&HOSTS, "/hosts", &parameters)?;
    let (view, now) = (visible.view, app.clock.now());
    let found = selection::select(app, view.clone(), &query, now).await?;
    lists::file(&HOSTS, &found, |host| rows::host(&view, host, now), &uri)
}
