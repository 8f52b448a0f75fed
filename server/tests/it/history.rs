//! The course of anything of a host, all that it has, and the ways to find it.

use poolwatch_model::{Bytes, Snapshot, process::ObjectTypeUse};
use serde_json::Value;

use crate::{lists::Console, server::classic};

fn snapshot() -> Snapshot {
    let mut snapshot = classic(0);
    snapshot.memory.committed = Some(Bytes(5 << 30));
    snapshot.memory.commit_limit = Some(Bytes(8 << 30));
    snapshot.object_types = Some(vec![ObjectTypeUse {
        name: "Thread".into(),
        objects: 120_102,
        handles: 121_440,
        peak_objects: 120_102,
        peak_handles: 121_440,
    }]);
    snapshot
}

async fn value(console: &Console, path: &str) -> Value {
    serde_json::from_str(&console.text(path).await).unwrap()
}

#[tokio::test]
async fn tags_processes_types_and_commit_of_a_host_are_drawn_together() {
    let console = Console::start(&[("fs-02", snapshot())]).await;
    let host = console.server.app.fleet.view().hosts[0].host.id;
    let path = format!("/hosts/{host}/series.json");
    let chart = value(
        &console,
        &format!("{path}?draw=nonpaged:Thre,handles:416,objects:Thread,type-handles:Thread,commit,commit-limit"),
    )
    .await;
    let lines = chart["lines"].as_array().unwrap();
    let last = |at: usize| lines[at]["mean"].as_array().unwrap().last().unwrap().as_u64();
    let found: Vec<Option<u64>> = (0..6).map(last).collect();
    assert_eq!(
        found,
        [76_892_800, 90_472, 120_102, 121_440, 5 << 30, 8 << 30].map(Some),
        "{chart}"
    );
    assert_eq!(lines[1]["name"], "handles of mybadapp.exe 416");
    assert_eq!((&lines[0]["unit"], &lines[1]["unit"]), (&"bytes".into(), &"count".into()));

    for hours in [1, 6, 24, 168, 720, 2160, 8760, 17520] {
        let chart = value(&console, &format!("{path}?draw=nonpaged:Thre&hours={hours}")).await;
        let span = chart["to"].as_i64().unwrap() - chart["from"].as_i64().unwrap();
        assert_eq!(span, hours * 3600);
        assert_eq!(chart["lines"][0]["mean"].as_array().unwrap().len(), 1, "{hours} h");
    }
    // A stale bookmark asks for what is not there any more.
    let chart = value(&console, &format!("{path}?draw=moon,nonpaged:Qqqq,handles:7")).await;
    assert_eq!(chart["lines"].as_array().unwrap().len(), 2);
    assert_eq!(console.get(&format!("{path}?hours=5")).await.status(), 400);
    assert_eq!(console.get("/hosts/999/series.json?draw=commit").await.status(), 404);
}

#[tokio::test]
async fn a_host_lists_all_that_it_has_and_what_happened() {
    let console = Console::start(&[("fs-02", snapshot())]).await;
    let host = console.server.app.fleet.view().hosts[0].host.id;
    let rows = async |list: &str| value(&console, &format!("/hosts/{host}/{list}")).await;
    let tags = rows("tags.json").await;
    assert_eq!((&tags[0]["tag"], &tags[1]["tag"]), (&"Thre".into(), &"File".into()));
    assert_eq!(rows("tags.json?q=thread").await.as_array().unwrap().len(), 1, "by its meaning");
    assert_eq!(rows("tags.json?pool=paged").await.as_array().unwrap().len(), 0);
    assert_eq!(rows("processes.json?q=badapp").await[0]["handles"], 90_472);
    assert_eq!(rows("types.json").await[0]["type"], "Thread");
    assert_eq!(rows("drivers.json").await.as_array().unwrap().len(), 0);
    let happened = rows("timeline.json").await;
    assert_eq!(happened[0]["kind"], "restart");
    assert_eq!(rows("timeline.json?show=incidents").await.as_array().unwrap().len(), 0);

    let page = console.text(&format!("/hosts/{host}/tags?draw=nonpaged:Thre")).await;
    assert!(
        page.contains("data-draw=\"nonpaged:Thre\"") && page.contains("data-series="),
        "{page}"
    );
    let page = console.text(&format!("/hosts/{host}?draw=nonpaged:Thre&tags=change")).await;
    assert!(page.contains("draw=nonpaged%3AThre"), "other views keep what is drawn");
}

#[tokio::test]
async fn the_palette_and_the_map_know_every_host() {
    let console = Console::start(&[("fs-02", snapshot()), ("fs-20", classic(1))]).await;
    let found = value(&console, "/search.json?q=fs-0").await;
    assert_eq!((&found[0]["kind"], &found[0]["name"]), (&"host".into(), &"fs-02".into()));
    let kinds = async |text: &str| -> Vec<String> {
        let found = value(&console, &format!("/search.json?q={text}")).await;
        let rows = found.as_array().unwrap().iter();
        rows.map(|row| row["kind"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(kinds("thre").await, ["tag"]);
    assert_eq!(kinds("mybad").await, ["program"]);
    assert!(kinds("").await.is_empty() && kinds("no-such-thing").await.is_empty());

    let map = value(&console, "/map.json?pool=nonpaged").await;
    assert_eq!(map["names"], serde_json::json!(["fs-02", "fs-20"]));
    assert_eq!((map["shares"].as_str(), map["pressures"].as_str()), (Some("vv"), Some("22")));
    assert_eq!(console.get("/map?pool=moon").await.status(), 400);
    assert!(console.text("/map").await.contains("2 hosts are under high"));
}
