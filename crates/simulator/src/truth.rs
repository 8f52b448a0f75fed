//! The truth file: what was planted where, for tests and evaluations to compare with.
//!
//! Version 1 is one JSON object:
//! ```text
//! version   1
//! seed      the fleet's seed
//! since     when the data begin
//! epoch     where history ends and planted growth has its published figures
//! live      when the fleet went live; before that, the epoch
//! causes    per planted cause: id, verdict, pool, tags (the main one first, then those that grow
//!           in step), culprit, hosts (with start, rate and expected events)
//! hosts     every host: name, instance id, role, Windows version, driver version, causes (empty
//!           for a control host, where nothing may be found)
//! ```
//! Fields may be added within a version; readers ignore those that they do not know.

use jiff::Timestamp;
use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{SuspectKind, Verdict},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The version of the file's schema.
pub const VERSION: u32 = 1;

/// What is true of a fleet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Truth {
    /// Schema version, [`VERSION`].
    pub version: u32,
    /// The fleet's seed.
    pub seed: u64,
    /// When the data begin.
    pub since: Timestamp,
    /// Where history ends.
    pub epoch: Timestamp,
    /// When the fleet went live.
    pub live: Timestamp,
    /// What was planted.
    pub causes: Vec<PlantedCause>,
    /// Every host.
    pub hosts: Vec<HostTruth>,
}

/// One cause, over all hosts that have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlantedCause {
    /// Its stable name.
    pub id: String,
    /// The right judgement.
    pub verdict: Verdict,
    /// The pool that it takes, if any.
    pub pool: Option<Pool>,
    /// Its tags: the main one first, then those that grow in step with it.
    pub tags: Vec<PoolTag>,
    /// The culprit.
    pub culprit: Culprit,
    /// Where.
    pub hosts: Vec<AffectedHost>,
}

/// The culprit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// What kind of thing.
    pub kind: SuspectKind,
    /// Image name or driver file name.
    pub name: String,
    /// The service that it runs, if any.
    pub service: Option<String>,
    /// The culprit version, where versions differ.
    pub version: Option<String>,
    /// A version that is not.
    pub healthy_version: Option<String>,
    /// The kernel object type whose handles it holds, if any.
    pub object_type: Option<String>,
}

/// A host that has a cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AffectedHost {
    /// Its fully qualified name.
    pub host: String,
    /// Since when, in the boot that runs at the epoch.
    pub start: Timestamp,
    /// Objects or allocations of the main tag that are leaked per hour; 0 for no growth.
    pub objects_per_hour: u64,
    /// Bytes that all its tags grow per day; 0 for no growth.
    pub bytes_per_day: u64,
    /// Events that it leads to.
    pub events: Vec<ExpectedEvent>,
}

/// An event that was planted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedEvent {
    /// Event id.
    pub event_id: u32,
    /// Provider.
    pub provider: String,
    /// True time; the host's clock may differ.
    pub time: Timestamp,
}

/// A host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HostTruth {
    /// Its fully qualified name.
    pub host: String,
    /// Its agent's instance.
    pub instance_id: Uuid,
    /// How its name begins (`SQL`).
    pub role: String,
    /// Windows version.
    pub os: String,
    /// Version of `foo.sys`, if it has it.
    pub foo_version: Option<String>,
    /// Causes planted on it; none for a control host.
    pub causes: Vec<String>,
}
