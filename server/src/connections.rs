//! Connections: taken within caps, with a time limit for everything that a peer can delay.

mod descriptors;
mod slots;

use std::{
    io,
    net::{IpAddr, SocketAddr},
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::Router;
pub use descriptors::raise_descriptor_limit;
use hyper::{body::Incoming, server::conn, service::service_fn};
use hyper_util::{
    rt::{TokioExecutor, TokioIo, TokioTimer},
    server::graceful::{GracefulShutdown, Watcher},
};
use slots::Slots;
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_io_timeout::TimeoutStream;
use tokio_rustls::TlsAcceptor;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use tower::ServiceExt;
use tracing::{debug, error, warn};

use crate::{
    cli::ConnectionOptions, client_address::ClientAddress, log_gate::LogGate, refusals::Refusals,
    stopping::StopSignal, tls::ServerTls,
};

/// Bytes of a request's head, and of what is read ahead of its body.
const READ_AHEAD_BYTES: usize = 64 << 10;
/// Bytes of a head by HTTP/2.
const HEADER_BYTES: u32 = 16 << 10;
/// Requests under way at once on one connection by HTTP/2.
const STREAMS: u32 = 32;
/// For the last answers to reach their peers once requests were cut off.
const FLUSH: Duration = Duration::from_secs(2);
/// After the system refused to give a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// How many connections there may be.
#[derive(Debug, Clone)]
pub struct ConnectionLimits {
    /// In all.
    pub total: usize,
    /// From one address, or one network of IPv6 (64 bits).
    pub per_address: usize,
    /// Addresses of proxies, which speak for many and have no limit of their own.
    pub trusted_proxies: Vec<IpAddr>,
    /// Where people see who has too many.
    pub refusals: Option<Arc<Refusals>>,
    /// How long their peers may let them wait.
    pub times: ConnectionTimes,
}

impl ConnectionLimits {
    /// Those that somebody asked for, when the system permits so many connections.
    #[must_use]
    pub fn from_options(options: &ConnectionOptions, permitted: usize) -> Self {
        let wanted = options.max_connections.map_or(usize::MAX, |most| most as usize);
        Self {
            total: wanted.min(permitted),
            per_address: options.max_connections_per_address as usize,
            trusted_proxies: options.trusted_proxies.iter().map(IpAddr::to_canonical).collect(),
            refusals: None,
            times: ConnectionTimes::DEFAULT,
        }
    }
}

/// How long a peer may let a connection wait.
#[derive(Debug, Clone, Copy)]
pub struct ConnectionTimes {
    /// From its beginning until the head of the first request has come, TLS included.
    pub first_request: Duration,
    /// Between requests, and until the head of a further one has come.
    pub idle: Duration,
    /// For the peer to take what it asked for, each time its window is full.
    pub write: Duration,
}

impl ConnectionTimes {
    /// What the server goes by. Agents let go of a connection after 90 s without a request.
    pub const DEFAULT: Self = Self {
        first_request: Duration::from_secs(15),
        idle: Duration::from_secs(100),
        write: Duration::from_secs(30),
    };
}

/// Serves until a stop begins, and then for `grace` what is under way. Whoever is not answered by
/// then is told to come back.
pub async fn serve(
    listener: TcpListener,
    tls: Option<ServerTls>,
    router: Router,
    limits: ConnectionLimits,
    stop: &StopSignal,
    grace: Duration,
) {
    let proxies: Arc<[IpAddr]> = limits.trusted_proxies.clone().into();
    let times = limits.times;
    let slots = Slots::new(limits);
    let (graceful, connections) = (GracefulShutdown::new(), TaskTracker::new());
    let end = CancellationToken::new();
    let complaints = LogGate::default();
    while let Some((stream, peer)) =
        stop.begun.run_until_cancelled(accept(&listener, &complaints)).await
    {
        let Some(slot) = slots.take(peer.ip()) else { continue };
        let (peer, router, proxies) = (peer.ip(), router.clone(), proxies.clone());
        let requests = Requests { peer, router, proxies };
        let tls = tls.as_ref().map(ServerTls::acceptor);
        let connection = serve_connection(stream, tls, requests, times, graceful.watcher());
        let connection = end.clone().run_until_cancelled_owned(connection);
        connections.spawn(async move {
            connection.await;
            drop(slot);
        });
    }
    drop(listener);
    connections.close();
    if timeout(grace, graceful.shutdown()).await.is_err() {
        warn!("Requests under way took too long: telling their senders to come back");
        stop.overdue.cancel();
        let _ = timeout(FLUSH, connections.wait()).await;
    }
    end.cancel();
    connections.wait().await;
}

/// The next connection. What goes wrong is waited out.
async fn accept(listener: &TcpListener, complaints: &LogGate) -> (TcpStream, SocketAddr) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // An answer goes out in pieces, and none has to wait for the one before to arrive.
                let _ = stream.set_nodelay(true);
                return (stream, peer);
            }
            // Its peer has given it up already.
            Err(error) if is_of_peer(&error) => {}
            Err(error) => {
                if complaints.opens() {
                    error!(%error, "The system gives no further connection; the next is tried soon");
                }
                sleep(PAUSE).await;
            }
        }
    }
}

