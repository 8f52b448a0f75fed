//! What machines, scripts and spreadsheets are answered, whole.

use poolwatch_model::{Bytes, Snapshot, host::Arch, host::OsVersion, person::Role};
use poolwatch_server::fleet::{
    drivers::{self, Book},
    refresh::{Keeper, refresh},
};
use serde_json::{Value, json};

use crate::{
    lists::Console,
    server::{Server, classic, now},
};

/// Two hosts with all that an agent sends: one of a group, one whose names look like formulas.
async fn fleet_of_two() -> Console {
    let console = Console::start(&[]).await;
    let server = &console.server;
    for (name, step, version) in [("fs-01.corp.example", 10, "5.0"), ("=sql", 20, "5.1")] {
        let mut agent = server.enrol(name).await;
        tell_inventory(server, &agent.key, name, version).await;
        let frame = agent.frame(sized(step));
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
    }
    let (_, made) =
        refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
    made.unwrap();
    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    drivers::refresh(pool, fleet, &mut Book::default(), now()).await.unwrap();
    console
}

fn sized(step: u64) -> Snapshot {
    let mut snapshot = classic(step);
    snapshot.memory.paged = Some(Bytes((40 + step) << 20));
    snapshot.memory.physical = Some(Bytes(4 << 30));
    snapshot.memory.committed = Some(Bytes(2 << 30));
    snapshot.memory.commit_limit = Some(Bytes(6 << 30));
    snapshot
}

async fn tell_inventory(server: &Server, key: &str, name: &str, version: &str) {
    let os = OsVersion {
        product: "Windows Server 2022".into(),
        major: 10,
        minor: 0,
        build: 20_348,
        revision: 1_607,
        arch: Arch::X64,
    };
    let inventory = json!({
        "facts": { "fqdn": name, "os": os, "ou": "OU=Files,OU=Berlin,DC=corp,DC=example" },
        "inventory": { "drivers": [
            { "name": "Foo.sys", "version": version, "company": "@Foo" },
            { "name": "ntfs.sys", "version": "10.0", "company": "Microsoft Corporation" },
        ] },
    });
    let body = serde_json::to_vec(&inventory).unwrap();
    let response = server.post("/agent/v1/inventory", Some(key), &body).await;
    assert_eq!(response.status(), 200);
}

/// An answer without what differs from run to run: times, and numbers made by chance.
fn steady(mut value: Value) -> String {
    fix(&mut value);
    serde_json::to_string_pretty(&value).unwrap()
}

fn fix(value: &mut Value) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => *text = "[time]".into(),
        Value::String(text) if text.parse::<uuid::Uuid>().is_ok() => *text = "[id]".into(),
        Value::String(text) if text.starts_with("pwh_") => {
            *text = "[secret]".into();
        }
        Value::Array(all) => all.iter_mut().for_each(fix),
        Value::Object(all) => all.values_mut().for_each(fix),
        _ => {}
    }
}

