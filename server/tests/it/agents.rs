//! Agents: enrolment, uploads, and everything that is wrong with them.

use std::time::Duration;

use poolwatch_protocol::{
    limits,
    v1::messages::{EnrolReply, EnrolRequest, FramesReply, Problem},
};
use poolwatch_server::jobs::follow_hosts;
use poolwatch_store::{enrolment, hosts, testing};
use sqlx::PgConnection;

use crate::server::{Agent, CAREFUL_TOKEN, Server, TOKEN, classic, json, now};

#[tokio::test]
async fn what_is_acknowledged_is_stored_once_however_often_it_is_sent() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frames: Vec<_> = (0..3).map(|step| agent.frame(classic(step))).collect();
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    for _ in 0..2 {
        let response = agent.send(&frames).await;
        assert_eq!(response.status(), 200);
        let reply: FramesReply = json(response).await;
        assert_eq!(reply.acknowledged.map(|id| id.seq), Some(3));
        assert!(!reply.need_key && reply.refused.is_empty());
    }
    assert_eq!(server.stored_frames(agent.id).await, [(1, 1), (1, 2), (1, 3)]);
    assert_eq!(server.app.fleet.ensure_host(agent.id).snapshot(), Some(classic(2)));
}

#[tokio::test]
async fn frames_of_many_boots_are_answered_however_often_they_are_sent() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let mut frames = Vec::new();
    for step in 0..6 {
        agent.restart();
        frames.push(agent.frame(classic(step)));
    }
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    let mixed: Vec<&[u8]> = frames.iter().chain(&frames).copied().collect();
    for sent in [&frames, &frames, &mixed] {
        let upload = tokio::time::timeout(Duration::from_secs(20), agent.send(sent));
        let reply: FramesReply = json(upload.await.unwrap()).await;
        assert_eq!(reply.refused, []);
        assert_eq!(reply.acknowledged.map(|id| id.boot), Some(agent.boot));
    }
    let mut db = server.app.pool.acquire().await.unwrap();
    assert_eq!(testing::frames(&mut db, agent.id).await.unwrap().len(), 6);
    let mut many = Vec::new();
    for step in 0..=limits::BATCH_BOOTS as u64 {
        agent.restart();
        many.push(agent.frame(classic(step)));
    }
    let many: Vec<&[u8]> = many.iter().map(Vec::as_slice).collect();
    assert_eq!(agent.send(&many).await.status(), 413, "it sends half of them, then");
    assert_eq!(agent.send(&many[1..]).await.status(), 200);
}

#[tokio::test]
async fn a_server_that_forgot_stores_deltas_and_asks_for_a_key_frame() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    agent.frame(classic(0));
    let delta = agent.frame(classic(1));
    let reply: FramesReply = json(agent.send(&[&delta]).await).await;
    assert!(reply.need_key, "its base never came");
    agent.restart_chain();
    let key = agent.frame(classic(2));
    let reply: FramesReply = json(agent.send(&[&key]).await).await;
    assert!(!reply.need_key);
    assert_eq!(server.app.fleet.ensure_host(agent.id).snapshot(), Some(classic(2)));
}

#[tokio::test]
async fn one_bad_frame_is_refused_and_the_rest_of_the_batch_stored() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let good = agent.frame(classic(0));
    let bomb = zstd::bulk::compress(&vec![0; limits::ENVELOPE_BYTES + 1], 3).unwrap();
    let after = agent.frame(classic(1));
    let response = agent.send(&[&good, b"no frame", &bomb, &after]).await;
    assert_eq!(response.status(), 200);
    let reply: FramesReply = json(response).await;
    let refused: Vec<usize> = reply.refused.iter().map(|frame| frame.index).collect();
    assert_eq!(refused, [1, 2]);
    assert_eq!(server.stored_frames(agent.id).await.len(), 2);
}

#[tokio::test]
async fn absurd_numbers_and_lying_clocks_are_refused_with_a_reason() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let mut absurd = classic(0);
    absurd.memory.nonpaged = Some(poolwatch_model::Bytes(u64::MAX));
    let frame = agent.frame(absurd);
    let reply: FramesReply = json(agent.send(&[&frame]).await).await;
    assert!(reply.refused[0].reason.contains("64 PB"), "{:?}", reply.refused);
    assert_eq!(reply.acknowledged, None);
}

#[tokio::test]
async fn uploads_that_cannot_be_read_get_a_problem_that_says_what_to_do() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let post = async |key: Option<&str>, body: &[u8]| {
        let response = server.post("/agent/v1/frames", key, body).await;
        let status = response.status().as_u16();
        let problem: Problem = json(response).await;
        assert_eq!(problem.status, status);
        assert!(problem.request_id.is_some() && !problem.detail.is_empty());
        (status, problem)
    };
    assert_eq!(post(None, b"").await.0, 401);
    assert_eq!(post(Some("pwh_1_0000"), b"").await.0, 401);
    assert_eq!(post(Some("\u{fffd}"), b"").await.0, 401);
    assert_eq!(post(Some(&agent.key), b"").await.0, 400);
    let mut future = agent.batch(&[b"x"]);
    future[0] = 7;
    let (status, problem) = post(Some(&agent.key), &future).await;
    assert_eq!((status, problem.versions), (415, Some(vec![1])));
    let huge = vec![0; limits::BATCH_BYTES + 1];
    assert_eq!(post(Some(&agent.key), &huge).await.0, 413);
}

