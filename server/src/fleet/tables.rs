//! The latest tables of one host, kept so that a frame costs what it changes.

use poolwatch_model::{
    Snapshot,
    memory::Memory,
    process::ProcessActivity,
    snapshot::{AgentCost, CollectorFault, PoolFailures},
};
use poolwatch_protocol::v1::{
    Envelope, FrameError, Malformed, Parts, Stamp, StampedSnapshot,
    parts::{BaseTables, Part},
};

use super::{
    baselines::WINDOWS,
    handle_types::HostHandleTypes,
    interner::{Brought, HostNames, StringInterner},
    object_types::HostObjectTypes,
    processes::HostProcesses,
    tags::HostTags,
    totals::Totals,
};

/// What all hosts share: names kept once, and the sums by tag.
#[derive(Debug, Default)]
pub struct Shared {
    /// Names of images, services and object types.
    pub names: StringInterner,
    /// What all hosts together use.
    pub totals: Totals,
}

/// The latest tables of one host.
#[derive(Debug)]
pub struct Tables {
    /// When they were taken.
    pub stamp: Stamp,
    /// Pool tags.
    pub tags: Option<HostTags>,
    /// Processes.
    pub processes: Option<HostProcesses>,
    /// Kernel object types.
    pub object_types: Option<HostObjectTypes>,
    /// Handles by type, as they were told last in this boot.
    pub handle_types: HostHandleTypes,
    activity: Box<[ProcessActivity]>,
    /// As they were told last in this boot.
    pool_failures: Option<PoolFailures>,
    cost: Option<AgentCost>,
    faults: Box<[CollectorFault]>,
}

/// A host's tables, or none yet.
#[derive(Debug, Default)]
pub struct HostTables {
    tables: Option<Box<Tables>>,
    brought: Brought,
}

impl HostTables {
    /// The tables, if there are any.
    #[must_use]
    pub fn get(&self) -> Option<&Tables> {
        self.tables.as_deref()
    }

    /// The tables, to set what growth is reckoned from.
    pub fn get_mut(&mut self) -> Option<&mut Tables> {
        self.tables.as_deref_mut()
    }

    /// Whether the host has more tags or names than one host may add to what all share: what is beyond
    /// counts with it alone.
    #[must_use]
    pub fn is_capped(&self) -> bool {
        let tags = self.get().and_then(|tables| tables.tags.as_ref());
        self.brought.is_capped || tags.is_some_and(|tags| tags.uncounted() > 0)
    }

    /// Makes a frame the latest, and tells the fleet what it changes. Returns what the Server service
    /// could not allocate since that was told before, in this boot.
    ///
    /// # Errors
    /// When the frame is malformed, or its base is not at hand: then all stays as it was.
    pub fn apply(
        &mut self,
        envelope: &Envelope<'_>,
        shared: &Shared,
    ) -> Result<Option<PoolFailures>, FrameError> {
        let stamp = envelope.stamp;
        let base = match envelope.base {
            None => None,
            Some(seq) => {
                let is_base =
                    |held: &&Tables| held.stamp.boot == stamp.boot && held.stamp.seq == seq;
                let held = self.get().filter(is_base);
                Some(held.ok_or(FrameError::NeedsKey { seq: stamp.seq, base: seq })?)
            }
        };
        let mut parts = envelope.parts(base)?;
        if let Some(base) = base {
            base.check(&parts, shared)?;
        }
        let mut held = self.tables.take().unwrap_or_else(|| Box::new(Tables::empty(stamp)));
        let mut shifts = Vec::new();
        let ids = shared.totals.ids();
        if held.stamp.boot != stamp.boot
            && let Some(tags) = &mut held.tags
        {
            // What was used before a restart says nothing about growth since.
            (0..WINDOWS).for_each(|window| tags.set_earlier(window, None, &mut shifts));
        }
        match parts.tags.take() {
            None => {
                held.tags.take().into_iter().for_each(|tags| tags.remove(&ids, &mut shifts));
            }
            Some(Part::Full(table)) => match &mut held.tags {
                Some(tags) => tags.replace(&table, &ids, &mut shifts),
                None => held.tags = Some(HostTags::new(&table, &ids, &mut shifts)),
            },
            Some(Part::Changes(delta)) => {
                if let Some(tags) = &mut held.tags {
                    tags.apply(&delta, &ids, &mut shifts);
                }
            }
        }
        let names = &mut HostNames { all: &shared.names, brought: &mut self.brought };
        held.processes = match (parts.processes, held.processes.take()) {
            (None, _) | (Some(Part::Changes(_)), None) => None,
            (Some(Part::Full(rows)), _) => Some(HostProcesses::new(&rows, names)),
            (Some(Part::Changes(delta)), Some(mut rows)) => {
                rows.apply(&delta, names);
                Some(rows)
            }
        };
        held.object_types = match (parts.object_types, held.object_types.take()) {
            (None, _) | (Some(Part::Changes(_)), None) => None,
            (Some(Part::Full(rows)), _) => Some(HostObjectTypes::new(&rows, names)),
            (Some(Part::Changes(delta)), Some(mut rows)) => {
                rows.apply(&delta, names);
                Some(rows)
            }
        };
        if !parts.handles_by_type.is_empty() || held.stamp.boot != stamp.boot {
            held.handle_types = HostHandleTypes::new(&parts.handles_by_type, names);
        }
        let earlier = held.pool_failures.filter(|_| held.stamp.boot == stamp.boot);
        let failed = parts.pool_failures.zip(earlier).and_then(|(now, then)| now.since(then));
        held.pool_failures = parts.pool_failures.or(earlier);
        held.activity = parts.activity.into();
        held.cost = parts.cost;
        held.faults = parts.faults.into();
        held.stamp = stamp;
        self.tables = Some(held);
        shared.totals.shift(&shifts);
        Ok(failed)
    }

