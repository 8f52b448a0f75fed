//! The way to the database is slow, breaks off, or is dead without a word.

use std::time::{Duration, Instant};

use poolwatch_store::{
    PgPool,
    testing::{self, faulty_proxy::FaultyProxy},
};

use crate::{
    chance, check, duration,
    world::{USUAL_LOAD, World},
};

/// How long each piece takes when the disk is slow: a statement is several.
const SLOW: Duration = Duration::from_millis(150);
/// Bytes that go through between two cuts.
const LEAST_BYTES: u64 = 10_000;
const MOST_BYTES: u64 = 400_000;
/// How long after all connections have died the server stores again.
const STORES_AGAIN: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute and needs poolwatch-sim: make test and make soak run it"]
async fn what_is_acknowledged_survives_whatever_the_way_to_the_database_does() {
    let options = testing::database_options().await.unwrap();
    let (proxy, by_proxy) = FaultyProxy::before(&options).await.unwrap();
    let mut world = World::new();
    let (user, database) = (by_proxy.get_username(), by_proxy.get_database().unwrap());
    world.use_database(format!("postgres://{user}@{}/{database}", proxy.address()));
    world.serve().await;
    let seconds = (2 * duration()).as_secs();
    let mut load = world.load(&format!("{USUAL_LOAD} --duration {seconds}"));
    let pool = PgPool::connect_with(options).await.unwrap();

    proxy.delay(SLOW);
    tokio::time::sleep(duration() / 3).await;
    proxy.delay(Duration::ZERO);

    let begun = Instant::now();
    while begun.elapsed() < duration() / 3 {
        let bytes = LEAST_BYTES + chance::below(MOST_BYTES - LEAST_BYTES);
        proxy.cut_after(Some(bytes));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    proxy.cut_after(None);

    proxy.deaden_all();
    let stored = async || -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM frames").fetch_one(&pool).await.unwrap()
    };
    let (before, begun) = (stored().await, Instant::now());
    while stored().await == before {
        assert!(begun.elapsed() < STORES_AGAIN, "nothing is stored any more:\n{}", world.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let stored_after = begun.elapsed();
    while !load.has_ended() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.is_serving(), "{}", world.log());
    let report = load.report();
    let acknowledged = check::all_is_there(&pool, &world.record()).await;
    println!(
        "{} connections cut in the middle, stored again {stored_after:?} after all had died; all \
         {acknowledged} acknowledged frames are there; {} uploads were sent again",
        proxy.cuts(),
        report["retries"]
    );
    assert!(proxy.cuts() > 2);
    assert!(acknowledged > 100);
    assert_eq!(report["refused"], 0);
    world.kill_server();
}
