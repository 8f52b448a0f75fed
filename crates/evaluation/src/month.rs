//! A month of a group of hosts, through which detection goes as it does in the server.

use std::{
    collections::BTreeMap,
    pin::pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use poolwatch_analysis::{case::Peer, catalogue::Catalogue};
use poolwatch_detection::{
    HostDiagnosis, Look, Schedule,
    cause::cause_of_diagnosis,
    comparison::{ComparisonSchedule, compare_hosts, host_to_name_owner},
    diagnose_host,
    lifecycle::{IncidentLifecycle, Observation},
    record::{keep_suspects, make_record},
    schedule::{HostLook, TurnHost},
};
use poolwatch_model::{
    HostId, Pool, PoolTag,
    comparison::AttributeCounts,
    diagnosis::Diagnosis,
    history::MISSING,
    incident::{Cause, Incident, IncidentId},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};

use poolwatch_simulator::patterns::load::MONTH;

use crate::{
    fleet::{Host, Tag},
    history::{
        SLOT_S, SimulatedFleet, SimulatedHistory, StoredMonth, host_id, place_of_host, time_of_slot,
    },
};

/// Goes through the month of a group. `take` is given each diagnosis: the slot, the place of the host.
pub fn pass_month(hosts: &[Host], mut take: impl FnMut(usize, usize, &HostDiagnosis)) {
    let mut month = Month::new(hosts);
    for slot in 0..MONTH {
        month.take_turn(slot, &mut take);
    }
}

struct Month<'a> {
    hosts: &'a [Host],
    stored: Vec<StoredMonth>,
    tables: Vec<TagTable>,
    schedule: Schedule,
    comparisons: ComparisonSchedule,
    /// Incidents with what comparisons told of them, and what their lifecycles remember.
    incidents: Vec<(Incident, Vec<AttributeCounts>)>,
    lifecycles: Vec<IncidentLifecycle>,
    /// What counts of each host of each incident.
    judgements: Vec<BTreeMap<HostId, Diagnosis>>,
    catalogue: Arc<Catalogue>,
}

impl<'a> Month<'a> {
    fn new(hosts: &'a [Host]) -> Self {
        Self {
            hosts,
            stored: hosts.iter().map(StoredMonth::new).collect(),
            tables: hosts.iter().map(|host| empty_table(&host.tags)).collect(),
            schedule: Schedule::default(),
            comparisons: ComparisonSchedule::default(),
            incidents: Vec::new(),
            lifecycles: Vec::new(),
            judgements: Vec::new(),
            catalogue: Arc::default(),
        }
    }

    fn take_turn(&mut self, slot: usize, take: &mut impl FnMut(usize, usize, &HostDiagnosis)) {
        let now = time_of_slot(slot);
        let has_incident =
            |id: HostId| self.incidents.iter().any(|(one, _)| one.hosts.contains(&id));
        let hosts: Vec<TurnHost> = (0..self.hosts.len())
            .map(|at| TurnHost {
                id: host_id(at),
                has_tags: self.hosts[at].slots[slot].is_some(),
                has_incident: has_incident(host_id(at)),
                has_news: false,
            })
            .collect();
        for id in self.schedule.begin_turn(&hosts, now) {
            self.screen(slot, place_of_host(id));
        }
        // Nothing is known of the time before the month.
        for id in self.schedule.hosts_to_seed(now) {
            self.schedule.note_unseeded(id);
        }
        self.schedule.blocks_to_seed(|_| 0);
        for (id, look) in self.schedule.hosts_to_diagnose(now) {
            let found = self.diagnose(slot, id, &look, take);
            self.schedule.note_diagnosed(id, Some(&found), now);
        }
        self.compare_incidents(slot, take);
    }

    fn screen(&mut self, slot: usize, at: usize) {
        let Some((_, up)) = self.hosts[at].slots[slot] else { return };
        fill_table(&mut self.tables[at], &self.hosts[at].tags, slot);
        let look = HostLook {
            id: host_id(at),
            uptime_s: up as u64 * SLOT_S.unsigned_abs(),
            tags: &self.tables[at],
            memory: &self.stored[at].memory(slot),
            most_handles: self.stored[at].most_handles(slot),
        };
        let usual = |tag, pool| usual_use(self.hosts, slot, tag, pool);
        self.schedule.screen_host(&look, usual, time_of_slot(slot));
    }

    fn diagnose(
        &mut self,
        slot: usize,
        id: HostId,
        look: &Look,
        take: &mut impl FnMut(usize, usize, &HostDiagnosis),
    ) -> HostDiagnosis {
        let mut history = SimulatedHistory {
            fleet: SimulatedFleet { hosts: self.hosts, stored: &self.stored, slot },
            incidents: &self.incidents,
            catalogue: self.catalogue.clone(),
        };
        let found = ready(diagnose_host(&mut history, id, look, time_of_slot(slot)));
        let found = found.unwrap_or_else(|never| match never {});
        let found = found.expect("every host of the group is there");
        take(slot, place_of_host(id), &found);
        if !found.is_glance {
            self.keep(slot, &found);
        }
        found
    }

