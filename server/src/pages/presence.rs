//! Who is heard: one definition for pages and metrics.

use jiff::Timestamp;
use poolwatch_web::hosts::{HostSource, Presence};

use crate::{
    fleet::view::{FleetView, HostSummary},
    metrics,
};

/// Where a host's data come from.
#[must_use]
pub fn source(summary: &HostSummary) -> HostSource {
    if summary.host.instance_id.is_some() { HostSource::Agent } else { HostSource::Imported }
}

/// Whether a host is heard.
#[must_use]
pub fn of(summary: &HostSummary, now: Timestamp) -> Presence {
    Presence::of(source(summary), summary.received, now)
}

/// Hosts that report and hosts that fell silent.
#[must_use]
pub fn totals(view: &FleetView, now: Timestamp) -> (u64, u64) {
    view.hosts.iter().fold((0, 0), |(reporting, silent), host| match of(host, now) {
        Presence::Reporting => (reporting + 1, silent),
        Presence::Silent => (reporting, silent + 1),
        Presence::Imported | Presence::Waiting => (reporting, silent),
    })
}

/// Tells the metrics.
pub fn count(view: &FleetView, now: Timestamp) {
    let (reporting, silent) = totals(view, now);
    metrics::hosts(reporting, silent);
}
