//! A day of the demo's fleet on a simulated clock: its five causes are five threads of mail, and what
//! people are told is what the console and the interface for scripts show at that moment.

mod agreement;

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::{
    Look, Schedule, comparison::ComparisonSchedule, silence::SilenceSchedule,
};
use poolwatch_model::incident::{Incident, IncidentId};
use poolwatch_protocol::v1::{
    Batch, Encoder, SenderClock,
    messages::{EnrolReply, EnrolRequest, EventsRequest, InventoryRequest},
};
use poolwatch_server::{
    alerts::{
        deliver::{Courier, deliver_due},
        dispatch::{Dispatched, dispatch_due},
    },
    fleet::{
        drivers::{self, Book},
        load_baselines::{self, BaselineRequests},
        refresh::{Keeper, refresh},
    },
    jobs::{
        compare_incidents::compare_due,
        diagnose_events,
        diagnose_hosts::{diagnose_host, take_turn},
        find_silence::find_silent,
        watch_rules::RuleWatcher,
    },
};
use poolwatch_simulator::{Fleet, HostSim};
use poolwatch_store::{
    compact,
    deliveries::{self, DeliveryFilter},
};
use sqlx::Connection;

use self::agreement::Shown;
use super::{MINUTE, header, mailer, relay::Relay};
use crate::{
    events::incidents as listed,
    server::{Server, TOKEN, TestClock, json},
};

/// Of a fleet of forty: each cause of one host, a second one with the driver that leaks, and three that
/// are well, of the same Windows as the one with high use: its peers.
const FLEET: usize = 40;
const HOSTS: [usize; 9] = [0, 1, 2, 3, 4, 5, 8, 18, 26];
/// Before the day: what a fleet that was watched knows already. Whether a tag holds still takes a day.
const BEFORE_H: i64 = 30;
const DAY_H: i64 = 24;
const STEP_M: i64 = 30;

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
            labels: Vec::new(),
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

/// The server's work in the background, step by step.
#[derive(Default)]
struct Background {
    schedule: Schedule,
    compared: ComparisonSchedule,
    silence: SilenceSchedule,
    watcher: RuleWatcher,
    keeper: Keeper,
    baselines: BaselineRequests,
    drivers: Book,
}

impl Background {
    /// Makes the view, and judges.
    async fn work(&mut self, server: &Server, at: Timestamp) {
        let app = &server.app;
        self.refresh(server, at).await;
        let (pool, fleet) = (&app.pool, &app.fleet);
        load_baselines::refresh(pool, fleet, &mut self.baselines, at).await.unwrap();
        drivers::refresh(pool, fleet, &mut self.drivers, at).await.unwrap();
        diagnose_events::do_due(app, &Default::default()).await.unwrap();
        take_turn(app, &mut self.schedule, at, &Default::default()).await;
        self.refresh(server, at).await;
        for host in compare_due(app, &mut self.compared, at).await.unwrap() {
            diagnose_host(app, host, &Look::default(), at).await.unwrap();
        }
        find_silent(app, &mut self.silence, at).await;
        self.refresh(server, at).await;
        self.watcher.look(app, at).await.unwrap();
    }

    async fn refresh(&mut self, server: &Server, at: Timestamp) {
        let keeper = std::mem::take(&mut self.keeper);
        let interval_s = u32::try_from(STEP_M * 60).unwrap();
        let (pool, fleet) = (&server.app.pool, &server.app.fleet);
        let (keeper, made) = refresh(pool, fleet, keeper, interval_s, at).await;
        self.keeper = keeper;
        made.unwrap();
    }
}

/// Makes the hour that ends now, as the server does: days are read from hours.
async fn make_hour(server: &Server, at: Timestamp) {
    if at.as_second() % 3600 != 0 {
        return;
    }
    let mut reader = server.app.pool.acquire().await.unwrap();
    let mut writer = server.app.pool.acquire().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let hour = at - SignedDuration::from_hours(1);
    compact::hour(&mut reader, &mut transaction, hour, 0).await.unwrap();
    transaction.commit().await.unwrap();
}

/// A message of an incident.
#[derive(Debug)]
struct ToldMessage {
    step: i64,
    subject: String,
    shown: Shown,
}

/// Everything that people were told.
#[derive(Default)]
struct Told {
    by_incident: BTreeMap<IncidentId, Vec<ToldMessage>>,
    others: Vec<(i64, String)>,
}

impl Told {
    /// Takes in what goes out now, each held against what is shown at that moment.
    async fn dispatch(&mut self, server: &Server, step: i64, at: Timestamp) {
        while let Some(dispatched) = dispatch_due(&server.app, at).await.unwrap() {
            let Dispatched::Sent(words, _) = dispatched else { continue };
            let mut db = server.app.pool.acquire().await.unwrap();
            let latest = deliveries::list(&mut db, DeliveryFilter::default(), 1).await.unwrap();
            let Some(id) = latest[0].incident else {
                self.others.push((step, words.subject));
                continue;
            };
            let shown = Shown::on_page_and_by_api(server, id).await;
            let wrong = shown.contradictions(&words);
            assert!(wrong.is_empty(), "step {step}: {wrong:#?}\n{}\n{}", words.subject, words.text);
            let subject = words.subject;
            self.by_incident.entry(id).or_default().push(ToldMessage { step, subject, shown });
        }
    }

