//! The server's interface for agents, over HTTP.

use std::{error::Error, fs, io, net::IpAddr, path::PathBuf, time::Duration};

use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::{
    Method, Request, Response, StatusCode, Uri,
    body::{Bytes, Incoming},
    header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER, USER_AGENT},
};
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client as HttpClient, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use jiff::{Timestamp, fmt::rfc2822};
use poolwatch_protocol::v1::messages::{
    EnrolReply, EnrolRequest, EventsReply, EventsRequest, FRAMES_CONTENT_TYPE, FramesReply,
    InventoryRequest, Problem,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const TIMEOUT: Duration = Duration::from_secs(90);
/// Bytes of an answer that are read.
const REPLY_BYTES: usize = 1 << 20;
/// What to wait where the server says to wait but not how long.
const DEFAULT_RETRY: Duration = Duration::from_secs(60);

/// How to reach the server.
#[derive(Debug, Clone, Default)]
pub struct ClientOptions {
    /// Its address.
    pub server_url: String,
    /// File with the only authorities that are trusted; without it, those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether another machine may be reached without TLS.
    pub allow_http: bool,
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The address cannot be used.
    #[error("the server's address {0} cannot be used")]
    Url(String),
    /// The address has no TLS and is on another machine.
    #[error(
        "{0} would send the host's key unprotected; use https://, or set allow_http if you must"
    )]
    Unprotected(String),
    /// The file with authorities cannot be read.
    #[error("cannot read the authorities in {}: {source}", path.display())]
    CaFile {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file holds no certificate.
    #[error("{} holds no certificate in PEM", .0.display())]
    NoCertificate(PathBuf),
    /// TLS cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(#[from] rustls::Error),
}

/// Why the server did not take something.
#[derive(Debug, thiserror::Error)]
pub enum UploadError {
    /// It was not reached, or did not answer.
    #[error("the server cannot be reached: {0}")]
    Unreachable(String),
    /// It does not know the key (401).
    #[error("the server does not know this host's key")]
    KeyUnknown,
    /// It wants the host to wait (403 of a host that is not approved yet, 429, 503, other 5xx).
    #[error("the server says to wait: {reason}")]
    Wait {
        /// Why.
        reason: String,
        /// How long.
        retry_after: Option<Duration>,
    },
    /// It does not speak this version of the protocol (415).
    #[error("the server speaks versions {0:?} of the protocol only; it needs an update")]
    Version(Vec<u16>),
    /// It cannot take this content (400, 413, 422).
    #[error("the server refused the content: {0}")]
    Content(String),
    /// It answered something else than a Poolwatch server does.
    #[error("this is not how a Poolwatch server answers: {0}")]
    Strange(String),
}

impl UploadError {
    /// How long the server asked to wait.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Wait { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// Whether the content is at fault, so that sending it again is useless.
    #[must_use]
    pub fn is_about_content(&self) -> bool {
        matches!(self, Self::Content(_))
    }
}

/// Speaks to one server, over a connection that is kept. It follows no redirect: that would carry
/// the key to another address.
#[derive(Debug, Clone)]
pub struct Client {
    http: HttpClient<HttpsConnector<HttpConnector>, Full<Bytes>>,
    base: String,
}

impl Client {
    /// A client of a server.
    ///
    /// # Errors
    /// When the address cannot be used or is unprotected, or the authorities cannot be read.
    pub fn new(options: &ClientOptions) -> Result<Self, ClientError> {
        let base = options.server_url.trim_end_matches('/').to_owned();
        let url: Uri = base.parse().map_err(|_| ClientError::Url(base.clone()))?;
        if url.scheme_str() != Some("https") && !options.allow_http && !is_this_machine(&url) {
            return Err(ClientError::Unprotected(base));
        }
        // Fails only when one is installed already, which then is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let tls = ClientConfig::builder();
        let tls = match &options.ca_file {
            Some(path) => tls.with_root_certificates(authorities(path)?),
            None => tls.try_with_platform_verifier()?,
        };
        let mut tcp = HttpConnector::new();
        tcp.set_connect_timeout(Some(CONNECT_TIMEOUT));
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(tls.with_no_client_auth())
            .https_or_http()
            .enable_http1()
            .wrap_connector(tcp);
        let http = HttpClient::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_max_idle_per_host(1)
            .build(connector);
        Ok(Self { http, base })
    }

    /// The server's address, without a slash at its end.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.base
    }

    /// Enrols this host.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take it.
    pub async fn enrol(&self, request: &EnrolRequest) -> Result<EnrolReply, UploadError> {
        reply(self.send("enrol", None, json(request)?).await?).await
    }

    /// Sends a batch of frames.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take it.
    pub async fn frames(&self, key: &str, batch: Vec<u8>) -> Result<FramesReply, UploadError> {
        reply(self.send("frames", Some(key), (FRAMES_CONTENT_TYPE, batch)).await?).await
    }

    /// Sends events.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take them.
    pub async fn events(
        &self,
        key: &str,
        request: &EventsRequest,
    ) -> Result<EventsReply, UploadError> {
        reply(self.send("events", Some(key), json(request)?).await?).await
    }

    /// Sends what is installed on the host.
    ///
    /// # Errors
    /// When the server cannot be reached or does not take it.
    pub async fn inventory(
        &self,
        key: &str,
        request: &InventoryRequest,
    ) -> Result<(), UploadError> {
        self.send("inventory", Some(key), json(request)?).await.map(|_| ())
    }

    /// Posts a body of some type; an answer that is no success becomes an error.
    async fn send(
        &self,
        what: &str,
        key: Option<&str>,
        (content_type, body): (&str, Vec<u8>),
    ) -> Result<Response<Incoming>, UploadError> {
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(format!("{}/agent/v1/{what}", self.base))
            .header(USER_AGENT, concat!("poolwatch-agent/", env!("CARGO_PKG_VERSION")))
            .header(CONTENT_TYPE, content_type);
        if let Some(key) = key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        let request = request
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| UploadError::Content(error.to_string()))?;
        match timeout(TIMEOUT, self.http.request(request)).await {
            Ok(Ok(response)) => check(response).await,
            Ok(Err(error)) => Err(UploadError::Unreachable(causes(&error))),
            Err(_) => Err(no_answer()),
        }
    }
}

