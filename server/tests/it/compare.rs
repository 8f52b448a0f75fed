//! Hosts side by side.

use poolwatch_model::person::Role;
use poolwatch_server::fleet::refresh::{Keeper, refresh};

use crate::server::{Server, classic, now};

/// Two hosts that differ in a tag, a driver's version and nothing else.
async fn two_hosts(server: &Server) -> [i32; 2] {
    let mut ids = [0; 2];
    for (at, (name, step)) in [("sick.example", 100_000), ("well.example", 0)].iter().enumerate() {
        let mut agent = server.enrol(name).await;
        let mut snapshot = classic(*step);
        let processes = snapshot.processes.as_mut().unwrap();
        processes[0].image = "<b>=evil.exe".into();
        let frame = agent.frame(snapshot);
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
        let inventory = serde_json::json!({
            "facts": { "fqdn": name },
            "inventory": { "drivers": [
                { "name": "Foo.sys", "version": format!("5.{at}") },
                { "name": "ntfs.sys", "version": "10.0" },
            ] },
        });
        let body = serde_json::to_vec(&inventory).unwrap();
        let response = server.post("/agent/v1/inventory", Some(&agent.key), &body).await;
        assert_eq!(response.status(), 200);
        ids[at] = agent.id.0;
    }
    let (_, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    ids
}

#[tokio::test]
async fn what_differs_is_shown_first_and_what_is_equal_is_counted() {
    let server = Server::start().await;
    let [sick, well] = two_hosts(&server).await;
    let viewer = server.api_token(Role::Viewer).await;
    let get = async |path: &str| {
        let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(&viewer);
        let response = request.send().await.unwrap();
        assert_eq!(response.status(), 200, "{path}");
        response.text().await.unwrap()
    };
    let tags = get(&format!("/compare?host={sick}&host={well}")).await;
    assert!(
        tags.contains("sick against well: 1 tag differs; sick has 61 MB more of Thre, ×1.8."),
        "{tags}"
    );
    assert!(tags.contains("Show 1 that are about equal"), "File is folded");

    let drivers = get("/compare?host=SICK&host=well.example&by=drivers").await;
    assert!(drivers.contains("foo.sys") && drivers.contains("5.0") && drivers.contains("5.1"));
    assert!(!drivers.contains("ntfs.sys"), "equal rows are folded");
    let all = get(&format!("/compare?host={sick}&host={well}&by=drivers&equal=show")).await;
    assert!(all.contains("ntfs.sys"));

    let programs = format!("host={sick}&host={well}&by=processes&equal=show");
    let page = get(&format!("/compare?{programs}")).await;
    assert!(page.contains("&#60;b&#62;=evil.exe") && !page.contains("<b>=evil"));
    let csv = get(&format!("/compare.csv?{programs}")).await;
    assert!(csv.lines().nth(1).unwrap().starts_with("false,<b>=evil.exe,BadApp,90472,90472"));
    let json = get(&format!("/compare.json?host={sick}&host={well}")).await;
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["rows"][0]["values"], serde_json::json!([140_892_800, 76_892_800]));
    assert_eq!(json["columns"][1]["host"], well);

    let then = get(&format!("/compare?host={sick}&host={sick}&at=24h&host=nobody")).await;
    assert!(then.contains("nothing is kept") && then.contains("There is no host nobody."));
    assert!(get("/compare").await.contains("Name two hosts"));
}

#[tokio::test]
async fn a_healthy_host_of_the_same_build_is_found_and_named_in_the_address() {
    let server = Server::start().await;
    let [sick, well] = two_hosts(&server).await;
    let viewer = server.api_token(Role::Viewer).await;
    let ask = async |path: &str| {
        let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(&viewer);
        request.send().await.unwrap()
    };
    let found = ask(&format!("/compare?host={sick}&with=healthy&by=limits")).await;
    assert_eq!(found.status(), 303);
    let path = found.headers()["location"].to_str().unwrap();
    assert_eq!(path, format!("/compare?host={sick}&host={well}&by=limits&proposed=yes"));
    let told = ask(path).await.text().await.unwrap();
    assert!(told.contains("well was proposed: it has no incident"), "{told}");
    let none = ask(&format!("{path}&with=healthy")).await.text().await.unwrap();
    assert!(none.contains("No healthy host of the same Windows build reports."));
}
