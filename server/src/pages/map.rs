//! Pool pressure of every host in one picture (`GET /map`, `/map.json`).

use std::sync::Arc;

use axum::{Extension, extract::State, http::Uri, response::Html};
use poolwatch_model::HostId;
use poolwatch_web::{
    Page,
    map::{MapCells, MapPage, MapQuery, NAMED, pressure_place},
    words,
};

use super::{
    address,
    groups::{group_names, hosts_in_group},
    rows, shell,
};
use crate::{
    access::people::Person,
    app::SharedApp,
    app_error::AppError,
    fleet::{view::HostSummary, visible::VisibleFleet},
    parameters::{Json, Query},
};

/// The page.
pub(super) async fn page(
    State(app): State<SharedApp>,
    Extension(person): Extension<Person>,
    visible: VisibleFleet,
    Query(query): Query<MapQuery>,
    uri: Uri,
) -> Result<Html<String>, AppError> {
    let shell = shell(&app, &person, address(&uri));
    let view = visible.view.clone();
    let mut hosts = [0; 4];
    for host in hosts_in_group(&view, &query.group) {
        hosts[pressure_place(&rows::level(host, query.shown()))] += 1;
    }
    let page = MapPage { shell, groups: group_names(&view), hosts, query };
    Ok(Html(page.render()?))
}

/// Its cells. Looks at every host, so it runs beside the requests' threads.
pub(super) async fn cells(
    visible: VisibleFleet,
    Query(query): Query<MapQuery>,
) -> Result<Json<MapCells>, AppError> {
    let work = move || {
        let group = |host: &HostSummary| words::group(&host.host.facts).unwrap_or_default();
        let mut hosts: Vec<(String, &Arc<HostSummary>)> =
            hosts_in_group(&visible.view, &query.group)
                .into_iter()
                .map(|host| (group(host), host))
                .collect();
        hosts.sort_by(|(a, one), (b, other)| (a, one.host.id).cmp(&(b, other.host.id)));
        let mut cells = MapCells::default();
        let mut before = HostId(0);
        for (group, host) in &hosts {
            cells.add(group, host.host.id, before, &rows::level(host, query.shown()));
            before = host.host.id;
        }
        if hosts.len() <= NAMED {
            cells.names = hosts.iter().map(|(_, host)| rows::short_name(host)).collect();
        }
        cells
    };
    Ok(Json(tokio::task::spawn_blocking(work).await.map_err(AppError::internal)?))
}