fn json(body: &impl Serialize) -> Result<(&'static str, Vec<u8>), UploadError> {
    let body = serde_json::to_vec(body).map_err(|error| UploadError::Content(error.to_string()))?;
    Ok(("application/json", body))
}

fn no_answer() -> UploadError {
    UploadError::Unreachable(format!("no answer within {} s", TIMEOUT.as_secs()))
}

/// Makes an error of an answer that is no success.
async fn check(response: Response<Incoming>) -> Result<Response<Incoming>, UploadError> {
    let status = response.status();
    if status.is_success() {
        return Ok(response);
    }
    let retry_after = retry_after(&response);
    let problem: Option<Problem> =
        body(response).await.ok().and_then(|body| serde_json::from_slice(&body).ok());
    let reason = match &problem {
        Some(problem) => format!("{} ({status})", problem.detail),
        None => status.to_string(),
    };
    Err(match status {
        StatusCode::UNAUTHORIZED => UploadError::KeyUnknown,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            UploadError::Version(problem.and_then(|problem| problem.versions).unwrap_or_default())
        }
        StatusCode::BAD_REQUEST
        | StatusCode::PAYLOAD_TOO_LARGE
        | StatusCode::UNPROCESSABLE_ENTITY => UploadError::Content(reason),
        StatusCode::FORBIDDEN | StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            let retry_after = Some(retry_after.unwrap_or(DEFAULT_RETRY));
            UploadError::Wait { reason, retry_after }
        }
        other if other.is_server_error() => UploadError::Wait { reason, retry_after },
        _ => UploadError::Strange(reason),
    })
}

async fn reply<T: for<'de> Deserialize<'de>>(
    response: Response<Incoming>,
) -> Result<T, UploadError> {
    let body = body(response).await?;
    serde_json::from_slice(&body).map_err(|error| UploadError::Strange(error.to_string()))
}

/// The answer's content, as far as it is read.
async fn body(response: Response<Incoming>) -> Result<Bytes, UploadError> {
    let body = Limited::new(response.into_body(), REPLY_BYTES).collect();
    match timeout(TIMEOUT, body).await {
        Ok(Ok(body)) => Ok(body.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            Err(UploadError::Strange(format!("more than {REPLY_BYTES} bytes")))
        }
        Ok(Err(error)) => Err(UploadError::Unreachable(causes(&*error))),
        Err(_) => Err(no_answer()),
    }
}

/// `Retry-After`: seconds, or a date, which is measured by the server's own clock.
fn retry_after(response: &Response<Incoming>) -> Option<Duration> {
    let header =
        |name: HeaderName| response.headers().get(name).and_then(|value| value.to_str().ok());
    let text = header(RETRY_AFTER)?;
    if let Ok(seconds) = text.trim().parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = |text: &str| {
        let zoned = rfc2822::DateTimeParser::new().parse_zoned(text).ok()?;
        Some(zoned.timestamp())
    };
    let (until, now): (Timestamp, Timestamp) = (date(text)?, date(header(DATE)?)?);
    Some(Duration::try_from(until.duration_since(now)).unwrap_or_default())
}

fn authorities(path: &PathBuf) -> Result<RootCertStore, ClientError> {
    let pem =
        fs::read(path).map_err(|source| ClientError::CaFile { path: path.clone(), source })?;
    let mut authorities = RootCertStore::empty();
    let certificates = CertificateDer::pem_slice_iter(&pem).filter_map(Result::ok);
    match authorities.add_parsable_certificates(certificates) {
        (0, _) => Err(ClientError::NoCertificate(path.clone())),
        _ => Ok(authorities),
    }
}

fn is_this_machine(url: &Uri) -> bool {
    let host = url.host().unwrap_or_default().trim_matches(['[', ']']);
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// An error with what caused it, in one line.
fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_reached_without_tls_unless_allowed() {
        for (server_url, allow_http, good) in [
            ("https://pool.example.net", false, true),
            ("http://pool.example.net", false, false),
            ("http://pool.example.net", true, true),
            ("http://127.0.0.1:8080", false, true),
            ("http://[::1]:8080/", false, true),
            ("http://localhost", false, true),
            ("http://localhost.example.net", false, false),
            ("http://127.0.0.1.example.net", false, false),
        ] {
            let options =
                ClientOptions { server_url: server_url.into(), ca_file: None, allow_http };
            assert_eq!(Client::new(&options).is_ok(), good, "{server_url}");
        }
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("ca.pem");
        fs::write(&path, "no certificate").unwrap();
        let options = |path: &PathBuf| ClientOptions {
            server_url: "https://pool.example.net".into(),
            ca_file: Some(path.clone()),
            allow_http: false,
        };
        assert!(matches!(Client::new(&options(&path)), Err(ClientError::NoCertificate(_))));
        let missing = folder.path().join("missing.pem");
        assert!(matches!(Client::new(&options(&missing)), Err(ClientError::CaFile { .. })));
    }
}
