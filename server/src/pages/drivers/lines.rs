//! What is known of each driver over all hosts, and which of them a query means.

use std::collections::{BTreeSet, HashMap};

use poolwatch_analysis::catalogue;
use poolwatch_model::{HostId, PoolTag, comparison::ChangeKind, diagnosis::SuspectKind};
use poolwatch_store::inventories::FleetChange;
use poolwatch_web::{
    drivers::{DriverChangeRow, DriverChoice, DriverLine, DriversQuery},
    mark::IncidentMark,
};

use crate::{
    app_error::AppError,
    fleet::{drivers::VersionLine, view::FleetView, visible::VisibleFleet},
    pages::text_match::holds_ignoring_case,
};

/// What open incidents say of one driver.
#[derive(Debug, Clone)]
pub(in crate::pages) struct Suspected {
    /// The worst of them.
    pub(in crate::pages) incident: IncidentMark,
    /// Their hosts.
    pub(in crate::pages) hosts: BTreeSet<HostId>,
    /// The tags by which they suspect it.
    pub(in crate::pages) tags: BTreeSet<PoolTag>,
}

/// Every driver of the fleet, by name. Runs beside the requests' threads.
pub(in crate::pages) async fn all(visible: VisibleFleet) -> Result<Vec<DriverLine>, AppError> {
    let work = move || {
        let VisibleFleet { view, drivers, driver_changes, .. } = &visible;
        let suspected = suspected(view);
        let mut changes: HashMap<&str, Vec<DriverChangeRow>> = HashMap::new();
        for change in driver_changes.iter() {
            changes.entry(&change.change.name).or_default().push(changed(change));
        }
        let names = drivers.lines().chunk_by(|(one, _), (other, _)| one.name == other.name);
        names
            .map(|versions| {
                let name = versions[0].0.name.as_str();
                let changes = changes.remove(name).unwrap_or_default();
                line(versions, drivers.hosts, suspected.get(name), changes)
            })
            .collect()
    };
    tokio::task::spawn_blocking(work).await.map_err(AppError::internal)
}

/// The drivers of a query, in its order.
pub(in crate::pages) fn select(all: Vec<DriverLine>, query: &DriversQuery) -> Vec<DriverLine> {
    let text = query.filter.q.trim().to_lowercase();
    let is_shown = |line: &DriverLine| match query.filter.show {
        DriverChoice::All => true,
        DriverChoice::Suspected => line.affected > 0,
        DriverChoice::Changed => !line.changes.is_empty(),
    };
    let mut selected: Vec<DriverLine> =
        all.into_iter().filter(|line| is_shown(line) && holds(line, &text)).collect();
    query.sort_rows(&mut selected);
    selected
}

/// What open incidents say of drivers, by file name in small letters.
pub(in crate::pages) fn suspected(view: &FleetView) -> HashMap<String, Suspected> {
    let mut found: HashMap<String, Suspected> = HashMap::new();
    for incident in view.incidents.iter().filter(|one| one.state.is_active()) {
        let mark = IncidentMark::from(incident);
        let suspects = incident.diagnosis.suspects.iter();
        for suspect in suspects.filter(|suspect| suspect.kind == SuspectKind::Driver) {
            let Some(name) = &suspect.name else { continue };
            let known = found.entry(name.to_lowercase()).or_insert_with(|| Suspected {
                incident: mark,
                hosts: BTreeSet::new(),
                tags: BTreeSet::new(),
            });
            known.hosts.extend(&incident.hosts);
            known.tags.extend(&suspect.tags);
        }
    }
    found
}

/// The tags that a driver may own, those by which it is suspected first.
pub(in crate::pages) fn tags(name: &str, suspected: Option<&Suspected>) -> Vec<PoolTag> {
    let suspected: Vec<PoolTag> =
        suspected.iter().flat_map(|known| known.tags.iter().copied()).collect();
    let owned = catalogue::owned_by(name).iter().filter_map(|entry| entry.pattern.as_tag());
    let others: Vec<PoolTag> = owned.filter(|tag| !suspected.contains(tag)).collect();
    [suspected, others].concat()
}

/// A change as pages show it.
pub(in crate::pages) fn changed(change: &FleetChange) -> DriverChangeRow {
    DriverChangeRow {
        name: change.change.name.clone(),
        is_new: change.change.kind == ChangeKind::Added,
        before: change.change.before.clone(),
        after: change.change.after.clone(),
        hosts: change.hosts,
        first: change.first,
        last: change.last,
    }
}

fn line(
    versions: &[VersionLine],
    known_hosts: usize,
    suspected: Option<&Suspected>,
    changes: Vec<DriverChangeRow>,
) -> DriverLine {
    // A host that has a file in two versions counts twice; hardly one has.
    let hosts: usize = versions.iter().map(|(_, hosts)| hosts.len()).sum();
    let common = versions.iter().max_by_key(|(_, hosts)| hosts.len());
    let name = &versions[0].0.name;
    DriverLine {
        name: name.clone(),
        company: common.and_then(|(driver, _)| driver.company.clone()),
        hosts: hosts as u64,
        share: hosts as f64 / known_hosts.max(1) as f64,
        versions: versions.len() as u64,
        common: common
            .and_then(|(driver, hosts)| Some((driver.version.clone()?, hosts.len() as u64))),
        affected: suspected.map_or(0, |known| known.hosts.len() as u64),
        incident: suspected.map(|known| known.incident),
        tags: tags(name, suspected),
        changes,
    }
}

fn holds(line: &DriverLine, text: &str) -> bool {
    let version = line.common.as_ref().map(|(version, _)| version.as_str());
    let after = line.changes.iter().filter_map(|change| change.after.as_deref());
    [Some(line.name.as_str()), line.company.as_deref(), version]
        .into_iter()
        .flatten()
        .chain(after)
        .any(|whole| holds_ignoring_case(whole, text))
        || line.tags.iter().any(|tag| holds_ignoring_case(&tag.to_string(), text))
}
