//! What a broken or hostile agent may send: bodies made of good ones by chance, of seeds that stay.
//! None may fail the server or keep it busy.

use std::{net::Ipv4Addr, time::Duration};

use axum::{Router, body::Body, http::Request};
use jiff::SignedDuration;
use poolwatch_model::{
    Bytes, HostId, PoolTag,
    driver_scan::{DriverScan, FileHash, FoundTag},
    event::{ExhaustionProcess, MemoryExhaustion},
    host::{Arch, HostFacts, OsVersion},
    inventory::{Driver, Inventory},
};
use poolwatch_protocol::v1::{
    Batch,
    frame::{compress, decompress},
    messages::{
        EnrolRequest, EventsRequest, FRAMES_CONTENT_TYPE, FramesReply, InventoryRequest,
        ScansRequest, TagListRequest,
    },
};
use poolwatch_server::{client_address::ClientAddress, router};
use proptest::{
    prelude::Rng,
    test_runner::{RngAlgorithm, TestRng},
};
use serde_json::{Value, json};
use tokio::task::JoinSet;
use tower::ServiceExt;
use uuid::Uuid;

use crate::{
    events::event,
    server::{Server, TOKEN, classic, now},
};

/// Bodies sent to each address.
const BODIES: usize = 10_000;
/// Who send them at once: one upload of a host is taken in at a time, so frames come from as many hosts.
const SENDERS: usize = 40;
/// No answer takes longer.
const SOON: Duration = Duration::from_secs(20);

pub(crate) struct Chance(TestRng);

impl Chance {
    pub(crate) fn new(seed: u8) -> Self {
        Self(TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]))
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.0.next_u64() % (end.max(1) as u64)) as usize
    }

    /// Bytes with one or some places changed.
    pub(crate) fn damaged(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len());
            match self.below(5) {
                0 => bytes.truncate(at),
                1 => bytes.insert(at, self.0.next_u32() as u8),
                2 => {
                    let piece = bytes[at..bytes.len().min(at + 40)].to_vec();
                    bytes.splice(at..at, piece);
                }
                _ => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte = [0, 1, 0x7F, 0x80, 0xFF, self.0.next_u32() as u8][self.below(6)];
                    }
                }
            }
        }
        bytes
    }

    /// A document with one of its values replaced.
    pub(crate) fn replaced(&mut self, document: &Value) -> Vec<u8> {
        let mut document = document.clone();
        let at = self.below(count(&document));
        let value = self.value();
        put(&mut document, &mut (at + 1), &value);
        serde_json::to_vec(&document).unwrap()
    }

    fn value(&mut self) -> Value {
        let values = [
            json!(null),
            json!(""),
            json!("\0"),
            json!("a\0b"),
            json!("a\r\nSubject: b"),
            json!("=?utf-8?B?YQ==?="),
            json!("\u{202e}\u{fffd}"),
            json!("x".repeat(9_000)),
            json!(-1),
            json!(0),
            json!(u64::MAX),
            json!(i64::MIN),
            json!(u64::from(u32::MAX)),
            json!(1e300),
            json!(true),
            json!([]),
            json!({}),
            json!([[[[["\0"]]]]]),
            json!("9999-12-30T22:00:00Z"),
            json!("-009999-01-02T00:00:00Z"),
            json!("-004800-01-01T00:00:00Z"),
            json!("1970-01-01T00:00:00Z"),
            json!(Uuid::nil()),
        ];
        values[self.below(values.len())].clone()
    }
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

/// Puts a value in place of the one that is so many on.
fn put(document: &mut Value, left: &mut usize, value: &Value) {
    *left -= 1;
    if *left == 0 {
        *document = value.clone();
        return;
    }
    let inner: Vec<&mut Value> = match document {
        Value::Array(values) => values.iter_mut().collect(),
        Value::Object(fields) => fields.values_mut().collect(),
        _ => Vec::new(),
    };
    for one in inner {
        if *left > 0 {
            put(one, left, value);
        }
    }
}

