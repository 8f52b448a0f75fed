//! What was, when its frames are no longer kept.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, Pool, PoolTag, person::Role};
use poolwatch_server::fleet::{
    Fleet,
    baselines::Window,
    load,
    load_baselines::{self, BaselineRequests},
    refresh::{Keeper, refresh},
};
use poolwatch_store::{compact, testing};
use sqlx::Connection;

use crate::{
    events::incidents,
    judging::{diagnose, growing, send_all},
    server::{Server, json, now},
};

const THRE: PoolTag = PoolTag::new(*b"Thre");
/// What the tag grows by in a day: 300 threads every three minutes.
const PER_DAY: i64 = 480 * 300 * 640;

fn ago(hours: i64) -> Timestamp {
    now().checked_sub(SignedDuration::from_hours(hours)).unwrap()
}

/// A host that leaks for two days, and whose frames are kept for three hours.
async fn leaking(server: &Server) -> HostId {
    let mut agent = server.enrol("fs-02.contoso.test").await;
    send_all(&mut agent, growing).await;
    let mut reader = server.app.pool.acquire().await.unwrap();
    let mut writer = server.app.pool.acquire().await.unwrap();
    loop {
        let mut transaction = writer.begin().await.unwrap();
        let done = compact::dirty(&mut reader, &mut transaction, 100, now()).await.unwrap();
        transaction.commit().await.unwrap();
        if done.marks == 0 {
            break;
        }
    }
    testing::forget_frames(&mut writer, ago(3)).await.unwrap();
    let (_, made) = refresh(&server.app, Keeper::default(), now()).await;
    made.unwrap();
    agent.id
}

fn is_about(bytes: i64, expected: i64) -> bool {
    (bytes - expected).abs() <= expected / 20
}

#[tokio::test]
async fn a_leak_is_found_in_what_is_left_of_its_days() {
    let server = Server::start().await;
    let host = leaking(&server).await;
    assert!(diagnose(&server, host, now()).await);
    let incidents = incidents(&server).await;
    assert_eq!(incidents.len(), 1);
    let suspect = &incidents[0].diagnosis.suspects[0];
    assert_eq!(suspect.name.as_deref(), Some("mybadapp.exe"));
    let per_day = incidents[0].diagnosis.tags[0].bytes_per_day.unwrap().0.cast_signed();
    assert!(is_about(per_day, PER_DAY), "{per_day}");
}

#[tokio::test]
async fn growth_over_a_day_is_reckoned_from_the_hours_of_the_fleet() {
    let server = Server::start().await;
    let host = leaking(&server).await;
    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    load_baselines::refresh(pool, fleet, &mut BaselineRequests::default(), now()).await.unwrap();
    let across = fleet.across(THRE);
    let across = across.of(Pool::Nonpaged);
    let growth = across.iter().find(|one| one.host == host).unwrap().growth(Window::Day).unwrap();
    assert!(is_about(growth, PER_DAY), "{growth}");

    let mut db = pool.acquire().await.unwrap();
    let before = load_baselines::baseline_of_host(&mut db, host, Window::Day, now()).await.unwrap();
    let then = before.unwrap().tags.get(THRE).unwrap().nonpaged.bytes.cast_signed();
    let now = across[0].counters.bytes.cast_signed();
    assert!(is_about(now - then, PER_DAY), "{}", now - then);
}

#[tokio::test]
async fn people_and_scripts_see_what_was() {
    let server = Server::start().await;
    let host = leaking(&server).await;
    let token = server.api_token(Role::Viewer).await;
    let ask = async |path: String| {
        let url = format!("{}{path}", server.url);
        server.client.get(url).bearer_auth(&token).send().await.unwrap()
    };
    let at = ago(24);
    let then = json::<serde_json::Value>(
        ask(format!("/api/v1/tags/Thre/hosts?pool=nonpaged&at={at}")).await,
    )
    .await;
    assert_eq!((&then["known"], &then["total"]), (&1.into(), &1.into()));
    assert_eq!(then["hosts"][0]["host"], host.0);
    let course = json::<serde_json::Value>(
        ask(format!("/api/v1/tags/Thre/series?pool=nonpaged&hosts={host},999&since={at}")).await,
    )
    .await;
    let points = course[0]["bytes"]["points"].as_array().unwrap();
    assert!(points.len() >= 22, "{points:?}");
    let bytes = |at: usize| points[at]["mean"].as_i64().unwrap();
    assert!(is_about(bytes(20) - bytes(0), PER_DAY * 20 / 24), "{points:?}");
    assert_eq!(course[1]["bytes"]["points"], serde_json::json!([]), "no such host, no values");
    let status = async |path: &str| ask(path.to_owned()).await.status().as_u16();
    let never = "/api/v1/tags/Thre/hosts?pool=nonpaged&at=2001-01-01T00:00:00Z";
    assert_eq!(status(never).await, 404);
    assert_eq!(status("/api/v1/tags/Thre/series?pool=nonpaged&hosts=1;2").await, 400);

    let compared = ask(format!("/compare?host={host}&host={host}&at=24h")).await;
    let compared = compared.text().await.unwrap();
    assert!(compared.contains("means of 10 min"), "{compared}");

    let chart = json::<serde_json::Value>(ask(format!("/hosts/{host}/pools.json?hours=24")).await);
    let times = chart.await["t"].as_array().unwrap().len();
    assert!(times >= 24 * 6 - 1, "ten minutes where frames are gone: {times}");
    let page = ask(format!("/hosts/{host}")).await.text().await.unwrap();
    assert!(page.contains("mybadapp.exe"));
}

#[tokio::test]
async fn a_host_that_is_silent_for_long_comes_back_from_its_last_point() {
    let server = Server::start().await;
    let host = leaking(&server).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    testing::forget_frames(&mut db, now()).await.unwrap();
    let fleet = Fleet::default();
    let kept = SignedDuration::from_hours(30 * 24);
    load::run(&server.app.pool, &fleet, kept, now()).await.unwrap();
    let live = fleet.ensure_host(host);
    let state = live.read();
    assert!(state.stale && state.memory.nonpaged.is_some());
    assert!(state.at.unwrap() < ago(0));
    drop(state);
    let tags = live.snapshot().unwrap().tags.unwrap();
    assert!(tags.complete && tags.get(THRE).is_some_and(|row| row.nonpaged.bytes > 0));
}
