//! From the spool to the server: enrols where needed, sends batches, heeds what the server answers.

mod backoff;
mod client;
mod error;
mod http;
mod installed;
mod resolver;
mod sender;

use std::{cell::RefCell, time::Duration};

use poolwatch_protocol::{
    VERSIONS,
    v1::{
        Batch, SenderClock,
        messages::{
            EnrolRequest, EventsRequest, FramesReply, InventoryRequest, ScansRequest, Suggestions,
            TagListRequest,
        },
    },
};
use reqwest::Url;
use tracing::{debug, info, warn};

use crate::{
    agent::Agent,
    identity::Enrolled,
    spool::{Pending, SpooledFrame},
};
use backoff::Backoff;
pub use client::{AgentServer, Client};
pub use error::UploadError;
pub use http::ClientOptions;
use installed::{Installed, ToSend};
pub use sender::Sender;

/// Frames or events of one upload, at most.
const BATCH_ENTRIES: usize = 256;
/// Bytes of one upload, at most, unless one entry alone is larger.
const BATCH_BYTES: usize = 1 << 20;

/// What to do after a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Something was done and there may be more.
    Again,
    /// All is sent.
    Idle,
    /// Nothing could be done; wait so long.
    Wait(Duration),
}

/// Sends what waits in an agent's spool.
pub struct Uploader<S = Client> {
    client: S,
    token: Option<String>,
    labels: Vec<String>,
    backoff: Backoff,
    /// Entries of the next batch: fewer after the server found one too large.
    entries: usize,
    installed: Installed,
    /// Whether something was sent in this step, and why the latest attempt failed.
    has_sent: bool,
    failure: Option<Failure>,
    /// Whether the server did not take the host's key: then the token is tried, and the key again where that
    /// is not taken either.
    is_key_refused: bool,
}

/// Why something failed.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Failure {
    reason: String,
    /// Whether it fails until somebody mends it.
    is_lasting: bool,
}

impl<S: AgentServer> Uploader<S> {
    /// An uploader that enrols by `token`. `seed` spreads the retries of a fleet.
    #[must_use]
    pub fn new(client: S, token: Option<String>, seed: u64) -> Self {
        Self {
            client,
            token,
            labels: Vec::new(),
            backoff: Backoff::new(seed),
            entries: BATCH_ENTRIES,
            installed: Installed::new(),
            has_sent: false,
            failure: None,
            is_key_refused: false,
        }
    }

    /// The same for a host that brings labels when it enrols.
    #[must_use]
    pub fn with_labels(self, labels: Vec<String>) -> Self {
        Self { labels, ..self }
    }

    /// Does the next thing there is to do: enrols, sends what is installed, or one batch of frames or
    /// events.
    pub async fn step(&mut self, agent: &RefCell<Agent>) -> Step {
        let step = self.do_next(agent).await;
        let mut agent = agent.borrow_mut();
        if let Err(error) = agent.identity.keep() {
            debug!(%error, "Still could not keep the host's key");
        }
        if std::mem::take(&mut self.has_sent) {
            agent.uploads.last_upload = Some(agent.machine.now().wall);
        }
        agent.uploads.last_failure = self.failure.as_ref().map(|failure| failure.reason.clone());
        agent.uploads.is_lasting = self.failure.as_ref().is_some_and(|failure| failure.is_lasting);
        step
    }

    async fn do_next(&mut self, agent: &RefCell<Agent>) -> Step {
        let Some(key) = self.key(agent) else {
            return self.enrol(agent).await;
        };
        match self.installed.next(agent) {
            Some(ToSend::Inventory(request)) => self.send_inventory(agent, &key, &request).await,
            Some(ToSend::Scans(request)) => self.send_scans(&key, &request).await,
            Some(ToSend::TagList(request)) => self.send_tag_list(&key, &request).await,
            None => self.send_pending(agent, &key).await,
        }
    }

    /// Whether what is installed is still looked for.
    #[must_use]
    pub const fn awaits_survey(&self) -> bool {
        self.installed.is_asked()
    }

    /// The host's key, when this server gave one and did not refuse it just now.
    fn key(&self, agent: &RefCell<Agent>) -> Option<String> {
        let agent = agent.borrow();
        let enrolled = agent.identity.get().enrolled.as_ref().filter(|_| !self.is_key_refused);
        let given = enrolled.filter(|one| is_same_server(&one.server_url, self.client.base()));
        given.map(|one| one.host_key.clone())
    }

