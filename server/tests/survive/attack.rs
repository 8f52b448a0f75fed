//! Slow and idle connections, stalled uploads and parallel sign-ins, all at once: others do not
//! notice. Attackers come from addresses of their own, as they do in a network.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use poolwatch_server::connections::raise_descriptor_limit;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
    time::{sleep, timeout},
};

use crate::{duration, number, world::World};

/// Uploads of others are acknowledged within this, 99 of 100.
const P99_MS: f64 = 500.0;
/// Snapshots of others in a second, unless `ATTACK_RATE` says another number.
const RATE: u64 = 100;
/// Connections that send a header and never end it, from each of some addresses.
const SLOW: usize = 600;
const SLOW_FROM: [u8; 4] = [10, 11, 12, 13];
/// Uploads that announce the most there is and send nothing.
const STALLED: usize = 16;
/// People who sign in at once.
const SIGN_INS: usize = 64;
/// After an attack's connection ended, until its next.
const PAUSE: Duration = Duration::from_millis(250);

/// What attackers were answered, by what they did.
#[derive(Debug, Default)]
struct Answers {
    slow_closed: AtomicU64,
    stalled_refused: AtomicU64,
    sign_ins_refused: AtomicU64,
    sign_ins_checked: AtomicU64,
}

async fn connect(server: SocketAddr, from: u8) -> std::io::Result<TcpStream> {
    let socket = TcpSocket::new_v4()?;
    socket.bind((Ipv4Addr::new(127, 0, 0, from), 0).into())?;
    socket.connect(server).await
}

async fn send_slowly(server: SocketAddr, from: u8, answers: Arc<Answers>) {
    loop {
        if let Ok(mut stream) = connect(server, from).await {
            let _ = stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx: ").await;
            while stream.write_all(b"a").await.is_ok() {
                sleep(Duration::from_secs(5)).await;
            }
            answers.slow_closed.fetch_add(1, Relaxed);
        }
        sleep(PAUSE).await;
    }
}

/// Sends a request and gives its status, when it is answered.
async fn status(server: SocketAddr, from: u8, request: &str) -> Option<u16> {
    let mut stream = connect(server, from).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut head = [0; 12];
    timeout(Duration::from_secs(70), stream.read_exact(&mut head)).await.ok()?.ok()?;
    std::str::from_utf8(&head[9..]).ok()?.parse().ok()
}

async fn stall_uploads(server: SocketAddr, key: String, answers: Arc<Answers>) {
    let request = format!(
        "POST /agent/v1/frames HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\n\
         content-type: application/vnd.poolwatch.frames\r\ncontent-length: 16777216\r\n\r\n"
    );
    loop {
        if matches!(status(server, 20, &request).await, Some(408 | 429)) {
            answers.stalled_refused.fetch_add(1, Relaxed);
        }
        sleep(PAUSE).await;
    }
}

async fn sign_in(server: SocketAddr, n: usize, answers: Arc<Answers>) {
    for round in 0.. {
        let body = format!("email=ana{round}&password=guess{n}");
        let request = format!(
            "POST /login HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\
             content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        match status(server, 30 + (n % 4) as u8, &request).await {
            Some(429 | 503) => answers.sign_ins_refused.fetch_add(1, Relaxed),
            Some(401) => answers.sign_ins_checked.fetch_add(1, Relaxed),
            _ => 0,
        };
        sleep(PAUSE).await;
    }
}

/// The figures of hosts that send `rate` snapshots a second, one every two seconds each.
async fn load(world: &World, rate: u64, seconds: u64) -> Value {
    let hosts = rate * 2;
    let mut load = world.load(&format!(
        "--hosts {hosts} --interval 2 --warm-up 3 --connections 200 --duration {seconds}"
    ));
    while !load.has_ended() {
        sleep(PAUSE).await;
    }
    load.report()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make attack run it"]
async fn uploads_of_others_are_as_fast_as_ever_under_an_attack() {
    let (limit, _) = raise_descriptor_limit();
    assert!(limit > SLOW * SLOW_FROM.len() + 500, "{limit} open files are too few to attack with");
    let mut world = World::new();
    world.serve().await;
    let server = world.address();
    let key = world.enrol_host("attacker").await;
    let rate = number("ATTACK_RATE", RATE);
    let quiet = load(&world, rate, 8).await;
    let answers = Arc::new(Answers::default());
    let mut attackers = JoinSet::new();
    for from in SLOW_FROM {
        for _ in 0..SLOW {
            attackers.spawn(send_slowly(server, from, answers.clone()));
        }
    }
    for _ in 0..STALLED {
        attackers.spawn(stall_uploads(server, key.clone(), answers.clone()));
    }
    for n in 0..SIGN_INS {
        attackers.spawn(sign_in(server, n, answers.clone()));
    }
    let report = load(&world, rate, duration().as_secs()).await;
    attackers.shutdown().await;
    let p99 = |report: &Value| report["live"]["latency_ms"]["p99"].as_f64().unwrap();
    let (peak_mb, taken) = (world.server_peak_mb(), &report["live"]["snapshots_per_s"]);
    println!(
        "{taken} uploads a second of others, p99 {} ms, {} ms before the attack; the server took \
         {peak_mb} MB at most; {answers:?}",
        p99(&report),
        p99(&quiet)
    );
    assert_eq!(report["refused"], 0);
    assert!(p99(&report) < P99_MS);
    assert!(answers.slow_closed.load(Relaxed) > 0, "slow connections are let go");
    assert!(
        answers.stalled_refused.load(Relaxed) > 0 && answers.sign_ins_refused.load(Relaxed) > 0
    );
    assert!(peak_mb < 500, "memory is bounded");
}
