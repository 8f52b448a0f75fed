//! Search over hosts, tags, programs, drivers and incidents (`GET /search?q=`).

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_model::incident::Incident;
use poolwatch_store::incidents::{self, IncidentFilter};
use poolwatch_web::{
    Page,
    drivers::{DRIVERS, DriversFilter, DriversQuery},
    links,
    search::{Found, SearchPage},
    tags::{TAGS, TagsFilter, TagsQuery},
    words,
};
use serde::Deserialize;

use super::{address, applications, drivers::lines, hosts::selection, rows, shell, tags};
use crate::{
    access::people::Person, app::SharedApp, app_error::AppError, fleet::view::FleetView,
    parameters::Query,
};

/// Hosts that are shown.
const HOSTS: usize = 50;
/// Incidents that are looked through, the latest.
const LOOKED_THROUGH: i64 = 500;
/// Incidents that are shown.
const INCIDENTS: usize = 50;
/// Tags, programs and drivers that are shown, each.
const OTHERS: usize = 20;

/// What `/search` takes.
#[derive(Debug, Deserialize)]
pub(super) struct Asked {
    #[serde(default)]
    q: String,
}

/// The page, or the page of the one host of exactly this name.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(asked): Query<Asked>,
    uri: Uri,
) -> Result<Response, AppError> {
    let text = asked.q.trim().to_owned();
    if text.is_empty() {
        return Ok(Redirect::to("/hosts").into_response());
    }
    let view = app.fleet.view();
    let named: Vec<_> = view.hosts.iter().filter(|host| selection::is_named(host, &text)).collect();
    if let [host] = named[..] {
        return Ok(Redirect::to(&links::host(host.host.id)).into_response());
    }
    let mut hosts = selection::matching(app.clone(), view.clone(), text.clone()).await?;
    let hosts_total = hosts.len() as u64;
    // Hosts that bear the name come before those that merely run a program of it.
    hosts.sort_by_key(|host| (!selection::name_holds(host, &text), host.host.name.to_lowercase()));
    hosts.truncate(HOSTS);

    let filter = TagsFilter { q: text.clone(), ..TagsFilter::default() };
    let asked = TagsQuery::new(&TAGS, "/tags", filter);
    let tags = tags::selection::select(app.clone(), view.clone(), &asked).await?.lines;
    let filter = DriversFilter { q: text.clone(), ..DriversFilter::default() };
    let asked = DriversQuery::new(&DRIVERS, "/drivers", filter);
    let drivers = lines::select(lines::all(app.clone()).await?, &asked);
    let filter = IncidentFilter::default();
    let latest = incidents::list(&mut *app.pool.acquire().await?, filter, LOOKED_THROUGH).await?;
    let shell = shell(&app, &person, address(&uri));
    let page = SearchPage {
        hosts: hosts.iter().map(|host| rows::host(&view, host, shell.now)).collect(),
        hosts_total,
        tags: Found::first(&tags, OTHERS, |tag| tags::selection::line(&view, tag)),
        applications: Found::first(&applications::matching(&view, &text), OTHERS, Clone::clone),
        drivers: Found::first(&drivers, OTHERS, Clone::clone),
        incidents: latest
            .into_iter()
            .filter(|incident| is_about(incident, &view, &text.to_lowercase()))
            .take(INCIDENTS)
            .map(|incident| {
                let worst = rows::incident_hosts(&view, &incident).into_iter().next();
                (incident, worst.map(|worst| worst.host))
            })
            .collect(),
        text,
        shell,
    };
    Ok(Html(page.render()?).into_response())
}

/// Whether an incident's title, suspects or hosts hold the text.
fn is_about(incident: &Incident, view: &FleetView, text: &str) -> bool {
    let hosts = incident.hosts.iter().map(|host| rows::link_to(view, *host).name);
    let suspects = incident.diagnosis.suspects.iter().map(words::suspect_name);
    suspects
        .chain([words::title(&incident.diagnosis)])
        .chain(hosts)
        .any(|told| told.to_lowercase().contains(text))
}
