//! Findings and the incidents they are grouped into.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{HostId, Pool, diagnosis::Diagnosis};

/// An incident, as the server numbers it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IncidentId(pub i64);

/// What makes two findings one cause.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cause {
    /// A pool was found empty by the Server service on this host.
    PoolEmpty {
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
        }
    }

    /// The host that it is about.
    #[must_use]
    pub fn host(&self) -> HostId {
        match self {
            Self::PoolEmpty { host, .. } => *host,
        }
    }

    /// The pool that it is about.
    #[must_use]
    pub fn pool(&self) -> Pool {
        match self {
            Self::PoolEmpty { pool, .. } => *pool,
        }
    }
}

/// One judged fact about one host.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The host.
    pub host: HostId,
    /// What it is an instance of.
    pub cause: Cause,
    /// When it was observed.
    pub at: Timestamp,
    /// The judgement.
    pub diagnosis: Diagnosis,
}

/// How an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IncidentState {
    /// Goes on, or was seen lately.
    Open,
    /// The host restarted: the symptom is gone, the cause is not.
    ResetByReboot,
    /// Over.
    Resolved,
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
    /// The judgement of the latest finding.
    pub diagnosis: Diagnosis,
}
