//! Events of the fleet (`GET /events`), and the same as files (`/events.csv`, `/events.json`).

use axum::{
    Extension,
    extract::State,
    http::{HeaderMap, Uri},
    response::{Html, Response},
};
use poolwatch_model::HostId;
use poolwatch_store::events::{self, EventFilter, HostEvent};
use poolwatch_web::{
    events::{EVENTS, EventsFilter, EventsPage, EventsQuery},
    list::{ListView, PER_PAGE},
};

use super::{
    address,
    lists::{self, Parameters},
    live, rows, shell, views,
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::{view::FleetView, visible::VisibleFleet},
};

/// Events per page.
const ROWS: i64 = PER_PAGE as i64;

/// Pages beyond this are not worth the database's work.
const MOST_PAGES: u32 = 10_000;

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    parameters: Parameters,
    headers: HeaderMap,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let query = lists::read(&EVENTS, "/events", &parameters)?;
    let view = visible.view.clone();
    let (total, found) = match filter(&visible, &query.filter) {
        Some(filter) => load(&app, &filter, query.page()).await?,
        None => (0, Vec::new()),
    };
    let rows = found.into_iter().map(|event| rows::event(&view, event)).collect();
    let page = EventsPage {
        shell: shell(&app, &person, address(&uri)),
        list: ListView {
            views: views::of_list(&app, &person, &headers, "/events").await?,
            ..ListView::new(query, rows, total)
        },
    };
    live(&page, &headers)
}

/// Events of a file at most, the latest.
const FILE_ROWS: i64 = 50_000;

/// The same as files.
pub(super) async fn file(
    State(app): State<SharedApp>,
    visible: VisibleFleet,
    parameters: Parameters,
    uri: Uri,
) -> Result<Response, AppError> {
    let query: EventsQuery = lists::read(&EVENTS, "/events", &parameters)?;
    let found = match filter(&visible, &query.filter) {
        Some(filter) => {
            let mut db = app.pool.acquire().await?;
            events::list(&mut db, &filter, FILE_ROWS, 0).await?
        }
        None => Vec::new(),
    };
    lists::file(&EVENTS, &found, |event| rows::event(&visible.view, event.clone()), &uri)
}

async fn load(
    app: &SharedApp,
    filter: &EventFilter,
    page: u32,
) -> Result<(u64, Vec<HostEvent>), AppError> {
    let mut db = app.pool.acquire().await?;
    let total = events::count_matching(&mut db, filter).await?;
    let offset = i64::from(page.clamp(1, MOST_PAGES) - 1) * ROWS;
    let found = events::list(&mut db, filter, ROWS, offset).await?;
    Ok((total.unsigned_abs(), found))
}

/// The filter of a query; `None` when nothing can match.
fn filter(visible: &VisibleFleet, asked: &EventsFilter) -> Option<EventFilter> {
    let (id, host) = (asked.id.trim(), asked.host.trim());
    let event_id = match id {
        "" => None,
        id => Some(id.parse().ok()?),
    };
    let among = match host.is_empty() {
        true => visible.hosts().map(<[HostId]>::to_vec),
        false => Some(hosts_named(&visible.view, host)),
    };
    if among.as_ref().is_some_and(Vec::is_empty) {
        return None;
    }
    Some(EventFilter { among, event_id, ..EventFilter::default() })
}

/// The hosts of exactly this name, else those that hold it in their name.
fn hosts_named(view: &FleetView, name: &str) -> Vec<HostId> {
    let wanted = name.to_lowercase();
    let with = |matches: &dyn Fn(&str) -> bool| -> Vec<HostId> {
        view.hosts
            .iter()
            .filter(|host| {
                matches(&host.host.name.to_lowercase())
                    || matches(&rows::short_name(host).to_lowercase())
            })
            .map(|host| host.host.id)
            .collect()
    };
    let exact = with(&|name| name == wanted);
    if exact.is_empty() { with(&|name| name.contains(&wanted)) } else { exact }
}
