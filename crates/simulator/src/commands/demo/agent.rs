//! One host's agent: records frames, and sends them as an agent does.

use std::sync::{Arc, atomic::Ordering::Relaxed};

use jiff::Timestamp;
use poolwatch_model::host::HostFacts;
use poolwatch_protocol::{
    VERSIONS, limits,
    v1::{
        Batch, Encoder, SenderClock, Stamp,
        messages::{
            EnrolReply, EnrolRequest, EventsReply, EventsRequest, FRAMES_CONTENT_TYPE, FramesReply,
            InventoryReply, InventoryRequest, ScansRequest,
        },
    },
};
use poolwatch_simulator::HostSim;
use serde::Serialize;
use tracing::{info, warn};

use super::Target;
use crate::{
    client::{Refused, parse},
    clock,
};

/// Frames of one batch: bounded by number and by size.
const BATCH_FRAMES: usize = 256;
const BATCH_BYTES: usize = 1 << 20;

/// Records frames.
#[derive(Debug)]
pub(super) struct Recorder {
    pub(super) host: HostSim,
    encoder: Encoder,
    /// The last frame, and the true time at which it was taken.
    last: Option<(Stamp, Timestamp)>,
}

impl Recorder {
    pub(super) fn new(host: HostSim) -> Self {
        Self { host, encoder: Encoder::default(), last: None }
    }

    /// The boot of the last frame.
    pub(super) fn last_boot(&self) -> Option<poolwatch_model::BootId> {
        self.last.map(|(stamp, _)| stamp.boot)
    }

    /// Records frames at these times, until there are none left or a batch is full.
    pub(super) fn record(&mut self, times: &mut impl Iterator<Item = Timestamp>) -> Vec<Vec<u8>> {
        let mut frames = Vec::new();
        let mut size = 0;
        while frames.len() < BATCH_FRAMES.min(limits::BATCH_FRAMES) && size < BATCH_BYTES {
            let Some(time) = times.next() else { break };
            if let Some(taken) = self.host.snapshot_at(time) {
                self.last = Some((taken.stamp, time));
                let frame = self.encoder.encode(taken.stamp, taken.snapshot);
                size += frame.len();
                frames.push(frame);
            }
        }
        frames
    }

    /// The host's clocks now; a host that is just down sends what it would have sent before.
    fn clock(&self, now: Timestamp) -> Option<SenderClock> {
        self.host.clock_at(now).or_else(|| {
            let (stamp, taken) = self.last?;
            let since_ms = now.as_millisecond() - taken.as_millisecond();
            Some(SenderClock {
                boot: stamp.boot,
                uptime_ms: stamp.uptime_ms.saturating_add_signed(since_ms),
                wall: self.host.wall(now),
            })
        })
    }
}

const JSON: &str = "application/json";

fn to_json(message: &impl Serialize) -> Result<Vec<u8>, Refused> {
    serde_json::to_vec(message).map_err(|error| Refused::Other(error.to_string()))
}

/// Sends what is recorded.
#[derive(Debug)]
pub(super) struct Uplink {
    target: Arc<Target>,
    enrolment: EnrolRequest,
    key: String,
}

impl Uplink {
    /// Enrols a host.
    pub(super) async fn enrol(target: Arc<Target>, host: &HostSim) -> Result<Self, Refused> {
        let enrolment = EnrolRequest {
            token: target.token.clone(),
            instance_id: host.plan().instance_id,
            facts: host.plan().facts.clone(),
            versions: VERSIONS.to_vec(),
            labels: Vec::new(),
        };
        let mut uplink = Self { target, enrolment, key: String::new() };
        uplink.renew_key().await?;
        Ok(uplink)
    }

    async fn renew_key(&mut self) -> Result<(), Refused> {
        let body = to_json(&self.enrolment)?;
        let answer = self.target.server.post("/agent/v1/enrol", None, JSON, &body).await?;
        let reply: EnrolReply = parse(&answer)?;
        if reply.pending {
            info!(host = %self.facts().fqdn, "Waits for approval");
        }
        self.key = reply.host_key;
        Ok(())
    }

