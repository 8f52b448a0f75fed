//! The server, Postgres or one of its backends are killed at random moments, again and again.

use std::time::{Duration, Instant};

use poolwatch_model::HostId;

use crate::{
    chance, check, chunks, duration, processes,
    world::{USUAL_LOAD, World},
};

const LEAST_PAUSE: Duration = Duration::from_millis(500);
const MOST_PAUSE: Duration = Duration::from_secs(6);

#[tokio::test]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn what_is_acknowledged_survives_kills_of_anything_at_any_moment() {
    let mut world = World::new();
    world.serve().await;
    let seconds = duration().as_secs();
    // Uploads that come twice, in the wrong order, or from hosts whose clocks jump.
    let mut load = world.load(&format!("{USUAL_LOAD} --duration {seconds} --disorder 5"));
    let (begun, mut kills) = (Instant::now(), [0_usize; 3]);
    while !load.has_ended() {
        tokio::time::sleep(chance::between(LEAST_PAUSE, MOST_PAUSE)).await;
        if begun.elapsed() < duration() {
            let kind = kills.iter().sum::<usize>() % kills.len();
            strike(&mut world, kind);
            kills[kind] += 1;
        }
        world.serve().await;
    }
    let report = load.report();
    let [servers, postmasters, backends] = kills;
    let pool = world.database().await;
    let acknowledged = check::all_is_there(&pool, &world.record()).await;
    // Their hour is not over: made here, of what came twice, in the wrong order, or late.
    let hosts: Vec<HostId> = check::hosts(&world.record()).into_iter().step_by(10).collect();
    chunks::make(&pool, &hosts).await;
    assert!(chunks::say_what_frames_said(&pool, &hosts).await > 0);
    println!(
        "{servers} kills of the server, {postmasters} of Postgres, {backends} of a backend: all \
         {acknowledged} acknowledged frames are there; {} uploads were sent again",
        report["retries"]
    );
    assert!(kills.iter().all(|kills| *kills > 0), "{kills:?}");
    assert!(acknowledged > 100);
    assert_eq!(report["refused"], 0);
}

/// Kills the server, Postgres, or a backend.
fn strike(world: &mut World, kind: usize) {
    match (kind, world.postmaster()) {
        (0, _) => world.kill_server(),
        (1, Some(pid)) => processes::kill(pid),
        (_, Some(pid)) => {
            let backends = processes::children(pid);
            if !backends.is_empty() {
                processes::kill(backends[chance::below(backends.len() as u64) as usize]);
            }
        }
        // It is dead already and about to be started again.
        (_, None) => {}
    }
}
