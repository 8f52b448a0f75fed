//! Drivers over all hosts (`GET /drivers`), and the same as files.

pub(super) mod lines;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::{
    drivers::{DRIVERS, DriversPage},
    list::ListView,
};

use super::{
    address,
    lists::{self, Parameters},
    live, shell, views,
};
use crate::{
    access::people::Person, app::SharedApp, app_error::AppError, fleet::visible::VisibleFleet,
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
    let query = lists::read(&DRIVERS, "/drivers", &parameters)?;
    let all = lines::all(visible).await?;
    let suspected = all.iter().filter(|line| line.affected > 0).max_by_key(|line| line.affected);
    let (suspected, fleet) = (suspected.cloned(), all.len() as u64);
    let changed = all.iter().filter(|line| !line.changes.is_empty()).count() as u64;
    let selected = lines::select(all, &query);
    let page = DriversPage {
        shell,
        suspected,
        changed,
        list: ListView {
            all: fleet,
            views: views::of_list(&app, &person, &headers, "/drivers").await?,
            ..lists::page(query, &selected, Clone::clone)
        },
    };
    live(&page, &headers)
}

/// All drivers of a query.
pub(super) async fn file(
    visible: VisibleFleet,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&DRIVERS, "/drivers", &parameters)?;
    let found = lines::select(lines::all(visible).await?, &query);
    lists::file(&DRIVERS, &found, Clone::clone, &uri)
}
