//! Where the data of hosts come from.

use poolwatch_web::hosts::HostSource;

use crate::fleet::view::HostSummary;

/// Where a host's data come from.
#[must_use]
pub fn source(summary: &HostSummary) -> HostSource {
    if summary.host.instance_id.is_some() { HostSource::Agent } else { HostSource::Imported }
}
