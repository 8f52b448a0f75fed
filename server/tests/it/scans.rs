//! Scans of driver files: each file is scanned by one host for all.

use poolwatch_model::{
    PoolTag,
    driver_scan::{DriverScan, FileHash, FoundTag},
};
use poolwatch_protocol::{
    limits,
    v1::messages::{InventoryReply, ScansRequest, TagListRequest},
};
use poolwatch_store::driver_scans;
use serde_json::json;

use crate::{
    lists::Console,
    server::{Server, json as read},
};

const FOO: FileHash = FileHash::new([7; 32]);

async fn tell_inventory(server: &Server, key: &str, files: &[(&str, FileHash)]) -> Vec<FileHash> {
    let drivers: Vec<_> = files
        .iter()
        .map(|(name, file)| {
            json!({ "name": name, "version": "5.1.0.2", "company": "Foo Systems", "sha256": file })
        })
        .collect();
    let inventory = json!({
        "facts": { "fqdn": "fs-02.corp.example" },
        "inventory": {
            "drivers": drivers,
            "machine_model": "Maker Model 5\u{7}",
            "pool_settings": { "pool_usage_maximum": 60, "verify_drivers": "foo.sys" },
        },
    });
    let body = serde_json::to_vec(&inventory).unwrap();
    let response = server.post("/agent/v1/inventory", Some(key), &body).await;
    assert_eq!(response.status(), 200);
    read::<InventoryReply>(response).await.wanted_scans
}

async fn send_scans(server: &Server, key: &str, scans: Vec<DriverScan>) -> u16 {
    let body = serde_json::to_vec(&ScansRequest { scans }).unwrap();
    server.post("/agent/v1/scans", Some(key), &body).await.status().as_u16()
}

fn scan(sha256: FileHash, tag: &[u8; 4]) -> DriverScan {
    let found = FoundTag { allocations: 3, frees: 2, ..FoundTag::new(PoolTag::new(*tag)) };
    DriverScan { sha256, tags: vec![found], is_partial: false }
}

#[tokio::test]
async fn a_file_is_asked_of_one_host_and_shown_on_tag_driver_and_host() {
    let console = Console::start(&[]).await;
    let server = &console.server;
    let (one, two) = (server.enrol("fs-02").await, server.enrol("fs-03").await);
    assert_eq!(tell_inventory(server, &one.key, &[("Foo.sys", FOO)]).await, [FOO]);
    assert_eq!(tell_inventory(server, &two.key, &[("foo.sys", FOO)]).await, []);
    // Nobody asked this host, and that file is on no host.
    assert_eq!(send_scans(server, &two.key, vec![scan(FOO, b"Evil")]).await, 204);
    let strange = FileHash::new([9; 32]);
    assert_eq!(send_scans(server, &one.key, vec![scan(strange, b"Evil")]).await, 204);
    assert_eq!(send_scans(server, &one.key, vec![scan(FOO, b"Fooq")]).await, 204);
    assert_eq!(send_scans(server, &one.key, vec![scan(FOO, b"Late")]).await, 204);
    assert_eq!(tell_inventory(server, &two.key, &[("foo.sys", FOO)]).await, []);
    let mut db = server.app.pool.acquire().await.unwrap();
    let tags = driver_scans::tags_of(&mut db, "foo.sys", 9).await.unwrap();
    let tags: Vec<String> = tags.iter().map(|holder| holder.found.tag.to_string()).collect();
    assert_eq!(tags, ["Fooq"]);

    let told = "allocates with it 3 times, frees with it 2 times";
    let tag = console.text("/tags/Fooq").await;
    assert!(tag.contains("/drivers/foo.sys") && tag.contains(&format!("5.1.0.2 {told}")), "{tag}");
    let driver = console.text("/drivers/foo.sys").await;
    assert!(driver.contains("/tags/Fooq") && driver.contains(told), "{driver}");
    let host = console.text(&format!("/hosts/{}", one.id.0)).await;
    for text in ["/tags/Fooq", "Foo Systems", "Maker Model 5", "PoolUsageMaximum", "60 %"] {
        assert!(host.contains(text), "{text} is not in\n{host}");
    }
}

