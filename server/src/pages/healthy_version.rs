//! What healthy hosts run of a driver that is suspected.

use poolwatch_model::{
    HostId,
    diagnosis::{Diagnosis, SuspectKind},
};
use poolwatch_web::words::{self, HealthyVersion};

use crate::fleet::visible::VisibleFleet;

/// The version of the suspected driver that most hosts without an incident run, and none of the
/// affected ones.
pub(super) fn find_healthy_version(
    visible: &VisibleFleet,
    diagnosis: &Diagnosis,
    affected: &[HostId],
) -> Option<HealthyVersion> {
    let suspect = words::leading_suspect(diagnosis)?;
    let name = suspect.name.as_ref().filter(|_| suspect.kind == SuspectKind::Driver)?;
    let is_healthy = |host: &&HostId| {
        visible.view.host(**host).is_some_and(|summary| summary.incident.is_none())
    };
    let is_affected = |host: &HostId| affected.binary_search(host).is_ok();
    let others = visible.drivers.versions(name).iter().filter_map(|(driver, hosts)| {
        let version = driver.version.clone().filter(|one| Some(one) != suspect.version.as_ref())?;
        let healthy = hosts.iter().filter(is_healthy).count() as u64;
        let is_clean = healthy > 0 && !hosts.iter().any(is_affected);
        is_clean.then(|| HealthyVersion { driver: name.clone(), version, hosts: healthy })
    });
    others.max_by_key(|one| one.hosts)
}