    /// Keeps what was found as the server does: incidents open, go on or end.
    fn keep(&mut self, slot: usize, found: &HostDiagnosis) {
        let (host, at) = (found.host, time_of_slot(slot));
        let mut seen: Vec<IncidentId> = Vec::new();
        for diagnosis in &found.diagnoses {
            let Some(cause) = cause_of_diagnosis(host, diagnosis) else { continue };
            let place = self.incident_of_cause(&cause, diagnosis, slot);
            let (lifecycle, kept) = (&mut self.lifecycles[place], &mut self.judgements[place]);
            let mut diagnosis = diagnosis.clone();
            if let Some(before) = kept.get(&host)
                && lifecycle.hosts.get(&host).is_some_and(|of| !of.cleared)
            {
                keep_suspects(&mut diagnosis, before);
            }
            let uptime_s = found.uptime_s;
            let found = Observation::Found { diagnosis: &diagnosis, uptime_s, news: None };
            if lifecycle.observe(host, at, found).counts {
                kept.insert(host, diagnosis);
            }
            seen.push(self.incidents[place].0.id);
        }
        for (place, lifecycle) in self.lifecycles.iter_mut().enumerate() {
            let incident = &mut self.incidents[place].0;
            if incident.hosts.contains(&host) && !seen.contains(&incident.id) {
                lifecycle.observe(host, at, Observation::NotFound { uptime_s: found.uptime_s });
            }
            incident.hosts = lifecycle.affected().map(|(id, _)| id).collect();
            incident.state = lifecycle.state;
            if let Some(hosts) = lifecycle.record_hosts() {
                let kept = &self.judgements[place];
                incident.worst = Some(hosts.worst);
                incident.diagnosis = make_record(&kept[&hosts.worst], &kept[&hosts.named]);
            }
        }
    }

    fn incident_of_cause(&mut self, cause: &Cause, diagnosis: &Diagnosis, slot: usize) -> usize {
        if let Some(place) = self.incidents.iter().position(|(one, _)| one.cause == *cause) {
            return place;
        }
        self.lifecycles.push(IncidentLifecycle::default());
        self.judgements.push(BTreeMap::new());
        let incident = Incident {
            id: IncidentId(self.incidents.len() as i64),
            cause: cause.clone(),
            state: Default::default(),
            opened: time_of_slot(slot),
            last_seen: time_of_slot(slot),
            findings: 0,
            diagnosis: diagnosis.clone(),
            hosts: Vec::new(),
            worst: None,
        };
        self.incidents.push((incident, Vec::new()));
        self.incidents.len() - 1
    }

    fn compare_incidents(
        &mut self,
        slot: usize,
        take: &mut impl FnMut(usize, usize, &HostDiagnosis),
    ) {
        let now = time_of_slot(slot);
        let incidents: Vec<Incident> =
            self.incidents.iter().map(|(incident, _)| incident.clone()).collect();
        for incident in self.comparisons.due_incidents(&incidents, now) {
            let fleet = SimulatedFleet { hosts: self.hosts, stored: &self.stored, slot };
            let found = compare_hosts(&fleet, &incident.hosts);
            self.comparisons.note_compared(incident, now);
            if let Some((_, comparison)) =
                self.incidents.iter_mut().find(|(one, _)| one.id == incident.id)
            {
                *comparison = found;
            }
            if let Some(host) = host_to_name_owner(incident) {
                self.diagnose(slot, host, &Look::default(), take);
            }
        }
    }
}

/// What a future gives that never waits.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(value) => value,
        Poll::Pending => unreachable!("a simulated history never waits"),
    }
}

/// What the group uses by a tag, as the view of a fleet tells it.
fn usual_use(hosts: &[Host], slot: usize, tag: PoolTag, pool: Pool) -> Option<Peer> {
    let mut values: Vec<u64> = hosts
        .iter()
        .filter_map(|host| {
            let tags = &host.tags;
            let at = tags.binary_search_by_key(&(tag, pool), |one| (one.tag, one.pool)).ok()?;
            Some(tags[at].bytes[slot]).filter(|bytes| *bytes != MISSING)
        })
        .collect();
    values.sort_unstable();
    let median = *values.get(values.len() / 2)?;
    Some(Peer { tag, pool, median, hosts: values.len() as u32 })
}

fn empty_table(tags: &[Tag]) -> TagTable {
    let rows = tags
        .iter()
        .map(|tag| TagUse {
            tag: tag.tag,
            paged: TagCounters::default(),
            nonpaged: TagCounters::default(),
        })
        .collect();
    TagTable::new(AllocCounting::Wrapping32, true, rows)
}

fn fill_table(table: &mut TagTable, tags: &[Tag], slot: usize) {
    let mut rows = table.rows.iter_mut().peekable();
    for tag in tags {
        while rows.next_if(|row| row.tag < tag.tag).is_some() {}
        if let Some(row) = rows.peek_mut()
            && row.tag == tag.tag
        {
            let bytes = tag.bytes[slot];
            *row.of_mut(tag.pool) = TagCounters {
                bytes,
                outstanding: bytes / tag.unit,
                allocs: u64::from(tag.allocs[slot]),
            };
        }
    }
}
