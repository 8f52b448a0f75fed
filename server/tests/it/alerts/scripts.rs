//! Alerting set up by scripts: the same things, the same refusals.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::*;

async fn call(server: &Server, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let token = server.api_token(Role::Admin).await;
    let request = server.client.request(method, format!("{}/api/v1{path}", server.url));
    let request = request.bearer_auth(token);
    let request = if body.is_null() { request } else { request.json(&body) };
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap_or_default())
}

async fn get(server: &Server, path: &str) -> Value {
    let (status, answer) = call(server, Method::GET, path, Value::Null).await;
    assert_eq!(status, StatusCode::OK, "{path}: {answer}");
    answer
}

#[tokio::test]
async fn scripts_set_alerting_up_as_people_do() {
    let server = Server::start().await;
    let recipient = json!({
        "name": "Night", "kind": "mail", "address": "night@example.com", "least": "critical",
        "pattern": "fs-*", "digest": "daily", "hour": 7, "zone": "Europe/Berlin"
    });
    let (status, added) =
        call(&server, Method::POST, "/alerts/recipients", recipient.clone()).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    let (status, refused) = call(&server, Method::POST, "/alerts/recipients", recipient).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refused["detail"].as_str().unwrap().contains("already"), "{refused}");
    let recipients = get(&server, "/alerts/recipients").await;
    let known = recipients.as_array().unwrap().iter().find(|one| one["id"] == added["id"]).unwrap();
    assert_eq!(known["hosts"]["pattern"], "fs-*");
    assert_eq!(known["digest"], json!({"every": "daily", "hour": 7, "zone": "Europe/Berlin"}));

    let rule = json!({"kind": "program-handles", "program": "Legacy.exe", "threshold": 3000});
    let (status, rule) = call(&server, Method::POST, "/alerts/rules", rule).await;
    assert_eq!((status, &rule["program"]), (StatusCode::CREATED, &json!("legacy.exe")));
    let path = format!("/alerts/rules/{}", rule["name"].as_str().unwrap());
    let change = json!({"is_on": false, "program": "legacy.exe", "threshold": 4000});
    let (status, rule) = call(&server, Method::PUT, &path, change).await;
    assert_eq!(status, StatusCode::OK, "{rule}");
    assert_eq!((&rule["is_on"], &rule["threshold"]), (&json!(false), &json!(4000)));
    assert_eq!(call(&server, Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(call(&server, Method::DELETE, &path, Value::Null).await.0, StatusCode::NOT_FOUND);

    let everything = json!({"until": "2099-01-01 00:00", "zone": "UTC", "reason": "move"});
    let (status, refused) = call(&server, Method::POST, "/alerts/silences", everything).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refused["detail"].as_str().unwrap().contains("matches everything"), "{refused}");
    let until = (now() + 60 * MINUTE).strftime("%Y-%m-%d %H:%M").to_string();
    let silence = json!({"pattern": "db-*", "until": until, "zone": "UTC", "reason": "move"});
    let (status, silence) = call(&server, Method::POST, "/alerts/silences", silence).await;
    assert_eq!(status, StatusCode::CREATED, "{silence}");
    let listed = get(&server, "/alerts/silences").await;
    assert_eq!(listed[0]["matcher"]["scope"]["pattern"], "db-*");
    let path = format!("/alerts/silences/{}", silence["id"]);
    assert_eq!(call(&server, Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, "/alerts/silences").await, json!([]));

    let last = (now() + 24 * 60 * MINUTE).strftime("%Y-%m-%d").to_string();
    let window = json!({
        "group": "Berlin", "days": "Mon Sat", "begins": "22:00", "ends": "04:00", "zone": "UTC",
        "last": last, "reason": "patches"
    });
    let (status, window) = call(&server, Method::POST, "/alerts/windows", window).await;
    assert_eq!(status, StatusCode::CREATED, "{window}");
    let listed = get(&server, "/alerts/windows").await;
    assert_eq!((&listed[0]["days"], &listed[0]["begins"]), (&json!([0, 5]), &json!(1320)));
    let path = format!("/alerts/windows/{}", window["id"]);
    assert_eq!(call(&server, Method::DELETE, &path, Value::Null).await.0, StatusCode::NO_CONTENT);

    let log = get(&server, "/audit").await;
    let details: Vec<&str> = log["entries"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|one| one["detail"].as_str())
        .collect();
    assert!(details.iter().any(|one| one.contains("night@example.com")), "{details:?}");
    assert!(details.iter().any(|one| one.contains("patches")), "{details:?}");
}

#[tokio::test]
async fn alerts_about_a_group_by_rules_follow_its_hosts_and_its_name() {
    let server = Server::start().await;
    let hosts = some_hosts(&server, 2).await;
    let group = json!({"name": "File servers", "rules": [{"label": "files"}]});
    let (status, group) = call(&server, Method::POST, "/groups", group).await;
    assert_eq!(status, StatusCode::CREATED, "{group}");
    let labels = json!({"hosts": [hosts[1].0], "add": ["files"]});
    call(&server, Method::POST, "/host-labels", labels).await;
    let others = json!({"name": "Web servers", "rules": [{"label": "web"}]});
    call(&server, Method::POST, "/groups", others).await;
    for (address, group) in
        [("files@example.com", "file servers"), ("web@example.com", "Web servers")]
    {
        let recipient = json!({
            "name": "Team", "kind": "mail", "address": address, "least": "note", "group": group
        });
        let added = call(&server, Method::POST, "/alerts/recipients", recipient).await;
        assert_eq!(added.0, StatusCode::CREATED, "{}", added.1);
    }

    let path = format!("/groups/{}", group["id"]);
    let (status, refused) = call(&server, Method::DELETE, &path, Value::Null).await;
    assert_eq!(status, StatusCode::CONFLICT, "{refused}");
    let renamed = json!({"name": "Storage", "rules": [{"label": "files"}]});
    assert_eq!(call(&server, Method::PUT, &path, renamed).await.0, StatusCode::OK);
    let known = get(&server, "/alerts/recipients").await;
    assert!(known.as_array().unwrap().iter().any(|one| one["hosts"]["group"] == "Storage"));

    leak_on(&server, &[hosts[1]], now() - MINUTE).await;
    dispatched(&server, now()).await;
    let told: Vec<String> = listed(&server).await.into_iter().map(|one| one.address).collect();
    assert!(told.contains(&"files@example.com".to_owned()), "{told:?}");
    assert!(!told.contains(&"web@example.com".to_owned()), "{told:?}");
}
