//! The server is told to stop and started again, under load.

use std::time::{Duration, Instant};

use crate::{
    check,
    world::{USUAL_LOAD, World},
};

/// How long the load lasts, seconds.
const SECONDS: &str = "15";
/// Requests, jobs and Postgres, one after another.
const MOST: Duration = Duration::from_secs(40);

#[tokio::test]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn a_stop_fails_no_upload_and_breaks_no_job() {
    let mut world = World::new();
    world.serve().await;
    let load = world.load(&format!("{USUAL_LOAD} --duration {SECONDS}"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let begun = Instant::now();
    assert!(world.stop_server(), "{}", world.log());
    let stopped_in = begun.elapsed();
    assert!(world.postmaster().is_none(), "its Postgres has stopped as well");
    world.serve().await;
    let report = load.report();
    let log = world.log();
    assert!(stopped_in < MOST, "{stopped_in:?}");
    assert!(!log.contains("ERROR") && !log.contains("Could not"), "{log}");
    let acknowledged = check::all_is_there(&world.database().await, &world.record()).await;
    println!(
        "stopped in {stopped_in:?}; all {acknowledged} acknowledged frames are there; {} uploads \
         were sent again",
        report["retries"]
    );
    assert_eq!(report["refused"], 0);
}
