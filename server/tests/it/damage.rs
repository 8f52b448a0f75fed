//! Stored rows that cannot be read cost themselves and nothing else.

use jiff::SignedDuration;
use poolwatch_model::{
    HostId, PoolTag,
    alerting::{HostScope, SilenceMatcher},
    diagnosis::Diagnosis,
    host_group::GroupRule,
    incident::IncidentId,
    person::Role,
};
use poolwatch_server::{
    alerts::{
        deliver::{Courier, deliver_due},
        dispatch::{Dispatched, dispatch_due},
    },
    enrolment::groups,
    fleet,
    jobs::{follow_hosts, watch_rules::RuleWatcher},
    judging::record::is_lifecycle,
    self_check,
};
use poolwatch_store::{
    alerts, check, hosts,
    incidents::{self, IncidentFilter},
    silences::{self, NewSilence},
};
use poolwatch_web::settings::server::CheckState;
use sqlx::AssertSqlSafe;

use crate::{
    alerts::{mailer, relay::Relay},
    events::{event, send},
    records::{find, hosts as some_hosts, leak},
    server::{Server, classic, now},
};

/// A leak of another tag.
fn other_leak() -> Diagnosis {
    let tag = PoolTag::new(*b"Barr");
    let mut other = leak(9);
    (other.suspects[0].tags, other.tags[0].tag) = (vec![tag], tag);
    other
}

async fn spoil(server: &Server, statements: &[&str]) {
    for statement in statements {
        let done = sqlx::query(AssertSqlSafe((*statement).to_owned())).execute(&server.app.pool);
        assert_eq!(done.await.unwrap().rows_affected(), 1, "{statement}");
    }
}

async fn refresh(server: &Server) {
    let (pool, fleet) = (&server.app.pool, &server.app.fleet);
    fleet::refresh::refresh(pool, fleet, Default::default(), 60, now()).await.1.unwrap();
}

#[tokio::test]
async fn documents_that_cannot_be_read_cost_themselves_alone() {
    let server = Server::start().await;
    let on = some_hosts(&server, 2).await;
    let at = now() - SignedDuration::from_mins(2);
    let bad = find(&server, on[0], at, &[leak(9)]).await[0].incident;
    let good = find(&server, on[1], at, &[other_leak()]).await[0].incident;
    let mut agent = server.enrol("logs").await;
    agent.restart_chain();
    send(&server, &agent.key, vec![event(2017, 7, now())]).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let rule = GroupRule { host_name: Some("web-*".into()), ..GroupRule::default() };
    groups::create(&mut db, "Web", vec![rule], "test", now()).await.unwrap();
    let scope = HostScope::from_typed("", "nobody-*");
    let matcher = SilenceMatcher { scope, ..SilenceMatcher::default() };
    let silence = NewSilence {
        matcher: &matcher,
        reason: "x",
        by: "x",
        from: at,
        until: now() + SignedDuration::from_hours(1),
        worse_than: None,
        window: None,
    };
    silences::add(&mut db, &silence, at).await.unwrap();
    alerts::open(&mut db, "host-silent", (&[], 1), at).await.unwrap();
    drop(db);
    let of_bad = format!("UPDATE incidents SET diagnosis = '7' WHERE id = {}", bad.0);
    let notice =
        format!("UPDATE outbox SET notice = '{{\"change\": 7}}' WHERE incident_id = {}", bad.0);
    spoil(
        &server,
        &[
            &of_bad,
            &notice,
            "UPDATE host_groups SET rules = '{}'",
            "UPDATE silences SET worse_than = '[]'",
            "UPDATE alerts SET hosts = '\"x\"'",
            "UPDATE events SET data = '{}', exhaustion = '7'",
        ],
    )
    .await;
    refresh(&server).await;
    let view = server.app.fleet.view();
    let shown: Vec<IncidentId> = view.incidents.iter().map(|one| one.id).collect();
    assert_eq!((view.hosts.len(), shown), (3, vec![good]));
    RuleWatcher::default().look(&server.app, now()).await.unwrap();

    let token = server.api_token(Role::Admin).await;
    for path in ["/", "/incidents", "/alerts", "/events", "/settings/groups", "/api/v1/incidents"] {
        let page = server.client.get(format!("{}{path}", server.url)).bearer_auth(&token);
        assert_eq!(page.send().await.unwrap().status(), 200, "{path}");
    }

    // The message of the good incident goes out, whatever lies before it.
    let mut subjects = Vec::new();
    let mut failed = 0;
    while let Some(dispatched) = dispatch_due(&server.app, now()).await.unwrap() {
        match dispatched {
            Dispatched::Sent(words, _) => subjects.push(words.subject),
            _ => failed += 1,
        }
    }
    assert_eq!((subjects.len(), failed), (2, 1), "and that the alert is over: {subjects:?}");
    assert!(subjects.iter().any(|subject| subject.contains("Barr")), "{subjects:?}");
    spoil(
        &server,
        &[
            "UPDATE outbox SET notice = '7' WHERE sent_at IS NOT NULL AND notice IS NOT NULL",
            "UPDATE alerts SET hosts = '7', ended_at = NULL WHERE rule = 'host-silent'",
        ],
    )
    .await;
    let relay = Relay::start(&[]).await;
    let courier = mailer(&relay);
    while deliver_due(&server.app, &courier).await.unwrap() {}
    assert!(!deliver_due(&server.app, &Courier::Webhook).await.unwrap());
    assert_eq!(relay.mails().await.len(), 2);

    // It is told, and repaired.
    let checks = self_check::run_checks(&server.app).await;
    let rows = checks.iter().find(|check| check.name == "rows").unwrap();
    assert_eq!(rows.state, CheckState::Failed);
    assert!(rows.words.starts_with("5 rows cannot be read"), "{}", rows.words);
    let mut db = server.app.pool.acquire().await.unwrap();
    let damaged = check::find_damaged_documents(&mut db, is_lifecycle).await.unwrap();
    let tables: Vec<_> = damaged.iter().map(|row| row.table).collect();
    assert_eq!(tables, ["host_groups", "silences", "alerts", "outbox", "incidents"]);
    for row in damaged {
        check::repair_document(&mut db, row).await.unwrap();
    }
    let left = check::find_damaged_documents(&mut db, is_lifecycle).await.unwrap();
    assert_eq!(left.iter().map(|row| row.table).collect::<Vec<_>>(), ["outbox"]);
    let all = incidents::list(&mut db, IncidentFilter::default(), 10).await.unwrap();
    assert_eq!(all.iter().map(|one| one.id).collect::<Vec<_>>(), [good]);
}

