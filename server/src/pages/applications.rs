//! Programs over all hosts (`GET /applications`), and the same as files.

use axum::{
    Extension,
    extract::{Query, State},
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::{
    applications::{ApplicationLine, ApplicationSort, ApplicationsPage, ApplicationsQuery},
    hosts::IncidentMark,
    table::Order,
};
use serde::Serialize;

use super::{
    address,
    export::{Row, csv_file, inert, json_file},
    live,
    ordering::{self, holds_ignoring_case},
    rows, shell,
};
use crate::{
    app::SharedApp,
    auth::people::Person,
    failure::Failure,
    fleet::{applications::Application, earlier::Window, view::FleetView},
};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    Query(query): Query<ApplicationsQuery>,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, Failure> {
    let view = app.fleet.view();
    let all = &view.sweep.applications;
    let selected = select(all, &query);
    let page = ApplicationsPage {
        shell: shell(&app, &person, address(&uri)),
        most: all.iter().max_by_key(|one| one.most_handles).map(|one| line(&view, one)),
        fleet: all.len() as u64,
        total: selected.len() as u64,
        rows: ordering::page(&selected, &query).map(|one| line(&view, one)).collect(),
        query,
    };
    live(&page, &headers)
}

/// All programs of a query as CSV.
pub(super) async fn csv(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<ApplicationsQuery>,
) -> Result<Response, Failure> {
    csv_file("applications", &plain_rows(&app.fleet.view(), &query))
}

/// All programs of a query as JSON.
pub(super) async fn json(
    State(app): State<SharedApp>,
    Extension(_): Extension<Person>,
    Query(query): Query<ApplicationsQuery>,
) -> Result<Response, Failure> {
    json_file("applications", &plain_rows(&app.fleet.view(), &query))
}

/// The programs that a text is about, those with most handles in one process first.
pub(super) fn matching(view: &FleetView, text: &str) -> Vec<ApplicationLine> {
    let query = ApplicationsQuery { q: text.to_owned(), ..ApplicationsQuery::default() };
    let selected = select(&view.sweep.applications, &query);
    selected.into_iter().map(|one| line(view, one)).collect()
}

/// A program as pages show it.
pub(super) fn line(view: &FleetView, one: &Application) -> ApplicationLine {
    let link = |host| rows::link_to(view, host);
    let suspected = view
        .incidents
        .iter()
        .find(|incident| incident.state.is_active() && rows::suspects(incident, &one.image));
    ApplicationLine {
        image: (*one.image).to_owned(),
        hosts: one.hosts.into(),
        processes: one.processes,
        handles: one.handles,
        growth: one.growth(Window::Day),
        threads: one.threads,
        most: (one.most_handles.into(), one.most_on.map(link)),
        worst: one.top.first().map(|(host, handles)| (link(*host), *handles)),
        services: one.services.clone(),
        incident: suspected
            .map(|incident| IncidentMark { id: incident.id, verdict: incident.diagnosis.verdict }),
    }
}

fn plain_rows(view: &FleetView, query: &ApplicationsQuery) -> Vec<PlainRow> {
    let selected = select(&view.sweep.applications, query);
    selected.into_iter().map(|one| PlainRow::of(line(view, one))).collect()
}

fn select<'a>(all: &'a [Application], query: &ApplicationsQuery) -> Vec<&'a Application> {
    let text = query.q.trim().to_lowercase();
    let holds = |one: &&Application| {
        holds_ignoring_case(&one.image, &text)
            || one.services.iter().any(|service| holds_ignoring_case(service, &text))
    };
    let mut selected: Vec<&Application> = all.iter().filter(holds).collect();
    sort(&mut selected, query.sort, query.order);
    selected
}

fn sort(all: &mut [&Application], by: ApplicationSort, order: Order) {
    if by == ApplicationSort::Image {
        let name = |one: &Application| one.image.to_lowercase();
        all.sort_by_cached_key(|one| (ordering::key(Some(name(one)), order), one.image.clone()));
        return;
    }
    let signed = |number: u64| Some(i64::try_from(number).unwrap_or(i64::MAX));
    let number = |one: &Application| match by {
        ApplicationSort::Hosts => signed(one.hosts.into()),
        ApplicationSort::Processes => signed(one.processes),
        ApplicationSort::Handles => signed(one.handles),
        ApplicationSort::Threads => signed(one.threads),
        ApplicationSort::Growth => one.growth(Window::Day),
        ApplicationSort::Most | ApplicationSort::Image => signed(one.most_handles.into()),
    };
    all.sort_by_cached_key(|one| (ordering::key(number(one), order), one.image.clone()));
}

/// One program. The names of the fields are the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize)]
struct PlainRow {
    image: String,
    hosts: u64,
    processes: u64,
    handles: u64,
    change_24h_handles: Option<i64>,
    threads: u64,
    most_handles: u64,
    most_handles_host: Option<String>,
    services: String,
    open_incident: Option<i64>,
}

impl PlainRow {
    fn of(line: ApplicationLine) -> Self {
        let (most_handles, most_on) = line.most;
        Self {
            image: line.image,
            hosts: line.hosts,
            processes: line.processes,
            handles: line.handles,
            change_24h_handles: line.growth,
            threads: line.threads,
            most_handles,
            most_handles_host: most_on.map(|host| host.name),
            services: line.services.join(" "),
            open_incident: line.incident.map(|incident| incident.id.0),
        }
    }
}

impl Row for PlainRow {
    fn for_spreadsheets(&self) -> Self {
        Self {
            image: inert(&self.image),
            most_handles_host: self.most_handles_host.as_deref().map(inert),
            services: inert(&self.services),
            ..self.clone()
        }
    }
}
