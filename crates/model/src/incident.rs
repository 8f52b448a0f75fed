//! Findings and the incidents they are grouped into.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{HostId, Pool, PoolTag, comparison::AttributeCounts, diagnosis::Diagnosis};

mod note;
mod picture;

pub use note::{Note, Noted};
pub use picture::{Picture, Reason, Trigger};

/// An incident, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub i64);

/// What makes two findings one cause.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// A pool of this host ran out, and neither somebody nor a tag could be named.
    PoolEmpty {
        /// Which host.
        host: HostId,
        /// Which pool.
        pool: Pool,
    },
    /// A program whose handles or threads hold a tag, on any host.
    Program {
        /// Image name, in lower case.
        image: String,
        /// The main tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
    },
    /// A driver in one version, on any host.
    Driver {
        /// File name, in lower case.
        driver: String,
        /// File version, where it is known.
        version: Option<String>,
        /// The main tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
    },
    /// References to kernel objects without handles, by a driver that is not known.
    KernelReference {
        /// The object type's tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
    },
    /// A tag that grows, and nobody could be named.
    UnknownOwner {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
    },
    /// A tag that is far above its peers, and constant.
    HighUse {
        /// The tag.
        tag: PoolTag,
        /// Which pool.
        pool: Pool,
    },
    /// A pool of this host is far above its peers, and constant, and no tag stands out.
    HostHighUse {
        /// Which host.
        host: HostId,
        /// Which pool.
        pool: Pool,
    },
    /// Commit ran out on this host.
    CommitExhausted {
        /// Which host.
        host: HostId,
    },
    /// The host fell silent while a pool was under pressure.
    Silence {
        /// Which host.
        host: HostId,
        /// Which pool.
        pool: Pool,
    },
}

impl Cause {
    /// A stable text of the cause: open incidents are unique by it.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::PoolEmpty { host, pool } => format!("pool-empty/{pool}/{host}"),
            Self::Program { image, tag, pool } => format!("program/{pool}/{tag}/{image}"),
            Self::Driver { driver, version, tag, pool } => {
                format!("driver/{pool}/{tag}/{driver}/{}", version.as_deref().unwrap_or_default())
            }
            Self::KernelReference { tag, pool } => format!("kernel-reference/{pool}/{tag}"),
            Self::UnknownOwner { tag, pool } => format!("unknown-owner/{pool}/{tag}"),
            Self::HighUse { tag, pool } => format!("high-use/{pool}/{tag}"),
            Self::HostHighUse { host, pool } => format!("host-high-use/{pool}/{host}"),
            Self::CommitExhausted { host } => format!("commit-exhausted/{host}"),
            Self::Silence { host, pool } => format!("silence/{pool}/{host}"),
        }
    }

    /// The host that it is about, if it is about one alone.
    #[must_use]
    pub const fn host(&self) -> Option<HostId> {
        match self {
            Self::PoolEmpty { host, .. }
            | Self::HostHighUse { host, .. }
            | Self::CommitExhausted { host }
            | Self::Silence { host, .. } => Some(*host),
            _ => None,
        }
    }

    /// The pool that it is about; none for commit.
    #[must_use]
    pub const fn pool(&self) -> Option<Pool> {
        match self {
            Self::PoolEmpty { pool, .. }
            | Self::Program { pool, .. }
            | Self::Driver { pool, .. }
            | Self::KernelReference { pool, .. }
            | Self::UnknownOwner { pool, .. }
            | Self::HighUse { pool, .. }
            | Self::HostHighUse { pool, .. }
            | Self::Silence { pool, .. } => Some(*pool),
            Self::CommitExhausted { .. } => None,
        }
    }

    /// The main tag, if one is known.
    #[must_use]
    pub const fn tag(&self) -> Option<PoolTag> {
        match self {
            Self::Program { tag, .. }
            | Self::Driver { tag, .. }
            | Self::KernelReference { tag, .. }
            | Self::UnknownOwner { tag, .. }
            | Self::HighUse { tag, .. } => Some(*tag),
            Self::PoolEmpty { .. }
            | Self::HostHighUse { .. }
            | Self::CommitExhausted { .. }
            | Self::Silence { .. } => None,
        }
    }
}

