//! Search over hosts, tags, programs, drivers and incidents (`GET /search?q=`), and the first of each
//! for the palette (`/search.json?q=`).

use std::sync::Arc;

use axum::{
    Extension,
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Redirect, Response},
};
use poolwatch_model::{PoolTag, incident::Incident};
use poolwatch_store::incidents::IncidentFilter;
use poolwatch_web::{
    Page,
    drivers::{DRIVERS, DriversFilter, DriversQuery},
    figures, links,
    search::{Found, PaletteEntry, PaletteKind, SearchPage},
    tags::{TAGS, TagsFilter, TagsQuery},
    words,
};
use serde::Deserialize;

use super::{
    address, applications, drivers::lines, hosts::selection, rows, shell, tags,
    text_match::holds_ignoring_case,
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::{
        view::{FleetView, HostSummary},
        visible::VisibleFleet,
    },
    parameters::{Json, Query},
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
    visible: VisibleFleet,
    Query(asked): Query<Asked>,
    uri: Uri,
) -> Result<Response, AppError> {
    let text = asked.q.trim().to_owned();
    if text.is_empty() {
        return Ok(Redirect::to("/hosts").into_response());
    }
    let view = visible.view.clone();
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
    let drivers = lines::select(lines::all(visible.clone()).await?, &asked);
    let filter = IncidentFilter::default();
    let mut db = app.pool.acquire().await?;
    let latest = visible.incidents(&mut db, filter, LOOKED_THROUGH).await?;
    drop(db);
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

/// Entries of one kind in the palette.
const OF_A_KIND: usize = 6;
/// Letters of a text that is looked for.
const LETTERS: usize = 200;

/// The first of what is found, for the palette.
pub(super) async fn palette(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    visible: VisibleFleet,
    Query(asked): Query<Asked>,
) -> Result<Json<Vec<PaletteEntry>>, AppError> {
    let text: String = asked.q.trim().to_lowercase().chars().take(LETTERS).collect();
    if text.is_empty() {
        return Ok(Json(Vec::new()));
    }
    let view = visible.view.clone();
    let incidents = view.incidents.iter().filter(|one| {
        one.id.0.to_string() == text.trim_start_matches('#') || is_about(one, &view, &text)
    });
    let mut entries: Vec<PaletteEntry> = incidents
        .take(OF_A_KIND)
        .map(|one| PaletteEntry {
            kind: PaletteKind::Incident,
            name: format!("{} {}", one.id.0, words::title(&one.diagnosis)),
            detail: words::incident_state(&one.state).to_owned(),
            url: links::incident(&one.id),
        })
        .collect();
    let work = move || {
        entries.extend(found_hosts(&view, &text));
        let holds = |name: &str| holds_ignoring_case(name, &text);
        let catalogue = app.tag_names.catalogue();
        let tags = view.tags.lines().iter().filter(|line| holds(&line.tag.to_string()));
        let mut tags: Vec<PoolTag> = tags.map(|line| line.tag).collect();
        tags.sort_unstable();
        tags.dedup();
        entries.extend(tags.into_iter().take(OF_A_KIND).map(|tag| PaletteEntry {
            kind: PaletteKind::Tag,
            name: tag.to_string(),
            detail: catalogue.own(tag).map(|told| told.meaning.to_owned()).unwrap_or_default(),
            url: links::tag(&tag),
        }));
        let programs = view.sweep.applications.iter().filter(|one| holds(&one.image));
        entries.extend(programs.take(OF_A_KIND).map(|one| PaletteEntry {
            kind: PaletteKind::Program,
            name: (*one.image).to_owned(),
            detail: on_hosts(one.hosts.into()),
            url: links::application(&one.image),
        }));
        let names = visible.drivers.lines().chunk_by(|(one, _), (other, _)| one.name == other.name);
        let drivers = names.filter(|versions| holds(&versions[0].0.name));
        entries.extend(drivers.take(OF_A_KIND).map(|versions| PaletteEntry {
            kind: PaletteKind::Driver,
            name: versions[0].0.name.clone(),
            detail: on_hosts(versions.iter().map(|(_, hosts)| hosts.len() as u64).sum()),
            url: links::driver(&versions[0].0.name),
        }));
        entries
    };
    Ok(Json(tokio::task::spawn_blocking(work).await.map_err(AppError::internal)?))
}

fn on_hosts(hosts: u64) -> String {
    format!("on {}", figures::counted(hosts, "host", "hosts"))
}

/// Hosts by their names: those that begin as the text before those that hold it.
fn found_hosts(view: &FleetView, text: &str) -> Vec<PaletteEntry> {
    let named = |host: &&Arc<HostSummary>| holds_ignoring_case(&host.host.name, text);
    let mut found: Vec<&Arc<HostSummary>> = view.hosts.iter().filter(named).collect();
    found.sort_by_cached_key(|host| {
        let name = host.host.name.to_lowercase();
        (!name.starts_with(text), name)
    });
    found.truncate(OF_A_KIND);
    let entry = |host: &Arc<HostSummary>| PaletteEntry {
        kind: PaletteKind::Host,
        name: rows::short_name(host),
        detail: host.host.facts.os.as_ref().map(words::os_short).unwrap_or_default(),
        url: links::host(host.host.id),
    };
    found.into_iter().map(entry).collect()
}

/// Whether an incident's title, suspects or hosts hold the text.
pub(super) fn is_about(incident: &Incident, view: &FleetView, text: &str) -> bool {
    let hosts = incident.hosts.iter().map(|host| rows::link_to(view, *host).name);
    let suspects = incident.diagnosis.suspects.iter().map(words::suspect_name);
    suspects
        .chain([words::title(&incident.diagnosis)])
        .chain(hosts)
        .any(|told| told.to_lowercase().contains(text))
}
