//! What is installed on a host: sent at start and when it changes.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::driver_scan::FileHash;

/// What is installed and loaded on a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Inventory {
    /// Loaded kernel drivers.
    pub drivers: Vec<Driver>,
    /// Installed updates, by their article number (`KB5031364`).
    pub updates: Vec<String>,
    /// Installed programs, as the registry lists them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub programs: Vec<Program>,
    /// Files of the programs that run with most handles, threads or quota.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub program_files: Vec<ProgramFile>,
    /// A pooltag.txt that is on the host, of the debuggers' kit.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_list: Option<TagListFile>,
    /// The failover cluster that the host is a member of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster: Option<String>,
    /// Maker and model of the machine.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub machine_model: Option<String>,
    /// What Windows is there for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<HostRole>,
    /// Settings of the registry that bear on pool.
    #[serde(skip_serializing_if = "PoolSettings::are_usual")]
    pub pool_settings: PoolSettings,
}

/// An installed program.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Program {
    /// What it is called.
    pub name: String,
    /// Its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Who published it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<String>,
}

/// The file of a program that runs.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ProgramFile {
    /// Image name (`spoolsv.exe`).
    pub image: String,
    /// Path of the file.
    pub path: String,
    /// File version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Company that the file names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
}

/// A pooltag.txt on a host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TagListFile {
    /// Path of the file.
    pub path: String,
    /// SHA-256 of the file.
    pub sha256: FileHash,
}

/// What Windows is there for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HostRole {
    /// A desktop.
    Workstation,
    /// A server.
    Server,
    /// A server that is a domain controller.
    DomainController,
}

/// Settings of the registry that bear on pool: what is not set there is missing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct PoolSettings {
    /// `PagedPoolSize`: bytes, 0 for what Windows chooses, 0xFFFFFFFF for as much as can be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paged_pool_size: Option<u32>,
    /// `NonPagedPoolSize`, likewise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub nonpaged_pool_size: Option<u32>,
    /// `PoolUsageMaximum`: percent of paged pool at which Windows begins to trim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pool_usage_maximum: Option<u32>,
    /// `GlobalFlag`: bit 0x400 is pool tagging, which Windows before Vista does only then.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub global_flag: Option<u32>,
    /// `VerifyDrivers`: the drivers that Driver Verifier watches.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_drivers: Option<String>,
    /// `VerifyDriverLevel`: what it watches them for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verify_driver_level: Option<u32>,
    /// `CrashDumpEnabled`: 0 none, 1 complete, 2 kernel, 3 small, 7 automatic.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub crash_dump_enabled: Option<u32>,
    /// `DisablePagingExecutive`: 1 where drivers' code stays in memory.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub disable_paging_executive: Option<u32>,
}

impl PoolSettings {
    /// Whether none is set.
    #[must_use]
    pub fn are_usual(&self) -> bool {
        *self == Self::default()
    }
}

/// A loaded kernel driver.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
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
    /// Name of its service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Bytes of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,
    /// SHA-256 of the file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<FileHash>,
    /// Who signed the file, by the certificate in its own signature, which nobody verified. A file that is
    /// signed by a catalogue has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
}
