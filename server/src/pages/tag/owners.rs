//! Which drivers may own a tag, and which leaks of it are publicly known.

use std::collections::{BTreeSet, HashMap};

use poolwatch_analysis::catalogue::{self, LeakKind};
use poolwatch_model::{HostId, PoolTag, diagnosis::SuspectKind};
use poolwatch_store::driver_scans::Holder;
use poolwatch_web::{
    figures,
    tag::{LeakRow, OwnerRow},
    words,
};

use crate::{
    app::App,
    fleet::{drivers::Drivers, visible::VisibleFleet},
};

/// Versions of a driver whose code is told of.
const VERSIONS: usize = 3;

/// Drivers that may own a tag: suspects of open incidents first, then whom catalogues name, then those
/// whose code holds it.
pub(super) fn of(
    app: &App,
    visible: &VisibleFleet,
    tag: PoolTag,
    holders: &[Holder],
) -> Vec<OwnerRow> {
    let VisibleFleet { view, drivers, .. } = visible;
    let mut owners: Vec<OwnerRow> = Vec::new();
    let mut add = |name: &str, because: String| {
        let known = owners.iter_mut().find(|one| one.name.eq_ignore_ascii_case(name));
        match known {
            Some(known) => known.because.push(because),
            None => owners.push(OwnerRow {
                name: name.to_owned(),
                because: vec![because],
                hosts: loaded_on(drivers, name),
                versions: drivers.versions(name).len() as u64,
            }),
        }
    };
    for incident in view.incidents.iter().filter(|one| one.state.is_active()) {
        for suspect in &incident.diagnosis.suspects {
            if suspect.kind == SuspectKind::Driver
                && suspect.tags.contains(&tag)
                && let Some(name) = &suspect.name
            {
                let sure = figures::percent_text(f64::from(suspect.confidence));
                add(name, format!("suspect of incident {}, {sure} sure", incident.id.0));
            }
        }
    }
    let catalogue = app.tag_names.catalogue();
    let described = catalogue.describe(tag);
    for name in catalogue.owner_candidates(tag).iter().filter(|name| is_file(name)) {
        let source = described.as_ref().map(|told| words::tag_source(told.source));
        add(name, source.unwrap_or_default().to_owned());
    }
    for leak in catalogue::known_leaks(tag).filter(|leak| leak.kind == LeakKind::Driver) {
        add(leak.name, "publicly known to leak it".to_owned());
    }
    let mut told: HashMap<&str, usize> = HashMap::new();
    for holder in holders {
        let versions = told.entry(&holder.name).or_default();
        *versions += 1;
        if *versions <= VERSIONS {
            let version = holder.version.as_deref().unwrap_or("of no version");
            add(&holder.name, format!("{version} {}", words::found_in_code(&holder.found)));
        }
    }
    owners
}

/// Leaks of a tag that are publicly known, those seen in this fleet first.
pub(super) fn leaks(visible: &VisibleFleet, tag: PoolTag) -> Vec<LeakRow> {
    let VisibleFleet { view, drivers, .. } = visible;
    let seen = |leak: &catalogue::KnownLeak| match leak.kind {
        LeakKind::Driver => loaded_on(drivers, leak.name),
        LeakKind::Program => {
            // Some names go on: `svchost.exe with service …`.
            let image = leak.name.split([' ', ',']).next().unwrap_or(leak.name);
            view.application(image).map_or(0, |running| running.hosts.into())
        }
    };
    let mut leaks: Vec<LeakRow> =
        catalogue::known_leaks(tag).map(|leak| LeakRow { leak, seen_on: seen(leak) }).collect();
    leaks.sort_by_key(|row| row.seen_on == 0);
    leaks
}

/// Hosts that have any version of a driver loaded.
fn loaded_on(drivers: &Drivers, name: &str) -> u64 {
    let hosts: BTreeSet<HostId> =
        drivers.versions(name).iter().flat_map(|(_, hosts)| hosts.iter().copied()).collect();
    hosts.len() as u64
}

fn is_file(owner: &str) -> bool {
    owner.to_lowercase().ends_with(".sys")
}
