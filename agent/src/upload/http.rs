//! Posts by `reqwest`: over one connection that is kept, by a proxy where there is one, and without
//! following redirects, which would carry the key to another address.

use std::{error::Error, net::IpAddr, path::PathBuf, sync::Arc, time::Duration};

use jiff::{Timestamp, fmt::rfc2822};
use poolwatch_model::text::{beginning, printable};
use poolwatch_protocol::v1::messages::Problem;
use reqwest::{
    Certificate, Proxy, Response, StatusCode, Url,
    header::{AUTHORIZATION, CONTENT_TYPE, DATE, HeaderName, RETRY_AFTER},
    redirect::Policy,
};

use super::{error::UploadError, resolver::KeepingResolver};
use crate::proxy::proxy_for;
use crate::trust::read_trusted;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
/// How long an answer may take.
pub(super) const TIMEOUT: Duration = Duration::from_secs(90);
/// Bytes of an answer that are read.
const REPLY_BYTES: usize = 1 << 20;
/// Bytes of its words that are shown.
const SHOWN_BYTES: usize = 500;
/// What to wait where the server says to wait but not how long.
const DEFAULT_RETRY: Duration = Duration::from_secs(60);

/// How to reach the server.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClientOptions {
    /// Its address.
    pub server_url: String,
    /// File with the only authorities that are trusted; without it, those of the system.
    pub ca_file: Option<PathBuf>,
    /// Whether another machine may be reached without TLS.
    pub allow_http: bool,
    /// The proxy's address, or `none`; without it, the one of the machine.
    pub proxy: Option<String>,
}

/// What is posted.
#[derive(Debug)]
pub(super) struct Post {
    /// The last part of the address.
    pub(super) what: &'static str,
    /// The host's key.
    pub(super) key: Option<String>,
    /// What the body is.
    pub(super) content_type: &'static str,
    /// The body.
    pub(super) body: Vec<u8>,
}

/// A way to a server, with what it was made of.
pub(super) struct Http {
    options: ClientOptions,
    authorities: Option<Vec<u8>>,
    /// The proxy that it goes by.
    proxy: Option<String>,
    client: reqwest::Client,
}

impl Http {
    /// The way that `known` was, or another one when the options, the authorities or the machine's proxy are
    /// others. A file of authorities that cannot be read now is what it was.
    pub(super) fn renew(
        known: Option<Self>,
        options: ClientOptions,
        resolver: &Arc<KeepingResolver>,
    ) -> Result<Self, UploadError> {
        Self::renew_by(known, options, proxy_for, resolver)
    }

    fn renew_by(
        known: Option<Self>,
        options: ClientOptions,
        proxy_for: impl FnOnce(&Url, Option<&str>) -> Option<String>,
        resolver: &Arc<KeepingResolver>,
    ) -> Result<Self, UploadError> {
        let url: Url = options.server_url.parse().map_err(|_| {
            UploadError::Setup(format!("the address {} cannot be used", options.server_url))
        })?;
        let proxy = proxy_for(&url, options.proxy.as_deref());
        let known = known.filter(|http| http.options == options && http.proxy == proxy);
        let authorities = match options.ca_file.as_ref().map(|path| (path, read_trusted(path))) {
            None => None,
            Some((_, Ok(pem))) => Some(pem),
            Some((path, Err(error))) => match known {
                Some(http) => return Ok(http),
                None => {
                    let reason =
                        format!("cannot read the authorities in {}: {error}", path.display());
                    return Err(UploadError::Setup(reason));
                }
            },
        };
        match known {
            Some(http) if http.authorities == authorities => Ok(http),
            _ => Self::new(options, &url, authorities, proxy, resolver),
        }
    }

