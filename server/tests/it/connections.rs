//! Connections: who may have how many, and what becomes of those that do nothing.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use poolwatch_server::{
    cli::{Tls, TlsOptions},
    connections::{self, ConnectionLimits, ConnectionTimes},
    stopping::StopSignal,
    tls::ServerTls,
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpSocket, TcpStream},
    time::{Instant, timeout},
};
use tokio_rustls::TlsConnector;

use crate::server::now;

const TIMES: ConnectionTimes = ConnectionTimes {
    first_request: Duration::from_millis(400),
    idle: Duration::from_millis(800),
    write: Duration::from_millis(400),
};
const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

async fn serve(tls: Option<ServerTls>, per_address: usize) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let large = "x".repeat(16 << 20);
    let router = Router::new()
        .route("/", get(async || "here"))
        .route("/large", get(async move || large.clone()));
    let limits = ConnectionLimits {
        total: 20,
        per_address,
        trusted_proxies: vec![],
        refusals: None,
        times: TIMES,
    };
    tokio::spawn(async move {
        let stop = StopSignal::default();
        connections::serve(listener, tls, router, limits, &stop, Duration::ZERO).await;
    });
    address
}

/// How long until the server lets go of a connection.
async fn until_closed(mut stream: TcpStream) -> Duration {
    let begun = Instant::now();
    let mut read = Vec::new();
    let closed = timeout(Duration::from_secs(10), stream.read_to_end(&mut read));
    let _ = closed.await.expect("the server lets go of it");
    begun.elapsed()
}

#[tokio::test]
async fn who_sends_nothing_or_half_a_request_or_nothing_more_is_let_go() {
    let address = serve(None, 10).await;
    let silent = TcpStream::connect(address).await.unwrap();
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n").await.unwrap();
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(REQUEST).await.unwrap();
    let mut answer = [0; 15];
    idle.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
    let (silent, slow, idle) =
        tokio::join!(until_closed(silent), until_closed(slow), until_closed(idle));
    assert!(silent < Duration::from_secs(2) && slow < Duration::from_secs(2));
    assert!(idle > Duration::from_millis(600) && idle < Duration::from_secs(4), "{idle:?}");
}

#[tokio::test]
async fn who_asks_for_much_and_takes_nothing_is_let_go() {
    let address = serve(None, 10).await;
    let mut greedy = TcpStream::connect(address).await.unwrap();
    greedy.write_all(b"GET /large HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_secs(2)).await;
    let mut read = Vec::new();
    let rest = timeout(Duration::from_secs(10), greedy.read_to_end(&mut read)).await.unwrap();
    assert!(rest.is_err() || read.len() < 16 << 20, "it has all {} bytes", read.len());
}

#[tokio::test]
async fn one_address_cannot_take_the_connections_of_others() {
    let address = serve(None, 2).await;
    let mut held = Vec::new();
    for _ in 0..2 {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(REQUEST).await.unwrap();
        let mut answer = [0; 15];
        stream.read_exact(&mut answer).await.unwrap();
        held.push(stream);
    }
    let third = TcpStream::connect(address).await.unwrap();
    assert!(until_closed(third).await < Duration::from_millis(300), "it is refused at once");
    let other = TcpSocket::new_v4().unwrap();
    other.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut other = other.connect(address).await.unwrap();
    other.write_all(REQUEST).await.unwrap();
    let mut answer = [0; 15];
    other.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}

/// TLS by a certificate of our own, for further names.
fn open_own(folder: &Path, names: &[&str]) -> Option<ServerTls> {
    let options =
        TlsOptions { tls_cert: None, tls_key: None, tls_name: vec![], tls: Tls::SelfSigned };
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    ServerTls::open(&options, folder, names, now()).unwrap()
}

#[tokio::test]
async fn a_certificate_of_our_own_is_good_for_the_names_asked_for_by_one_authority() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let first = serve(open_own(folder.path(), &["poolwatch.example.com", "10.0.0.5"]), 10).await;
    let authority = CertificateDer::from_pem_file(folder.path().join("tls/ca.pem")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(authority).unwrap();
    let client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    let client = TlsConnector::from(Arc::new(client));
    let is_trusted = async |address: SocketAddr, name: &'static str| {
        let stream = TcpStream::connect(address).await.unwrap();
        client.connect(ServerName::try_from(name).unwrap(), stream).await.is_ok()
    };
    for name in ["poolwatch.example.com", "10.0.0.5", "localhost", "127.0.0.1"] {
        assert!(is_trusted(first, name).await, "{name}");
    }
    assert!(!is_trusted(first, "pool.corp.example").await);

    let second = serve(open_own(folder.path(), &["pool.corp.example"]), 10).await;
    assert!(is_trusted(second, "pool.corp.example").await, "by the authority of before");
    assert!(!is_trusted(second, "poolwatch.example.com").await);
}

/// How many requests at once a server of HTTP/2 announces that it takes.
async fn most_streams(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> u32 {
    const SETTINGS: u8 = 4;
    const MAX_CONCURRENT_STREAMS: u16 = 3;
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    stream.write_all(&[0, 0, 0, SETTINGS, 0, 0, 0, 0, 0]).await.unwrap();
    let mut head = [0; 9];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(head[3], SETTINGS);
    let mut settings = vec![0; usize::from(u16::from_be_bytes([head[1], head[2]]))];
    stream.read_exact(&mut settings).await.unwrap();
    let found = settings.chunks_exact(6).find_map(|setting| {
        let [id @ .., a, b, c, d] = setting.first_chunk::<6>().unwrap();
        let is_it = u16::from_be_bytes(*id) == MAX_CONCURRENT_STREAMS;
        is_it.then(|| u32::from_be_bytes([*a, *b, *c, *d]))
    });
    found.expect("it announces a bound")
}

#[tokio::test]
async fn browsers_are_answered_by_http_2_and_agents_by_http_1() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let tls = open_own(folder.path(), &[]);
    let address = serve(tls, 10).await;
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(folder.path().join("tls/ca.pem")).unwrap()).unwrap();
    let mut client = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    client.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let name = ServerName::try_from("localhost").unwrap();

    let browser = TlsConnector::from(Arc::new(client.clone()));
    let stream = TcpStream::connect(address).await.unwrap();
    let stream = browser.connect(name.clone(), stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let executor = TokioExecutor::new();
    let (mut requests, connection) =
        hyper::client::conn::http2::handshake(executor, TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = hyper::Request::get("https://localhost/").body(Empty::<Bytes>::new()).unwrap();
    let answer = requests.send_request(request).await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.into_body().collect().await.unwrap().to_bytes(), "here");

    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = browser.connect(name.clone(), stream).await.unwrap();
    assert_eq!(most_streams(&mut stream).await, 32);

    client.alpn_protocols.clear();
    let agent = TlsConnector::from(Arc::new(client));
    let stream = TcpStream::connect(address).await.unwrap();
    let mut stream = agent.connect(name, stream).await.unwrap();
    stream.write_all(REQUEST).await.unwrap();
    let mut answer = [0; 15];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 200 OK");
}
