//! Published limits: each names a test, which there is; and some of those tests.

use std::{
    collections::HashSet,
    fs,
    path::{Path, PathBuf},
};

use poolwatch_model::{HostId, inventory::Driver, inventory::Inventory};
use poolwatch_server::fleet::drivers::Book;
use poolwatch_store::refused_enrolments::{self, RefusedEnrolment};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use crate::server::{CAREFUL_TOKEN, Server, now};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// Names of all functions in the sources below a folder.
fn functions(folder: &Path, found: &mut HashSet<String>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            functions(&path, found);
        } else if path.extension().is_some_and(|is| is == "rs") {
            let text = fs::read_to_string(&path).unwrap();
            let names = text.split("fn ").skip(1).filter_map(|rest| rest.split_once('('));
            found.extend(names.map(|(name, _)| name.to_owned()));
        }
    }
}

#[test]
fn every_published_limit_names_its_test() {
    let mut tests = HashSet::new();
    for folder in ["server/src", "server/tests", "crates/store/src", "crates/store/tests"] {
        functions(&root().join(folder), &mut tests);
    }
    let text = fs::read_to_string(root().join("docs/limits.md")).unwrap();
    let (limits, _) = text.split_once("## What is kept").unwrap();
    let rows = limits.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| ---"));
    let mut count = 0;
    for row in rows.filter(|row| !row.ends_with("| Test |")) {
        let last = row.trim_end_matches(" |").rsplit("| ").next().unwrap();
        let names: Vec<&str> = last.split('`').skip(1).step_by(2).collect();
        assert!(!names.is_empty(), "no test: {row}");
        for name in names {
            assert!(tests.contains(name), "there is no test {name}: {row}");
        }
        count += 1;
    }
    assert!(count > 30, "{count}");
}

#[tokio::test]
async fn a_head_that_is_too_long_is_refused() {
    let server = Server::start().await;
    let address = server.url.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).await.unwrap();
    let head = format!("GET / HTTP/1.1\r\nhost: x\r\nx: {}\r\n\r\n", "a".repeat(200 << 10));
    let _ = stream.write_all(head.as_bytes()).await;
    let mut answer = [0; 12];
    stream.read_exact(&mut answer).await.unwrap();
    assert_eq!(&answer, b"HTTP/1.1 431");
}

#[tokio::test]
async fn refused_enrolments_make_room_for_later_ones() {
    let server = Server::start().await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let refused = |number: usize| RefusedEnrolment {
        name: format!("host-{number}"),
        address: "192.0.2.1".into(),
        reason: "token-unknown".into(),
        token: None,
        agent_version: None,
        first: now(),
        last: now(),
        times: 1,
    };
    sqlx::query(
        "INSERT INTO refused_enrolments (name, address, reason, first_at, last_at, times)
         SELECT 'old-' || number, '192.0.2.2', 'token-unknown', now() - interval '1 hour',
             now() - interval '1 hour', 1 FROM generate_series(1, 5010) AS number",
    )
    .execute(&mut *db)
    .await
    .unwrap();
    refused_enrolments::record(&mut db, &refused(1)).await.unwrap();
    let count = "SELECT count(*) FROM refused_enrolments";
    let count: i64 = sqlx::query_scalar(count).fetch_one(&mut *db).await.unwrap();
    assert_eq!(count, 5000);
    let latest = "SELECT name FROM refused_enrolments ORDER BY last_at DESC LIMIT 1";
    let latest: String = sqlx::query_scalar(latest).fetch_one(&mut *db).await.unwrap();
    assert_eq!(latest, "host-1");
}

#[tokio::test]
async fn hosts_that_wait_are_as_many_as_a_page_lists() {
    let server = Server::start().await;
    let mut db = server.app.pool.acquire().await.unwrap();
    sqlx::query(
        "INSERT INTO hosts (instance_id, name, facts, key_hash, enrolled_at)
         SELECT gen_random_uuid(), 'waits-' || number, '{\"fqdn\": \"\"}', '\\x00', now()
         FROM generate_series(1, 19999) AS number",
    )
    .execute(&mut *db)
    .await
    .unwrap();
    assert_eq!(server.enrol_with(CAREFUL_TOKEN, "waits-last").await.status(), 201);
    let beyond = server.enrol_with(CAREFUL_TOKEN, "waits-too").await;
    assert_eq!(beyond.status(), 503);
    assert!(beyond.headers().contains_key("retry-after"));
}

#[test]
fn drivers_of_a_host_count_in_the_fleet_up_to_a_bound() {
    let driver = |number: usize| Driver { name: format!("{number}.sys"), ..Driver::default() };
    let drivers = (0..2_500).map(driver).collect();
    let mut book = Book::default();
    book.put(HostId(1), &Inventory { drivers, ..Inventory::default() });
    assert_eq!(book.drivers().lines().len(), 2_000);
}