    async fn enrol(&mut self, agent: &RefCell<Agent>) -> Step {
        let Some(token) = self.token.clone() else {
            self.fail("The server does not know this host, and no enrolment token is set", true);
            return Step::Wait(self.backoff.longest());
        };
        let request = {
            let agent = agent.borrow();
            EnrolRequest {
                token,
                instance_id: agent.identity.get().instance_id,
                facts: agent.machine.facts(),
                versions: VERSIONS.to_vec(),
                labels: self.labels.clone(),
            }
        };
        match self.client.enrol(&request).await {
            Ok(reply) => {
                info!(host = %reply.host_id, pending = reply.pending, "Enrolled");
                self.succeed();
                self.is_key_refused = false;
                self.installed.make_due();
                let mut agent = agent.borrow_mut();
                take_suggestions(&mut agent, reply.suggestions);
                // The server may hold nothing of this host that a delta could be relative to.
                agent.spool.restart_chain();
                let enrolled = Enrolled {
                    server_url: self.client.base().to_owned(),
                    host_id: reply.host_id,
                    host_key: reply.host_key,
                };
                if let Err(error) = agent.identity.change(|id| id.enrolled = Some(enrolled)) {
                    warn!(%error, "Could not keep the host's key; it is tried again");
                }
                Step::Again
            }
            Err(error) => {
                self.fail(
                    &format!("Enrolment failed: {}", error.with_advice()),
                    error.is_lasting(),
                );
                self.is_key_refused = false;
                Step::Wait(self.backoff.next(error.retry_after()))
            }
        }
    }

    async fn send_inventory(
        &mut self,
        agent: &RefCell<Agent>,
        key: &str,
        request: &InventoryRequest,
    ) -> Step {
        match self.client.inventory(key, request).await {
            Ok(reply) => {
                self.succeed();
                self.installed.inventory_sent(agent, request, &reply);
                Step::Again
            }
            Err(error) if error.is_about_content() => {
                warn!(%error, "The server refused the inventory");
                self.installed.forget_inventory();
                Step::Again
            }
            Err(error) => self.after_failure(&error),
        }
    }

    async fn send_scans(&mut self, key: &str, request: &ScansRequest) -> Step {
        match self.client.scans(key, request).await {
            Ok(()) => self.succeed(),
            Err(error) if error.is_about_content() => {
                warn!(%error, "The server refused scans of drivers");
            }
            Err(error) => return self.after_failure(&error),
        }
        self.installed.forget_scans();
        Step::Again
    }

    async fn send_tag_list(&mut self, key: &str, request: &TagListRequest) -> Step {
        match self.client.tag_list(key, request).await {
            Ok(()) => self.succeed(),
            Err(error) if error.is_about_content() => {
                warn!(%error, "The server refused a pooltag.txt");
            }
            Err(error) => return self.after_failure(&error),
        }
        self.installed.forget_tag_list();
        Step::Again
    }

    async fn send_pending(&mut self, agent: &RefCell<Agent>, key: &str) -> Step {
        let pending = agent.borrow_mut().spool.pending(BATCH_BYTES, self.entries);
        let pending = match pending {
            Ok(Some(pending)) => pending,
            Ok(None) => return Step::Idle,
            Err(error) => {
                self.fail(&error.to_string(), false);
                return Step::Wait(self.backoff.next(None));
            }
        };
        match self.send(agent, key, &pending).await {
            Ok(()) => {
                self.succeed();
                self.entries = (self.entries * 2).min(BATCH_ENTRIES);
                acknowledge(&mut agent.borrow_mut(), &pending);
                debug!(frames = pending.frames.len(), events = pending.events.len(), "Sent");
                Step::Again
            }
            // Too much for the server, or something in it that it cannot take: send less, and give
            // up on what is refused all alone.
            Err(error) if error.is_about_content() && pending.len() > 1 => {
                debug!(%error, entries = pending.len(), "Trying a smaller batch");
                self.entries = pending.len() / 2;
                Step::Again
            }
            Err(error) if error.is_about_content() => {
                let seq = pending.frames.first().map(|frame| frame.seq);
                warn!(seq, %error, "The server refused a frame or an event; it is forgotten");
                let mut agent = agent.borrow_mut();
                agent.spool.restart_chain();
                acknowledge(&mut agent, &pending);
                Step::Again
            }
            Err(error) => self.after_failure(&error),
        }
    }