/// How an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Seen lately; not known to grow.
    #[default]
    Open,
    /// What it takes grows.
    Growing,
    /// It grows faster, takes more hosts, or a pool runs out soon.
    Worsening,
    /// Not seen to grow for a while, and not given back either.
    Quiet,
    /// The host restarted: the symptom is gone, the cause is not.
    ResetByReboot,
    /// Over.
    Resolved,
    /// It was over, and is back.
    Regressed,
}

impl IncidentState {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::Open,
        Self::Growing,
        Self::Worsening,
        Self::Quiet,
        Self::ResetByReboot,
        Self::Resolved,
        Self::Regressed,
    ];

    /// Its stable name in the database and in addresses.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Growing => "growing",
            Self::Worsening => "worsening",
            Self::Quiet => "quiet",
            Self::ResetByReboot => "reset_by_reboot",
            Self::Resolved => "resolved",
            Self::Regressed => "regressed",
        }
    }

    /// The state of that name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }

    /// Whether somebody should act: it goes on.
    #[must_use]
    pub const fn is_active(self) -> bool {
        matches!(self, Self::Open | Self::Growing | Self::Worsening | Self::Regressed)
    }
}

/// One cause over one or many hosts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// The cause.
    pub cause: Cause,
    /// How it stands.
    pub state: IncidentState,
    /// First observation.
    pub opened: Timestamp,
    /// Latest observation.
    pub last_seen: Timestamp,
    /// Observations so far.
    pub findings: i64,
    /// Its record, made of the judgements of all its hosts: the worst host leads it.
    pub diagnosis: Diagnosis,
    /// Hosts on which it goes on, by id.
    pub hosts: Vec<HostId>,
    /// The host that its record is about.
    pub worst: Option<HostId>,
}

/// What is kept with an incident beyond its latest judgement.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Details {
    /// What was seen around its latest event or silence.
    pub picture: Option<Picture>,
    /// What tells affected hosts from healthy ones, the most telling first.
    pub comparison: Vec<AttributeCounts>,
    /// Hosts on which it was ever found.
    pub seen_on: Vec<HostId>,
    /// Name of the person who looks after it.
    pub owner: Option<String>,
    /// Who knows of it and is at it.
    pub acknowledged: Option<Acknowledgement>,
    /// What people found of its suspect, the latest word.
    pub confirmation: Option<Confirmation>,
    /// The incident that it was made part of.
    pub merged_into: Option<IncidentId>,
}

/// What people found of a suspect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmation {
    /// Who says so.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether the suspect was the cause.
    pub is_right: bool,
    /// The suspect, as it was called then.
    pub suspect: String,
}

/// Somebody knows of an incident and is at it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Acknowledgement {
    /// Who.
    pub by: String,
    /// Since when.
    pub at: Timestamp,
}

/// A change of an incident that people are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentChange {
    /// It is new.
    Opened,
    /// It is worse than when it was told last.
    Worsened,
    /// It was told with less known about who is behind it.
    Named,
    /// It was over, and is back.
    Regressed,
    /// It is over.
    Resolved,
}

/// What a message tells of an incident; it is put into words when it is sent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IncidentNotice {
    /// What happened to the incident.
    pub change: IncidentChange,
    /// The host on which it was found.
    pub host: HostId,
    /// The event that led to it, if one did.
    pub event: Option<NoticeEvent>,
}

/// An event that led to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeEvent {
    /// Its id.
    pub id: u32,
    /// When it was written.
    pub time: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_state_is_found_by_its_name() {
        for state in IncidentState::ALL {
            assert_eq!(IncidentState::from_name(state.as_str()), Some(state));
        }
        assert_eq!(IncidentState::from_name("bad"), None);
    }

    #[test]
    fn one_driver_in_two_versions_is_two_causes() {
        let cause = |version: &str| Cause::Driver {
            driver: "foo.sys".into(),
            version: Some(version.into()),
            tag: PoolTag::new(*b"Fooo"),
            pool: Pool::Nonpaged,
        };
        assert_eq!(cause("5.1").key(), "driver/nonpaged/Fooo/foo.sys/5.1");
        assert_ne!(cause("5.1").key(), cause("5.0").key());
        let host = HostId(7);
        let empty = Cause::PoolEmpty { host, pool: Pool::Paged };
        assert_eq!((empty.key(), empty.host()), ("pool-empty/paged/7".into(), Some(host)));
    }
}
