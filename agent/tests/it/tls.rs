//! TLS: the authorities of the file, and only they, are trusted.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener},
    sync::Arc,
    thread,
};

use poolwatch_agent::upload::{AgentServer, Client, ClientOptions, Sender, UploadError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::{ServerConfig, ServerConnection, StreamOwned, pki_types::PrivateKeyDer};
use tempfile::TempDir;

fn authority() -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server for `localhost` that answers one request.
fn serve_once(authority: &CertifiedIssuer<'static, KeyPair>) -> SocketAddr {
    let key = KeyPair::generate().unwrap();
    let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        let (socket, _) = listener.accept().unwrap();
        let connection = ServerConnection::new(Arc::new(config)).unwrap();
        let mut stream = StreamOwned::new(connection, socket);
        let mut request = [0; 4096];
        // A client that refuses the certificate hangs up here.
        if stream.read(&mut request).is_ok() {
            let body = r#"{"acknowledged":null,"need_key":false}"#;
            let length = body.len();
            let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}");
            stream.conn.send_close_notify();
            let _ = stream.flush();
        }
    });
    address
}

fn client(
    folder: &TempDir,
    address: SocketAddr,
    authority: Option<&CertifiedIssuer<'static, KeyPair>>,
) -> Client {
    let ca_file = authority.map(|authority| {
        let path = folder.path().join("ca.pem");
        std::fs::write(&path, authority.pem()).unwrap();
        path
    });
    let server_url = format!("https://localhost:{}", address.port());
    let options = ClientOptions { server_url, ca_file, ..ClientOptions::default() };
    Client::new(Sender::start().unwrap(), options)
}

#[tokio::test]
async fn the_authority_of_the_file_is_trusted() {
    let (folder, authority) = (TempDir::new().unwrap(), authority());
    let client = client(&folder, serve_once(&authority), Some(&authority));
    assert!(!client.frames("key", vec![1]).await.unwrap().need_key);
}

#[tokio::test]
async fn every_other_authority_is_refused() {
    let (folder, good, other) = (TempDir::new().unwrap(), authority(), authority());
    for trusted in [Some(&other), None] {
        let client = client(&folder, serve_once(&good), trusted);
        let error = client.frames("key", vec![1]).await.unwrap_err();
        assert!(matches!(error, UploadError::Unreachable(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("certificate"), "{text}");
    }
}
