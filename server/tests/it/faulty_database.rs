//! Days on which the way to the real Postgres breaks off in the middle of anything, by seed: each frame
//! is there once, each incident is opened once, and each message goes out once.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use jiff::SignedDuration;
use poolwatch_model::{Snapshot, person::Role};
use poolwatch_protocol::v1::messages::{EventsRequest, FramesReply};
use poolwatch_server::{
    alerts::{
        deliver::{Courier, deliver_due},
        dispatch::dispatch_due,
    },
    database::{self, pool_options},
    jobs::diagnose_events,
    writer::{Writer, WriterLimits},
};
use poolwatch_store::{
    PgPool,
    deliveries::{self, DeliveryFilter},
    statement_time,
    testing::{self, faulty_proxy::FaultyProxy},
};
use sqlx::Executor;

use crate::{
    alerts::{mailer, relay::Relay},
    events::{event, incidents},
    mutations::Chance,
    server::{Agent, Server, TestClock, classic, json, now},
};

const SEEDS: u8 = 4;
const HOSTS: usize = 3;
const STEPS: u64 = 30;
/// Attempts at what has to succeed once nothing fails any more.
const ATTEMPTS: usize = 40;

/// The classic case of a program of this host's own.
fn case_of(host: usize, step: u64) -> Snapshot {
    let mut snapshot = classic(step);
    let processes = snapshot.processes.as_mut().unwrap();
    processes[0].image = format!("badapp{host}.exe");
    snapshot
}

/// A host with what its server has not acknowledged.
struct TroubledHost<'a> {
    agent: Agent<'a>,
    frames: Vec<Vec<u8>>,
    events: Vec<u64>,
}

impl TroubledHost<'_> {
    /// Sends once all that waits.
    async fn send(&mut self, server: &Server) {
        self.send_frames(server).await;
        self.send_events(server).await;
    }

    async fn send_frames(&mut self, server: &Server) {
        if self.frames.is_empty() {
            return;
        }
        let frames: Vec<&[u8]> = self.frames.iter().map(Vec::as_slice).collect();
        let batch = self.agent.batch(&frames);
        let answer = server.post("/agent/v1/frames", Some(&self.agent.key), &batch).await;
        if answer.status() == 200 {
            let reply: FramesReply = json(answer).await;
            assert_eq!(reply.refused, []);
            self.frames.clear();
            if reply.need_key {
                self.agent.restart_chain();
            }
        } else {
            assert_eq!(answer.status(), 503);
        }
    }

    async fn send_events(&mut self, server: &Server) {
        if self.events.is_empty() {
            return;
        }
        let events = self.events.iter().map(|id| event(2019, *id, now())).collect();
        let request = EventsRequest { wall: now(), events, gap: false };
        let body = serde_json::to_vec(&request).unwrap();
        let answer = server.post("/agent/v1/events", Some(&self.agent.key), &body).await;
        match answer.status().as_u16() {
            200 => self.events.clear(),
            status => assert_eq!(status, 503),
        }
    }
}

