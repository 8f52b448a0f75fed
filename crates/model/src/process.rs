//! Processes and kernel object types.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What tells a process from every other of the same boot. A pid alone is reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ProcessKey {
    /// Process id.
    pub pid: u32,
    /// Creation time, in steps of 100 ns; unknown in some texts.
    pub created: Option<Timestamp>,
}

/// One process at one moment. What the source does not tell is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// Who it is.
    #[serde(flatten)]
    pub key: ProcessKey,
    /// Image name, without a path (`svchost.exe`).
    pub image: String,
    /// Terminal session.
    #[serde(default)]
    pub session: Option<u32>,
    /// Services that live in it, by service name.
    #[serde(default)]
    pub services: Vec<String>,
    /// Open handles.
    #[serde(default)]
    pub handles: Option<u32>,
    /// Threads.
    #[serde(default)]
    pub threads: Option<u32>,
    /// Paged pool charged to its quota, bytes: a weak hint.
    #[serde(default)]
    pub paged_quota: Option<u64>,
    /// Nonpaged pool charged to its quota, bytes: a weak hint.
    #[serde(default)]
    pub nonpaged_quota: Option<u64>,
    /// Private bytes.
    #[serde(default)]
    pub private_bytes: Option<u64>,
}

impl ProcessUse {
    /// A process of which only the identity is known.
    #[must_use]
    pub fn new(pid: u32, created: Option<Timestamp>, image: impl Into<String>) -> Self {
        Self {
            key: ProcessKey { pid, created },
            image: image.into(),
            session: None,
            services: Vec::new(),
            handles: None,
            threads: None,
            paged_quota: None,
            nonpaged_quota: None,
            private_bytes: None,
        }
    }
}

/// Operations of one process since the snapshot before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessActivity {
    /// Who it is.
    #[serde(flatten)]
    pub key: ProcessKey,
    /// Reads.
    pub reads: u64,
    /// Writes.
    pub writes: u64,
    /// Others, such as opening, asking and waiting for changes.
    pub others: u64,
}

/// Handles of one process by the types of the objects that they lead to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessHandles {
    /// Who it is.
    #[serde(flatten)]
    pub key: ProcessKey,
    /// Handles by type name (`Thread`, `File`).
    pub by_type: BTreeMap<String, u32>,
}

/// System-wide totals of one kernel object type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectTypeUse {
    /// Type name (`Thread`, `File`).
    pub name: String,
    /// Objects that exist.
    pub objects: u32,
    /// Handles to them.
    pub handles: u32,
    /// Most objects since boot.
    pub peak_objects: u32,
    /// Most handles since boot.
    pub peak_handles: u32,
}
