//! One driver over the fleet (`GET /drivers/{name}`), and its hosts as files.

mod hosts;

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_analysis::catalogue;
use poolwatch_store::driver_scans;
use poolwatch_web::{
    driver::{CodeTagRow, DRIVER_HOSTS, DriverPage, VersionRow},
    links,
};

use super::{
    address,
    drivers::lines::{self, Suspected},
    lists::{self, Parameters},
    live, rows, shell,
};
use crate::{
    access::people::Person,
    app::{App, SharedApp},
    app_error::AppError,
    fleet::drivers::Drivers,
    parameters::Path,
};

/// Tags in its code that are shown.
const CODE_TAGS: i64 = 60;

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Path(name): Path<String>,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let name = name.to_lowercase();
    let query = lists::read(&DRIVER_HOSTS, links::driver(&name), &parameters)?;
    let view = app.fleet.view();
    let suspected = lines::suspected(&view).remove(&name);
    let named = app.tag_names.catalogue();
    let changes = app.fleet.driver_changes();
    let hosts = hosts::select(app.clone(), view.clone(), &name, &query).await?;
    let page = DriverPage {
        shell: shell(&app, &person, address(&uri)),
        versions: versions(&app.fleet.drivers(), &name, suspected.as_ref()),
        changes: changes.iter().filter(|one| one.change.name == name).map(lines::changed).collect(),
        incidents: rows::open_incidents(&view, |one| rows::suspects(one, &name)),
        tags: lines::tags(&name, suspected.as_ref())
            .into_iter()
            .map(|tag| (tag, named.own(tag).map(|told| told.meaning.to_owned())))
            .collect(),
        code_tags: code_tags(&app, &name).await?,
        leaks: catalogue::known_leaks_of_driver(&name).collect(),
        list: lists::page(query, &hosts, |host| host.row(&name)),
        name,
    };
    live(&page, &headers)
}

/// All hosts of a driver.
pub(super) async fn file(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Path(name): Path<String>,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&DRIVER_HOSTS, links::driver(&name), &parameters)?;
    let found = hosts::select(app.clone(), app.fleet.view(), &name, &query).await?;
    lists::file(&DRIVER_HOSTS, &found, |host| host.row(&name), &uri)
}

/// Tags in the code of all files of a driver's name, each of them in every version.
async fn code_tags(app: &App, name: &str) -> Result<Vec<CodeTagRow>, AppError> {
    let mut db = app.pool.acquire().await?;
    let mut holders = driver_scans::tags_of(&mut db, name, CODE_TAGS).await?;
    holders.sort_by(|a, b| b.found.likelihood().total_cmp(&a.found.likelihood()));
    let rows = holders.into_iter().map(|holder| CodeTagRow {
        tag: holder.found.tag,
        version: holder.version,
        found: holder.found,
    });
    Ok(rows.collect())
}

/// The versions of a driver, that on most hosts first.
fn versions(drivers: &Drivers, name: &str, suspected: Option<&Suspected>) -> Vec<VersionRow> {
    let all: usize = drivers.versions(name).iter().map(|(_, hosts)| hosts.len()).sum();
    let mut versions: Vec<VersionRow> = drivers
        .versions(name)
        .iter()
        .map(|(driver, hosts)| {
            let is_affected =
                |host: &&_| suspected.is_some_and(|suspected| suspected.hosts.contains(host));
            VersionRow {
                version: driver.version.clone(),
                company: driver.company.clone(),
                hosts: hosts.len() as u64,
                share: hosts.len() as f64 / all.max(1) as f64,
                affected: hosts.iter().filter(is_affected).count() as u64,
            }
        })
        .collect();
    versions.sort_by_key(|row| std::cmp::Reverse(row.hosts));
    versions
}
