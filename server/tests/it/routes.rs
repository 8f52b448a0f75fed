//! What each route lets a request take.

use std::{fmt::Write, time::Duration};

use poolwatch_model::person::Role;
use poolwatch_protocol::limits;
use poolwatch_server::router;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::server::{Server, classic};

#[tokio::test]
async fn every_route_says_how_much_a_request_may_take_and_how_long_it_may_run() {
    let server = Server::start().await;
    let mut table = String::new();
    for route in router::declared(&server.app) {
        let limits = route.limits;
        assert!(limits.run_time > Duration::ZERO, "{}", route.path);
        // What many may hold in memory at once is small, or takes turns.
        let is_bounded = limits.body_bytes <= limits::BATCH_BYTES || limits.at_once.is_some();
        assert!(is_bounded && limits.run_time <= Duration::from_secs(300), "{}", route.path);
        let (body, seconds) = (limits.body_bytes, limits.run_time.as_secs());
        let turns = limits.at_once.map(|turns| format!(", {turns} at once")).unwrap_or_default();
        let each = limits.per_person.map(|most| format!(", {most} a person")).unwrap_or_default();
        let (path, permission) = (route.path, route.permission);
        writeln!(table, "{path}: {permission:?}, {body} bytes, {seconds} s{turns}{each}").unwrap();
    }
    insta::assert_snapshot!("routes", table);
}

#[tokio::test]
async fn a_body_over_what_its_route_takes_is_refused() {
    let server = Server::start().await;
    let operator = server.api_token(Role::Operator).await;
    let agent = server.enrol("fs-02").await;
    let cases = [
        ("/agent/v1/enrol", None, 64 << 10),
        ("/agent/v1/frames", Some(&agent.key), limits::BATCH_BYTES),
        ("/agent/v1/events", Some(&agent.key), limits::JSON_BYTES),
        ("/agent/v1/inventory", Some(&agent.key), limits::JSON_BYTES),
        ("/agent/v1/scans", Some(&agent.key), limits::JSON_BYTES),
        ("/agent/v1/tag-list", Some(&agent.key), limits::JSON_BYTES),
        ("/api/v1/tag-notes", Some(&operator), 64 << 10),
        ("/api/v1/snapshots", Some(&operator), limits::JSON_BYTES),
        ("/api/v1/pooltag.txt", Some(&operator), 4 << 20),
    ];
    for (path, key, bytes) in cases {
        let answer = server.post(path, key.map(String::as_str), &vec![b'1'; bytes + 1]).await;
        assert_eq!(answer.status(), 413, "{path}");
    }
}

#[tokio::test]
async fn uploads_that_announce_much_and_send_nothing_take_nothing_and_are_told_so() {
    let server = Server::start().await;
    let (stalling, mut other) = (server.enrol("fs-02").await, server.enrol("fs-03").await);
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stalled = Vec::new();
    for _ in 0..4 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = format!(
            "POST /agent/v1/frames HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\n\
             content-type: application/vnd.poolwatch.frames\r\ncontent-length: 16777216\r\n\r\n",
            stalling.key
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stalled.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let beyond = stalling.send(&[]).await;
    assert_eq!(beyond.status(), 429, "it has its share under way");
    assert!(beyond.headers().contains_key("retry-after"));
    let frame = other.frame(classic(0));
    assert_eq!(other.send(&[&frame]).await.status(), 200);
    for mut stream in stalled {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(
            answer.starts_with("HTTP/1.1 408") && answer.contains("came to a halt"),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn who_sends_a_small_body_slowly_keeps_nobody_from_their_turn() {
    let server = Server::start().await;
    let address = server.url.strip_prefix("http://").unwrap();
    let mut slow = Vec::new();
    for _ in 0..8 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let head = "POST /agent/v1/enrol HTTP/1.1\r\nhost: x\r\n\
                    content-type: application/json\r\ncontent-length: 100\r\n\r\n{";
        stream.write_all(head.as_bytes()).await.unwrap();
        slow.push(stream);
    }
    tokio::time::sleep(Duration::from_millis(200)).await;
    let enrolled = tokio::time::timeout(Duration::from_secs(5), server.enrol("fs-04")).await;
    enrolled.expect("it does not wait for the others");
}

#[tokio::test]
async fn requests_get_ids_of_our_own_and_browsers_are_told_to_stay_with_tls() {
    let server = Server::start().await;
    let request = server.client.get(format!("{}/healthz", server.url));
    let answer = request.header("x-request-id", "somebody-elses").send().await.unwrap();
    assert_ne!(answer.headers()["x-request-id"], "somebody-elses");
    assert!(!answer.headers().contains_key("strict-transport-security"));

    // Agents' routes pass by the layers of pages, and say the same of themselves.
    let of_agents = format!("{}/agent/v1/frames", server.url);
    let request = server.client.post(&of_agents).header("x-request-id", "somebody-elses");
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
    assert_eq!(answer.headers()["cache-control"], "no-store");
    let id = answer.headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_ne!(id, "somebody-elses");
    let problem: serde_json::Value = answer.json().await.unwrap();
    assert_eq!(problem["request_id"], id);
    assert_eq!(server.client.get(&of_agents).send().await.unwrap().status(), 405);
    let nowhere = server.client.get(format!("{of_agents}/more")).send().await.unwrap();
    assert_eq!(nowhere.status(), 404);
    assert!(nowhere.headers().contains_key("content-security-policy"));

    let secure = Server::start_secure().await;
    let answer = secure.client.get(format!("{}/login", secure.url)).send().await.unwrap();
    assert_eq!(answer.headers()["strict-transport-security"], "max-age=31536000");
}
