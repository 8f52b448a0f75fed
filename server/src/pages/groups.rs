//! Hosts by their group.

use std::{collections::BTreeSet, sync::Arc};

use poolwatch_model::HostId;
use poolwatch_web::words;

use crate::fleet::{
    view::{FleetView, HostSummary},
    visible::VisibleFleet,
};

/// The hosts of a group that somebody sees, by id; `None` for all of the fleet.
pub(super) fn hosts_of_group(visible: &VisibleFleet, group: &str) -> Option<Vec<HostId>> {
    match group.is_empty() {
        true => visible.hosts().map(<[HostId]>::to_vec),
        false => {
            let hosts = hosts_in_group(&visible.view, group);
            Some(hosts.iter().map(|host| host.host.id).collect())
        }
    }
}

/// What is known of the hosts of a group; of all without one.
pub(super) fn hosts_in_group<'a>(view: &'a FleetView, group: &str) -> Vec<&'a Arc<HostSummary>> {
    view.hosts.iter().filter(|host| is_in_group(view, host, group)).collect()
}

/// Whether a host is in a group, by its place in the directory or by the group's rules. All are in the
/// one without a name.
pub(super) fn is_in_group(view: &FleetView, host: &HostSummary, group: &str) -> bool {
    group.is_empty()
        || words::group(&host.host.facts).as_deref() == Some(group)
        || view.groups.iter().any(|one| one.name == group && host.groups.contains(&one.id))
}

/// The names of all groups, by alphabet: those by rules, and places in the directory.
pub(super) fn group_names(view: &FleetView) -> Vec<String> {
    let by_rules = view.groups.iter().map(|group| group.name.clone());
    let places = view.hosts.iter().filter_map(|host| words::group(&host.host.facts));
    by_rules.chain(places).collect::<BTreeSet<String>>().into_iter().collect()
}
