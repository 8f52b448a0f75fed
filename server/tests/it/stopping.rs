//! How the server stops: what is under way is answered, and nobody loses anything.

use std::time::{Duration, Instant};

use poolwatch_server::jobs::RunningJobs;
use sqlx::{Connection, Executor};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::sleep,
};

use crate::server::{Server, classic};

const SOON: Duration = Duration::from_millis(300);

#[tokio::test]
async fn a_stop_answers_what_is_under_way_and_takes_nothing_new() {
    let mut server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let (first, second) = (agent.frame(classic(0)), agent.frame(classic(1)));
    assert_eq!(agent.send(&[&first]).await.status(), 200);
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut stuck = db.begin().await.unwrap();
    stuck.execute("LOCK TABLE frames IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let stop = async {
        sleep(SOON).await;
        server.app.stop.begun.cancel();
        sleep(SOON).await;
        let address = server.url.strip_prefix("http://").unwrap();
        assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
        stuck.rollback().await.unwrap();
    };
    let frames: [&[u8]; 1] = [&second];
    let (answer, ()) = tokio::join!(agent.send(&frames), stop);
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["connection"], "close");
    let id = agent.id;
    (&mut server.stopped).await.unwrap();
    assert_eq!(server.stored_frames(id).await, [(1, 1), (1, 2)]);
}

#[tokio::test]
async fn what_a_stop_cannot_wait_for_is_told_to_come_back() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let (first, second) = (agent.frame(classic(0)), agent.frame(classic(1)));
    assert_eq!(agent.send(&[&first]).await.status(), 200);
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut stuck = db.begin().await.unwrap();
    stuck.execute("LOCK TABLE frames IN ACCESS EXCLUSIVE MODE").await.unwrap();
    let stop = async {
        sleep(SOON).await;
        server.app.stop.begun.cancel();
    };
    let frames: [&[u8]; 1] = [&second];
    let (answer, ()) = tokio::join!(agent.send(&frames), stop);
    assert_eq!(answer.status(), 503);
    assert!(answer.headers().contains_key("retry-after"));
    assert_eq!(answer.headers()["connection"], "close");
}

#[tokio::test]
async fn a_request_whose_head_comes_too_late_is_told_to_come_back() {
    let server = Server::start().await;
    let mut late = TcpStream::connect(server.url.strip_prefix("http://").unwrap()).await.unwrap();
    late.write_all(b"GET /healthz HTTP/1.1\r\n").await.unwrap();
    sleep(SOON).await;
    server.app.stop.begun.cancel();
    sleep(SOON).await;
    late.write_all(b"host: x\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    late.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
    assert!(answer.contains("retry-after: 5") && answer.contains("connection: close"), "{answer}");
}

#[tokio::test]
async fn jobs_end_by_themselves_and_requests_go_on_after_them() {
    let server = Server::start().await;
    let jobs = RunningJobs::start(&server.app, None).unwrap();
    sleep(SOON).await;
    let begun = Instant::now();
    jobs.finish().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(server.app.background_pool.is_closed());
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
}
