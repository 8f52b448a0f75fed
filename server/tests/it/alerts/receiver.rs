//! A receiver of webhooks that answers as it is told to.

use std::{collections::VecDeque, net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header::LOCATION},
    response::{IntoResponse, Response},
};
use tokio::{net::TcpListener, sync::Mutex};

#[derive(Debug, Default)]
struct Received {
    answers: VecDeque<u16>,
    /// What it says with each; empty for the number of the request.
    words: String,
    requests: Vec<(HeaderMap, String)>,
}

#[derive(Debug, Clone)]
pub(super) struct Receiver {
    pub(super) address: SocketAddr,
    received: Arc<Mutex<Received>>,
}

impl Receiver {
    /// One that answers with these statuses, one after another, and then with 200.
    pub(super) async fn start(answers: &[u16]) -> Self {
        Self::start_with(answers, "").await
    }

    /// As [`Self::start`], with words of its own.
    pub(super) async fn start_with(answers: &[u16], words: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let answers = answers.iter().copied().collect();
        let received =
            Arc::new(Mutex::new(Received { answers, words: words.into(), requests: vec![] }));
        let router = Router::new().fallback(receive).with_state(received.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { address, received }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}/hook?key=secret", self.address)
    }

    pub(super) async fn requests(&self) -> Vec<(HeaderMap, String)> {
        self.received.lock().await.requests.clone()
    }
}

async fn receive(
    State(received): State<Arc<Mutex<Received>>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut received = received.lock().await;
    received.requests.push((headers, String::from_utf8_lossy(&body).into_owned()));
    let status = StatusCode::from_u16(received.answers.pop_front().unwrap_or(200)).unwrap();
    let words = match received.words.is_empty() {
        true => format!("answer {}", received.requests.len()),
        false => received.words.clone(),
    };
    (status, [(LOCATION, "http://169.254.169.254/latest")], words).into_response()
}
