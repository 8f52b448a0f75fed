//! Which hosts a query means, and in which order.

use std::sync::Arc;

use jiff::Timestamp;
use poolwatch_model::{HostId, Presence};
use poolwatch_web::{
    hosts::{HOSTS, HostState, HostsFilter, HostsQuery},
    words,
};

use crate::{
    app::{App, SharedApp},
    app_error::AppError,
    fleet::{
        drivers::DriverVersion,
        interner::NameId,
        view::{FleetView, HostSummary},
    },
    pages::{groups::is_in_group, rows, text_match::holds_ignoring_case},
};

/// The hosts of a query, all pages of them, in its order. Looks through every host, so it runs
/// beside the requests' threads.
pub(in crate::pages) async fn select(
    app: SharedApp,
    view: Arc<FleetView>,
    query: &HostsQuery,
    now: Timestamp,
) -> Result<Vec<Arc<HostSummary>>, AppError> {
    let query = query.clone();
    let work = move || {
        let filter = &query.filter;
        let text = filter.q.trim().to_lowercase();
        let marks =
            |text: &str| app.fleet.shared().names.marks(|name| holds_ignoring_case(name, text));
        let images = marks(&text);
        let program = filter.program.trim().to_lowercase();
        let programs = (!program.is_empty()).then(|| marks(&program));
        let with_driver = hosts_with_driver(&app, filter);
        let has_driver = |host: &HostSummary| {
            with_driver.as_ref().is_none_or(|hosts| hosts.binary_search(&host.host.id).is_ok())
        };
        let mut hosts: Vec<Arc<HostSummary>> = view
            .hosts
            .iter()
            .filter(|host| is_chosen(&view, host, filter, now) && has_driver(host))
            .filter(|host| programs.as_ref().is_none_or(|marks| runs(&app, host, marks)))
            .filter(|host| text.is_empty() || holds(&app, host, &text, &images))
            .cloned()
            .collect();
        query.sort(&mut hosts, |host| rows::host(&view, host, now));
        hosts
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

/// The hosts that have the driver of a filter loaded, in its version, by id; `None` where it asks for
/// none.
fn hosts_with_driver(app: &App, filter: &HostsFilter) -> Option<Vec<HostId>> {
    let name = filter.driver.trim().to_lowercase();
    let version = filter.version.trim();
    if name.is_empty() && version.is_empty() {
        return None;
    }
    let is_wanted = |driver: &DriverVersion| {
        let told = driver.version.as_deref().unwrap_or_default();
        holds_ignoring_case(&driver.name, &name) && is_of_version(told, version)
    };
    let drivers = app.fleet.drivers();
    let lines = drivers.lines().iter().filter(|(driver, _)| is_wanted(driver));
    let mut hosts: Vec<HostId> = lines.flat_map(|(_, hosts)| hosts.iter().copied()).collect();
    hosts.sort_unstable();
    hosts.dedup();
    Some(hosts)
}

/// Whether a version is the wanted one, or a part of it: 5.1.0 is of 5.1, and 5.10 is not.
fn is_of_version(version: &str, wanted: &str) -> bool {
    let rest = version.strip_prefix(wanted);
    rest.is_some_and(|rest| wanted.is_empty() || rest.is_empty() || rest.starts_with('.'))
}

/// The hosts that a text is about, in no particular order.
pub(in crate::pages) async fn matching(
    app: SharedApp,
    view: Arc<FleetView>,
    text: String,
) -> Result<Vec<Arc<HostSummary>>, AppError> {
    let query = HostsQuery::new(&HOSTS, "/hosts", HostsFilter { q: text, ..Default::default() });
    select(app, view, &query, Timestamp::UNIX_EPOCH).await
}

/// Whether a host has exactly this name, short or in full.
pub(in crate::pages) fn is_named(host: &HostSummary, name: &str) -> bool {
    let name = name.to_lowercase();
    host.host.name.to_lowercase() == name || rows::short_name(host).to_lowercase() == name
}

/// Whether a host's name holds a text.
pub(in crate::pages) fn name_holds(host: &HostSummary, text: &str) -> bool {
    host.host.name.to_lowercase().contains(&text.to_lowercase())
}

fn is_chosen(view: &FleetView, host: &HostSummary, filter: &HostsFilter, now: Timestamp) -> bool {
    is_in_group(view, host, &filter.group)
        && match filter.state {
            HostState::All => true,
            HostState::Reporting => host.presence(now).reports(),
            HostState::Silent => host.presence(now) == Presence::Silent,
            HostState::Incident => host.incident.is_some(),
            HostState::Imported => host.presence(now) == Presence::Imported,
        }
}

/// Whether name, group, label, Windows or a program of a host holds a text, given in small letters.
fn holds(app: &App, host: &HostSummary, text: &str, images: &[bool]) -> bool {
    let facts = &host.host.facts;
    host.host.name.to_lowercase().contains(text)
        || words::group(facts).is_some_and(|group| group.to_lowercase().contains(text))
        || host.host.labels.iter().any(|label| label.contains(text))
        || facts.os.as_ref().is_some_and(|os| os.to_string().to_lowercase().contains(text))
        || runs(app, host, images)
}

/// Whether a host runs a program whose name is marked.
fn runs(app: &App, host: &HostSummary, images: &[bool]) -> bool {
    let Some(live) = app.fleet.known(host.host.id) else { return false };
    let state = live.read();
    let processes = state.tables().and_then(|tables| tables.processes.as_ref());
    let is_marked = |image: NameId| images.get(image.index()).copied().unwrap_or(false);
    processes.is_some_and(|processes| processes.cells().any(|one| is_marked(one.image)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_asked_for_by_its_whole_numbers() {
        for (version, wanted, is_it) in [
            ("5.1.0", "5.1", true),
            ("5.1", "5.1", true),
            ("5.10", "5.1", false),
            ("15.1", "5.1", false),
            ("", "5.1", false),
            ("5.1", "", true),
        ] {
            assert_eq!(is_of_version(version, wanted), is_it, "{version} {wanted}");
        }
    }
}
