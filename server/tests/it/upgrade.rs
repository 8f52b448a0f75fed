//! Databases of every released version open and go on. The dumps are of real runs with a simulated
//! fleet (`fixtures/version_*.dump`); what each holds stands beside it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, Pool, PoolTag, incident::IncidentState, person::Role};
use poolwatch_server::{
    fleet::{
        load,
        refresh::{Keeper, refresh},
    },
    writer::Writer,
};
use poolwatch_store::{
    incidents::{self, IncidentFilter},
    read::{self, Figure},
    schema, testing,
};
use serde::Deserialize;

use crate::server::{Server, classic};

/// What a dump holds.
#[derive(Debug, Deserialize)]
struct DumpContent {
    hosts: usize,
    until: Timestamp,
    leaking_host: i32,
    cause: String,
    suspect: String,
    tag: String,
}

fn dumps() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    files.filter(|path| path.extension().is_some_and(|is| is == "dump")).collect()
}

#[tokio::test]
async fn databases_of_every_released_version_open_and_go_on() {
    let dumps = dumps();
    assert!(!dumps.is_empty());
    for dump in dumps {
        println!("{}", dump.display());
        let content = fs::read_to_string(dump.with_extension("toml")).unwrap();
        open_and_go_on(&dump, &toml::from_str(&content).unwrap()).await;
    }
}

async fn open_and_go_on(dump: &Path, content: &DumpContent) {
    let pool = testing::restored(dump).await.unwrap();
    let version = schema::inspect(&mut pool.acquire().await.unwrap()).await.unwrap();
    assert_eq!((version.missing, version.unknown), (0, vec![]));
    let server = Server::start_with(pool.clone(), Writer::start(pool.clone())).await;
    let kept = SignedDuration::from_hours(30 * 24);
    load::run(&pool, &server.app.fleet, kept, content.until).await.unwrap();
    let refreshed = refresh(&pool, &server.app.fleet, Keeper::default(), 60, content.until).await;
    refreshed.1.unwrap();
    assert_eq!(server.app.fleet.view().hosts.len(), content.hosts);

    let host = HostId(content.leaking_host);
    let mut db = pool.acquire().await.unwrap();
    let filter = IncidentFilter { host: Some(host), unresolved: true, ..Default::default() };
    let known = incidents::list(&mut db, filter, 10).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].cause.key(), content.cause);
    assert_eq!(known[0].state, IncidentState::Open);
    assert_eq!(known[0].diagnosis.suspects[0].name.as_ref(), Some(&content.suspect));
    assert_past_is_read(&mut db, host, content).await;

    // And it goes on: pages are shown, a host comes and sends.
    let viewer = server.session(Role::Viewer).await;
    for path in ["/", "/hosts", "/incidents", &format!("/incidents/{}", known[0].id.0)] {
        assert_eq!(server.get(path, &viewer).await.status(), 200, "{path}");
    }
    let mut agent = server.enrol("after-the-upgrade").await;
    let frame = agent.frame(classic(0));
    assert_eq!(agent.send(&[&frame]).await.status(), 200);
    assert_eq!(server.stored_frames(agent.id).await, [(1, 1)]);
}

/// Chunks and frames as the earlier version wrote them.
async fn assert_past_is_read(db: &mut sqlx::PgConnection, host: HostId, content: &DumpContent) {
    let (from, until) = (content.until - SignedDuration::from_hours(8), content.until);
    let tag = PoolTag::new(content.tag.as_bytes().try_into().unwrap());
    let figure = Figure::TagBytes(tag, Pool::Nonpaged);
    let series = read::series(db, host, &[figure], from, until, 600).await.unwrap();
    let points = &series[0].points;
    assert!(points.len() >= 40, "{} points of eight hours", points.len());
    assert!(points.first().unwrap().mean < points.last().unwrap().mean);
    // The dump holds no key frame any more: what its chunks tell is the last that is known.
    let past = read::last_point(db, host, from, until).await.unwrap().unwrap();
    let table = past.snapshot.tags.unwrap();
    assert!(table.complete && table.rows.len() > 100);
}