fn is_of_peer(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}

/// What answers the requests of a connection.
#[derive(Clone)]
struct Requests {
    peer: IpAddr,
    router: Router,
    proxies: Arc<[IpAddr]>,
}

/// Serves one connection until it ends, by itself or by a time limit.
async fn serve_connection(
    stream: TcpStream,
    tls: Option<TlsAcceptor>,
    requests: Requests,
    times: ConnectionTimes,
    watcher: Watcher,
) {
    let until_first = sleep(times.first_request);
    let peer = requests.peer;
    let has_asked = AtomicBool::new(false);
    let mut stream = TimeoutStream::new(stream);
    stream.set_read_timeout(Some(times.idle));
    stream.set_write_timeout(Some(times.write));
    let served = serve_stream(Box::pin(stream), tls, requests, (times.idle, watcher), &has_asked);
    let mut served = std::pin::pin!(served);
    let first = tokio::select! {
        served = &mut served => Some(served),
        () = until_first => None,
    };
    let served = match first {
        Some(served) => served,
        None if has_asked.load(Ordering::Relaxed) => served.await,
        None => Err("no request came".into()),
    };
    if let Err(error) = served {
        debug!(%peer, error, "Connection ended");
    }
}

async fn serve_stream(
    stream: Pin<Box<TimeoutStream<TcpStream>>>,
    tls: Option<TlsAcceptor>,
    requests: Requests,
    (idle, watcher): (Duration, Watcher),
    has_asked: &AtomicBool,
) -> Result<(), String> {
    let service = service_fn(move |mut request: hyper::Request<Incoming>| {
        has_asked.store(true, Ordering::Relaxed);
        let Requests { peer, router, proxies } = requests.clone();
        let address = ClientAddress::new(peer, request.headers(), &proxies);
        request.extensions_mut().insert(address);
        router.oneshot(request)
    });
    let mut http1 = conn::http1::Builder::new();
    http1.timer(TokioTimer::new()).header_read_timeout(idle).max_buf_size(READ_AHEAD_BYTES);
    let Some(tls) = tls else {
        let connection = http1.serve_connection(TokioIo::new(stream), service);
        return watcher.watch(connection).await.map_err(|error| error.to_string());
    };
    let stream = tls.accept(stream).await.map_err(|error| error.to_string())?;
    let is_http2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    let stream = TokioIo::new(stream);
    if is_http2 {
        let mut http2 = conn::http2::Builder::new(TokioExecutor::new());
        http2.timer(TokioTimer::new()).max_concurrent_streams(STREAMS);
        http2.max_header_list_size(HEADER_BYTES).max_send_buf_size(READ_AHEAD_BYTES);
        let connection = http2.serve_connection(stream, service);
        return watcher.watch(connection).await.map_err(|error| error.to_string());
    }
    let connection = http1.serve_connection(stream, service);
    watcher.watch(connection).await.map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn pieces_of_an_answer_do_not_wait_for_each_other() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (stream, from) = accept(&listener, &LogGate::default()).await;
        assert!(stream.nodelay().unwrap());
        assert_eq!(from, peer.local_addr().unwrap());
    }
}
