//! The hosts that have a driver loaded, in the order that is asked for.

use std::sync::Arc;

use poolwatch_model::HostId;
use poolwatch_web::{
    driver::{DriverHostRow, DriverHostsQuery},
    mark::IncidentMark,
    words,
};

use crate::{
    app_error::AppError,
    fleet::{view::HostSummary, visible::VisibleFleet},
    pages::{drivers::lines, rows},
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
    visible: VisibleFleet,
    name: &str,
    query: &DriverHostsQuery,
) -> Result<Vec<DriverHost>, AppError> {
    let (name, query) = (name.to_owned(), query.clone());
    let work = move || {
        let VisibleFleet { view, drivers, .. } = &visible;
        let suspected = lines::suspected(view).remove(&name.to_lowercase());
        let mark = |host: &HostId| {
            suspected
                .as_ref()
                .filter(|known| known.hosts.contains(host))
                .map(|known| known.incident)
        };
        let mut hosts = Vec::new();
        for (driver, ids) in drivers.versions(&name) {
            let wanted = &query.filter.version;
            let is_wanted = wanted.is_empty() || driver.version.as_ref() == Some(wanted);
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
        query.sort(&mut hosts, |host| host.row(&name));
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

impl DriverHost {
    /// The host as a row.
    pub(super) fn row(&self, driver: &str) -> DriverHostRow {
        DriverHostRow {
            host: rows::link(&self.summary),
            full_name: self.summary.host.name.clone(),
            driver: driver.to_owned(),
            group: words::group(&self.summary.host.facts),
            version: self.version.clone(),
            incident: self.incident,
        }
    }
}
