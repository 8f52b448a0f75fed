//! Settings that count at once: mail server and retention, by the console, by scripts and by the command
//! line's calls.

use jiff::SignedDuration;
use poolwatch_model::person::Role;
use poolwatch_server::alerts::{
    deliver::{Courier, deliver_due},
    kept_mailer::KeptMailer,
};
use poolwatch_store::{deliveries, outbox};
use reqwest::{Method, Response};
use serde_json::{Value, json};

use crate::{
    alerts::relay::Relay,
    server::{Server, json, now},
};

async fn send(server: &Server, method: Method, path: &str, body: Value) -> Response {
    let token = server.api_token(Role::Admin).await;
    let request = server.client.request(method, format!("{}{path}", server.url));
    let request = request.bearer_auth(token).header("content-type", "application/json");
    request.body(body.to_string()).send().await.unwrap()
}

#[tokio::test]
async fn retention_is_changed_without_a_restart_and_never_below_what_is_finer() {
    let server = Server::start().await;
    let path = "/api/v1/settings/retention";
    let days = json!({ "full_hours": 24, "ten_minute_days": 20, "hourly_days": 400 });
    assert_eq!(send(&server, Method::PUT, path, days).await.status(), 204);
    let kept = server.app.retention.current();
    assert_eq!(kept.full, SignedDuration::from_hours(24));
    assert_eq!(kept.hourly, SignedDuration::from_hours(400 * 24));
    let info: Value = json(send(&server, Method::GET, path, json!({})).await).await;
    assert_eq!(info["current"]["ten_minute_days"], 20);
    for bad in [
        json!({ "full_hours": 1 }),
        json!({ "ten_minute_days": 500, "hourly_days": 100 }),
        json!({ "full_hours": "x" }),
    ] {
        let refused = send(&server, Method::PUT, path, bad).await;
        assert!(refused.status().is_client_error());
    }
    assert_eq!(server.app.retention.current(), kept, "nothing changed");

    // The page asks before data go, and another server follows.
    let admin = server.session(Role::Admin).await;
    let fields = [("full_hours", "24"), ("ten_minute_days", "10"), ("hourly_days", "400")];
    let asked = server.post_form("/settings/retention", &admin, &fields).await;
    assert_eq!(asked.status(), 400);
    let page =
        server.get("/settings/retention?ten_minute_days=10", &admin).await.text().await.unwrap();
    assert!(page.contains("not saved yet") && page.contains("name=\"confirm\""), "{page}");
    let meant = [&fields[..], &[("confirm", "yes")]].concat();
    assert_eq!(server.post_form("/settings/retention", &admin, &meant).await.status(), 303);
    let other = server.restarted().await;
    other.app.retention.reload(&mut other.app.pool.acquire().await.unwrap()).await.unwrap();
    assert_eq!(other.app.retention.current().ten_minutes, SignedDuration::from_hours(240));
}

#[tokio::test]
async fn a_mail_server_that_the_console_sets_counts_for_the_next_mail() {
    let server = Server::start().await;
    let courier = Courier::KeptMail(KeptMailer::default());
    let words = poolwatch_server::alerts::plain_message("subject", "text");
    let queue = async |key: &str| {
        let mut db = server.app.pool.acquire().await.unwrap();
        let message = outbox::add_words(&mut db, key, &words, now()).await.unwrap().unwrap();
        let to: Vec<_> = server.app.settings.standing_recipients.iter().collect();
        deliveries::add(&mut db, message, None, &to, now()).await.unwrap();
    };
    queue("one").await;
    assert!(!deliver_due(&server.app, &courier).await.unwrap(), "it waits, and counts no attempt");
    let (first, second) = (Relay::start(&[]).await, Relay::start(&[]).await);
    for relay in [&first, &second] {
        let body = json!({
            "host": "127.0.0.1", "port": relay.address.port(), "security": "none", "from": "p@x.test",
        });
        let set = send(&server, Method::PUT, "/api/v1/settings/mail", body).await;
        assert_eq!(set.status(), 204, "{}", set.text().await.unwrap());
        assert!(deliver_due(&server.app, &courier).await.unwrap());
        assert_eq!(relay.mails().await.len(), 1);
        queue(&format!("after {}", relay.address)).await;
    }
    assert_eq!(first.mails().await.len(), 1, "the second went by the other");
}

#[tokio::test]
async fn a_group_that_a_rule_of_the_identity_provider_names_is_not_deleted() {
    let server = Server::start().await;
    let admin = server.session(Role::Admin).await;
    let made = server.post_form("/settings/groups", &admin, &[("name", "Berlin")]).await;
    let group = made.headers()["location"].to_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let set = async |rules: &str| {
        let fields = [("issuer", "https://id.example.com"), ("client_id", "p"), ("rules", rules)];
        server.post_form("/settings/sign-in", &admin, &fields).await.status()
    };
    let delete = format!("/settings/groups/{group}/delete");
    assert_eq!(set(&format!("berlin = viewer : {group}")).await, 303);
    assert_eq!(server.post_form(&delete, &admin, &[]).await.status(), 409);
    assert_eq!(set("berlin = viewer").await, 303);
    assert_eq!(server.post_form(&delete, &admin, &[]).await.status(), 303);
}
