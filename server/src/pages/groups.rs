//! Hosts by their group.

use std::sync::Arc;

use poolwatch_model::HostId;
use poolwatch_web::words;

use crate::fleet::view::{FleetView, HostSummary};

/// The hosts of a group, by id; `None` for all.
pub(super) fn hosts_of_group(view: &FleetView, group: &str) -> Option<Vec<HostId>> {
    (!group.is_empty())
        .then(|| hosts_in_group(view, group).iter().map(|host| host.host.id).collect())
}

/// What is known of the hosts of a group; of all without one.
pub(super) fn hosts_in_group<'a>(view: &'a FleetView, group: &str) -> Vec<&'a Arc<HostSummary>> {
    let is_in = |host: &HostSummary| words::group(&host.host.facts).as_deref() == Some(group);
    view.hosts.iter().filter(|host| group.is_empty() || is_in(host)).collect()
}
