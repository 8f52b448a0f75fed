//! Databases of earlier versions open and go on. The dumps are of real runs with a simulated fleet,
//! cut down to two hosts.

use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, Pool, PoolTag, incident::IncidentState};
use poolwatch_server::{
    fleet::{
        load,
        refresh::{Keeper, refresh},
    },
    ingest::writer::Writer,
};
use poolwatch_store::{
    incidents::{self, IncidentFilter},
    read::{self, Figure},
    testing,
};

use crate::server::Server;

/// The file server of the simulated fleet, whose `mybadapp.exe` leaks threads.
const LEAKING: HostId = HostId(3);

#[tokio::test]
async fn a_database_of_version_0_1_0_opens_and_its_incident_is_known() {
    let dump = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/version_0_1_0.dump");
    let pool = testing::restored(&dump).await.unwrap();
    let server = Server::start_with(pool.clone(), Writer::start(pool.clone())).await;
    let then: Timestamp = "2026-11-27T14:26:00Z".parse().unwrap();
    let kept = SignedDuration::from_hours(30 * 24);
    load::run(&pool, &server.app.fleet, kept, then).await.unwrap();
    let (_, made) = refresh(&server.app, Keeper::default(), then).await;
    made.unwrap();
    let view = server.app.fleet.view();
    assert_eq!(view.hosts.len(), 2);

    let mut db = pool.acquire().await.unwrap();
    let filter = IncidentFilter { host: Some(LEAKING), unresolved: true, ..Default::default() };
    let known = incidents::list(&mut db, filter, 10).await.unwrap();
    assert_eq!(known.len(), 1);
    assert_eq!(known[0].cause.key(), "program/nonpaged/Thre/mybadapp.exe");
    assert_eq!(known[0].state, IncidentState::Open);
    assert_eq!(known[0].diagnosis.suspects[0].name.as_deref(), Some("mybadapp.exe"));

    assert_past_is_read(&mut db, then).await;
}

/// Chunks and frames as the earlier version wrote them.
async fn assert_past_is_read(db: &mut sqlx::PgConnection, then: Timestamp) {
    let from = then - SignedDuration::from_hours(8);
    let threads = Figure::TagBytes(PoolTag::new(*b"Thre"), Pool::Nonpaged);
    let series = read::series(db, LEAKING, &[threads], from, then, 600).await.unwrap();
    let points = &series[0].points;
    assert!(points.len() >= 40, "{} points of eight hours", points.len());
    assert!(points.first().unwrap().mean < points.last().unwrap().mean);
    // The dump holds no key frame any more: what its chunks tell is the last that is known.
    let past = read::last_point(db, LEAKING, from, then).await.unwrap().unwrap();
    let table = past.snapshot.tags.unwrap();
    assert!(table.complete && table.rows.len() > 100);
}
