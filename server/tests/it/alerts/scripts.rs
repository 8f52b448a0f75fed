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

#[tokio::test]
async fn scripts_do_about_an_incident_what_its_page_does() {
    let server = Server::start().await;
    let hosts = some_hosts(&server, 2).await;
    let incident = leak_on(&server, &hosts[..1], now() - MINUTE).await;
    let does = async |what: &str, body: Value| {
        let path = format!("/incidents/{}/{what}", incident.0);
        call(&server, Method::POST, &path, body).await
    };
    let (status, refused) = does("reopen", Value::Null).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(refused["detail"].as_str().unwrap().contains("that is over"), "{refused}");
    for (what, body) in [
        ("resolve", Value::Null),
        ("reopen", Value::Null),
        ("confirm", json!({"is_right": false})),
        ("silence", json!({"hours": 4, "until_worse": true})),
    ] {
        let (status, answer) = does(what, body).await;
        assert_eq!(status, StatusCode::NO_CONTENT, "{what}: {answer}");
    }
    let known = get(&server, &format!("/incidents/{}", incident.0)).await;
    assert_eq!(known["details"]["confirmation"]["is_right"], false);
    let noted = known["notes"].as_array().unwrap();
    assert!(noted.iter().any(|note| note["what"] == "reopened"), "{noted:?}");
    let silences = get(&server, "/alerts/silences").await;
    assert!(silences[0]["worse_than"].is_object(), "{silences}");
    assert_eq!(does("merge", json!({"into": incident.0})).await.0, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn scripts_test_recipients_and_set_the_sign_of_life() {
    let server = Server::start().await;
    let relay = Relay::start(&[]).await;
    let courier = mailer(&relay);
    let app = server.app.clone();
    let couriers = tokio::spawn(async move {
        while !deliver_due(&app, &courier).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    let tested = json!({"kind": "mail", "address": OPERATORS});
    let (status, answer) = call(&server, Method::POST, "/alerts/recipients/test", tested).await;
    assert_eq!(
        (status, &answer["answer"]),
        (StatusCode::OK, &json!("250 2.0.0 Ok: queued as 4XkQ"))
    );
    couriers.await.unwrap();
    let nobody = json!({"kind": "mail", "address": "x@example.com"});
    let refused = call(&server, Method::POST, "/alerts/recipients/test", nobody).await;
    assert_eq!(refused.0, StatusCode::NOT_FOUND);

    let settings = json!({"heartbeat": "mail", "hours": 12, "allows_private": true});
    let (status, set) = call(&server, Method::PUT, "/alerts/settings", settings).await;
    assert_eq!((status, &set["hours"]), (StatusCode::OK, &json!(12)));
    assert_eq!(get(&server, "/alerts/settings").await["heartbeat"], "mail");
    let wrong = json!({"heartbeat": "url", "url": "ftp://x", "hours": 12});
    let refused = call(&server, Method::PUT, "/alerts/settings", wrong).await;
    assert_eq!(refused.0, StatusCode::BAD_REQUEST);
    assert_eq!(get(&server, "/alerts/settings").await["allows_private"], true, "as before");

    // Who knows the whole address of a webhook may post to it: a viewer does not.
    let hook = json!({
        "name": "Bot", "kind": "webhook", "address": "http://127.0.0.1:9/secret", "least": "note"
    });
    let added = call(&server, Method::POST, "/alerts/recipients", hook).await;
    assert_eq!(added.0, StatusCode::CREATED, "{}", added.1);
    let on = some_hosts(&server, 1).await;
    leak_on(&server, &on, now() - MINUTE).await;
    dispatched(&server, now()).await;
    let told = get(&server, "/alerts/deliveries").await;
    let addresses: Vec<&str> =
        told.as_array().unwrap().iter().filter_map(|one| one["address"].as_str()).collect();
    assert!(addresses.contains(&"http://127.0.0.1:9/…"), "{addresses:?}");
    assert_eq!(
        call(&server, Method::POST, "/alerts/deliveries/resend", Value::Null).await,
        (StatusCode::OK, json!({"resent": 0}))
    );
}

#[tokio::test]
async fn scripts_end_sessions_and_order_rules() {
    let server = Server::start().await;
    server.session(Role::Viewer).await;
    let people = get(&server, "/people").await;
    let path = format!("/people/{}/sessions", people[0]["id"]);
    let sessions = get(&server, &path).await;
    assert_eq!(sessions[0]["user_agent"], "test");
    let ended = format!("{path}/{}", sessions[0]["id"]);
    assert_eq!(call(&server, Method::DELETE, &ended, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(call(&server, Method::DELETE, &ended, Value::Null).await.0, StatusCode::NOT_FOUND);
    assert_eq!(get(&server, &path).await, json!([]));

    let rule = json!({"name": "Berlin", "domain": "corp.example"});
    let made = call(&server, Method::POST, "/enrolment/rules", rule).await.1;
    let up = format!("/enrolment/rules/{}/up", made["id"]);
    assert_eq!(call(&server, Method::POST, &up, Value::Null).await.0, StatusCode::NO_CONTENT);
    assert_eq!(get(&server, "/enrolment/rules").await[0]["name"], "Berlin");
    assert_eq!(call(&server, Method::POST, &up, Value::Null).await.0, StatusCode::NOT_FOUND);
}
