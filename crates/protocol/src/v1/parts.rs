//! What a frame brings, for who keeps the tables of hosts in a form of their own: tables in full, or
//! what changed of those before, without a [`Snapshot`] in between.

use poolwatch_model::{
    Snapshot,
    memory::Memory,
    process::{ObjectTypeUse, ProcessActivity, ProcessHandles, ProcessUse},
    snapshot::{AgentCost, CollectorFault, PoolFailures},
    tag::{TagTable, TagUse},
};

pub use super::table::{Base, Change, CounterTable, Delta, Moved, Part, TableMoves};

/// What a frame brings. A part that it does not bring was not measured.
///
/// Counters of a tag, by index: paged allocations, outstanding, bytes; nonpaged allocations,
/// outstanding, bytes. Of a process: handles, threads, paged quota, nonpaged quota, private bytes;
/// a counter that changes is known from then on. Of an object type: objects, handles, peak objects,
/// peak handles.
#[derive(Debug, Clone, Default)]
pub struct Parts<'a> {
    /// System-wide figures.
    pub memory: Memory,
    /// Pool tags.
    pub tags: Option<Part<'a, TagTable, TagUse>>,
    /// Processes, sorted by key.
    pub processes: Option<Part<'a, Vec<ProcessUse>, ProcessUse>>,
    /// Kernel object types, sorted by name.
    pub object_types: Option<Part<'a, Vec<ObjectTypeUse>, ObjectTypeUse>>,
    /// What the most active processes did since the snapshot before.
    pub activity: Vec<ProcessActivity>,
    /// Handles by type of the processes that were looked into.
    pub handles_by_type: Vec<ProcessHandles>,
    /// Allocations that the Server service could not make, since it started.
    pub pool_failures: Option<PoolFailures>,
    /// What taking the snapshot cost the host.
    pub cost: Option<AgentCost>,
    /// Collectors that failed, and how.
    pub faults: Vec<CollectorFault>,
}

/// The tables of the frame before, wherever they are kept. Rows stand in the order of the wire.
pub trait BaseTables {
    /// How pool tags are kept.
    type Tags: Base;
    /// How processes are kept.
    type Processes: Base;
    /// How kernel object types are kept.
    type ObjectTypes: Base;

    /// Pool tags, where the frame before had them.
    fn tags(&self) -> Option<&Self::Tags>;
    /// Processes.
    fn processes(&self) -> Option<&Self::Processes>;
    /// Kernel object types.
    fn object_types(&self) -> Option<&Self::ObjectTypes>;
}

impl BaseTables for Snapshot {
    type Tags = Vec<TagUse>;
    type Processes = Vec<ProcessUse>;
    type ObjectTypes = Vec<ObjectTypeUse>;

    fn tags(&self) -> Option<&Self::Tags> {
        self.tags.as_ref().map(|table| &table.rows)
    }

    fn processes(&self) -> Option<&Self::Processes> {
        self.processes.as_ref()
    }

    fn object_types(&self) -> Option<&Self::ObjectTypes> {
        self.object_types.as_ref()
    }
}

/// What changed in the tables from one snapshot to the next.
#[derive(Debug, Clone, Default)]
pub struct Moves {
    /// Pool tags; their counters as in [`Parts`].
    pub tags: TableMoves,
    /// Processes.
    pub processes: TableMoves,
    /// Kernel object types.
    pub object_types: TableMoves,
}