    /// Sends, and does what the server answers.
    async fn send(
        &self,
        agent: &RefCell<Agent>,
        key: &str,
        pending: &Pending,
    ) -> Result<(), UploadError> {
        if pending.events.is_empty() {
            let body = batch(agent, &pending.frames);
            let reply = self.client.frames(key, body).await?;
            apply_reply(agent, &pending.frames, &reply);
            return Ok(());
        }
        let request = EventsRequest {
            wall: agent.borrow().machine.now().wall,
            events: pending.events.iter().map(|each| each.event.clone()).collect(),
            gap: pending.events.iter().any(|each| each.gap_before),
        };
        for refused in self.client.events(key, &request).await?.refused {
            let record = request.events.get(refused.index).map(|event| event.record_id);
            warn!(record, reason = %refused.reason, "The server refused an event; it is forgotten");
        }
        Ok(())
    }

    fn after_failure(&mut self, error: &UploadError) -> Step {
        match error {
            UploadError::KeyUnknown if self.token.is_some() => {
                warn!("The server does not know this host's key; enrolling again");
                self.is_key_refused = true;
                // Not at once: a server that forgets every key must not be stormed.
                Step::Wait(self.backoff.next(None))
            }
            UploadError::KeyUnknown | UploadError::Version(_) => {
                self.fail(&error.with_advice(), error.is_lasting());
                Step::Wait(self.backoff.longest())
            }
            other => {
                self.fail(&other.with_advice(), other.is_lasting());
                Step::Wait(self.backoff.next(other.retry_after()))
            }
        }
    }

    /// Each reason is logged once, until something is sent again or the reason is another one.
    fn fail(&mut self, reason: &str, is_lasting: bool) {
        if self.failure.as_ref().is_some_and(|failure| failure.reason == reason) {
            debug!("{reason}");
        } else {
            warn!("{reason}; snapshots wait in the spool");
        }
        self.failure = Some(Failure { reason: reason.to_owned(), is_lasting });
    }

    fn succeed(&mut self) {
        if self.failure.take().is_some() {
            info!("The server answers again");
        }
        self.has_sent = true;
        self.backoff.reset();
    }
}

/// Whether two addresses are one server's, however they are written.
fn is_same_server(one: &str, other: &str) -> bool {
    let plain = |address: &str| address.parse::<Url>().ok();
    one == other || plain(one).is_some_and(|address| plain(other) == Some(address))
}

fn batch(agent: &RefCell<Agent>, frames: &[SpooledFrame]) -> Vec<u8> {
    let agent = agent.borrow();
    let now = agent.machine.now();
    let clock =
        SenderClock { boot: agent.machine.boot(), uptime_ms: now.uptime_ms, wall: now.wall };
    let frames = frames.iter().map(|frame| frame.bytes.as_slice()).collect();
    Batch { clock, frames }.to_bytes()
}

/// Does what the server answered to a batch: all of its frames are done with.
fn apply_reply(agent: &RefCell<Agent>, frames: &[SpooledFrame], reply: &FramesReply) {
    let mut agent = agent.borrow_mut();
    for refused in &reply.refused {
        let seq = frames.get(refused.index).map(|frame| frame.seq);
        warn!(seq, reason = %refused.reason, "The server refused a frame; it is forgotten");
    }
    if reply.need_key {
        debug!("The server asks for a key frame");
        agent.spool.restart_chain();
    }
    take_suggestions(&mut agent, reply.suggestions);
}

fn take_suggestions(agent: &mut Agent, suggestions: Suggestions) {
    if let Err(error) = agent.suggested.set(suggestions) {
        warn!(%error, "Could not keep what the server suggests; it holds until a restart");
    }
}

fn acknowledge(agent: &mut Agent, pending: &Pending) {
    if let Err(error) = agent.spool.acknowledge(pending, pending.len()) {
        warn!(%error, "Could not keep what was sent; a restart will send it again");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_the_same_however_it_is_written() {
        let known = "https://pool.example.net";
        for (address, is_same) in [
            ("https://pool.example.net", true),
            ("https://Pool.Example.net", true),
            ("https://pool.example.net/", true),
            ("https://pool.example.net:443", true),
            ("https://pool.example.net:8443", false),
            ("http://pool.example.net", false),
            ("https://pool.example.net/poolwatch", false),
            ("https://pool.example.net.example.org", false),
            ("", false),
        ] {
            assert_eq!(is_same_server(known, address), is_same, "{address}");
        }
        assert!(!is_same_server("no address", "none either"));
    }
}
