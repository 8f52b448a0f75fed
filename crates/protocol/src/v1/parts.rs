//! What a frame brings, for who keeps the tables of hosts in a form of their own: tables in full, or
//! what changed of those before, without a [`Snapshot`] in between.

use poolwatch_model::{
    Snapshot,
    memory::Memory,
    process::{ObjectTypeUse, ProcessActivity, ProcessHandles, ProcessUse},
    snapshot::{AgentCost, CollectorFault},
    tag::{TagTable, TagUse},
};

pub use super::table::{Base, Change, Changes, Part};

/// What a frame brings. A part that it does not bring was not measured.
///
/// Counters of a tag, by index: paged allocations, outstanding, bytes; nonpaged allocations,
/// outstanding, bytes. Of a process: handles, threads, paged quota, nonpaged quota, private bytes;
/// a counter that changes is known from then on. Of an object type: objects, handles, peak objects,
/// peak handles.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// System-wide figures.
    pub memory: Memory,
    /// Pool tags.
    pub tags: Option<Part<TagTable, TagUse>>,
    /// Processes, sorted by key.
    pub processes: Option<Part<Vec<ProcessUse>, ProcessUse>>,
    /// Kernel object types, sorted by name.
    pub object_types: Option<Part<Vec<ObjectTypeUse>, ObjectTypeUse>>,
    /// What the most active processes did since the snapshot before.
    pub activity: Vec<ProcessActivity>,
    /// Handles by type of the processes that were looked into.
    pub handles_by_type: Vec<ProcessHandles>,
    /// What taking the snapshot cost the host.
    pub cost: Option<AgentCost>,
    /// Collectors that failed, and how.
    pub faults: Vec<CollectorFault>,
}

/// The tables of the frame before, wherever they are kept. Rows stand in the order of the wire.
pub trait BaseTables {
    /// Pool tags, where the frame before had them.
    fn tags(&self) -> Option<&dyn Base>;
    /// Processes.
    fn processes(&self) -> Option<&dyn Base>;
    /// Kernel object types.
    fn object_types(&self) -> Option<&dyn Base>;
}

impl BaseTables for Snapshot {
    fn tags(&self) -> Option<&dyn Base> {
        self.tags.as_ref().map(|table| &table.rows as _)
    }

    fn processes(&self) -> Option<&dyn Base> {
        self.processes.as_ref().map(|rows| rows as _)
    }

    fn object_types(&self) -> Option<&dyn Base> {
        self.object_types.as_ref().map(|rows| rows as _)
    }
}