#[tokio::test]
async fn a_message_that_cannot_be_read_any_more_is_told_as_news() {
    let server = Server::start().await;
    let on = some_hosts(&server, 1).await;
    find(&server, on[0], now() - SignedDuration::from_mins(2), &[leak(9)]).await;
    spoil(&server, &["UPDATE outbox SET notice = '7'"]).await;
    let told = dispatch_due(&server.app, now()).await.unwrap();
    assert!(matches!(told, Some(Dispatched::Sent(..))), "{told:?}");
}

#[tokio::test]
async fn settings_that_cannot_be_read_can_be_set_again_and_delete_nothing() {
    let server = Server::start().await;
    for name in ["mail server", "retention", "identity provider"] {
        sqlx::query("INSERT INTO settings VALUES ($1, '7', now(), 'x')")
            .bind(name)
            .execute(&server.app.pool)
            .await
            .unwrap();
    }
    let mut db = server.app.pool.acquire().await.unwrap();
    server.app.retention.reload(&mut db).await.unwrap();
    let kept = server.app.retention.current();
    assert_eq!(kept.full, SignedDuration::from_hours(9600), "nobody knows what was to be kept");
    assert_eq!(kept.ten_minutes, SignedDuration::from_hours(800 * 24));
    drop(db);
    let admin = server.session(Role::Admin).await;
    for path in ["/settings/mail", "/settings/retention", "/settings/sign-in", "/login"] {
        assert_eq!(server.get(path, &admin).await.status(), 200, "{path}");
    }
    let page = server.get("/settings/sign-in", &admin).await.text().await.unwrap();
    assert!(page.contains("What was set cannot be read"), "{page}");
    let set = async |path: &str, fields: &[(&str, &str)]| {
        server.post_form(path, &admin, fields).await.status()
    };
    let mail = [("host", "mail.example.com"), ("security", "tls"), ("from", "p@example.com")];
    assert_eq!(set("/settings/mail", &mail).await, 303);
    let days = [
        ("full_hours", "48"),
        ("ten_minute_days", "30"),
        ("hourly_days", "730"),
        ("confirm", "yes"),
    ];
    assert_eq!(set("/settings/retention", &days).await, 303);
    assert_eq!(server.app.retention.current().full, SignedDuration::from_hours(48));
    let provider =
        [("issuer", "https://id.example.com"), ("client_id", "p"), ("rules", "everybody = viewer")];
    assert_eq!(set("/settings/sign-in", &provider).await, 303);
}

#[tokio::test]
async fn one_host_that_cannot_be_read_leaves_all_others() {
    let server = Server::start().await;
    let mut good = server.enrol("good").await;
    let bad = server.enrol("bad").await;
    let frame = good.frame(classic(0));
    assert_eq!(good.send(&[&frame]).await.status(), 200);
    let spoil = "UPDATE hosts SET facts = '{\"fqdn\": 7}' WHERE id = $1";
    sqlx::query(spoil).bind(bad.id.0).execute(&server.app.pool).await.unwrap();
    sqlx::query("INSERT INTO inventories VALUES ($1, now(), '{\"drivers\": 7}')")
        .bind(bad.id.0)
        .execute(&server.app.pool)
        .await
        .unwrap();
    follow_hosts::follow(&server.app).await.unwrap();
    let keeper = Default::default();
    let (_, made) = fleet::refresh::refresh(
        &server.app.pool,
        &server.app.fleet,
        keeper,
        60,
        server.app.clock.now(),
    )
    .await;
    made.unwrap();
    let view = server.app.fleet.view();
    assert_eq!((view.hosts.len(), view.damaged()), (2, 1));
    let mut book = Default::default();
    let now = server.app.clock.now();
    fleet::drivers::refresh(&server.app.pool, &server.app.fleet, &mut book, now).await.unwrap();

    let token = server.api_token(Role::Viewer).await;
    let url = format!("{}/hosts/{}", server.url, bad.id);
    let page = server.client.get(url).bearer_auth(&token).send().await.unwrap();
    assert_eq!(page.status(), 200);
    assert!(page.text().await.unwrap().contains("facts cannot be read"));

    let mut db = server.app.pool.acquire().await.unwrap();
    let (last, damaged) = check::check_hosts(&mut db, HostId(0), true).await.unwrap();
    assert_eq!(last, Some(bad.id));
    let tables: Vec<_> = damaged.iter().map(|row| (row.table, row.host)).collect();
    assert_eq!(tables, [("hosts", bad.id), ("inventories", bad.id)]);
    assert_eq!(check::check_hosts(&mut db, HostId(0), false).await.unwrap().1, []);
    let host = hosts::find(&mut db, bad.id).await.unwrap().unwrap();
    assert_eq!((host.is_damaged, &*host.facts.fqdn), (false, "bad"));
}
