//! A day of the demo's fleet on a simulated clock: its five causes are five threads, and what people are
//! told never contradicts what is shown.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::{Schedule, silence::SilenceSchedule};
use poolwatch_model::{HostId, diagnosis::Verdict, incident::Incident};
use poolwatch_protocol::v1::{
    Batch, Encoder, SenderClock,
    messages::{EnrolReply, EnrolRequest, EventsRequest, InventoryRequest},
};
use poolwatch_server::{
    alerts::{
        deliver::deliver_due,
        dispatch::{Dispatched, dispatch_due},
    },
    fleet::refresh::{Keeper, refresh},
    jobs::{
        diagnose_events, diagnose_hosts::take_turn, find_silence::find_silent,
        watch_rules::RuleWatcher,
    },
};
use poolwatch_simulator::{Fleet, HostSim};
use poolwatch_store::deliveries::{self, DeliveryFilter};

use super::{MINUTE, mailer, relay::Relay};
use crate::{
    events::incidents as listed,
    server::{Server, TOKEN, TestClock, json, now},
};

const HOSTS: usize = 8;
/// Before the day: what a fleet that was watched knows already.
const BEFORE_H: i64 = 24;
const DAY_H: i64 = 24;
const STEP_M: i64 = 10;

/// A host of the fleet with its agent.
struct SimulatedHost {
    sim: HostSim,
    encoder: Encoder,
    key: String,
}

impl SimulatedHost {
    async fn enrol(server: &Server, sim: HostSim) -> Self {
        let request = EnrolRequest {
            token: TOKEN.into(),
            instance_id: sim.plan().instance_id,
            facts: sim.plan().facts.clone(),
            versions: vec![1],
        };
        let body = serde_json::to_vec(&request).unwrap();
        let reply: EnrolReply = json(server.post("/agent/v1/enrol", None, &body).await).await;
        let this = Self { sim, encoder: Encoder::default(), key: reply.host_key };
        let (facts, inventory) = (this.sim.plan().facts.clone(), this.sim.inventory());
        let body = serde_json::to_vec(&InventoryRequest { facts, inventory }).unwrap();
        server.post("/agent/v1/inventory", Some(&this.key), &body).await;
        this
    }

    /// Sends what it measures and logs up to a time.
    async fn report(&mut self, server: &Server, since: Timestamp, at: Timestamp) {
        if let Some(taken) = self.sim.snapshot_at(at) {
            let clock = SenderClock {
                boot: taken.stamp.boot,
                uptime_ms: taken.stamp.uptime_ms,
                wall: taken.stamp.wall,
            };
            let frame = self.encoder.encode(taken.stamp, taken.snapshot);
            let batch = Batch { clock, frames: vec![&frame] }.to_bytes();
            let answer = server.post("/agent/v1/frames", Some(&self.key), &batch).await;
            assert_eq!(answer.status(), 200);
        }
        let events = self.sim.events_until(since, at);
        if !events.is_empty() {
            let request = EventsRequest { wall: self.sim.wall(at), events, gap: false };
            let body = serde_json::to_vec(&request).unwrap();
            let answer = server.post("/agent/v1/events", Some(&self.key), &body).await;
            assert_eq!(answer.status(), 200);
        }
    }
}

/// What is shown of an incident, and what was told of it last.
fn check_told(incident: &Incident, subject: &str) {
    let level = match incident.diagnosis.verdict {
        Verdict::Exhausted | Verdict::CommitExhaustion => "CRITICAL",
        Verdict::Leak => "WARNING",
        _ => "NOTE",
    };
    assert!(subject.contains(level), "{subject}: {:?}", incident.diagnosis.verdict);
}

#[tokio::test]
async fn a_day_of_the_demo_is_five_threads_without_a_contradiction() {
    // The last two hours are after the moment at which two pools run empty.
    let end = now();
    let epoch = end - SignedDuration::from_hours(2);
    let begun = end - SignedDuration::from_hours(BEFORE_H + DAY_H);
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let mut fleet = Fleet::new(1, HOSTS, epoch);
    fleet.go_live(epoch, 1);
    let mut hosts = Vec::new();
    for index in 0..HOSTS {
        hosts.push(SimulatedHost::enrol(&server, fleet.simulate(index)).await);
    }
    let (mut schedule, mut silence) = (Schedule::default(), SilenceSchedule::default());
    let mut watcher = RuleWatcher::default();
    let mut keeper = Keeper::default();
    let stop = Default::default();
    let courier = mailer(&Relay::start(&[]).await);
    // By incident: the subjects of its mails, in order.
    let mut threads: BTreeMap<i64, Vec<String>> = BTreeMap::new();
    let mut others = Vec::new();
    let steps = (BEFORE_H + DAY_H) * 60 / STEP_M;
    for step in 0..=steps {
        let at = begun + MINUTE * i32::try_from(step * STEP_M).unwrap();
        clock.set(at);
        for host in &mut hosts {
            host.report(&server, begun, at).await;
        }
        if step * STEP_M < BEFORE_H * 60 {
            continue;
        }
        let made;
        (keeper, made) = refresh(&server.app.pool, &server.app.fleet, keeper, 600, at).await;
        made.unwrap();
        diagnose_events::do_due(&server.app, &stop).await.unwrap();
        take_turn(&server.app, &mut schedule, at, &stop).await;
        find_silent(&server.app, &mut silence, at).await;
        watcher.look(&server.app, at).await.unwrap();
        let due = at + 2 * MINUTE;
        while let Some(dispatched) = dispatch_due(&server.app, due).await.unwrap() {
            let Dispatched::Sent(words, _) = dispatched else { continue };
            let mut db = server.app.pool.acquire().await.unwrap();
            let latest = deliveries::list(&mut db, DeliveryFilter::default(), 1).await.unwrap();
            match latest[0].incident {
                Some(id) => {
                    let shown = listed(&server).await;
                    let incident = shown.iter().find(|one| one.id == id).unwrap();
                    check_told(incident, &words.subject);
                    threads.entry(id.0).or_default().push(words.subject);
                }
                None => others.push(words.subject),
            }
        }
        clock.set(due);
        while deliver_due(&server.app, &courier).await.unwrap() {}
    }
    println!("{threads:#?}\n{others:#?}");
    let shown = listed(&server).await;
    let truth = fleet.truth(begun);
    assert_eq!(threads.len(), truth.causes.len(), "one thread for each cause: {threads:#?}");
    assert_eq!(shown.len(), threads.len(), "and no incident that nobody was told of");
    assert_eq!(others, Vec::<String>::new(), "and nothing beside them");
    let mut told_on: BTreeSet<HostId> = BTreeSet::new();
    for incident in &shown {
        let cause = truth.causes.iter().find(|cause| {
            incident.cause.tag().is_none_or(|tag| cause.tags.contains(&tag))
                && incident.cause.pool() == cause.pool
        });
        assert!(cause.is_some(), "{:?} was not planted", incident.cause);
        told_on.extend(&incident.hosts);
    }
    for subjects in threads.values() {
        assert!(subjects.len() <= 4, "{subjects:?}");
        let mut once = subjects.clone();
        once.dedup();
        assert_eq!(&once, subjects, "nothing is said twice in a row");
    }
}