/// Sends bodies that `make` makes by chance, with these keys in turn; none may fail the server.
async fn send_all(
    router: &Router,
    path: &'static str,
    keys: &[&str],
    make: impl Fn(&mut Chance) -> Vec<u8> + Clone + Send + 'static,
) {
    let content_type =
        if path.ends_with("/frames") { FRAMES_CONTENT_TYPE } else { "application/json" };
    let mut senders = JoinSet::new();
    for sender in 0..SENDERS {
        let (router, make) = (router.clone(), make.clone());
        let bearer = format!("Bearer {}", keys[sender % keys.len()]);
        senders.spawn(async move {
            let mut chance = Chance::new(sender as u8);
            for number in 0..BODIES / SENDERS {
                let body = make(&mut chance);
                let request = Request::post(path)
                    .header("content-type", content_type)
                    .header("authorization", &bearer)
                    .extension(ClientAddress(Ipv4Addr::LOCALHOST.into()))
                    .body(Body::from(body.clone()))
                    .unwrap();
                let answer = tokio::time::timeout(SOON, router.clone().oneshot(request)).await;
                let place = format!("{path}, body {number} of sender {sender}");
                let status = answer.expect(&place).unwrap().status().as_u16();
                let text = String::from_utf8_lossy(&body);
                assert!(![500, 504].contains(&status), "{place}: {status} for {text}");
            }
        });
    }
    while let Some(sender) = senders.join_next().await {
        sender.unwrap();
    }
}

/// Sends mutations of a document.
async fn send_documents(router: &Router, path: &'static str, key: &str, document: Value) {
    let bytes = serde_json::to_vec(&document).unwrap();
    let make = move |chance: &mut Chance| match chance.below(3) {
        0 => chance.damaged(&bytes),
        _ => chance.replaced(&document),
    };
    send_all(router, path, &[key], make).await;
}

