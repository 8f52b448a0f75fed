//! What tells affected hosts from healthy ones, and what changed on a host.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// Something that a host has or has not.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Attribute {
    /// A driver in some version.
    Driver {
        /// File name.
        name: String,
        /// File version.
        version: Option<String>,
    },
    /// A program that runs, in some version.
    Program {
        /// Image name.
        image: String,
        /// File version.
        version: Option<String>,
    },
    /// A service that runs.
    Service {
        /// Service name.
        name: String,
    },
    /// A Windows build.
    OsBuild {
        /// Build.
        build: u32,
        /// Update build revision.
        revision: u32,
    },
    /// An installed update.
    Update {
        /// Its article number.
        name: String,
    },
    /// A hardware model.
    Model {
        /// As the firmware names it.
        name: String,
    },
    /// A group of hosts (organisational unit, site).
    Group {
        /// Its name.
        name: String,
    },
}

/// How common an attribute is among affected and healthy hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeCounts {
    /// The attribute.
    pub attribute: Attribute,
    /// Affected hosts that have it.
    pub affected: u32,
    /// Affected hosts.
    pub affected_of: u32,
    /// Healthy hosts that have it.
    pub healthy: u32,
    /// Healthy hosts.
    pub healthy_of: u32,
    /// Odds ratio, with half a host added everywhere so that it is finite.
    pub odds_ratio: f64,
    /// Fisher's exact test, two-sided, corrected for the number of attributes compared.
    pub p: f64,
}

/// Something that was installed, removed or changed on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// When it was noticed.
    pub at: Timestamp,
    /// What it is about, as it is afterwards, or was when it is gone.
    pub attribute: Attribute,
    /// The version before, where it had one.
    pub before: Option<String>,
    /// What happened.
    pub kind: ChangeKind,
}

/// What happened to an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeKind {
    /// It is new.
    Added,
    /// It is gone.
    Removed,
    /// It has another version.
    Changed,
}
