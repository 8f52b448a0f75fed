//! One program over the fleet (`GET /applications/{image}`), and its hosts as files.

mod hosts;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::{
    application::{APPLICATION_HOSTS, ApplicationPage},
    links,
};

use super::{
    address, applications,
    lists::{self, Parameters},
    live, rows, shell,
};
use crate::{access::people::Person, app::SharedApp, app_error::AppError, parameters::Path};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(image): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let query = lists::read(&APPLICATION_HOSTS, links::application(&image), &parameters)?;
    let view = app.fleet.view();
    let hosts = hosts::select(app.clone(), view.clone(), &image, &query).await?;
    let page = ApplicationPage {
        shell: shell(&app, &person, address(&uri)),
        line: view.application(&image).map(|one| applications::line(&view, one)),
        incidents: rows::open_incidents(&view, |one| rows::suspects(one, &image)),
        list: lists::page(query, &hosts, |host| host.row(&image)),
        image,
    };
    live(&page, &headers)
}

/// All hosts of a program.
pub(super) async fn file(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(image): Path<String>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&APPLICATION_HOSTS, links::application(&image), &parameters)?;
    let found = hosts::select(app.clone(), app.fleet.view(), &image, &query).await?;
    lists::file(&APPLICATION_HOSTS, &found, |host| host.row(&image), &uri)
}
