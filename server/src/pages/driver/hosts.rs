//! The hosts that have a driver loaded, in the order that is asked for.

use std::{cmp::Reverse, sync::Arc};

use poolwatch_model::HostId;
use poolwatch_web::{
    driver::{DriverHostRow, DriverHostSort, DriverQuery},
    hosts::IncidentMark,
    words,
};
use serde::Serialize;

use crate::{
    app::SharedApp,
    failure::Failure,
    fleet::view::{FleetView, HostSummary},
    pages::{
        drivers::lines,
        export::{Row, inert},
        ordering, rows,
    },
};

/// A host that has the driver loaded.
#[derive(Debug)]
pub(super) struct DriverHost {
    summary: Arc<HostSummary>,
    version: Option<String>,
    incident: Option<IncidentMark>,
}

/// The hosts that have a driver loaded. There may be all of the fleet, so it runs beside the
/// requests' threads.
pub(super) async fn select(
    app: SharedApp,
    view: Arc<FleetView>,
    name: &str,
    query: &DriverQuery,
) -> Result<Vec<DriverHost>, Failure> {
    let (name, query) = (name.to_owned(), query.clone());
    let work = move || {
        let drivers = app.fleet.drivers();
        let suspected = lines::suspected(&view).remove(&name.to_lowercase());
        let mark = |host: &HostId| {
            suspected
                .as_ref()
                .filter(|known| known.hosts.contains(host))
                .map(|known| known.incident)
        };
        let mut hosts = Vec::new();
        for (driver, ids) in drivers.versions(&name) {
            let is_wanted =
                query.version.is_empty() || driver.version.as_ref() == Some(&query.version);
            for id in ids.iter().filter(|_| is_wanted) {
                if let Some(summary) = view.host(*id) {
                    hosts.push(DriverHost {
                        summary: summary.clone(),
                        version: driver.version.clone(),
                        incident: mark(id),
                    });
                }
            }
        }
        sort(&mut hosts, &query);
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(Failure::internal)
}

fn sort(hosts: &mut [DriverHost], query: &DriverQuery) {
    let order = query.order;
    let name = |host: &DriverHost| (host.summary.host.name.to_lowercase(), host.summary.host.id);
    match query.sort {
        DriverHostSort::Host => {
            hosts.sort_by_cached_key(|host| ordering::key(Some(name(host)), order));
        }
        DriverHostSort::Group => hosts.sort_by_cached_key(|host| {
            (ordering::key(words::group(&host.summary.host.facts), order), name(host))
        }),
        DriverHostSort::Version => hosts
            .sort_by_cached_key(|host| (ordering::key(host.version.clone(), order), name(host))),
        DriverHostSort::Affected => hosts.sort_by_cached_key(|host| {
            let latest = host.incident.map(|incident| Reverse(incident.id.0));
            (ordering::key(Some(latest.is_some()), order), latest, name(host))
        }),
    }
}

impl DriverHost {
    /// The host as the page shows it.
    pub(super) fn row(&self) -> DriverHostRow {
        DriverHostRow {
            host: rows::link(&self.summary),
            group: words::group(&self.summary.host.facts),
            version: self.version.clone(),
            incident: self.incident,
        }
    }

    /// The host as a file tells it.
    pub(super) fn plain(&self, driver: &str) -> PlainRow {
        PlainRow {
            id: self.summary.host.id,
            host: self.summary.host.name.clone(),
            group: words::group(&self.summary.host.facts),
            driver: driver.to_owned(),
            version: self.version.clone(),
            open_incident: self.incident.map(|incident| incident.id.0),
        }
    }
}

/// One host. The names of the fields are the columns of the CSV file.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct PlainRow {
    id: HostId,
    host: String,
    group: Option<String>,
    driver: String,
    version: Option<String>,
    open_incident: Option<i64>,
}

impl Row for PlainRow {
    fn for_spreadsheets(&self) -> Self {
        Self {
            host: inert(&self.host),
            group: self.group.as_deref().map(inert),
            driver: inert(&self.driver),
            version: self.version.as_deref().map(inert),
            ..self.clone()
        }
    }
}
