//! What hosts that share a connection send through it.

use std::{
    sync::{Arc, Mutex, atomic::Ordering::Relaxed},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use hyper::{StatusCode, header::HeaderValue};
use jiff::Timestamp;
use poolwatch_model::HostId;
use poolwatch_protocol::{
    VERSIONS,
    v1::messages::{EnrolReply, EnrolRequest, FRAMES_CONTENT_TYPE, FramesReply, Problem},
};
use poolwatch_simulator::load::{LoadFleet, LoadHost};
use tokio::time::sleep;
use tracing::warn;

use super::{
    connection::{Answer, Connection, Dialer},
    counts::Counts,
    record::Record,
};
use crate::clock;

const FIRST_WAIT: Duration = Duration::from_millis(100);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// What all connections of a run share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) dialer: Dialer,
    pub(super) fleet: Mutex<LoadFleet>,
    pub(super) token: String,
    pub(super) record: Option<Record>,
}

/// What a host got when it enrolled.
#[derive(Debug)]
pub(super) struct Credentials {
    id: HostId,
    authorization: HeaderValue,
}

/// Frames of a host that are on their way.
#[derive(Debug)]
pub(super) struct Pending {
    /// Sequence number of the first.
    first_seq: u64,
    frames: Vec<Vec<u8>>,
    /// When they were due.
    due: Vec<Timestamp>,
}

/// One connection, made anew when it breaks.
#[derive(Debug)]
pub(super) struct Uplink {
    shared: Arc<Shared>,
    connection: Option<Connection>,
}

impl Uplink {
    pub(super) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, connection: None }
    }

    /// Opens its connection, unless it is open.
    pub(super) async fn open(&mut self) -> Result<()> {
        if self.connection.is_none() {
            self.connection = Some(self.shared.dialer.connect().await?);
        }
        Ok(())
    }

    /// Enrols a host.
    pub(super) async fn enrol(&mut self, index: u32) -> Result<Credentials> {
        let (instance_id, facts) = self.fleet()?.identity(index);
        let token = self.shared.token.clone();
        let versions = VERSIONS.to_vec();
        let request = EnrolRequest { token, instance_id, facts, versions, labels: Vec::new() };
        let body = serde_json::to_vec(&request)?;
        let counts = Counts::new()?;
        let answer = self
            .post_until_taken("/agent/v1/enrol", "application/json", None, || body.clone(), &counts)
            .await?;
        let reply: EnrolReply = serde_json::from_slice(&answer.body)?;
        if reply.pending {
            bail!("the token has to let hosts in at once (--auto-approve)");
        }
        let mut authorization = HeaderValue::from_str(&format!("Bearer {}", reply.host_key))?;
        authorization.set_sensitive(true);
        Ok(Credentials { id: reply.host_id, authorization })
    }

    /// A host that has just booted.
    pub(super) fn boot(&self, index: u32, first: Timestamp) -> Result<LoadHost> {
        Ok(self.fleet()?.host(index, first))
    }

    /// Takes the frames of a host that are due by `now`, at most so many.
    pub(super) fn take_due(
        &self,
        host: &mut LoadHost,
        now: Timestamp,
        at_most: usize,
    ) -> Result<Option<Pending>> {
        let mut fleet = self.fleet()?;
        let first_seq = host.step() + 1;
        let mut pending = Pending { first_seq, frames: Vec::new(), due: Vec::new() };
        while pending.frames.len() < at_most && host.due() <= now {
            pending.due.push(host.due());
            pending.frames.push(fleet.next_frame(host));
        }
        Ok((!pending.frames.is_empty()).then_some(pending))
    }

    /// Sends frames until the server has taken them, and counts them.
    pub(super) async fn send(
        &mut self,
        credentials: &Credentials,
        host: &mut LoadHost,
        pending: &Pending,
        counts: &Counts,
    ) -> Result<()> {
        let key = Some(&credentials.authorization);
        let body = || host.batch(&pending.frames, clock::now());
        let answer = self
            .post_until_taken("/agent/v1/frames", FRAMES_CONTENT_TYPE, key, body, counts)
            .await?;
        let now = clock::now();
        let reply: FramesReply = serde_json::from_slice(&answer.body)?;
        let is_refused = |at: usize| reply.refused.iter().any(|refused| refused.index == at);
        let taken: Vec<usize> = (0..pending.frames.len()).filter(|at| !is_refused(*at)).collect();
        let last = taken.last().map(|at| (host.boot(), pending.first_seq + *at as u64));
        if reply.acknowledged.map(|id| (id.boot, id.seq)) != last {
            bail!("acknowledged {:?}, sent up to {last:?}", reply.acknowledged);
        }
        for &at in &taken {
            let frame = &pending.frames[at];
            counts.frame_bytes.fetch_add(frame.len() as u64, Relaxed);
            counts.latency(now.duration_since(pending.due[at]).unsigned_abs());
            if let Some(record) = &self.shared.record {
                record.add(credentials.id, host.boot(), pending.first_seq + at as u64, frame)?;
            }
        }
        counts.acknowledged.fetch_add(taken.len() as u64, Relaxed);
        if let Some(refused) = reply.refused.first() {
            counts.refused.fetch_add(reply.refused.len() as u64, Relaxed);
            warn!(host = %credentials.id, "Frame refused: {}", refused.reason);
        }
        if reply.need_key {
            host.restart_chain();
        }
        Ok(())
    }

    /// Posts until the server takes it. What it will never take ends the run.
    async fn post_until_taken(
        &mut self,
        path: &'static str,
        content_type: &'static str,
        key: Option<&HeaderValue>,
        body: impl Fn() -> Vec<u8>,
        counts: &Counts,
    ) -> Result<Answer> {
        let mut wait = FIRST_WAIT;
        loop {
            let asked = match self.try_post(path, content_type, key, body()).await {
                Ok(answer) if answer.status.is_success() => {
                    counts.requests.fetch_add(1, Relaxed);
                    return Ok(answer);
                }
                Ok(answer) if is_temporary(answer.status) => answer.retry_after,
                Ok(answer) => bail!("{path}: {}", reason(&answer)),
                Err(_) => {
                    self.connection = None;
                    None
                }
            };
            counts.retries.fetch_add(1, Relaxed);
            sleep(asked.unwrap_or(wait)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn try_post(
        &mut self,
        path: &'static str,
        content_type: &'static str,
        key: Option<&HeaderValue>,
        body: Vec<u8>,
    ) -> Result<Answer> {
        self.open().await?;
        let connection = self.connection.as_mut().context("no connection")?;
        connection.post(path, content_type, key, body).await
    }

    fn fleet(&self) -> Result<std::sync::MutexGuard<'_, LoadFleet>> {
        self.shared.fleet.lock().map_err(|_| anyhow::anyhow!("the fleet is broken"))
    }
}

fn is_temporary(status: StatusCode) -> bool {
    status.is_server_error()
        || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
}

fn reason(answer: &Answer) -> String {
    match serde_json::from_slice::<Problem>(&answer.body) {
        Ok(problem) => format!("{}: {} ({})", answer.status, problem.title, problem.detail),
        Err(_) => answer.status.to_string(),
    }
}
