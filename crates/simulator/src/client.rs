//! The server, as agents reach it: waits when it cannot, gives up only when it never will.

use std::{
    path::Path,
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::Duration,
};

use anyhow::{Context, Result};
use poolwatch_protocol::v1::messages::Problem;
use reqwest::{StatusCode, header};
use serde::de::DeserializeOwned;
use tokio::sync::Semaphore;
use tracing::warn;

const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(30);
const TIMEOUT: Duration = Duration::from_secs(60);

/// Why the server will never take a request.
#[derive(Debug)]
pub(crate) enum Refused {
    /// It does not know the host's key (any more).
    UnknownKey,
    /// Anything else, in words.
    Other(String),
}

/// A server.
#[derive(Debug)]
pub(crate) struct Server {
    http: reqwest::Client,
    base: String,
    connections: Semaphore,
    sent_bytes: AtomicU64,
    waits: AtomicU64,
}

impl Server {
    /// The server at `base`, trusted when its certificate comes from `ca_file`, or from a public
    /// authority when there is none. So many requests are under way at a time.
    pub(crate) fn new(base: &str, ca_file: Option<&Path>, connections: usize) -> Result<Self> {
        // A second provider would be an error, but this is the only place that sets one.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut http = reqwest::Client::builder()
            .timeout(TIMEOUT)
            .user_agent(concat!("poolwatch-sim/", env!("CARGO_PKG_VERSION")));
        if let Some(path) = ca_file {
            let pem = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
            let trusted = reqwest::Certificate::from_pem_bundle(&pem)
                .with_context(|| format!("{} holds no certificates", path.display()))?;
            http = http.tls_certs_only(trusted);
        }
        Ok(Self {
            http: http.build().context("setting up HTTP")?,
            base: base.trim_end_matches('/').to_owned(),
            connections: Semaphore::new(connections),
            sent_bytes: AtomicU64::new(0),
            waits: AtomicU64::new(0),
        })
    }

    /// Bytes of requests that were answered.
    pub(crate) fn sent_bytes(&self) -> u64 {
        self.sent_bytes.load(Relaxed)
    }

    /// How often a request had to wait and be sent again.
    pub(crate) fn waits(&self) -> u64 {
        self.waits.load(Relaxed)
    }

    /// Posts until the server takes or refuses it, and gives its answer.
    pub(crate) async fn post(
        &self,
        path: &str,
        key: Option<&str>,
        content_type: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Refused> {
        let mut wait = FIRST_WAIT;
        loop {
            let (why, asked) = match self.try_post(path, key, content_type, body).await {
                Ok(Attempt::Taken(answer)) => {
                    self.sent_bytes.fetch_add(body.len() as u64, Relaxed);
                    return Ok(answer);
                }
                Ok(Attempt::Refused(refused)) => return Err(refused),
                Ok(Attempt::Later(why, asked)) => (why, asked),
                Err(error) => (format!("{:#}", anyhow::Error::new(error)), None),
            };
            let pause = asked.unwrap_or(wait);
            let waits = self.waits.fetch_add(1, Relaxed);
            if waits.is_multiple_of(50) {
                warn!(path, pause_s = pause.as_secs(), "Server cannot take it now: {why}");
            }
            tokio::time::sleep(pause).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
    }

    async fn try_post(
        &self,
        path: &str,
        key: Option<&str>,
        content_type: &str,
        body: &[u8],
    ) -> reqwest::Result<Attempt> {
        // Held while the request is under way, not while it waits to be sent again.
        let _permit = self.connections.acquire().await;
        let mut request = self
            .http
            .post(format!("{}{path}", self.base))
            .header(header::CONTENT_TYPE, content_type)
            .body(body.to_vec());
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await?;
        let status = response.status();
        let asked = response
            .headers()
            .get(header::RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let answer = response.bytes().await?.to_vec();
        if status.is_success() {
            return Ok(Attempt::Taken(answer));
        }
        let why = match serde_json::from_slice::<Problem>(&answer) {
            Ok(problem) => format!("{status}: {} ({})", problem.title, problem.detail),
            Err(_) => status.to_string(),
        };
        let temporary = status.is_server_error()
            || matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT)
            // A host that still has to be approved.
            || (status == StatusCode::FORBIDDEN && asked.is_some());
        Ok(if temporary {
            Attempt::Later(why, asked)
        } else if status == StatusCode::UNAUTHORIZED && key.is_some() {
            Attempt::Refused(Refused::UnknownKey)
        } else {
            Attempt::Refused(Refused::Other(why))
        })
    }
}

enum Attempt {
    Taken(Vec<u8>),
    Later(String, Option<Duration>),
    Refused(Refused),
}

/// Reads an answer in JSON.
pub(crate) fn parse<A: DeserializeOwned>(answer: &[u8]) -> Result<A, Refused> {
    serde_json::from_slice(answer)
        .map_err(|error| Refused::Other(format!("an answer that is not understood: {error}")))
}
