//! From the kernel's buffers to a snapshot: one file per collector.
//!
//! A collector that fails becomes a fault of the snapshot; the others go on.

mod activity;
mod handle_types;
mod memory_conditions;
mod modules;
mod object_types;
mod own_cost;
mod performance;
mod pool_tags;
mod processes;
mod server_service;
mod services;

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use poolwatch_model::{
    Snapshot,
    inventory::Inventory,
    memory::Memory,
    snapshot::{Collector, CollectorFault},
};
use tracing::{info, warn};

use crate::{
    clock::Clock,
    machine::{Machine, Status},
    raw::RawError,
};
use activity::OperationCounts;
use handle_types::HandleTypes;
pub use memory_conditions::memory_conditions;
use own_cost::CostMeter;
use services::ServiceNames;

/// Why a collector gave nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// The kernel refused.
    #[error(transparent)]
    Status(#[from] Status),
    /// The kernel's answer was refused.
    #[error(transparent)]
    Raw(#[from] RawError),
}

impl CollectError {
    /// The status by which the fault is reported.
    #[must_use]
    pub fn status(self) -> Status {
        match self {
            Self::Status(status) => status,
            Self::Raw(_) => Status::DATA_ERROR,
        }
    }
}

/// The collectors of a snapshot in their order, and the names by which settings choose them.
const COLLECTORS: [(Collector, &str); 8] = [
    (Collector::MemoryConditions, "memory_conditions"),
    (Collector::Performance, "performance"),
    (Collector::PoolTags, "pool_tags"),
    (Collector::Processes, "processes"),
    (Collector::Services, "services"),
    (Collector::ServerService, "server_service"),
    (Collector::ObjectTypes, "object_types"),
    (Collector::Handles, "handles"),
];

/// Which collectors run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectorSet(Vec<Collector>);

impl CollectorSet {
    /// All of them.
    #[must_use]
    pub fn all() -> Self {
        Self(COLLECTORS.iter().map(|(collector, _)| *collector).collect())
    }

    /// Whether a collector runs.
    #[must_use]
    pub fn contains(&self, collector: Collector) -> bool {
        self.0.contains(&collector)
    }

    /// The names that a set may hold.
    pub fn names() -> impl Iterator<Item = &'static str> {
        COLLECTORS.iter().map(|(_, name)| *name)
    }
}

/// A text that is no set of collectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no collector")]
pub struct UnknownCollector(String);

impl FromStr for CollectorSet {
    type Err = UnknownCollector;

    /// Names separated by commas, in any order.
    fn from_str(text: &str) -> Result<Self, UnknownCollector> {
        let mut chosen = Vec::new();
        for name in text.split(',').map(str::trim) {
            let known = COLLECTORS.iter().find(|(_, known)| known.eq_ignore_ascii_case(name));
            let (collector, _) = known.ok_or_else(|| UnknownCollector(name.to_owned()))?;
            if !chosen.contains(collector) {
                chosen.push(*collector);
            }
        }
        Ok(Self(chosen))
    }
}

impl fmt::Display for CollectorSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = COLLECTORS.iter().filter(|(collector, _)| self.0.contains(collector));
        let names: Vec<&str> = chosen.map(|(_, name)| *name).collect();
        f.write_str(&names.join(","))
    }
}

/// Takes snapshots, and measures what that costs.
pub struct Sampler {
    collectors: CollectorSet,
    meter: CostMeter,
    services: ServiceNames,
    operations: OperationCounts,
    handle_types: HandleTypes,
    /// Handles of the host beyond which not all of them are listed.
    list_handles_most: u64,
    /// Whether the kernel says that memory fails now.
    is_short: bool,
    failing: BTreeMap<Collector, Status>,
}

impl Sampler {
    /// A sampler that runs these collectors. Where the kernel does not tell the handles of one process,
    /// all are listed, but not on a host that has more of them than `list_handles_most`.
    #[must_use]
    pub fn new(collectors: CollectorSet, list_handles_most: u32) -> Self {
        Self {
            collectors,
            list_handles_most: list_handles_most.into(),
            operations: OperationCounts::default(),
            handle_types: HandleTypes::default(),
            meter: CostMeter::default(),
            services: ServiceNames::default(),
            is_short: false,
            failing: BTreeMap::new(),
        }
    }

