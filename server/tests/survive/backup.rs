//! Backups are restored, by the commands of docs/deployment.md: from a dump, and to a point in time.

use std::{path::PathBuf, time::Duration};

use crate::{
    check,
    cluster::{self, Cluster},
    commands::documented,
    world::{Load, World},
};

const LOAD: &str = "--hosts 20 --interval 0.5 --connections 10 --duration 8";

/// What the commands call their places.
struct Places {
    backups: PathBuf,
    archive: PathBuf,
    restored: PathBuf,
}

impl Places {
    fn of(postgres: &Cluster) -> Self {
        let place = |name| {
            let folder = postgres.folder().join(name);
            std::fs::create_dir(&folder).unwrap();
            cluster::open_to_all(&folder);
            folder
        };
        let restored = postgres.folder().join("restored");
        Self { backups: place("backups"), archive: place("archive"), restored }
    }

    fn variables(&self, postgres: &Cluster) -> Vec<(&'static str, String)> {
        let text = |path: &PathBuf| path.display().to_string();
        vec![
            ("BACKUPS", text(&self.backups)),
            ("ARCHIVE", text(&self.archive)),
            ("RESTORED", text(&self.restored)),
            ("PGDATA", postgres.data().display().to_string()),
            ("DATABASE_URL", Cluster::url_by(postgres.address)),
        ]
    }
}

async fn finish(mut load: Load) {
    while !load.has_ended() {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(load.report()["refused"], 0);
}

#[tokio::test]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn a_dump_is_restored_and_served() {
    let postgres = Cluster::start().await;
    let places = Places::of(&postgres);
    let mut world = World::new();
    world.use_database(Cluster::url_by(postgres.address));
    world.serve().await;
    let load = world.load(LOAD);
    finish(load).await;
    let mut variables = places.variables(&postgres);
    variables.push(("DATA_DIR", world.data().display().to_string()));
    let kept = check::all_is_there(&postgres.pool().await, &world.record()).await;
    // The data folder is the server's: its part is run as who runs the server.
    let (dump, data) = (documented("dump"), documented("data"));
    postgres.run_commands(&dump, &variables);
    cluster::run_commands(&data, &variables);
    world.kill_server();
    std::fs::remove_file(world.data().join("secrets.key")).unwrap();

    let restored = Cluster::start().await;
    let url = Cluster::url_of(restored.address, "poolwatch");
    variables.push(("DATABASE_URL", url.clone()));
    postgres.run_commands(&documented("restore"), &variables);
    cluster::run_commands(&documented("restore-data"), &variables);
    assert!(world.data().join("secrets.key").exists());
    let pool = sqlx::PgPool::connect(&url).await.unwrap();
    assert_eq!(check::all_is_there(&pool, &world.record()).await, kept);
    world.use_database(url);
    world.serve().await;
    let ready = reqwest::get(format!("{}/readyz", world.url())).await.unwrap();
    assert_eq!(ready.status(), 200, "{}", world.log());
    println!("a dump holds all {kept} acknowledged frames, and is served");
}

#[tokio::test]
#[ignore = "takes half a minute and needs poolwatch-sim: make test and make soak run it"]
async fn a_mistake_is_undone_by_going_back_to_the_moment_before_it() {
    let postgres = Cluster::start().await;
    let places = Places::of(&postgres);
    let mut variables = places.variables(&postgres);
    postgres.run_commands(&documented("archive"), &variables);
    let mut world = World::new();
    world.use_database(Cluster::url_by(postgres.address));
    world.serve().await;
    let load = world.load(LOAD);
    tokio::time::sleep(Duration::from_secs(2)).await;
    postgres.run_commands(&documented("base-backup"), &variables);
    finish(load).await;
    let pool = postgres.pool().await;
    let kept = check::all_is_there(&pool, &world.record()).await;
    let target: String =
        sqlx::query_scalar("SELECT clock_timestamp()::text").fetch_one(&pool).await.unwrap();
    tokio::time::sleep(Duration::from_secs(1)).await;
    sqlx::query("DELETE FROM frames").execute(&pool).await.unwrap();
    pool.close().await;
    assert!(world.stop_server(), "{}", world.log());

    variables.push(("TARGET", target));
    postgres.run_commands(&documented("last-log"), &variables);
    postgres.run_commands(&documented("point-in-time"), &variables);
    let pool = postgres.pool().await;
    assert_eq!(check::all_is_there(&pool, &world.record()).await, kept);
    world.serve().await;
    let ready = reqwest::get(format!("{}/readyz", world.url())).await.unwrap();
    assert_eq!(ready.status(), 200, "{}", world.log());
    postgres.kill_data(&places.restored);
    println!("all {kept} acknowledged frames of before the mistake are there again");
}
