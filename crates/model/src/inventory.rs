//! What is installed on a host: sent at start and when it changes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What is installed and loaded on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// Loaded kernel drivers.
    pub drivers: Vec<Driver>,
    /// Installed updates, by their article number (`KB5031364`).
    pub updates: Vec<String>,
}

/// A loaded kernel driver.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Driver {
    /// File name (`foo.sys`).
    pub name: String,
    /// Path of the file.
    #[serde(default)]
    pub path: Option<String>,
    /// File version (`5.1.0.2`).
    #[serde(default)]
    pub version: Option<String>,
    /// Company that the file names.
    #[serde(default)]
    pub company: Option<String>,
    /// Link time in the file's header.
    #[serde(default)]
    pub linked: Option<Timestamp>,
}
