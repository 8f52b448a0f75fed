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
    let mut load = world.load("--hosts 12 --interval 60 --backlog 150 --batch 10 --duration 0");
    let pool = world.database().await;
    let marks = async || testing::marks(&mut pool.acquire().await.unwrap()).await.unwrap();
    let (mut kills, most) = (0, 4 + duration().as_secs() / 10);
    while !load.has_ended() || (kills < most && marks().await > 0) {
        tokio::time::sleep(chance::between(LEAST_WORK, MOST_WORK)).await;
        if kills < most && marks().await > 0 {
            // Begins with them again at once.
            world.kill_server();
            world.serve().await;
            kills += 1;
        }
    }
    assert_eq!(load.report()["refused"], 0);
    assert!(kills > 0, "everything was made before anything was killed");
    world.kill_server();
    world.serve().await;
    let begun = Instant::now();
    while marks().await > 0 {
        assert!(begun.elapsed() < PATIENCE, "hours stay marked:\n{}", world.log());
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    let acknowledged = check::all_is_there(&pool, &world.record()).await;
    let hosts = check::hosts(&world.record());
    let compared = chunks::say_what_frames_said(&pool, &hosts).await;
    println!(
        "{kills} kills while chunks were made: the {compared} chunks of {} hosts say what their \
         {acknowledged} frames said",
        hosts.len()
    );
    assert!(compared >= 2 * hosts.len());
}
