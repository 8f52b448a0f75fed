//! Hosts: who they are and what runs on them.

use std::{fmt, net::IpAddr};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::Bytes;

/// A host, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct HostId(pub i32);

impl fmt::Display for HostId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One boot of a host: the time between two restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BootId(pub Uuid);

/// Processor architecture of a Windows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Arch {
    /// 32-bit.
    X86,
    /// 64-bit.
    X64,
    /// 64-bit ARM.
    Arm64,
}

impl fmt::Display for Arch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::X86 => "x86",
            Self::X64 => "x64",
            Self::Arm64 => "Arm64",
        })
    }
}

/// A version of Windows.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OsVersion {
    /// Product name (`Windows Server 2022`).
    pub product: String,
    /// Major version.
    pub major: u32,
    /// Minor version.
    pub minor: u32,
    /// Build.
    pub build: u32,
    /// Update build revision.
    #[serde(default)]
    pub revision: u32,
    /// Architecture.
    pub arch: Arch,
}

impl fmt::Display for OsVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}.{}", self.product, self.arch, self.build, self.revision)
    }
}

/// What a host tells about itself.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct HostFacts {
    /// Fully qualified name, or the short one of a host outside a domain.
    pub fqdn: String,
    /// `HKLM\SOFTWARE\Microsoft\Cryptography\MachineGuid`; clones of an image share it.
    pub machine_guid: Option<Uuid>,
    /// Windows version.
    pub os: Option<OsVersion>,
    /// Physical memory.
    pub physical: Option<Bytes>,
    /// Distinguished name of the computer account's organisational unit.
    pub ou: Option<String>,
    /// Active Directory site.
    pub site: Option<String>,
    /// Version of the agent.
    pub agent_version: Option<String>,
}

impl HostFacts {
    /// Its domain in small letters: what follows the first dot of its name, else what its computer
    /// account's place says.
    #[must_use]
    pub fn domain(&self) -> Option<String> {
        let is_address = self.fqdn.parse::<IpAddr>().is_ok();
        let of_name = self.fqdn.split_once('.').filter(|_| !is_address).map(|(_, domain)| domain);
        if let Some(domain) = of_name.filter(|domain| !domain.is_empty()) {
            return Some(domain.to_lowercase());
        }
        let parts = self.parts_of_place("dc").map(str::to_lowercase);
        let domain = parts.collect::<Vec<_>>().join(".");
        (!domain.is_empty()).then_some(domain)
    }

    /// Its organisational unit from the top down (`Servers/Berlin`).
    #[must_use]
    pub fn ou_path(&self) -> Option<String> {
        let mut units: Vec<&str> = self.parts_of_place("ou").collect();
        units.reverse();
        (!units.is_empty()).then(|| units.join("/"))
    }

    /// The parts of one kind of the distinguished name of its place.
    fn parts_of_place(&self, wanted: &str) -> impl Iterator<Item = &str> {
        let parts = self.ou.as_deref().unwrap_or_default().split(',');
        parts.filter_map(move |part| {
            let (kind, value) = part.trim().split_once('=')?;
            kind.eq_ignore_ascii_case(wanted).then_some(value)
        })
    }
}
