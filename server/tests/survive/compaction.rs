//! The server is killed while it makes chunks of what hosts had kept.

use std::time::{Duration, Instant};

use poolwatch_store::testing;

use crate::{chance, check, chunks, duration, world::World};

/// How long a server works until it is killed.
const LEAST_WORK: Duration = Duration::from_millis(300);
const MOST_WORK: Duration = Duration::from_millis(1500);
/// The longest wait for chunks that nobody disturbs.
const PATIENCE: Duration = Duration::from_secs(120);

#[tokio::test]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn chunks_say_what_frames_said_however_often_their_making_is_killed() {
    let mut world = World::new();
    world.serve().await;
    // Two and a half hours of some hosts, which have to become chunks at once.
    let mut load = world.load(&[
        "--hosts",
        "6",
        "--interval",
        "60",
        "--backlog",
        "150",
        "--batch",
        "10",
        "--duration",
        "0",
    ]);
    let kills = 2 + duration().as_secs() / 10;
    let mut done = 0;
    while !load.has_ended() || done < kills {
        tokio::time::sleep(chance::between(LEAST_WORK, MOST_WORK)).await;
        if done < kills {
            world.kill_server();
            done += 1;
        }
        world.serve().await;
    }
    let report = load.report();
    assert_eq!(report["refused"], 0);
    let pool = world.database().await;
    let begun = Instant::now();
    while testing::marks(&mut pool.acquire().await.unwrap()).await.unwrap() > 0 {
        assert!(begun.elapsed() < PATIENCE, "hours stay marked:\n{}", world.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let acknowledged = check::all_is_there(&pool, &world.record()).await;
    let hosts = check::hosts(&world.record());
    let compared = chunks::say_what_frames_said(&pool, &hosts).await;
    println!(
        "{done} kills of the server: the {compared} chunks of {} hosts say what their \
         {acknowledged} frames said",
        hosts.len()
    );
    assert!(compared >= 2 * hosts.len());
}