/// Lets everything happen that is due. What fails is tried again another time.
async fn work(server: &Server, courier: &Courier) {
    let _ = diagnose_events::do_due(&server.app, &Default::default()).await;
    let now = server.app.clock.now();
    while let Ok(Some(_)) = dispatch_due(&server.app, now).await {}
    while let Ok(true) = deliver_due(&server.app, courier).await {}
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_breaks_off_each_frame_is_there_once_and_each_message_goes_out_once() {
    let (mut cuts, begun) = (0, Instant::now());
    for seed in 0..SEEDS {
        cuts += break_off(seed).await;
    }
    println!("{SEEDS} days with {cuts} cuts in {:?}", begun.elapsed());
    assert!(cuts > u64::from(SEEDS), "{cuts}");
}

async fn break_off(seed: u8) -> u64 {
    let mut chance = Chance::new(seed);
    let options = testing::database_options().await.unwrap();
    let (proxy, by_proxy) = FaultyProxy::before(&options).await.unwrap();
    let pool = pool_options(5, database::STATEMENT).connect_with(by_proxy).await.unwrap();
    let (begun, relay) = (now(), Relay::start(&[]).await);
    let (clock, courier) = (TestClock::new(begun), mailer(&relay));
    let first = Server::start_on(pool, clock.clone()).await;
    let mut hosts = Vec::new();
    for number in 0..HOSTS {
        let agent = first.enrol(&format!("fs-0{number}.contoso.test")).await;
        hosts.push(TroubledHost { agent, frames: Vec::new(), events: Vec::new() });
    }
    let mut server = first.restarted().await;
    for step in 0..STEPS {
        clock.set(begun + SignedDuration::from_secs(step as i64 * 20));
        proxy.cut_after(Some(chance.below(60_000) as u64));
        if chance.below(8) == 0 {
            server = first.restarted().await;
        }
        for (number, host) in hosts.iter_mut().enumerate() {
            host.agent.step_ms = 20_000;
            let frame = host.agent.frame(case_of(number, step));
            host.frames.push(frame);
            if step == STEPS / 3 {
                host.events.push(7);
            }
            host.send(&server).await;
        }
        work(&server, &courier).await;
    }
    proxy.cut_after(None);
    for attempt in 0..ATTEMPTS {
        let later = SignedDuration::from_mins(STEPS as i64 + attempt as i64 * 2);
        clock.set(begun + later);
        for host in &mut hosts {
            host.send(&server).await;
        }
        work(&server, &courier).await;
        let waits = hosts.iter().any(|host| !host.frames.is_empty() || !host.events.is_empty());
        if !waits && attempt > 5 {
            break;
        }
    }

    let straight = PgPool::connect_with(options).await.unwrap();
    let mut db = straight.acquire().await.unwrap();
    for host in &hosts {
        let frames = testing::frames(&mut db, host.agent.id).await.unwrap();
        let numbers: Vec<u64> = frames.iter().map(|(_, frame)| frame.seq).collect();
        assert_eq!(numbers, (1..=STEPS).collect::<Vec<_>>(), "seed {seed}");
    }
    assert_eq!(incidents(&server).await.len(), HOSTS, "seed {seed}");
    let mails = relay.mails().await;
    let id = |mail: &str| {
        let line = mail.lines().find(|line| line.starts_with("Message-ID:"));
        line.unwrap().to_owned()
    };
    let ids: BTreeSet<String> = mails.iter().map(|mail| id(mail)).collect();
    let sent = deliveries::list(&mut db, DeliveryFilter::default(), 100).await.unwrap();
    assert_eq!((ids.len(), sent.len()), (HOSTS, HOSTS), "seed {seed}: {mails:#?}");
    proxy.cuts()
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_given_up_whether_anybody_waits_or_not() {
    const STATEMENT: Duration = Duration::from_secs(1);
    let options = testing::database_options().await.unwrap();
    let pool = pool_options(2, STATEMENT).connect_with(options).await.unwrap();
    let server = Server::start_with(pool.clone(), Writer::start(pool.clone())).await;
    let admin = server.api_token(Role::Admin).await;
    let stuck = PgPool::connect_with((*pool.connect_options()).clone()).await.unwrap();
    let mut lock = stuck.begin().await.unwrap();
    lock.execute("LOCK TABLE users IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let ask = || server.client.get(format!("{}/api/v1/people", server.url)).bearer_auth(&admin);
    // Its sender leaves long before, and the request goes on.
    let left = ask().timeout(Duration::from_millis(100)).send().await;
    assert!(left.unwrap_err().is_timeout());
    let answer = ask().send().await.unwrap();
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    let begun = Instant::now();
    while pool.num_idle() != pool.size() as usize {
        assert!(begun.elapsed() < Duration::from_secs(10), "a connection is held");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    lock.rollback().await.unwrap();
    assert_eq!(ask().send().await.unwrap().status(), 200);

    // Long work has more, and its connection has the usual bound again when it comes back.
    let pool =
        pool_options(1, STATEMENT).connect_with((*pool.connect_options()).clone()).await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    statement_time::bound(&mut db, statement_time::LONG).await.unwrap();
    db.execute("SELECT pg_sleep(1.2)").await.unwrap();
    drop(db);
    let late = pool.acquire().await.unwrap().execute("SELECT pg_sleep(10)").await.unwrap_err();
    assert!(poolwatch_store::is_temporary(&late.into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_database_that_die_without_a_word_hold_nobody_up_for_long() {
    const STATEMENT: Duration = Duration::from_secs(1);
    let options = testing::database_options().await.unwrap();
    let (proxy, by_proxy) = FaultyProxy::before(&options).await.unwrap();
    let pool = pool_options(3, database::STATEMENT).connect_with(by_proxy).await.unwrap();
    let limits = WriterLimits { statement: STATEMENT, ..WriterLimits::default() };
    let server = Server::start_with(pool.clone(), Writer::with_limits(pool.clone(), limits)).await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    // All are at work when they die.
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(pool.acquire().await.unwrap());
    }
    proxy.deaden_all();
    drop(held);
    let begun = Instant::now();
    let frame = agent.frame(classic(1));
    while agent.send(&[&frame]).await.status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(40), "nothing is stored any more");
    }
    println!("stored {:?} after all connections had died", begun.elapsed());
}
