//! The database's machine dies, and its standby takes over.

use std::time::{Duration, Instant};

use poolwatch_store::testing::faulty_proxy::{FaultyProxy, Upstream};

use crate::{
    check,
    cluster::Cluster,
    duration,
    world::{USUAL_LOAD, World},
};

/// Until the standby takes over.
const UNTIL_PROMOTED: Duration = Duration::from_secs(3);
/// How soon after that the server has to store again.
const STORES_AGAIN: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn what_is_acknowledged_survives_a_failover_to_a_synchronous_standby() {
    let primary = Cluster::start().await;
    let standby = Cluster::standby_of(&primary).await;
    primary.wait_for_standby().await;
    // What an address that moves, or a pooler, does.
    let address = FaultyProxy::start(Upstream::Address(primary.address)).await.unwrap();
    let mut world = World::new();
    world.use_database(Cluster::url_by(address.address()));
    world.serve().await;
    let seconds = duration().as_secs();
    let mut load = world.load(&format!("{USUAL_LOAD} --duration {seconds}"));
    tokio::time::sleep(duration() / 3).await;
    primary.kill();
    tokio::time::sleep(UNTIL_PROMOTED).await;
    standby.promote();
    address.lead_to(Upstream::Address(standby.address));
    address.close_all();
    let begun = Instant::now();
    while reqwest::get(format!("{}/readyz", world.url())).await.unwrap().status() != 200 {
        assert!(begun.elapsed() < STORES_AGAIN, "the server does not go on:\n{}", world.log());
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let went_on_after = begun.elapsed();
    while !load.has_ended() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.is_serving(), "{}", world.log());
    let report = load.report();
    let acknowledged = check::all_is_there(&standby.pool().await, &world.record()).await;
    println!(
        "went on {went_on_after:?} after the standby took over; all {acknowledged} acknowledged \
         frames are there; {} uploads were sent again",
        report["retries"]
    );
    assert!(report["retries"].as_u64().unwrap() > 0, "the database was away");
    assert!(acknowledged > 100);
    assert_eq!(report["refused"], 0);
}
