//! What happens to uploads when the database is slow, fails, or the server was started anew.

use std::time::{Duration, Instant};

use jiff::SignedDuration;
use poolwatch_model::HostId;
use poolwatch_protocol::v1::messages::FramesReply;
use poolwatch_server::writer::{Writer, WriterLimits};
use poolwatch_store::{frames::NewFrame, testing};
use sqlx::{Connection, Executor, postgres::PgPoolOptions};
use tokio::task::JoinSet;

use crate::server::{Server, classic, json, now};

#[tokio::test]
async fn a_stuck_database_makes_agents_wait_and_nothing_that_waits_is_lost() {
    let pool = testing::database().await.unwrap();
    let server = Server::start_with(
        pool.clone(),
        Writer::with_limits(pool, WriterLimits { memory_kb: 2, ..WriterLimits::default() }),
    )
    .await;
    let mut agents = Vec::new();
    for name in ["a", "b", "c"] {
        let mut agent = server.enrol(name).await;
        let frame = agent.frame(classic(0));
        // What the boot needs of the database is there before it gets stuck.
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
        agents.push(agent);
    }
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut stuck = db.begin().await.unwrap();
    stuck.execute("LOCK TABLE frames IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let frames: Vec<Vec<u8>> = agents.iter_mut().map(|agent| agent.frame(classic(1))).collect();
    let frames: Vec<[&[u8]; 1]> = frames.iter().map(|frame| [&frame[..]]).collect();
    let third = async {
        tokio::time::sleep(Duration::from_millis(700)).await;
        let refused = agents[2].send(&frames[2]).await;
        stuck.rollback().await.unwrap();
        refused
    };
    let (first, second, third) =
        tokio::join!(agents[0].send(&frames[0]), agents[1].send(&frames[1]), third);
    assert_eq!((first.status().as_u16(), second.status().as_u16()), (200, 200));
    assert_eq!(third.status(), 503);
    assert!(third.headers().contains_key("retry-after"));
    assert_eq!(agents[2].send(&frames[2]).await.status(), 200);
    for agent in &agents {
        assert_eq!(server.stored_frames(agent.id).await, [(1, 1), (1, 2)]);
    }
}

#[tokio::test]
async fn after_a_failed_commit_a_resend_goes_on_and_a_skip_leads_to_a_key_frame() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let mut forgetful = server.enrol("fs-03").await;
    for agent in [&mut agent, &mut forgetful] {
        let key = agent.frame(classic(0));
        assert_eq!(agent.send(&[&key]).await.status(), 200);
    }
    let lost = [agent.frame(classic(1)), forgetful.frame(classic(1))];
    server.app.pool.execute("ALTER TABLE frames RENAME TO elsewhere").await.unwrap();
    assert!(agent.send(&[&lost[0]]).await.status().is_server_error());
    assert!(forgetful.send(&[&lost[1]]).await.status().is_server_error());
    let ready = async || server.client.get(format!("{}/readyz", server.url)).send().await.unwrap();
    assert_eq!(ready().await.status(), 503, "nothing can be stored");
    let alive = server.client.get(format!("{}/healthz", server.url)).send().await.unwrap();
    assert_eq!(alive.status(), 200);
    server.app.pool.execute("ALTER TABLE elsewhere RENAME TO frames").await.unwrap();

    let after = agent.frame(classic(2));
    let reply: FramesReply = json(agent.send(&[&lost[0], &after]).await).await;
    assert!(!reply.need_key && reply.refused.is_empty());
    assert_eq!(server.stored_frames(agent.id).await, [(1, 1), (1, 2), (1, 3)]);
    let begun = Instant::now();
    while ready().await.status() != 200 {
        assert!(begun.elapsed() < Duration::from_secs(10), "it can be stored again");
        tokio::time::sleep(Duration::from_millis(200)).await;
    }

    let after = forgetful.frame(classic(2));
    let reply: FramesReply = json(forgetful.send(&[&after]).await).await;
    assert!(reply.need_key, "what it is relative to was never stored");
    forgetful.restart_chain();
    let key = forgetful.frame(classic(3));
    let reply: FramesReply = json(forgetful.send(&[&key]).await).await;
    assert!(!reply.need_key);
}

#[tokio::test]
async fn after_a_restart_the_first_delta_finds_its_base_in_the_database() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frames = [agent.frame(classic(0)), agent.frame(classic(1))];
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    assert_eq!(agent.send(&frames).await.status(), 200);
    server.app.fleet.forget(agent.id);
    let delta = agent.frame(classic(2));
    let reply: FramesReply = json(agent.send(&[&delta]).await).await;
    assert!(!reply.need_key);
    assert_eq!(server.app.fleet.ensure_host(agent.id).snapshot(), Some(classic(2)));
}

#[tokio::test]
async fn after_a_start_figures_show_as_stale_until_the_host_is_heard() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    let fleet = poolwatch_server::fleet::Fleet::default();
    let now = now();
    let kept = server.app.retention.current().ten_minutes;
    poolwatch_server::fleet::load::run(&server.app.pool, &fleet, kept, now).await.unwrap();
    let (live, ids) = (fleet.ensure_host(agent.id), [agent.id]);
    assert_eq!(live.snapshot(), Some(classic(0)));
    assert!(live.read().stale);
    assert_eq!(live.read().memory, classic(0).memory);
    // The tables of hosts that reported lately follow before they are heard; others wait.
    live.let_go();
    let rest = |now| poolwatch_server::fleet::load::rest(&server.app.pool, &fleet, &ids, kept, now);
    rest(now.checked_add(SignedDuration::from_hours(2)).unwrap()).await.unwrap();
    assert_eq!(live.snapshot(), None);
    rest(now).await.unwrap();
    assert_eq!(live.snapshot(), Some(classic(0)));
    assert!(live.read().stale);
}

fn frame_of(host: i32, seq: u64) -> NewFrame {
    NewFrame {
        host: HostId(host),
        at: now(),
        boot_no: 1,
        seq,
        is_key: true,
        paged: None,
        nonpaged: None,
        payload: vec![1],
    }
}

#[tokio::test]
async fn a_database_that_is_away_is_waited_for_once_and_not_by_each_upload_in_turn() {
    let wait = Duration::from_secs(1);
    let options = testing::database_options().await.unwrap();
    let pool = PgPoolOptions::new().max_connections(1).acquire_timeout(wait);
    let pool = pool.connect_with(options).await.unwrap();
    let _only = pool.acquire().await.unwrap();
    let writer = Writer::start(pool);
    let begun = Instant::now();
    let mut uploads = JoinSet::new();
    for host in 1..=10 {
        let (writer, permit) = (writer.clone(), writer.upload_permit(HostId(host)).unwrap());
        uploads.spawn(async move { writer.write(vec![frame_of(host, 1)], permit).await });
    }
    let refused = uploads.join_all().await;
    assert!(refused.iter().all(|one| one.as_ref().is_err_and(|error| error.status() == 503)));
    assert!(begun.elapsed() < wait * 3, "waited {:?}", begun.elapsed());
}

#[tokio::test]
async fn data_that_will_not_do_fails_its_own_upload_alone() {
    let writer = Writer::start(testing::database().await.unwrap());
    let write = |host, seq| {
        writer.write(vec![frame_of(host, seq)], writer.upload_permit(HostId(host)).unwrap())
    };
    let (first, bad, last) = tokio::join!(write(1, 1), write(2, u64::MAX), write(3, 1));
    assert_eq!((first.unwrap(), last.unwrap()), (1, 1));
    assert!(bad.is_err());
}
