//! A server that decodes what it gets, and misbehaves as it is told.

use std::{
    collections::VecDeque,
    net::TcpListener,
    sync::{Arc, Mutex, MutexGuard},
};

use poolwatch_model::{HostId, driver_scan::DriverScan};
use poolwatch_protocol::v1::{
    Batch, Decoder, FrameError, StampedSnapshot,
    messages::{
        EnrolReply, EnrolRequest, EventsReply, EventsRequest, FRAMES_CONTENT_TYPE, FrameId,
        FramesReply, InventoryReply, InventoryRequest, RefusedFrame, ScansRequest, Suggestions,
    },
};
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate, matchers::method};

use crate::fixture::TOKEN;

/// What the server knows.
#[derive(Default)]
pub(crate) struct Known {
    /// The key that it gave last.
    pub(crate) key: Option<String>,
    /// Enrolments so far.
    pub(crate) enrolments: usize,
    /// Inventories so far.
    pub(crate) inventories: Vec<InventoryRequest>,
    /// Whether it asks for scans of all driver files; else it answers as servers of version 0.1 do.
    pub(crate) asks_for_scans: bool,
    /// Scans of driver files.
    pub(crate) scans: Vec<DriverScan>,
    /// Events, as they were sent.
    pub(crate) events: Vec<EventsRequest>,
    /// Snapshots, in the order received, each once.
    pub(crate) snapshots: Vec<StampedSnapshot>,
    /// Sizes of the batches received, in frames, those refused included.
    pub(crate) batches: Vec<usize>,
    /// Answers to give to the next batches, instead of taking them.
    pub(crate) refusals: VecDeque<ResponseTemplate>,
    /// Frames of a batch beyond which it is too large.
    pub(crate) max_frames: Option<usize>,
    /// What it suggests.
    pub(crate) suggestions: Suggestions,
    decoder: Decoder,
}

impl Known {
    /// Forgets what deltas are relative to, as a restarted server does.
    pub(crate) fn forget_base(&mut self) {
        self.decoder = Decoder::default();
    }
}

pub(crate) struct Server {
    pub(crate) http: MockServer,
    known: Arc<Mutex<Known>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        Self::start_on(TcpListener::bind("127.0.0.1:0").unwrap()).await
    }

    pub(crate) async fn start_on(listener: TcpListener) -> Self {
        let http = MockServer::builder().listener(listener).start().await;
        let known = Arc::new(Mutex::new(Known::default()));
        let responder = Responder(Arc::clone(&known));
        Mock::given(method("POST")).respond_with(responder).mount(&http).await;
        Self { http, known }
    }

    pub(crate) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap()
    }
}

struct Responder(Arc<Mutex<Known>>);

impl Respond for Responder {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let mut known = self.0.lock().unwrap();
        if request.url.path() == "/agent/v1/enrol" {
            return enrol(&mut known, &request.body);
        }
        let key = request.headers.get("authorization").and_then(|value| value.to_str().ok());
        let expected = known.key.as_ref().map(|key| format!("Bearer {key}"));
        if key.is_none() || key != expected.as_deref() {
            return ResponseTemplate::new(401);
        }
        match request.url.path() {
            "/agent/v1/inventory" => {
                let request: InventoryRequest = serde_json::from_slice(&request.body).unwrap();
                let files = request.inventory.drivers.iter().filter_map(|driver| driver.sha256);
                let reply = InventoryReply { wanted_scans: files.collect(), wants_tag_list: false };
                known.inventories.push(request);
                match known.asks_for_scans {
                    true => ResponseTemplate::new(200).set_body_json(reply),
                    false => ResponseTemplate::new(204),
                }
            }
            "/agent/v1/scans" => {
                let request: ScansRequest = serde_json::from_slice(&request.body).unwrap();
                known.scans.extend(request.scans);
                ResponseTemplate::new(204)
            }
            "/agent/v1/events" => {
                let request: EventsRequest = serde_json::from_slice(&request.body).unwrap();
                let stored = request.events.len();
                known.events.push(request);
                let reply = EventsReply { stored, known: 0, refused: Vec::new() };
                ResponseTemplate::new(200).set_body_json(reply)
            }
            "/agent/v1/frames" => {
                assert_eq!(request.headers["content-type"], FRAMES_CONTENT_TYPE);
                frames(&mut known, &request.body)
            }
            _ => ResponseTemplate::new(404),
        }
    }
}

fn enrol(known: &mut Known, body: &[u8]) -> ResponseTemplate {
    let request: EnrolRequest = serde_json::from_slice(body).unwrap();
    if request.token != TOKEN {
        return ResponseTemplate::new(401);
    }
    known.enrolments += 1;
    let host_key = format!("key-{}", known.enrolments);
    known.key = Some(host_key.clone());
    let suggestions = known.suggestions;
    let reply = EnrolReply { host_id: HostId(7), host_key, pending: false, suggestions };
    ResponseTemplate::new(201).set_body_json(reply)
}

fn frames(known: &mut Known, body: &[u8]) -> ResponseTemplate {
    let batch = Batch::parse(body).unwrap();
    known.batches.push(batch.frames.len());
    if let Some(refusal) = known.refusals.pop_front() {
        return refusal;
    }
    if known.max_frames.is_some_and(|most| batch.frames.len() > most) {
        return ResponseTemplate::new(413);
    }
    let mut reply = FramesReply {
        acknowledged: None,
        need_key: false,
        refused: Vec::new(),
        suggestions: known.suggestions,
    };
    for (index, frame) in batch.frames.iter().enumerate() {
        match known.decoder.decode(frame).cloned() {
            Ok(stamped) => {
                let (boot, seq) = (stamped.stamp.boot, stamped.stamp.seq);
                reply.acknowledged = Some(FrameId { boot, seq });
                known.snapshots.push(stamped);
            }
            Err(error) => {
                reply.need_key |= matches!(error, FrameError::NeedsKey { .. });
                reply.refused.push(RefusedFrame { index, reason: error.to_string() });
            }
        }
    }
    ResponseTemplate::new(200).set_body_json(reply)
}
