//! The fleet's view: tags, programs, hosts and drivers over all hosts.

use poolwatch_model::{Pool, PoolTag};
use poolwatch_server::{
    clock,
    fleet::{
        by_tag::TagMeasure,
        drivers::{self, Book},
        ranking::HostMeasure,
        refresh::{Keeper, refresh},
    },
};

use crate::server::{Server, classic};

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
        assert_eq!(response.status(), 204);
    }
    let (keeper, made) = refresh(&server.app, Keeper::default(), clock::now()).await;
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

    let across = server.app.fleet.across(THRE, Pool::Nonpaged);
    let used: Vec<u64> = across.iter().map(|host| host.counters.bytes).collect();
    assert_eq!(used, [bytes(10), bytes(30), bytes(20)]);

    drivers::refresh(&server.app.pool, &server.app.fleet, &mut Book::default()).await.unwrap();
    let drivers = server.app.fleet.drivers();
    assert_eq!((drivers.hosts, drivers.versions("foo.sys").len()), (3, 3));

    // Nothing changed: the summaries are the very same ones.
    let (_, made) = refresh(&server.app, keeper, clock::now()).await;
    made.unwrap();
    let again = server.app.fleet.view();
    assert!(std::sync::Arc::ptr_eq(&view.hosts[0], &again.hosts[0]));
}
