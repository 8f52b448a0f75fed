//! Connections to the server, each one request at a time, with what they cost counted.

use std::{
    io,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    task::{Context as TaskContext, Poll},
    time::Duration,
};

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Request, StatusCode,
    client::conn::http1::{SendRequest, handshake},
    header::{self, HeaderValue},
};
use hyper_util::rt::TokioIo;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use crate::commands::ServerOptions;

/// A server that takes longer has lost the request.
const TIMEOUT: Duration = Duration::from_secs(60);
/// An answer is a few hundred bytes.
const ANSWER_BYTES: usize = 1 << 20;

/// What connections cost.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    /// Connections that were made, with TLS where there is any.
    pub(super) opened: AtomicU64,
    /// Bytes on the wire, to the server and from it.
    pub(super) sent: AtomicU64,
    pub(super) received: AtomicU64,
}

/// Makes connections.
#[derive(Debug)]
pub(super) struct Dialer {
    host: String,
    port: u16,
    tls: Option<(Arc<rustls::ClientConfig>, ServerName<'static>)>,
    authority: HeaderValue,
    pub(super) traffic: Arc<Traffic>,
}

impl Dialer {
    pub(super) fn new(server: &ServerOptions) -> Result<Self> {
        let uri: hyper::Uri = server.server.parse().context("--server is no address")?;
        let host = uri.host().context("--server names no host")?.to_owned();
        let is_tls = uri.scheme_str() != Some("http");
        let port = uri.port_u16().unwrap_or(if is_tls { 443 } else { 80 });
        let tls = if is_tls {
            let name = ServerName::try_from(host.clone()).context("--server names no host")?;
            Some((Arc::new(tls_config(server)?), name))
        } else {
            None
        };
        let authority = HeaderValue::from_str(&format!("{host}:{port}"))?;
        Ok(Self { host, port, tls, authority, traffic: Arc::default() })
    }

    /// Opens a connection.
    pub(super) async fn connect(&self) -> Result<Connection> {
        timeout(TIMEOUT, self.open()).await.context("connecting took too long")?
    }

    async fn open(&self) -> Result<Connection> {
        let tcp = TcpStream::connect((self.host.as_str(), self.port)).await?;
        tcp.set_nodelay(true)?;
        let tcp = Counted { stream: tcp, traffic: Arc::clone(&self.traffic) };
        let requests = match &self.tls {
            Some((tls, name)) => {
                let tls = TlsConnector::from(Arc::clone(tls));
                start(tls.connect(name.clone(), tcp).await?).await?
            }
            None => start(tcp).await?,
        };
        self.traffic.opened.fetch_add(1, Relaxed);
        Ok(Connection { requests, authority: self.authority.clone() })
    }
}

async fn start<S>(stream: S) -> Result<SendRequest<Full<Bytes>>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (requests, connection) = handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(requests)
}

/// One handshake in full for each connection, as when each comes from another host.
fn tls_config(server: &ServerOptions) -> Result<rustls::ClientConfig> {
    // A second provider would be an error, but this is the only place of a run that sets one.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut roots = rustls::RootCertStore::empty();
    match &server.ca_file {
        Some(path) => {
            let certificates = CertificateDer::pem_file_iter(path)
                .with_context(|| format!("reading {}", path.display()))?;
            for certificate in certificates {
                roots.add(certificate?)?;
            }
        }
        None => {
            roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    if roots.is_empty() {
        bail!("there is no certificate to trust: name one with --ca-file");
    }
    let mut config =
        rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// A connection to the server.
#[derive(Debug)]
pub(super) struct Connection {
    requests: SendRequest<Full<Bytes>>,
    authority: HeaderValue,
}

/// What the server said.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) retry_after: Option<Duration>,
    pub(super) body: Bytes,
}

impl Connection {
    /// Posts, and waits for the answer.
    pub(super) async fn post(
        &mut self,
        path: &'static str,
        content_type: &'static str,
        key: Option<&HeaderValue>,
        body: Vec<u8>,
    ) -> Result<Answer> {
        let mut request = Request::post(path)
            .header(header::HOST, &self.authority)
            .header(header::CONTENT_TYPE, content_type);
        if let Some(key) = key {
            request = request.header(header::AUTHORIZATION, key);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        timeout(TIMEOUT, self.ask(request)).await.context("the answer took too long")?
    }

    async fn ask(&mut self, request: Request<Full<Bytes>>) -> Result<Answer> {
        self.requests.ready().await?;
        let response = self.requests.send_request(request).await?;
        let status = response.status();
        let retry_after = response.headers().get(header::RETRY_AFTER);
        let retry_after = retry_after
            .and_then(|value| value.to_str().ok()?.parse().ok())
            .map(Duration::from_secs);
        let body = Limited::new(response.into_body(), ANSWER_BYTES).collect().await;
        let body = body.map_err(|error| anyhow::anyhow!("reading the answer: {error}"))?;
        Ok(Answer { status, retry_after, body: body.to_bytes() })
    }
}

/// A stream whose bytes are counted.
struct Counted {
    stream: TcpStream,
    traffic: Arc<Traffic>,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, buffer);
        self.traffic.received.fetch_add((buffer.filled().len() - before) as u64, Relaxed);
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if let Poll::Ready(Ok(count)) = &written {
            self.traffic.sent.fetch_add(*count as u64, Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut TaskContext<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(
        mut self: Pin<&mut Self>,
        context: &mut TaskContext<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
