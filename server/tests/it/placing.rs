//! Frames in time: slow and stalled uploads, clocks that are wrong.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::Presence;
use poolwatch_protocol::v1::{
    Batch, Encoder, SenderClock, Stamp,
    messages::{FRAMES_CONTENT_TYPE, FramesReply},
};
use poolwatch_server::fleet::{self, refresh::Keeper};
use poolwatch_store::testing;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::server::{Agent, Server, TestClock, classic, json, now};

fn after(at: Timestamp, seconds: u64) -> Timestamp {
    at + SignedDuration::from_secs(seconds.cast_signed())
}

/// The upload of one frame that is taken and sent at this uptime.
fn upload(agent: &Agent<'_>, encoder: &mut Encoder, seq: u64, uptime_s: u64) -> Vec<u8> {
    let uptime_ms = uptime_s * 1000;
    let stamp = Stamp { boot: agent.boot, seq, uptime_ms, wall: now() };
    let frame = encoder.encode(stamp, classic(seq));
    let clock = SenderClock { boot: agent.boot, uptime_ms, wall: now() };
    Batch { clock, frames: vec![&frame] }.to_bytes()
}

async fn stored(server: &Server, agent: &Agent<'_>) -> Vec<(u64, Timestamp)> {
    let mut db = server.app.pool.acquire().await.unwrap();
    let frames = testing::frames(&mut db, agent.id).await.unwrap();
    frames.into_iter().map(|(_, frame)| (frame.seq, frame.at)).collect()
}

#[tokio::test]
async fn uploads_that_are_under_way_for_long_mix_no_frames() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let agent = server.enrol("fs-02").await;
    let mut encoder = Encoder::default();
    // Seconds that each upload is under way; all that come late in a row are the last.
    let delays = [0, 90, 0, 0, 0, 30, 30, 0];
    for (seq, delay_s) in (1..).zip(delays) {
        let body = upload(&agent, &mut encoder, seq, seq * 60);
        clock.set(after(begun, seq * 60 + delay_s));
        let response = server.post("/agent/v1/frames", Some(&agent.key), &body).await;
        let reply: FramesReply = json(response).await;
        assert!(!reply.need_key && reply.refused.is_empty(), "{seq}: {reply:?}");
    }
    let at = |seq: u64| (seq, Timestamp::from_millisecond(after(begun, seq * 60).as_millisecond()));
    let right: Vec<_> = (1..=8).map(at).map(|(seq, at)| (seq, at.unwrap())).collect();
    assert_eq!(stored(&server, &agent).await, right);
    assert_eq!(server.stored_frames(agent.id).await.len(), 8, "the chain is read whole");
}

#[tokio::test]
async fn how_long_a_body_takes_says_nothing_about_clocks() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let agent = server.enrol("fs-02").await;
    let body = upload(&agent, &mut Encoder::default(), 1, 60);
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!(
        "POST /agent/v1/frames HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
         authorization: Bearer {}\r\ncontent-type: {FRAMES_CONTENT_TYPE}\r\n\
         content-length: {}\r\n\r\n",
        agent.key,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let (first, rest) = body.split_at(body.len() / 2);
    stream.write_all(first).await.unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    clock.set(after(begun, 90));
    stream.write_all(rest).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let at = Timestamp::from_millisecond(begun.as_millisecond()).unwrap();
    assert_eq!(stored(&server, &agent).await, [(1, at)]);
}

#[tokio::test]
async fn a_server_whose_clock_is_wrong_loses_nothing_and_is_itself_again_afterwards() {
    let begun = now();
    let clock = TestClock::new(after(begun, 60));
    let server = Server::start_at(clock.clone()).await;
    let mut agent = server.enrol("fs-02").await;
    let mut encoder = Encoder::default();
    let send = async |agent: &Agent<'_>, encoder: &mut Encoder, seq: u64| {
        let body = upload(agent, encoder, seq, seq * 60);
        server.post("/agent/v1/frames", Some(&agent.key), &body).await
    };
    assert_eq!(send(&agent, &mut encoder, 1).await.status(), 200);
    // 400 days ahead: the frame is of a time far off by that, and is not refused for it.
    let year = 400 * 86_400;
    clock.set(after(begun, 120 + year));
    let body = upload(&agent, &mut encoder, 2, 120);
    let refused = server.post("/agent/v1/frames", Some(&agent.key), &body).await;
    assert_eq!(refused.status(), 503);
    clock.set(after(begun, 125));
    let reply: FramesReply =
        json(server.post("/agent/v1/frames", Some(&agent.key), &body).await).await;
    assert_eq!((reply.acknowledged.map(|id| id.seq), reply.refused.len()), (Some(2), 0));

    // A boot that begins while the clock is wrong.
    agent.restart();
    encoder.restart_chain();
    clock.set(after(begun, 200 + year));
    assert_eq!(send(&agent, &mut encoder, 1).await.status(), 200);
    clock.set(after(begun, 260));
    let reply: FramesReply = json(send(&agent, &mut encoder, 2).await).await;
    assert!(reply.need_key, "what it is relative to is of a time to come");
    encoder.restart_chain();
    clock.set(after(begun, 320));
    assert_eq!(send(&agent, &mut encoder, 3).await.status(), 200);
    let live = server.app.fleet.known(agent.id).unwrap();
    assert_eq!(live.snapshot(), Some(classic(3)));
    assert!(live.read().at.unwrap() <= after(begun, 320));
    let hours = live.read().trend(poolwatch_model::Pool::Nonpaged, after(begun, 320), 24);
    assert!(hours.last().unwrap().is_some(), "{hours:?}");
}

#[tokio::test]
async fn a_host_is_silent_by_its_own_interval_also_after_the_server_starts() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let agent = server.enrol("fs-02").await;
    let mut encoder = Encoder::default();
    for seq in 1..=3 {
        clock.set(after(begun, seq * 3600));
        let body = upload(&agent, &mut encoder, seq, seq * 3600);
        let answer = server.post("/agent/v1/frames", Some(&agent.key), &body).await;
        assert_eq!(answer.status(), 200);
    }
    let restarted = server.restarted().await;
    let kept = server.app.retention.current().ten_minutes;
    fleet::load::run(&restarted.app.pool, &restarted.app.fleet, kept, after(begun, 3 * 3600))
        .await
        .unwrap();
    for server in [&server, &restarted] {
        let (_, made) = fleet::refresh::refresh(
            &server.app.pool,
            &server.app.fleet,
            Keeper::default(),
            60,
            after(begun, 3 * 3600),
        )
        .await;
        made.unwrap();
        let view = server.app.fleet.view();
        let presence = |hours: u64| view.hosts[0].presence(after(begun, hours * 3600));
        assert_eq!((presence(4), presence(7)), (Presence::Live, Presence::Late));
        assert_eq!(presence(9), Presence::Silent);
    }
}
