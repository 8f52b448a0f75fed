//! Who the hosts of the fleet are.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{Bytes, Pool, host::HostFacts};
use uuid::Uuid;

use crate::{boots::Boots, patterns::load::Rhythm};

/// What a host is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Serves files.
    FileServer,
    /// Runs SQL Server.
    Sql,
    /// Serves web pages.
    Web,
    /// Runs an application.
    App,
    /// People work on it remotely.
    RemoteDesktop,
    /// Runs virtual machines.
    Hypervisor,
    /// Knows the domain's accounts.
    DomainController,
}

impl Role {
    /// How the names of its hosts begin.
    #[must_use]
    pub const fn prefix(self) -> &'static str {
        match self {
            Self::FileServer => "FS",
            Self::Sql => "SQL",
            Self::Web => "WEB",
            Self::App => "APP",
            Self::RemoteDesktop => "RDS",
            Self::Hypervisor => "HV",
            Self::DomainController => "DC",
        }
    }
}

/// The two kinds of Windows in the fleet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Era {
    /// 32-bit Windows Server 2003.
    Legacy,
    /// 64-bit Windows Server 2016 and later.
    Modern,
}

/// A host as a machine.
#[derive(Debug)]
pub(crate) struct Machine {
    pub(crate) facts: HostFacts,
    pub(crate) era: Era,
    pub(crate) ram: u64,
    pub(crate) page_file: u64,
    pub(crate) utc_offset_h: i64,
}

/// Everything about a host that chance decided before it runs.
#[derive(Debug)]
pub struct HostPlan {
    pub(crate) index: usize,
    /// What it is for.
    pub role: Role,
    /// Short name (`SQL-07`).
    pub name: String,
    /// What it tells about itself.
    pub facts: HostFacts,
    /// The agent's instance, the same for every run with this seed.
    pub instance_id: Uuid,
    /// Version of `foo.sys` that it ended up with.
    pub foo_version: Option<&'static str>,
    pub(crate) era: Era,
    pub(crate) ram: u64,
    pub(crate) page_file: u64,
    /// How wrong its wall clock is.
    pub(crate) skew_ms: i64,
    pub(crate) rhythm: Rhythm,
    pub(crate) boots: Boots,
}

impl HostPlan {
    /// What its tags use of a pool when warm.
    pub(crate) fn budget(&self, pool: Pool) -> u64 {
        if self.era == Era::Legacy {
            return match pool {
                Pool::Nonpaged => 40 << 20,
                Pool::Paged => 62 << 20,
            };
        }
        let gigabytes = self.ram as f64 / f64::from(1 << 30);
        let of_16_gb = match pool {
            Pool::Nonpaged => 330 << 20,
            Pool::Paged => 420 << 20,
        };
        (f64::from(of_16_gb) * (gigabytes / 16.0).sqrt()) as u64
    }

    /// What its clock shows at a true time.
    pub(crate) fn wall(&self, time: Timestamp) -> Timestamp {
        time.saturating_add(SignedDuration::from_millis(self.skew_ms)).unwrap_or(time)
    }

    /// Physical memory.
    #[must_use]
    pub fn ram(&self) -> Bytes {
        Bytes(self.ram)
    }
}