#[tokio::test]
async fn a_host_that_nobody_approved_keeps_its_data_until_somebody_does() {
    let server = Server::start().await;
    let response = server.enrol_with(CAREFUL_TOKEN, "new-host").await;
    assert_eq!(response.status(), 201);
    let reply: EnrolReply = json(response).await;
    assert!(reply.pending);
    let mut agent = Agent::new(&server, reply);
    let frame = agent.frame(classic(0));
    let refused = agent.send(&[&frame]).await;
    assert_eq!(refused.status(), 403);
    assert!(refused.headers().contains_key("retry-after"));
    let mut db = server.app.pool.acquire().await.unwrap();
    let now = now();
    let approved = enrolment::approve(&mut db, &[agent.id], "ana", None, now).await.unwrap();
    assert_eq!(approved, [agent.id]);
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
}

#[tokio::test]
async fn a_host_that_was_retired_in_the_database_writes_no_more() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let mut other = server.enrol("fs-03").await;
    for agent in [&mut agent, &mut other] {
        let frame = agent.frame(classic(0));
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
    }
    follow_hosts::follow(&server.app).await.unwrap();
    sqlx::query("UPDATE hosts SET retired_at = now() WHERE id = $1")
        .bind(agent.id.0)
        .execute(&server.app.pool)
        .await
        .unwrap();
    follow_hosts::follow(&server.app).await.unwrap();
    let frame = agent.frame(classic(1));
    assert_eq!(agent.send(&[&frame]).await.status(), 403);
    assert!(server.app.fleet.known(agent.id).is_none());
    let events = br#"{"wall":"2026-11-27T00:00:00Z","events":[]}"#;
    assert_eq!(server.post("/agent/v1/events", Some(&agent.key), events).await.status(), 403);
    assert_eq!(server.stored_frames(agent.id).await.len(), 1);
    let frame = other.frame(classic(1));
    assert_eq!(other.send(&[&frame]).await.status(), 200);
}

#[tokio::test]
async fn enrolling_again_gives_a_new_key_and_voids_the_old_one() {
    let server = Server::start().await;
    let request = EnrolRequest {
        token: TOKEN.into(),
        instance_id: uuid::Uuid::new_v4(),
        facts: poolwatch_model::host::HostFacts { fqdn: "web-19".into(), ..Default::default() },
        versions: vec![9, 1],
        labels: Vec::new(),
    };
    let body = serde_json::to_vec(&request).unwrap();
    let first = server.post("/agent/v1/enrol", None, &body).await;
    assert_eq!(first.status(), 201);
    let first: EnrolReply = json(first).await;
    let mut old = Agent::new(&server, first.clone());
    let frame = old.frame(classic(0));
    assert_eq!(old.send(&[&frame]).await.status(), 200);
    let again = server.post("/agent/v1/enrol", None, &body).await;
    assert_eq!(again.status(), 200);
    let again: EnrolReply = json(again).await;
    assert_eq!(again.host_id, first.host_id);
    assert_eq!(old.send(&[&frame]).await.status(), 401);
    old.key = again.host_key;
    assert_eq!(old.send(&[&frame]).await.status(), 200);
}

#[tokio::test]
async fn a_wrong_token_a_foreign_version_and_a_bad_name_enrol_nobody() {
    let server = Server::start().await;
    assert_eq!(server.enrol_with("pwe_wrong", "x").await.status(), 401);
    assert_eq!(server.enrol_with(TOKEN, "").await.status(), 400);
    assert_eq!(server.enrol_with(TOKEN, "a\nb").await.status(), 400);
    let body = br#"{"token":"pwe_test","instance_id":"00000000-0000-0000-0000-000000000001",
        "facts":{"fqdn":"x"},"versions":[2]}"#;
    assert_eq!(server.post("/agent/v1/enrol", None, body).await.status(), 415);
    assert_eq!(server.post("/agent/v1/enrol", None, b"{}").await.status(), 422);
    let mut db = server.app.pool.acquire().await.unwrap();
    assert_eq!(hosts::page(&mut db, poolwatch_model::HostId(0), 10).await.unwrap(), []);
}

#[tokio::test]
async fn another_hosts_key_cannot_write_for_this_one() {
    let server = Server::start().await;
    let mut one = server.enrol("one").await;
    let other = server.enrol("other").await;
    let frame = one.frame(classic(0));
    let mixed = one.key.replace(&format!("pwh_{}_", one.id), &format!("pwh_{}_", other.id));
    let response = server.post("/agent/v1/frames", Some(&mixed), &one.batch(&[&frame])).await;
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn two_hosts_of_one_name_are_shown_as_such() {
    let server = Server::start().await;
    let (one, other) = (server.enrol("fs-02").await, server.enrol("FS-02").await);
    let mut db = server.app.pool.acquire().await.unwrap();
    let found = hosts::namesakes(&mut db, other.id, "Fs-02").await.unwrap();
    assert_eq!(found, [one.id]);
}

#[tokio::test]
async fn a_client_that_leaves_in_the_middle_leaves_no_transaction_open() {
    let server = Server::start().await;
    let mut db = server.app.background_pool.acquire().await.unwrap();
    // Clients leave all along the way of a request.
    for delay in (0..150).map(|at| Duration::from_micros(at * 100)) {
        let name = format!("fs-{}", delay.as_micros());
        let _ = tokio::time::timeout(delay, server.enrol_with(TOKEN, &name)).await;
        let mut looks = 0;
        while transactions_that_wait(&mut db).await > 0 {
            looks += 1;
            assert!(looks < 40, "a connection waits in a transaction that nobody ends: {delay:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// Those that wait for their client, while nothing is asked of them.
async fn transactions_that_wait(db: &mut PgConnection) -> i64 {
    let waiting = sqlx::query_scalar(
        "SELECT count(*) FROM pg_stat_activity
         WHERE datname = current_database() AND state LIKE 'idle in transaction%'",
    );
    waiting.fetch_one(db).await.unwrap()
}