    /// Makes a snapshot the latest.
    pub fn set(&mut self, last: &StampedSnapshot, shared: &Shared) {
        self.clear(shared);
        let mut tables = Tables::empty(last.stamp);
        let mut shifts = Vec::new();
        let ids = shared.totals.ids();
        let snapshot = &last.snapshot;
        let tags = snapshot.tags.as_ref();
        tables.tags = tags.map(|table| HostTags::new(table, &ids, &mut shifts));
        let names = &mut HostNames { all: &shared.names, brought: &mut self.brought };
        tables.processes = snapshot.processes.as_ref().map(|rows| HostProcesses::new(rows, names));
        tables.object_types =
            snapshot.object_types.as_ref().map(|rows| HostObjectTypes::new(rows, names));
        tables.handle_types = HostHandleTypes::new(&snapshot.handles_by_type, names);
        tables.activity = snapshot.activity.clone().into();
        tables.pool_failures = snapshot.pool_failures;
        tables.cost = snapshot.cost;
        tables.faults = snapshot.faults.clone().into();
        self.tables = Some(Box::new(tables));
        shared.totals.shift(&shifts);
    }

    /// Forgets the tables: the host counts in the fleet no more.
    pub fn clear(&mut self, shared: &Shared) {
        let mut shifts = Vec::new();
        if let Some(tags) = self.tables.take().and_then(|held| held.tags) {
            tags.remove(&shared.totals.ids(), &mut shifts);
        }
        shared.totals.shift(&shifts);
    }
}

impl Tables {
    /// The snapshot again; the system-wide figures are kept beside the tables.
    #[must_use]
    pub fn snapshot(&self, memory: &Memory, names: &StringInterner) -> Snapshot {
        Snapshot {
            memory: memory.clone(),
            tags: self.tags.as_ref().map(HostTags::table),
            processes: self.processes.as_ref().map(|rows| rows.list(names)),
            object_types: self.object_types.as_ref().map(|rows| rows.list(names)),
            activity: self.activity.to_vec(),
            handles_by_type: self.handle_types.list(names),
            pool_failures: self.pool_failures,
            cost: self.cost,
            faults: self.faults.to_vec(),
        }
    }

    /// Bytes that the tables take, themselves included.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of::<Self>()
            + self.tags.as_ref().map_or(0, HostTags::heap_bytes)
            + self.processes.as_ref().map_or(0, HostProcesses::heap_bytes)
            + self.object_types.as_ref().map_or(0, HostObjectTypes::heap_bytes)
            + self.handle_types.heap_bytes()
            + size_of_val::<[ProcessActivity]>(&self.activity)
            + size_of_val::<[CollectorFault]>(&self.faults)
    }

    fn empty(stamp: Stamp) -> Self {
        Self {
            stamp,
            tags: None,
            processes: None,
            object_types: None,
            handle_types: HostHandleTypes::default(),
            activity: Box::default(),
            pool_failures: None,
            cost: None,
            faults: Box::default(),
        }
    }

    fn check(&self, parts: &Parts<'_>, shared: &Shared) -> Result<(), Malformed> {
        if let (Some(Part::Changes(delta)), Some(tags)) = (&parts.tags, &self.tags) {
            tags.check(delta)?;
        }
        if let (Some(Part::Changes(delta)), Some(rows)) = (&parts.processes, &self.processes) {
            rows.check(delta)?;
        }
        if let (Some(Part::Changes(delta)), Some(rows)) = (&parts.object_types, &self.object_types)
        {
            rows.check(delta, &shared.names)?;
        }
        Ok(())
    }
}

impl BaseTables for Tables {
    type Tags = HostTags;
    type Processes = HostProcesses;
    type ObjectTypes = HostObjectTypes;

    fn tags(&self) -> Option<&HostTags> {
        self.tags.as_ref()
    }

    fn processes(&self) -> Option<&HostProcesses> {
        self.processes.as_ref()
    }

    fn object_types(&self) -> Option<&HostObjectTypes> {
        self.object_types.as_ref()
    }
}