    fn new(
        options: ClientOptions,
        url: &Url,
        authorities: Option<Vec<u8>>,
        proxy: Option<String>,
        resolver: &Arc<KeepingResolver>,
    ) -> Result<Self, UploadError> {
        if url.scheme() != "https" && !options.allow_http && !is_this_machine(url) {
            return Err(UploadError::Setup(format!(
                "{url} would send the host's key unprotected; use https://, or set allow_http if \
                 you must"
            )));
        }
        // Fails only when one is installed already, which then is the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("poolwatch-agent/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(TIMEOUT)
            .pool_max_idle_per_host(1)
            .redirect(Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .dns_resolver(Arc::clone(resolver));
        if let Some(pem) = &authorities {
            let found = Certificate::from_pem_bundle(pem).unwrap_or_default();
            if found.is_empty() {
                let file = options.ca_file.as_deref().unwrap_or_else(|| "".as_ref()).display();
                return Err(UploadError::Setup(format!("{file} holds no certificate in PEM")));
            }
            builder = builder.tls_certs_only(found);
        }
        if let Some(proxy) = &proxy {
            let proxy = Proxy::all(proxy.as_str())
                .map_err(|error| UploadError::Setup(format!("the proxy: {}", causes(&error))))?;
            builder = builder.proxy(proxy);
        }
        let client = builder.build().map_err(|error| {
            UploadError::Setup(format!("cannot set up TLS: {}", causes(&error)))
        })?;
        Ok(Self { options, authorities, proxy, client })
    }

    /// Posts; an answer that is no success becomes an error.
    pub(super) async fn send(&self, post: Post) -> Result<Vec<u8>, UploadError> {
        let mut request = self
            .client
            .post(format!("{}/agent/v1/{}", self.options.server_url, post.what))
            .header(CONTENT_TYPE, post.content_type)
            .body(post.body);
        let has_key = post.key.is_some();
        if let Some(key) = post.key {
            request = request.header(AUTHORIZATION, format!("Bearer {key}"));
        }
        match request.send().await {
            Ok(response) => check(response, has_key).await,
            Err(error) => Err(unreachable_server(error)),
        }
    }
}

/// Without the address, which everybody who reads it knows.
fn unreachable_server(error: reqwest::Error) -> UploadError {
    if error.is_timeout() && !error.is_connect() {
        return UploadError::Unreachable(format!("no answer within {} s", TIMEOUT.as_secs()));
    }
    UploadError::Unreachable(causes(&error.without_url()))
}

/// Makes an error of an answer that is no success. Without a key it was an enrolment.
async fn check(response: Response, has_key: bool) -> Result<Vec<u8>, UploadError> {
    let status = response.status();
    if status.is_success() {
        return body(response).await;
    }
    let retry_after = retry_after(&response);
    let problem: Option<Problem> =
        body(response).await.ok().and_then(|body| serde_json::from_slice(&body).ok());
    let reason = match &problem {
        Some(problem) => format!("{} ({status})", cut_words(&problem.detail)),
        None => status.to_string(),
    };
    Err(match status {
        StatusCode::UNAUTHORIZED if has_key => UploadError::KeyUnknown,
        StatusCode::UNAUTHORIZED => UploadError::TokenRefused(reason),
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

/// What a server says, for a log: it may be another one than it should be.
fn cut_words(text: &str) -> String {
    printable(beginning(text, SHOWN_BYTES)).into_owned()
}

/// The answer's content, as far as it is read.
async fn body(mut response: Response) -> Result<Vec<u8>, UploadError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(unreachable_server)? {
        if body.len() + chunk.len() > REPLY_BYTES {
            return Err(UploadError::Strange(format!("more than {REPLY_BYTES} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// `Retry-After`: seconds, or a date, which is measured by the server's own clock.
fn retry_after(response: &Response) -> Option<Duration> {
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

fn is_this_machine(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']);
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
    use std::fs;

    use super::*;

    fn renewed(known: Option<Http>, options: ClientOptions) -> Result<Http, UploadError> {
        Http::renew(known, options, &Arc::new(KeepingResolver::default()))
    }

    #[test]
    fn a_proxy_that_the_machine_gets_later_is_taken() {
        let options = || ClientOptions {
            server_url: "https://pool.example.net".into(),
            ..ClientOptions::default()
        };
        let renewed = |known, proxy: Option<&str>| {
            let proxy = proxy.map(str::to_owned);
            let resolver = Arc::new(KeepingResolver::default());
            Http::renew_by(known, options(), |_, _| proxy, &resolver).unwrap()
        };
        let without = renewed(None, None);
        assert_eq!(without.proxy, None);
        let by_proxy = renewed(Some(without), Some("http://proxy:8080"));
        assert_eq!(by_proxy.proxy.as_deref(), Some("http://proxy:8080"));
        assert_eq!(renewed(Some(by_proxy), None).proxy, None);
    }

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
                ClientOptions { server_url: server_url.into(), allow_http, ..Default::default() };
            assert_eq!(renewed(None, options).is_ok(), good, "{server_url}");
        }
    }

    #[test]
    fn a_file_of_authorities_is_read_anew_when_it_changes_and_missed_only_at_first() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("ca.pem");
        let options = ClientOptions {
            server_url: "https://pool.example.net".into(),
            ca_file: Some(path.clone()),
            ..Default::default()
        };
        let refusal = |known| match renewed(known, options.clone()) {
            Err(UploadError::Setup(reason)) => reason,
            Err(error) => panic!("{error}"),
            Ok(_) => String::new(),
        };
        assert!(refusal(None).contains("cannot read the authorities"));
        fs::write(&path, "no certificate").unwrap();
        assert!(refusal(None).contains("holds no certificate"));
        let pem = || {
            let key = rcgen::KeyPair::generate().unwrap();
            rcgen::CertificateParams::new(Vec::new()).unwrap().self_signed(&key).unwrap().pem()
        };
        let first = pem();
        fs::write(&path, &first).unwrap();
        let http = renewed(None, options.clone()).unwrap();
        assert_eq!(http.authorities.as_deref(), Some(first.as_bytes()));
        let second = pem();
        fs::write(&path, &second).unwrap();
        let http = renewed(Some(http), options.clone()).unwrap();
        assert_eq!(http.authorities.as_deref(), Some(second.as_bytes()));
        fs::remove_file(&path).unwrap();
        let http = renewed(Some(http), options.clone()).unwrap();
        assert_eq!(http.authorities.as_deref(), Some(second.as_bytes()));
    }
}
