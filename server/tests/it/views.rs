//! The fleet's view: tags, programs, hosts and drivers over all hosts.

use poolwatch_model::{Pool, PoolTag, person::Role};
use poolwatch_server::fleet::{
    by_tag::TagMeasure,
    drivers::{self, Book},
    ranking::HostMeasure,
    refresh::{Keeper, refresh},
};

use crate::server::{Server, classic, json, now};

const THRE: PoolTag = PoolTag::new(*b"Thre");

#[tokio::test]
async fn the_view_ranks_tags_programs_and_hosts_and_knows_who_has_which_driver() {
    let server = Server::start().await;
    for (name, step) in [("a", 10), ("b", 30), ("c", 20)] {
        let mut agent = server.enrol(name).await;
        let mut snapshot = classic(step);
        snapshot.memory.nonpaged =
            snapshot.memory.nonpaged.map(|bytes| poolwatch_model::Bytes(bytes.0 + step));
        let frame = agent.frame(snapshot);
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
        let inventory = serde_json::json!({
            "facts": { "fqdn": name },
            "inventory": { "drivers": [{ "name": "Foo.sys", "version": format!("5.{step}") }] },
        });
        let body = serde_json::to_vec(&inventory).unwrap();
        let response = server.post("/agent/v1/inventory", Some(&agent.key), &body).await;
        assert_eq!(response.status(), 200);
    }
    let (keeper, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    let view = server.app.fleet.view();
    let bytes = |step: u64| 76_892_800 + step * 640;

    let line = view.tags.get(THRE, Pool::Nonpaged).unwrap();
    assert_eq!((line.hosts, line.sum), (3, bytes(10) + bytes(20) + bytes(30)));
    assert_eq!((line.median, line.p95), (bytes(20), bytes(30)));
    let top: Vec<u64> = line.top.iter().map(|(_, bytes)| *bytes).collect();
    assert_eq!(top, [bytes(30), bytes(20), bytes(10)]);
    assert_eq!(view.tags.ranked(TagMeasure::Sum, |_| true)[0].tag, THRE);
    assert!(view.tags.get(THRE, Pool::Paged).is_none());

    let application = view.application("mybadapp.exe").unwrap();
    assert_eq!((application.hosts, application.handles), (3, 3 * 90_472));
    assert_eq!(application.most_handles, 90_472);

    let ranked = view.ranked(HostMeasure::Used(Pool::Nonpaged), 2);
    let names: Vec<&str> = ranked.iter().map(|(host, _)| host.host.name.as_str()).collect();
    assert_eq!(names, ["b", "c"]);

    let across = server.app.fleet.across(THRE);
    let used: Vec<u64> = across.of(Pool::Nonpaged).iter().map(|host| host.counters.bytes).collect();
    assert_eq!(used, [bytes(30), bytes(20), bytes(10)]);

    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    drivers::refresh(pool, fleet, &mut Book::default(), now()).await.unwrap();
    let drivers = server.app.fleet.drivers();
    assert_eq!((drivers.hosts, drivers.versions("foo.sys").len()), (3, 3));

    // Nothing changed: the summaries are the very same ones.
    let (_, made) = refresh(&server.app.pool, &server.app.fleet, keeper, 60, now()).await;
    made.unwrap();
    let again = server.app.fleet.view();
    assert!(std::sync::Arc::ptr_eq(&view.hosts[0], &again.hosts[0]));
}

#[tokio::test]
async fn scripts_read_tags_over_the_fleet_and_over_time() {
    let server = Server::start().await;
    let mut ids = Vec::new();
    for (name, step) in [("a", 10), ("b", 30)] {
        let mut agent = server.enrol(name).await;
        let frames = [agent.frame(classic(step)), agent.frame(classic(step + 1))];
        assert_eq!(agent.send(&[&frames[0], &frames[1]]).await.status(), 200);
        ids.push(i64::from(agent.id.0));
    }
    let (_, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    let token = server.api_token(Role::Viewer).await;
    let ask = async |path: String| -> (u16, serde_json::Value) {
        let url = format!("{}{path}", server.url);
        let answer = server.client.get(url).bearer_auth(&token).send().await.unwrap();
        (answer.status().as_u16(), json(answer).await)
    };

    let (_, tags) = ask("/api/v1/tags?pool=nonpaged&limit=1".to_owned()).await;
    assert_eq!((&tags["tags"][0]["tag"], &tags["tags"][0]["hosts"]), (&"Thre".into(), &2.into()));
    assert_eq!(tags["tags"].as_array().unwrap().len(), 1);

    let (_, across) = ask("/api/v1/tags/Thre?pool=nonpaged".to_owned()).await;
    let hosts = across["pools"][0]["hosts"].as_array().unwrap();
    assert_eq!(
        hosts.iter().map(|host| host["host"].as_i64().unwrap()).collect::<Vec<_>>(),
        [ids[1], ids[0]]
    );

    let (_, series) = ask(format!("/api/v1/hosts/{}/tags/Thre?pool=nonpaged", ids[0])).await;
    let points = series["bytes"]["points"].as_array().unwrap();
    assert_eq!(points.last().unwrap()["max"], hosts[1]["bytes"]);

    let (_, host) = ask(format!("/api/v1/hosts/{}?largest=2", ids[0])).await;
    assert_eq!(host["snapshot"]["tags"]["rows"].as_array().unwrap().len(), 2);

    assert_eq!(ask("/api/v1/tags/Toolong".to_owned()).await.0, 400);
    assert_eq!(ask("/api/v1/hosts/999/tags/Thre?pool=paged".to_owned()).await.0, 404);
    let backwards = "since=2026-01-02T00:00:00Z&until=2026-01-01T00:00:00Z";
    let (status, problem) =
        ask(format!("/api/v1/hosts/{}/tags/Thre?pool=paged&{backwards}", ids[0])).await;
    assert_eq!(status, 400, "{problem}");
}

#[tokio::test]
async fn an_address_that_names_no_host_leaves_nothing_behind() {
    let server = Server::start().await;
    let viewer = server.api_token(Role::Viewer).await;
    for id in 900..910 {
        for path in [
            format!("/hosts/{id}"),
            format!("/hosts/{id}/pools.json"),
            format!("/api/v1/hosts/{id}"),
            format!("/api/v1/hosts/{id}/tags/Thre"),
            format!("/compare?host={id}&host={id}"),
        ] {
            let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(&viewer);
            request.send().await.unwrap();
        }
    }
    assert_eq!(server.app.fleet.len(), 0);
}