#[tokio::test]
async fn more_than_is_asked_for_is_refused() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let many = vec![scan(FOO, b"Fooq"); limits::SCANS + 1];
    assert_eq!(send_scans(&server, &agent.key, many).await, 400);
    let tag = FoundTag::new(PoolTag::new(*b"Fooq"));
    let long = DriverScan { tags: vec![tag; limits::SCAN_TAGS + 1], ..scan(FOO, b"Fooq") };
    assert_eq!(send_scans(&server, &agent.key, vec![long]).await, 400);
    let uploads = limits::SCANS_A_DAY / limits::SCANS;
    for _ in 0..uploads {
        let some = vec![scan(FOO, b"Fooq"); limits::SCANS];
        assert_eq!(send_scans(&server, &agent.key, some).await, 204);
    }
    let some = vec![scan(FOO, b"Fooq"); limits::SCANS];
    assert_eq!(send_scans(&server, &agent.key, some).await, 429);
}

#[tokio::test]
async fn a_pooltag_txt_on_hosts_is_asked_of_one_and_taken_in_by_an_operator() {
    let console = Console::start(&[]).await;
    let server = &console.server;
    let (one, two) = (server.enrol("fs-02").await, server.enrol("fs-03").await);
    let tell = async |key: &str| {
        let inventory = json!({
            "facts": { "fqdn": "fs-02.corp.example" },
            "inventory": { "tag_list": { "path": r"C:\kit\pooltag.txt", "sha256": FOO } },
        });
        let body = serde_json::to_vec(&inventory).unwrap();
        let response = server.post("/agent/v1/inventory", Some(key), &body).await;
        read::<InventoryReply>(response).await.wants_tag_list
    };
    let send = async |key: &str, text: &str| {
        let request = TagListRequest { sha256: FOO, text: text.to_owned() };
        let body = serde_json::to_vec(&request).unwrap();
        server.post("/agent/v1/tag-list", Some(key), &body).await.status().as_u16()
    };
    const LIST: &str = "rem kit\r\nAaaa - one.sys - first\r\nBb?? - two.sys - group\r\nQqqq - three.sys - last\r\n";
    assert_eq!((tell(&one.key).await, tell(&two.key).await), (true, false));
    let operator = server.api_token(poolwatch_model::person::Role::Operator).await;
    let tags = async || {
        let request = server.client.get(format!("{}/tags", server.url)).bearer_auth(&operator);
        request.send().await.unwrap().text().await.unwrap()
    };
    // Nobody asked this host.
    assert_eq!(send(&two.key, LIST).await, 204);
    assert!(!tags().await.contains("kit"));
    assert_eq!(send(&one.key, "hello").await, 400);
    assert!(tell(&one.key).await, "what was no list is asked for again");
    assert_eq!(send(&one.key, LIST).await, 204);
    let page = tags().await;
    assert!(page.contains("3 entries") && page.contains(r"C:\kit\pooltag.txt"), "{page}");
    assert!(!tell(&two.key).await, "it is known");
    let tag: PoolTag = "Qqqq".parse().unwrap();
    let named = || server.app.tag_names.catalogue().named_driver(tag).map(str::to_owned);
    assert_eq!(named(), None);

    let decide = async |form: String| {
        let request = server.client.post(format!("{}/tags/pooltag/offered", server.url));
        let request = request.bearer_auth(&operator).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.send().await.unwrap().status().as_u16()
    };
    assert!([200, 303].contains(&decide(format!("file={FOO}&take=yes")).await));
    assert_eq!(named().as_deref(), Some("three.sys"));
    assert_eq!(decide(format!("file={FOO}")).await, 404);
    assert!(!tags().await.contains(r"C:\kit"));
    assert!(!tell(&one.key).await);
}
