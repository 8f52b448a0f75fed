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

use std::collections::BTreeMap;

use jiff::Timestamp;
use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{SuspectKind, Verdict},
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    events::{Entry, When},
    fleet::{Fleet, after},
};

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
    /// Who is guilty.
    pub culprit: Culprit,
    /// Where.
    pub hosts: Vec<AffectedHost>,
}

/// Who is guilty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Culprit {
    /// What kind of thing.
    pub kind: SuspectKind,
    /// Image name or driver file name.
    pub name: String,
    /// The service that it runs, if any.
    pub service: Option<String>,
    /// The version that is guilty, where versions differ.
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

/// What a cause says of itself.
#[derive(Debug)]
pub(crate) struct Description {
    pub(crate) id: &'static str,
    pub(crate) verdict: Verdict,
    pub(crate) pool: Option<Pool>,
    pub(crate) tags: Vec<PoolTag>,
    pub(crate) culprit: Culprit,
}

/// How a cause goes on on one host.
#[derive(Debug, Default)]
pub(crate) struct Growth {
    pub(crate) start_s: i64,
    pub(crate) objects_per_hour: u64,
    pub(crate) bytes_per_day: u64,
}

impl Truth {
    pub(crate) fn of(fleet: &Fleet, since: Timestamp) -> Self {
        let mut causes: BTreeMap<&str, PlantedCause> = BTreeMap::new();
        let mut hosts = Vec::new();
        for plan in fleet.hosts() {
            let mut ids = Vec::new();
            for cause in &plan.causes {
                let Some(of) = cause.describe() else { continue };
                ids.push(of.id.to_owned());
                let growth = cause.growth(plan);
                let events = cause.events(plan);
                let affected = AffectedHost {
                    host: plan.facts.fqdn.clone(),
                    start: fleet.timeline().true_time(growth.start_s * 1000),
                    objects_per_hour: growth.objects_per_hour,
                    bytes_per_day: growth.bytes_per_day,
                    events: events.into_iter().map(|event| expected(fleet, event)).collect(),
                };
                let entry = causes.entry(of.id).or_insert_with(|| PlantedCause {
                    id: of.id.to_owned(),
                    verdict: of.verdict,
                    pool: of.pool,
                    tags: of.tags,
                    culprit: of.culprit,
                    hosts: Vec::new(),
                });
                entry.hosts.push(affected);
            }
            hosts.push(HostTruth {
                host: plan.facts.fqdn.clone(),
                instance_id: plan.instance_id,
                role: plan.role.prefix().to_owned(),
                os: plan.facts.os.as_ref().map(ToString::to_string).unwrap_or_default(),
                foo_version: plan.foo_version.map(str::to_owned),
                causes: ids,
            });
        }
        let scenario = fleet.scenario();
        Self {
            version: VERSION,
            seed: scenario.seed,
            since,
            epoch: scenario.epoch,
            live: fleet.live(),
            causes: causes.into_values().collect(),
            hosts,
        }
    }
}

fn expected(fleet: &Fleet, (when, entry): (When, Entry)) -> ExpectedEvent {
    let time = match when {
        When::AfterLive(seconds) => after(fleet.live(), seconds),
        When::Own(own_s) => fleet.timeline().true_time(own_s * 1000),
    };
    let (event_id, provider) = entry.id();
    ExpectedEvent { event_id, provider: provider.to_owned(), time }
}
