//! Programs over all hosts (`GET /applications`), and the same as files.

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_web::{
    applications::{
        APPLICATIONS, ApplicationLine, ApplicationsFilter, ApplicationsPage, ApplicationsQuery,
    },
    list::ListView,
    mark::IncidentMark,
};

use super::{
    address,
    lists::{self, Parameters},
    live, rows, shell,
    text_match::holds_ignoring_case,
    views,
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::{applications::Application, baselines::Window, view::FleetView, visible::VisibleFleet},
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
    let query = lists::read(&APPLICATIONS, "/applications", &parameters)?;
    let view = visible.view;
    let all = &view.sweep.applications;
    let found = select(&view, &query);
    let page = ApplicationsPage {
        shell: shell(&app, &person, address(&uri)),
        most: all.iter().max_by_key(|one| one.most_handles).map(|one| line(&view, one)),
        list: ListView {
            all: all.len() as u64,
            views: views::of_list(&app, &person, &headers, "/applications").await?,
            ..lists::page(query, &found, |one| line(&view, one))
        },
    };
    live(&page, &headers)
}

/// All programs of a query.
pub(super) async fn file(
    visible: VisibleFleet,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query = lists::read(&APPLICATIONS, "/applications", &parameters)?;
    let view = visible.view;
    let found = select(&view, &query);
    lists::file(&APPLICATIONS, &found, |one| line(&view, one), &uri)
}

/// The programs that a text is about, those with most handles in one process first.
pub(super) fn matching(view: &FleetView, text: &str) -> Vec<ApplicationLine> {
    let filter = ApplicationsFilter { q: text.to_owned() };
    let query = ApplicationsQuery::new(&APPLICATIONS, "/applications", filter);
    select(view, &query).into_iter().map(|one| line(view, one)).collect()
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
        incident: suspected.map(IncidentMark::from),
    }
}

fn select<'a>(view: &'a FleetView, query: &ApplicationsQuery) -> Vec<&'a Application> {
    let text = query.filter.q.trim().to_lowercase();
    let holds = |one: &&Application| {
        holds_ignoring_case(&one.image, &text)
            || one.services.iter().any(|service| holds_ignoring_case(service, &text))
    };
    let mut found: Vec<&Application> = view.sweep.applications.iter().filter(holds).collect();
    query.sort(&mut found, |one| line(view, one));
    found
}