    /// Takes a snapshot. `spool_bytes` is what waits on the disk.
    pub fn snapshot(
        &mut self,
        machine: &mut dyn Machine,
        clock: &dyn Clock,
        spool_bytes: u64,
    ) -> Snapshot {
        let cost = self.meter.begin_cycle(machine.own_use(), clock.monotonic(), spool_bytes);
        machine.begin_round();
        let mut snapshot = Snapshot { cost, ..Snapshot::default() };
        for (collector, _) in COLLECTORS {
            if self.collectors.contains(collector) {
                let result = self.collect(collector, machine, &mut snapshot);
                self.note(&mut snapshot, collector, result);
            }
        }
        complete_holdings(&mut snapshot, std::process::id());
        snapshot
    }

    fn collect(
        &mut self,
        collector: Collector,
        machine: &mut dyn Machine,
        snapshot: &mut Snapshot,
    ) -> Result<(), CollectError> {
        match collector {
            Collector::MemoryConditions => {
                self.is_short = memory_conditions(machine)?.are_failing();
                Ok(())
            }
            Collector::Performance => performance::collect(machine, snapshot),
            Collector::PoolTags => pool_tags::collect(machine, snapshot),
            Collector::Processes => processes::collect(machine, snapshot, &mut self.operations),
            Collector::Services => self.services.collect(machine, snapshot, self.is_short),
            Collector::ServerService => server_service::collect(machine, snapshot),
            Collector::ObjectTypes => object_types::collect(machine, snapshot),
            Collector::Handles => {
                let Self { handle_types, is_short, list_handles_most, .. } = self;
                handle_types.collect(machine, snapshot, *is_short, *list_handles_most)
            }
            _ => Err(Status::NOT_FOUND.into()),
        }
    }

    /// Whether the kernel said at the latest snapshot that memory fails.
    #[must_use]
    pub const fn is_short(&self) -> bool {
        self.is_short
    }

    /// Adds how a collector fared to a snapshot.
    pub fn note(
        &mut self,
        snapshot: &mut Snapshot,
        collector: Collector,
        result: Result<(), CollectError>,
    ) {
        if let Err(error) = result {
            let status = error.status().number();
            snapshot.faults.push(CollectorFault { collector, status });
        }
        self.report(collector, result);
    }

    /// Says that the snapshot is stored: its cost is known now, and told by the next one.
    pub fn end_cycle(&mut self, monotonic: Duration) {
        self.meter.end_cycle(monotonic);
    }

    /// Logs a collector's fault when it begins, changes and ends, not every time.
    fn report(&mut self, collector: Collector, result: Result<(), CollectError>) {
        match result {
            Ok(()) => {
                if self.failing.remove(&collector).is_some() {
                    info!(%collector, "Collector works again");
                }
            }
            Err(error) => {
                if self.failing.insert(collector, error.status()) != Some(error.status()) {
                    warn!(%collector, %error, "Collector gives nothing");
                }
            }
        }
    }
}

/// Adds the agent's threads, which only the list of processes tells. `own` is its process id.
fn complete_holdings(snapshot: &mut Snapshot, own: u32) {
    let mut processes = snapshot.processes.iter().flatten();
    let own = processes.find(|process| process.key.pid == own);
    let held = snapshot.cost.as_mut().and_then(|cost| cost.held.as_mut());
    if let (Some(own), Some(held)) = (own, held) {
        held.threads = own.threads;
    }
}

/// The system-wide figures alone, as a snapshot has them.
///
/// # Errors
/// When the kernel refuses its figures or the answer makes no sense.
pub fn memory(machine: &mut dyn Machine) -> Result<Memory, CollectError> {
    let mut snapshot = Snapshot::default();
    performance::collect(machine, &mut snapshot)?;
    Ok(snapshot.memory)
}

/// What is installed on the machine, as far as the kernel tells: drivers by name and path.
///
/// # Errors
/// When the kernel refuses its list of drivers or the answer makes no sense.
pub fn inventory(machine: &mut dyn Machine) -> Result<Inventory, CollectError> {
    Ok(Inventory { drivers: modules::collect(machine)?, ..Inventory::default() })
}

#[cfg(test)]
mod tests;
