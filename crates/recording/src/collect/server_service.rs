//! What the Server service could not allocate: what events 2019 and 2020 tell of, as counts.

use poolwatch_model::{Snapshot, process::ProcessUse};

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::server_service,
};

/// The Server service, as the service control manager knows it.
const SERVICE: &str = "LanmanServer";

/// Asks only where the service runs: its performance library fills the Application log otherwise.
pub(super) fn collect(
    machine: &mut dyn Machine,
    snapshot: &mut Snapshot,
) -> Result<(), CollectError> {
    let runs_it =
        |one: &ProcessUse| one.services.iter().any(|name| name.eq_ignore_ascii_case(SERVICE));
    if !snapshot.processes.iter().flatten().any(runs_it) {
        return Ok(());
    }
    match machine.query(InfoClass::ServerService) {
        Ok(buffer) => snapshot.pool_failures = Some(server_service::parse(buffer)?),
        // Performance counters can be taken away.
        Err(status) if status.is_not_available() => {}
        Err(status) => return Err(status.into()),
    }
    Ok(())
}