    /// What was told last holds as long as nothing else is told.
    async fn check_standing(&self, server: &Server, step: i64) {
        for (id, messages) in &self.by_incident {
            let now = Shown::on_page_and_by_api(server, *id).await;
            let told = &messages.last().unwrap().shown;
            assert!(!now.is_worse_than(told), "step {step}: {now:?}, and people know {told:?}");
        }
    }
}

async fn deliver(server: &Server, courier: &Courier) {
    while deliver_due(&server.app, courier).await.unwrap() {}
}

/// By thread, the subjects of its mails.
fn threads(mails: &[String]) -> BTreeMap<String, Vec<String>> {
    let mut threads: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for mail in mails {
        let thread = header(mail, "References:").to_owned();
        threads.entry(thread).or_default().push(header(mail, "Subject:").to_owned());
    }
    threads
}

/// A change is told once: what was told is otherwise, and the incident is what it is called.
fn check_changes(messages: &[ToldMessage]) {
    let subjects: Vec<&str> = messages.iter().map(|one| one.subject.as_str()).collect();
    for (place, message) in messages.iter().enumerate() {
        let is_first = place == 0;
        let changes = ["worse, ", "now with a suspect, ", "back again, ", "RESOLVED"];
        let is_change = changes.iter().any(|change| message.subject.contains(change));
        assert_ne!(is_first, is_change, "it opens once: {subjects:#?}");
        if let Some(before) = place.checked_sub(1).map(|before| &messages[before]) {
            assert!(message.step > before.step, "one message a step: {subjects:#?}");
            assert_ne!(message.shown, before.shown, "nothing changed: {subjects:#?}");
        }
    }
    let named = subjects.iter().filter(|one| one.contains("now with a suspect")).count();
    assert!(named <= 1 && subjects.len() <= 5, "{subjects:#?}");
}

#[tokio::test]
async fn a_day_of_the_demo_is_five_threads_without_a_contradiction() {
    // Two pools run empty as the day begins.
    let epoch: Timestamp = "2026-03-05T14:00:00Z".parse().unwrap();
    let begun = epoch - SignedDuration::from_hours(BEFORE_H);
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let mut fleet = Fleet::new(1, FLEET, epoch);
    fleet.go_live(epoch, 1);
    let mut hosts = Vec::new();
    for index in HOSTS {
        hosts.push(SimulatedHost::enrol(&server, fleet.simulate(index)).await);
    }
    let relay = Relay::start(&[]).await;
    let courier = mailer(&relay);
    let (mut background, mut told) = (Background::default(), Told::default());
    for step in 0..=(BEFORE_H + DAY_H) * 60 / STEP_M {
        let at = begun + MINUTE * i32::try_from(step * STEP_M).unwrap();
        clock.set(at);
        for host in &mut hosts {
            host.report(&server, begun, at).await;
        }
        make_hour(&server, at).await;
        if step * STEP_M < BEFORE_H * 60 {
            continue;
        }
        background.work(&server, at).await;
        // First messages wait for what belongs to them.
        let due = at + 2 * MINUTE;
        clock.set(due);
        told.dispatch(&server, step, due).await;
        deliver(&server, &courier).await;
        told.check_standing(&server, step).await;
    }

    let incidents = listed(&server).await;
    let truth = fleet.truth(begun);
    let by_thread = threads(&relay.mails().await);
    assert_eq!(truth.causes.len(), 5);
    assert_eq!(by_thread.len(), 5, "a thread for each cause: {by_thread:#?}");
    let standing: Vec<_> =
        told.by_incident.values().filter_map(|messages| messages.last()).collect();
    assert!(told.others.is_empty(), "beside them: {:#?}\n{standing:#?}", told.others);
    let known: BTreeSet<IncidentId> = incidents.iter().map(|one| one.id).collect();
    let heard: BTreeSet<IncidentId> = told.by_incident.keys().copied().collect();
    assert_eq!(known, heard, "there is no incident that nobody was told of");
    let planted = |incident: &Incident| {
        truth.causes.iter().position(|cause| {
            incident.cause.tag().is_none_or(|tag| cause.tags.contains(&tag))
                && incident.cause.pool() == cause.pool
        })
    };
    let causes: BTreeSet<Option<usize>> = incidents.iter().map(planted).collect();
    assert_eq!(causes, (0..5).map(Some).collect(), "{incidents:#?}");
    for messages in told.by_incident.values() {
        check_changes(messages);
    }
}
