//! What was planted in a fleet, put together for its truth file.

use std::collections::BTreeMap;

use jiff::Timestamp;

use crate::{
    events::{Entry, When},
    fleet::Fleet,
    timeline::after,
    truth::{AffectedHost, ExpectedEvent, HostTruth, PlantedCause, Truth, VERSION},
};

impl Fleet {
    /// What is true of the fleet, whose data begin at `since`.
    #[must_use]
    pub fn truth(&self, since: Timestamp) -> Truth {
        let mut causes: BTreeMap<&str, PlantedCause> = BTreeMap::new();
        let mut hosts = Vec::new();
        for (plan, planted) in self.planted() {
            let mut ids = Vec::new();
            for cause in planted.iter() {
                let Some(of) = cause.describe() else { continue };
                ids.push(of.id.to_owned());
                let growth = cause.growth(plan);
                let events = cause.events(plan);
                let affected = AffectedHost {
                    host: plan.facts.fqdn.clone(),
                    start: self.timeline().true_time(growth.start_s * 1000),
                    objects_per_hour: growth.objects_per_hour,
                    bytes_per_day: growth.bytes_per_day,
                    events: events.into_iter().map(|event| expected(self, event)).collect(),
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
        let scenario = self.scenario();
        Truth {
            version: VERSION,
            seed: scenario.seed,
            since,
            epoch: scenario.epoch,
            live: self.live(),
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