/// A file for spreadsheets, likewise.
fn steady_lines(text: &str) -> String {
    let cell = |cell: &str| match cell.parse::<jiff::Timestamp>() {
        Ok(_) => "[time]".to_owned(),
        Err(_) => cell.to_owned(),
    };
    let line = |line: &str| line.split(',').map(cell).collect::<Vec<_>>().join(",");
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[tokio::test]
async fn every_list_is_exported_with_exact_figures() {
    let console = fleet_of_two().await;
    for (name, list) in [
        ("hosts", "/hosts{}?sort=name&order=asc"),
        ("tags", "/tags{}?sort=tag&order=asc"),
        ("tag-hosts", "/tags/Thre/hosts{}"),
        ("applications", "/applications{}"),
        ("application-hosts", "/applications/mybadapp.exe/hosts{}?sort=host&order=asc"),
        ("drivers", "/drivers{}?sort=name&order=asc"),
        ("driver-hosts", "/drivers/foo.sys/hosts{}?sort=version&order=asc"),
    ] {
        let csv = console.get(&list.replace("{}", ".csv")).await;
        assert_eq!(csv.headers()["content-type"], "text/csv; charset=utf-8");
        let saved = format!("attachment; filename=\"{name}.csv\"");
        assert_eq!(csv.headers()["content-disposition"], saved.as_str());
        let csv = steady_lines(&csv.text().await.unwrap());
        // As text, because the order of the fields counts.
        let json = console.text(&list.replace("{}", ".json")).await.replace("},{", "},\n{");
        let json = json.lines().map(steady_fields).collect::<Vec<_>>().join("\n");
        insta::assert_snapshot!(format!("export-{name}"), format!("{csv}\n\n{json}"));
    }
}

fn steady_fields(line: &str) -> String {
    let piece = |piece: &str| match piece.parse::<jiff::Timestamp>() {
        Ok(_) => "[time]".to_owned(),
        Err(_) => piece.to_owned(),
    };
    line.split('"').map(piece).collect::<Vec<_>>().join("\"")
}

#[tokio::test]
async fn scripts_are_answered_as_before() {
    let console = fleet_of_two().await;
    let operator = console.server.api_token(Role::Operator).await;
    let note = json!({ "tag": "Fooo", "owner": "foo.sys", "meaning": "buffers" });
    let upload = json!({ "host": "old-1", "snapshot": sized(0) });
    for (path, body) in [("/api/v1/tag-notes", note), ("/api/v1/snapshots", upload)] {
        let body = serde_json::to_vec(&body).unwrap();
        let answer = console.server.post(path, Some(&operator), &body).await;
        let status = answer.status();
        let body = answer.text().await.unwrap();
        let body = serde_json::from_str(&body).map_or(body, steady);
        let name = format!("post{}", path.replace('/', "-"));
        insta::assert_snapshot!(name, format!("{status}\n{body}"));
    }
    for (name, path) in [
        ("hosts", "/api/v1/hosts"),
        ("host", "/api/v1/hosts/1?largest=1"),
        ("host-missing", "/api/v1/hosts/99"),
        ("tags", "/api/v1/tags"),
        ("tag", "/api/v1/tags/Thre"),
        ("tag-too-long", "/api/v1/tags/Toolong"),
        ("tag-hosts-missing", "/api/v1/tags/Thre/hosts?pool=nonpaged&at=2026-01-01T00:00:00Z"),
        (
            "tag-series",
            "/api/v1/tags/Thre/series?pool=nonpaged&hosts=1,2&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z",
        ),
        (
            "host-tag",
            "/api/v1/hosts/1/tags/Thre?pool=nonpaged&since=2026-01-01T00:00:00Z&until=2026-01-02T00:00:00Z",
        ),
        ("tag-notes", "/api/v1/tag-notes"),
    ] {
        let answer = console.get(path).await;
        let status = answer.status();
        let body: Value = serde_json::from_str(&answer.text().await.unwrap()).unwrap();
        insta::assert_snapshot!(format!("api-{name}"), format!("{status}\n{}", steady(body)));
    }
    insta::assert_snapshot!("api-pooltag", console.text("/api/v1/pooltag.txt").await);
    insta::assert_snapshot!("healthz", console.text("/healthz").await);
}

#[tokio::test]
async fn the_interface_of_scripts_is_described_as_before() {
    let console = Console::start(&[]).await;
    let document: Value =
        serde_json::from_str(&console.text("/api/v1/openapi.json").await).unwrap();
    let paths = document["paths"].as_object().unwrap();
    let mut lines = Vec::new();
    for (path, methods) in paths {
        for (method, described) in methods.as_object().unwrap() {
            let parameters = described["parameters"].as_array().into_iter().flatten();
            let names: Vec<&str> = parameters.filter_map(|one| one["name"].as_str()).collect();
            lines.push(format!("{method} {path} {}", names.join(" ")));
        }
    }
    for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
        let fields = schema["properties"].as_object();
        let fields: Vec<&str> =
            fields.into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        lines.push(format!("{name}: {}", fields.join(" ")));
    }
    insta::assert_snapshot!("openapi", lines.join("\n"));
    for reference in references(&document) {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference} leads nowhere");
    }
}

/// All that a document refers to within itself.
fn references(document: &Value) -> Vec<&str> {
    match document {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(values) => values.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[tokio::test]
async fn agents_are_answered_as_before() {
    let server = Server::start().await;
    let reply = server.enrol_with(crate::server::TOKEN, "a").await;
    insta::assert_snapshot!("agent-enrol", steady(crate::server::json(reply).await));
    let refused = server.enrol_with("wrong", "a").await;
    insta::assert_snapshot!("agent-enrol-refused", steady(crate::server::json(refused).await));
    let mut agent = server.enrol("b").await;
    let frame = agent.frame(classic(0));
    let reply = crate::server::json(agent.send(&[&frame, b"nonsense"]).await).await;
    insta::assert_snapshot!("agent-frames", steady(reply));
    let events = json!({ "wall": now(), "events": [] });
    let body = serde_json::to_vec(&events).unwrap();
    let reply = server.post("/agent/v1/events", Some(&agent.key), &body).await;
    insta::assert_snapshot!("agent-events", steady(crate::server::json(reply).await));
    let reply = server.post("/agent/v1/events", Some("wrong"), &body).await;
    insta::assert_snapshot!("agent-events-refused", steady(crate::server::json(reply).await));
}