fn facts() -> HostFacts {
    HostFacts {
        fqdn: "fs-02.contoso.test".into(),
        machine_guid: Some(Uuid::from_u128(1)),
        os: Some(OsVersion {
            product: "Windows Server 2022".into(),
            major: 10,
            minor: 0,
            build: 20_348,
            revision: 1,
            arch: Arch::X64,
        }),
        physical: Some(Bytes(1 << 34)),
        ou: Some("OU=Servers,DC=contoso,DC=test".into()),
        site: Some("Berlin".into()),
        agent_version: Some("1.0".into()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_enrolment_fails_the_server() {
    let server = Server::start().await;
    let request = EnrolRequest {
        token: TOKEN.into(),
        instance_id: Uuid::from_u128(7),
        facts: facts(),
        versions: vec![1],
        labels: Vec::new(),
    };
    let document = serde_json::to_value(&request).unwrap();
    send_documents(&router::router(&server.app), "/agent/v1/enrol", "none", document).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let found = poolwatch_store::hosts::page(&mut db, HostId(0), 10_000).await.unwrap();
    assert!(!found.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_events_fail_the_server() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let mut exhausted = event(2004, 2, now());
    exhausted.exhaustion = Some(MemoryExhaustion {
        committed: Some(Bytes(5)),
        paged_tags: vec![(PoolTag::new(*b"Thre"), Bytes(7))],
        top_processes: vec![ExhaustionProcess {
            image: "a.exe".into(),
            pid: 4,
            created: Some(now()),
            commit: Bytes(9),
            handles: 3,
        }],
        ..MemoryExhaustion::default()
    });
    let events = vec![event(2019, 1, now()), exhausted];
    let request = EventsRequest { wall: now(), events, gap: false };
    let document = serde_json::to_value(&request).unwrap();
    let router = router::router(&server.app);
    send_documents(&router, "/agent/v1/events", &agent.key, document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_inventory_fails_the_server() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let driver = |name: &str| Driver {
        name: name.into(),
        path: Some("C:\\Windows\\foo.sys".into()),
        version: Some("5.1".into()),
        company: Some("Foo".into()),
        linked: Some(now()),
        ..Driver::default()
    };
    let inventory = Inventory {
        drivers: vec![driver("foo.sys"), driver("bar.sys")],
        updates: vec!["KB1".into()],
        ..Inventory::default()
    };
    let request = InventoryRequest { facts: facts(), inventory };
    let document = serde_json::to_value(&request).unwrap();
    let router = router::router(&server.app);
    send_documents(&router, "/agent/v1/inventory", &agent.key, document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_scans_fail_the_server() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let tag = FoundTag { allocations: 3, ..FoundTag::new(PoolTag::new(*b"Fooo")) };
    let scan = DriverScan { sha256: FileHash::new([7; 32]), tags: vec![tag], is_partial: true };
    let document = serde_json::to_value(ScansRequest { scans: vec![scan] }).unwrap();
    let router = router::router(&server.app);
    send_documents(&router, "/agent/v1/scans", &agent.key, document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_list_of_tags_fails_the_server() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let text = "Fooo - foo.sys - buffers".to_owned();
    let request = TagListRequest { sha256: FileHash::new([7; 32]), text };
    let router = router::router(&server.app);
    let document = serde_json::to_value(request).unwrap();
    send_documents(&router, "/agent/v1/tag-list", &agent.key, document).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_frames_fail_the_server() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frames = [agent.frame(classic(0)), agent.frame(classic(1))];
    let envelopes: Vec<Vec<u8>> = frames.iter().map(|frame| decompress(frame).unwrap()).collect();
    let whole = agent.batch(&[&frames[0], &frames[1]]);
    let clock = Batch::parse(&whole).unwrap().clock;
    let make = move |chance: &mut Chance| {
        if chance.below(4) == 0 {
            return chance.damaged(&whole);
        }
        let changed = chance.below(2);
        let mut frames = frames.clone();
        // Mostly where the stamps are.
        let (head, rest) = envelopes[changed].split_at(60.min(envelopes[changed].len()));
        let envelope = match chance.below(4) {
            0 => [head, &chance.damaged(rest)].concat(),
            _ => [&chance.damaged(head), rest].concat(),
        };
        frames[changed] = compress(&envelope);
        let mut clock = clock;
        match chance.below(8) {
            0 => clock.uptime_ms = u64::MAX >> chance.below(64),
            1 => {
                clock.wall =
                    clock.wall.saturating_sub(SignedDuration::from_hours(1 << 20)).unwrap();
            }
            _ => {}
        }
        Batch { clock, frames: vec![&frames[0], &frames[1]] }.to_bytes()
    };
    let mut others = Vec::new();
    for number in 1..SENDERS {
        others.push(server.enrol(&format!("host-{number}")).await);
    }
    let keys: Vec<&str> = others.iter().chain([&agent]).map(|agent| &*agent.key).collect();
    send_all(&router::router(&server.app), "/agent/v1/frames", &keys, make).await;
    // The host itself goes on.
    agent.restart();
    let frame = agent.frame(classic(2));
    let next = server.restarted().await;
    let answer = next.post("/agent/v1/frames", Some(&agent.key), &agent.batch(&[&frame])).await;
    let reply: FramesReply = crate::server::json(answer).await;
    assert_eq!(reply.refused, []);
}

#[tokio::test]
async fn one_bad_item_costs_none_of_the_others() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    // A boot that began before history, beside a frame of now.
    let good = agent.frame(classic(0));
    agent.restart();
    agent.step_ms = u64::MAX / 2;
    let absurd = agent.frame(classic(1));
    agent.restart();
    agent.step_ms = 60_000;
    let after = agent.frame(classic(2));
    let reply: FramesReply = crate::server::json(agent.send(&[&good, &absurd, &after]).await).await;
    assert_eq!(reply.refused.iter().map(|one| one.index).collect::<Vec<_>>(), [1]);
    assert!(reply.refused[0].reason.contains("fifty years"), "{:?}", reply.refused);

    let driver = |name: &str| json!({ "name": name });
    let inventory = json!({
        "facts": { "fqdn": "fs-02", "ou": "OU=a\u{0}b" },
        "inventory": { "drivers": [driver("a\u{0}.sys"), driver("ok.sys"), driver("")] },
    });
    let body = serde_json::to_vec(&inventory).unwrap();
    let answer = server.post("/agent/v1/inventory", Some(&agent.key), &body).await;
    assert_eq!(answer.status(), 200);
    let mut db = server.app.pool.acquire().await.unwrap();
    let kept = poolwatch_store::inventories::find(&mut db, agent.id).await.unwrap().unwrap();
    let names: Vec<_> = kept.drivers.iter().map(|driver| driver.name.as_str()).collect();
    assert_eq!(names, ["a\u{fffd}.sys", "ok.sys"]);
}
