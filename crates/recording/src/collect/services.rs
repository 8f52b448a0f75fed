//! Names of the services in each process.

use std::collections::BTreeSet;

use poolwatch_model::{Snapshot, process::ProcessKey};

use super::CollectError;
use crate::{
    machine::{InfoClass, Machine},
    raw::services::{self, ServicesByProcess},
};

/// Snapshots after which the names are asked for again though no process came up: a service may
/// start in a process that is there already.
const ASK_EVERY: u32 = 10;

/// What is known of services. They are not asked for at every snapshot: that is a call to another
/// process, the service control manager.
#[derive(Debug, Default)]
pub(super) struct ServiceNames {
    known: ServicesByProcess,
    /// The processes that were there when the names were asked for: an id is used again.
    asked_of: BTreeSet<ProcessKey>,
    snapshots_since: u32,
}

impl ServiceNames {
    /// Names the services in the snapshot's processes. On a host that is short of resources with
    /// what is known.
    pub(super) fn collect(
        &mut self,
        machine: &mut dyn Machine,
        snapshot: &mut Snapshot,
        is_short: bool,
    ) -> Result<(), CollectError> {
        let Some(processes) = &mut snapshot.processes else {
            return Ok(());
        };
        self.snapshots_since += 1;
        let due = self.snapshots_since >= ASK_EVERY
            || processes.iter().any(|process| !self.asked_of.contains(&process.key));
        let asked = if due && !is_short { self.ask(machine) } else { Ok(false) };
        if matches!(asked, Ok(true)) {
            self.asked_of = processes.iter().map(|process| process.key).collect();
            self.snapshots_since = 0;
        }
        for process in processes.iter_mut().filter(|each| self.asked_of.contains(&each.key)) {
            if let Some(names) = self.known.get(&process.key.pid) {
                process.services.clone_from(names);
            }
        }
        asked.map(|_| ())
    }

    fn ask(&mut self, machine: &mut dyn Machine) -> Result<bool, CollectError> {
        let buffer = machine.query(InfoClass::Services)?;
        self.known = services::parse(buffer)?;
        Ok(true)
    }
}