    /// Posts with the host's key; enrols again when the server does not know it any more.
    async fn post(
        &mut self,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Refused> {
        let server = &self.target.server;
        match server.post(path, Some(&self.key), content_type, body).await {
            Err(Refused::UnknownKey) => {
                self.renew_key().await?;
                self.target.server.post(path, Some(&self.key), content_type, body).await
            }
            answer => answer,
        }
    }

    fn facts(&self) -> &HostFacts {
        &self.enrolment.facts
    }

    /// Sends frames; whether the server has them all or never will, they are done with.
    pub(super) async fn send_frames(
        &mut self,
        recorder: &mut Recorder,
        frames: &[Vec<u8>],
    ) -> Result<(), Refused> {
        let Some(clock) = recorder.clock(clock::now()) else { return Ok(()) };
        if frames.is_empty() {
            return Ok(());
        }
        let batch = Batch { clock, frames: frames.iter().map(Vec::as_slice).collect() };
        let body = batch.to_bytes();
        let answer = self.post("/agent/v1/frames", FRAMES_CONTENT_TYPE, &body).await?;
        let reply: FramesReply = parse(&answer)?;
        if reply.need_key {
            recorder.encoder.restart_chain();
        }
        if let Some(first) = reply.refused.first() {
            let refused = reply.refused.len();
            warn!(host = %self.facts().fqdn, refused, "Frames refused: {}", first.reason);
        }
        let progress = &self.target.progress;
        progress
            .frames
            .fetch_add((frames.len() - reply.refused.len().min(frames.len())) as u64, Relaxed);
        progress.refused.fetch_add(reply.refused.len() as u64, Relaxed);
        Ok(())
    }

    /// Sends what the log got up to `time`.
    pub(super) async fn send_events(
        &mut self,
        recorder: &mut Recorder,
        since: Timestamp,
        time: Timestamp,
    ) -> Result<(), Refused> {
        let events = recorder.host.events_until(since, time);
        if events.is_empty() {
            return Ok(());
        }
        let wall = recorder.host.wall(clock::now());
        let body = to_json(&EventsRequest { wall, events, gap: false })?;
        let reply: EventsReply = parse(&self.post("/agent/v1/events", JSON, &body).await?)?;
        self.target.progress.events.fetch_add(reply.stored as u64, Relaxed);
        Ok(())
    }

    /// Sends what is installed, and the scans that the server asks for.
    pub(super) async fn send_inventory(&mut self, recorder: &Recorder) -> Result<(), Refused> {
        let request =
            InventoryRequest { facts: self.facts().clone(), inventory: recorder.host.inventory() };
        let answer = self.post("/agent/v1/inventory", JSON, &to_json(&request)?).await?;
        // Servers of version 0.1 answer without content, and ask for nothing.
        let reply: InventoryReply =
            if answer.is_empty() { InventoryReply::default() } else { parse(&answer)? };
        for scans in recorder.host.scans(&reply.wanted_scans).chunks(limits::SCANS) {
            let request = ScansRequest { scans: scans.to_vec() };
            self.post("/agent/v1/scans", JSON, &to_json(&request)?).await?;
        }
        Ok(())
    }
}

/// A host with its way to the server.
#[derive(Debug)]
pub(in crate::commands) struct Agent {
    pub(super) index: usize,
    pub(super) recorder: Recorder,
    pub(super) uplink: Uplink,
}

/// A refusal ends the run of a host, not of the fleet.
pub(in crate::commands) fn give_up(host: &str, refused: &Refused) {
    match refused {
        Refused::UnknownKey => warn!(host, "The server does not know the host's key"),
        Refused::Other(why) => warn!(host, "The server refuses the host: {why}"),
    }
}
