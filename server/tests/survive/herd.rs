//! After an outage all agents come back at once.

use std::time::Duration;

use crate::{check, number, world::World};

/// Hosts, each with its own connection, unless `HERD_HOSTS` says another number.
const HOSTS: u64 = 500;
const INTERVAL_S: u64 = 10;
const OUTAGE: Duration = Duration::from_secs(12);
/// Memory that the server may take.
const PEAK_MB: u64 = 600;
/// Nobody waits longer after the outage.
const LONGEST_MS: f64 = 60_000.0;

#[tokio::test]
#[ignore = "takes a minute and needs poolwatch-sim: make test and make attack run it"]
async fn a_fleet_that_comes_back_at_once_is_taken_in_whole() {
    let hosts = number("HERD_HOSTS", HOSTS);
    let mut world = World::new();
    world.serve().await;
    let mut load = world.load(&format!(
        "--hosts {hosts} --interval {INTERVAL_S} --connection-per-host --batch 64 --duration 40"
    ));
    tokio::time::sleep(Duration::from_secs(INTERVAL_S + 5)).await;
    world.kill_server();
    tokio::time::sleep(OUTAGE).await;
    world.serve().await;
    while !load.has_ended() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(world.is_serving(), "{}", world.log());
    let (report, peak_mb) = (load.report(), world.server_peak_mb());
    let latency = &report["live"]["latency_ms"];
    let longest_ms = latency["max"].as_f64().unwrap();
    let acknowledged = check::all_is_there(&world.database().await, &world.record()).await;
    println!(
        "{hosts} hosts came back at once: all {acknowledged} acknowledged frames are there; latency \
         {latency}, the outage included; {} uploads were sent again; the server took {peak_mb} MB",
        report["retries"]
    );
    assert_eq!(report["refused"], 0);
    assert_eq!(report["live"]["behind"], 0, "nobody is left waiting");
    assert!(longest_ms < OUTAGE.as_millis() as f64 + LONGEST_MS);
    assert!(acknowledged as u64 > 4 * hosts);
    assert!(peak_mb < PEAK_MB, "memory is bounded");
}
