//! Pages beside many connections that do nothing, and beside many people who look on.

use std::{
    net::{Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};

use poolwatch_server::connections::raise_descriptor_limit;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinSet,
};

use crate::{number, world::World};

/// Connections, unless `IDLE_CONNECTIONS` says another number.
const CONNECTIONS: u64 = 2000;
/// How many are opened at a time.
const AT_ONCE: usize = 100;
/// Idle connections are closed after 100 s.
const KEPT_OPEN: Duration = Duration::from_secs(90);
/// From each address.
const OF_AN_ADDRESS: u64 = 1000;
const PAGES: [&str; 5] = ["/", "/hosts", "/tags", "/incidents", "/events"];
/// Requests of each page.
const REQUESTS: usize = 40;
/// Pages come within this, 95 of 100.
const P95: Duration = Duration::from_millis(150);
const LOAD: &str = "--hosts 200 --interval 2 --connections 20 --duration 25";
/// People whose pages renew themselves, unless `LIVE_BROWSERS` says another number.
const BROWSERS: u64 = 50;
/// How often a page renews itself.
const RENEWED_EVERY: Duration = Duration::from_secs(10);

/// A connection by which something was asked once.
async fn idle(server: SocketAddr, from: u8) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::new(127, 0, 1, from), 0).into()).unwrap();
    let mut stream = socket.connect(server).await.unwrap();
    stream.write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    stream.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    stream
}

/// How long each page takes, in order.
async fn time_pages(world: &World, token: &str) -> Vec<Duration> {
    let client = reqwest::Client::new();
    let mut times = Vec::new();
    for _ in 0..REQUESTS {
        for page in PAGES {
            let begun = Instant::now();
            get(&client, &format!("{}{page}", world.url()), token).await;
            times.push(begun.elapsed());
        }
    }
    times.sort_unstable();
    times
}

async fn get(client: &reqwest::Client, page: &str, token: &str) {
    let answer = client.get(page).bearer_auth(token).send().await.unwrap();
    let (status, text) = (answer.status(), answer.text().await.unwrap());
    assert_eq!(status, 200, "{page}: {text}");
}

/// Says what pages took beside `what`, and that it was not too much.
fn assert_fast(world: &World, times: &[Duration], what: &str) {
    let (median, p95) = (times[times.len() / 2], times[times.len() * 95 / 100]);
    println!(
        "pages beside {what}: median {median:?}, p95 {p95:?}; the server took {} MB",
        world.server_peak_mb()
    );
    assert!(p95 < P95, "{p95:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make attack run it"]
async fn pages_are_as_fast_as_ever_beside_many_idle_connections() {
    let connections = number("IDLE_CONNECTIONS", CONNECTIONS);
    let (limit, _) = raise_descriptor_limit();
    assert!(limit as u64 > connections + 500, "{limit} open files are too few to attack with");
    let mut world = World::new();
    world.serve().await;
    let load = world.load(LOAD);
    let token = world.api_token();
    let mut opening = JoinSet::new();
    let mut open = Vec::new();
    for number in 0..connections {
        opening.spawn(idle(world.address(), 1 + (number / OF_AN_ADDRESS) as u8));
        if opening.len() == AT_ONCE {
            open.extend(opening.join_next().await.map(Result::unwrap));
        }
    }
    open.extend(opening.join_all().await);
    let begun = Instant::now();
    let times = time_pages(&world, &token).await;
    assert_fast(&world, &times, &format!("{connections} idle connections"));
    assert!(begun.elapsed() < KEPT_OPEN, "they were open all the while");
    drop(open);
    assert_eq!(load.report()["refused"], 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make attack run it"]
async fn pages_are_as_fast_as_ever_while_many_people_look_on() {
    let browsers = number("LIVE_BROWSERS", BROWSERS);
    let mut world = World::new();
    world.serve().await;
    let load = world.load(LOAD);
    let token = world.api_token();
    let mut people = JoinSet::new();
    for number in 0..browsers {
        let page = format!("{}{}", world.url(), PAGES[number as usize % PAGES.len()]);
        let token = token.clone();
        let begins_after = RENEWED_EVERY.mul_f64(number as f64 / browsers as f64);
        people.spawn(async move {
            // A connection of its own, as a browser has.
            let client = reqwest::Client::new();
            tokio::time::sleep(begins_after).await;
            let mut renewal = tokio::time::interval(RENEWED_EVERY);
            loop {
                renewal.tick().await;
                get(&client, &page, &token).await;
            }
        });
    }
    // All of them look on.
    tokio::time::sleep(RENEWED_EVERY).await;
    let times = time_pages(&world, &token).await;
    assert_fast(&world, &times, &format!("{browsers} people who look on"));
    assert!(people.try_join_next().is_none(), "somebody's page failed");
    people.abort_all();
    assert_eq!(load.report()["refused"], 0);
}
