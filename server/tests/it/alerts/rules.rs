//! Rules about hosts and the server: what they tell of, and when.

use jiff::{SignedDuration, Timestamp};
use poolwatch_detection::silence::SilenceSchedule;
use poolwatch_model::{
    Bytes, Snapshot, event::Event, incident::Cause, person::Role, snapshot::PoolFailures,
};
use poolwatch_server::{
    alerts::dispatch::Dispatched,
    fleet::refresh::{Keeper, refresh},
    jobs::{find_silence::find_silent, watch_rules::RuleWatcher},
    self_check,
};
use poolwatch_store::alerts::{self, AlertFilter};
use poolwatch_web::settings::server::CheckState;
use reqwest::StatusCode;
use sqlx::{AssertSqlSafe, Executor};

use super::{MINUTE, dispatched, done, leak_on, page, post, subjects};
use crate::{
    events::{self, event},
    server::{Agent, Server, TestClock, classic, now},
};

/// The view is made anew, and all rules look.
async fn look(server: &Server, watcher: &mut RuleWatcher, clock: &TestClock, at: Timestamp) {
    clock.set(at);
    refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, at).await.1.unwrap();
    watcher.look(&server.app, at).await.unwrap();
}

/// A snapshot with nonpaged pool at a share of its measured limit.
fn filled(percent: u64) -> Snapshot {
    let mut snapshot = classic(0);
    let limit = snapshot.memory.nonpaged_limit.unwrap();
    snapshot.memory.nonpaged = Some(Bytes(limit.0 / 100 * percent));
    snapshot
}

/// Hosts report every two minutes, and rules look.
async fn report(
    server: &Server,
    watcher: &mut RuleWatcher,
    clock: &TestClock,
    agents: &mut [Agent<'_>],
    minutes: std::ops::Range<i64>,
    (begun, percent): (Timestamp, u64),
) {
    for minute in minutes.step_by(2) {
        let at = begun + MINUTE * i32::try_from(minute).unwrap();
        clock.set(at);
        for agent in &mut *agents {
            let frame = agent.frame(filled(percent));
            assert_eq!(agent.send(&[&frame]).await.status(), 200);
        }
        look(server, watcher, clock, at).await;
    }
}

async fn switch_off(server: &Server, rules: &[&str]) {
    for rule in rules {
        done(server, &format!("/alerts/rules/{rule}/set"), "least_hosts=1").await;
    }
}

#[tokio::test]
async fn a_pool_that_is_nearly_full_for_a_while_is_told_once_and_so_is_its_end() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await, server.enrol("web-1").await];
    agents.iter_mut().for_each(|agent| agent.step_ms = 120_000);
    report(&server, &mut watcher, &clock, &mut agents, 0..14, (begun, 95)).await;
    assert_eq!(dispatched(&server, begun + 20 * MINUTE).await, [], "not for long enough");
    report(&server, &mut watcher, &clock, &mut agents, 14..40, (begun, 95)).await;
    let told = dispatched(&server, begun + 40 * MINUTE).await;
    assert_eq!(subjects(&told), ["[Poolwatch] WARNING 2 hosts: A pool is nearly full, 94 %"]);
    let Dispatched::Sent(words, recipients) = &told[0] else { panic!("{told:?}") };
    assert_eq!(*recipients, 1);
    for said in ["web-0", "web-1", "https://poolwatch.test/alerts/rules/low-headroom", "15 min"] {
        assert!(words.text.contains(said), "{said} is not in\n{}", words.text);
    }
    let shown = page(&server, "/alerts/rules/low-headroom").await;
    for words in ["would have fired 1 time ", "firing", "web-0"] {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    assert!(page(&server, "/alerts").await.contains("firing"));

    report(&server, &mut watcher, &clock, &mut agents, 40..60, (begun, 50)).await;
    let over = dispatched(&server, begun + 60 * MINUTE).await;
    assert_eq!(subjects(&over), ["[Poolwatch] RESOLVED 2 hosts: A pool is nearly full"]);
    assert!(!page(&server, "/alerts").await.contains(">firing<"));

    // A higher threshold would have told of nothing here.
    done(&server, "/alerts/rules/low-headroom/set", "is_on=yes&least_hosts=1&threshold=96").await;
    let shown = page(&server, "/alerts/rules/low-headroom").await;
    assert!(shown.contains("would have fired 0 times "), "{shown}");
}

/// Lets the database refuse rows of some tables where a condition holds of `NEW`.
pub(super) async fn refuse_rows(server: &Server, tables: &[&str], condition: &str) {
    let mut statements = vec![format!(
        "CREATE FUNCTION refuse_row() RETURNS trigger LANGUAGE plpgsql AS
         $$BEGIN IF {condition} THEN RAISE EXCEPTION 'refused'; END IF; RETURN NEW; END$$"
    )];
    statements.extend(tables.iter().map(|table| {
        format!(
            "CREATE TRIGGER refuse_row BEFORE INSERT ON {table}
             FOR EACH ROW EXECUTE FUNCTION refuse_row()"
        )
    }));
    for statement in statements {
        server.app.pool.execute(AssertSqlSafe(statement)).await.unwrap();
    }
}

/// How the rules stand, as the server tells it of itself.
async fn rules_check(server: &Server) -> (CheckState, String) {
    *server.app.self_checks.lock().await = None;
    let checks = self_check::run_checks(&server.app).await;
    let rules = checks.iter().find(|check| check.name == "rules").unwrap();
    (rules.state, rules.words.clone())
}

#[tokio::test]
async fn a_rule_that_fails_is_told_and_the_others_go_on() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let form = "kind=program-handles&program=MyBadApp.exe&threshold=2000&minutes=0&least_hosts=1";
    done(&server, "/alerts/rules", form).await;
    done(&server, "/alerts/rules/low-headroom/set", "is_on=yes&least_hosts=1&minutes=0").await;
    refuse_rows(&server, &["alerts"], "NEW.rule = 'low-headroom'").await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await];
    report(&server, &mut watcher, &clock, &mut agents, 0..2, (begun, 95)).await;
    let told = dispatched(&server, begun + 2 * MINUTE).await;
    assert_eq!(
        subjects(&told),
        ["[Poolwatch] WARNING web-0: mybadapp.exe has many handles, 90,472 handles"],
        "the rule after the one that failed"
    );
    let failing = "cannot look after this rule";
    assert!(page(&server, "/alerts/rules/low-headroom").await.contains(failing));
    assert!(!page(&server, "/alerts/rules/leak").await.contains(failing));
    let (state, words) = rules_check(&server).await;
    assert!(state == CheckState::Failed && words.contains(": low-headroom."), "{words}");

    server.app.pool.execute("DROP TRIGGER refuse_row ON alerts").await.unwrap();
    look(&server, &mut watcher, &clock, begun + 3 * MINUTE).await;
    let told = dispatched(&server, begun + 5 * MINUTE).await;
    assert_eq!(subjects(&told), ["[Poolwatch] WARNING web-0: A pool is nearly full, 94 %"]);
    assert!(!page(&server, "/alerts/rules/low-headroom").await.contains(failing));
    assert_eq!(rules_check(&server).await.0, CheckState::Good);
}

#[tokio::test]
async fn what_cannot_be_read_fails_the_rules_that_need_it_alone() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    done(&server, "/alerts/rules/low-headroom/set", "is_on=yes&least_hosts=1&minutes=0").await;
    for table in ["events", "refused_enrolments"] {
        let rename = format!("ALTER TABLE {table} RENAME TO {table}_away");
        server.app.pool.execute(AssertSqlSafe(rename)).await.unwrap();
    }
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await];
    report(&server, &mut watcher, &clock, &mut agents, 0..2, (begun, 95)).await;
    assert_eq!(subjects(&dispatched(&server, begun + 2 * MINUTE).await).len(), 1);
    let failing = server.app.rule_failures.list();
    assert_eq!(failing, ["host-silent", "pool-limit", "server-hosts"]);
}

#[tokio::test]
async fn an_alert_whose_opening_was_not_confirmed_is_gone_on_with() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    done(&server, "/alerts/rules/low-headroom/set", "is_on=yes&least_hosts=1&minutes=0").await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await];
    look(&server, &mut watcher, &clock, begun).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    alerts::open(&mut db, "low-headroom", (&[], 1), begun).await.unwrap();
    report(&server, &mut watcher, &clock, &mut agents, 2..4, (begun, 95)).await;
    assert_eq!(server.app.rule_failures.list(), Vec::<String>::new());
    let open = AlertFilter { is_open: true, ..AlertFilter::default() };
    let known = alerts::list(&mut db, open, 10).await.unwrap();
    assert_eq!((known.len(), known[0].hosts[0].host), (1, agents[0].id));
}

#[tokio::test]
async fn what_becomes_an_incident_is_told_by_that_alone() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await];
    agents[0].step_ms = 120_000;
    leak_on(&server, &[agents[0].id], begun).await;
    report(&server, &mut watcher, &clock, &mut agents, 0..20, (begun, 95)).await;
    let told = dispatched(&server, begun + 20 * MINUTE).await;
    assert_eq!(subjects(&told).len(), 1, "{told:?}");
    assert!(subjects(&told)[0].contains("leak"), "{told:?}");
}

#[tokio::test]
async fn a_silent_host_is_told_and_one_that_somebody_shut_down_is_not() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    switch_off(&server, &["low-headroom", "silent-under-pressure"]).await;
    let set = "is_on=yes&least_hosts=1&threshold=30";
    done(&server, "/alerts/rules/host-silent/set", set).await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await, server.enrol("web-1").await];
    report(&server, &mut watcher, &clock, &mut agents, 0..2, (begun, 40)).await;
    clock.set(begun + MINUTE);
    let shutdown = Event { provider: "User32".into(), ..event(1074, 7, begun + MINUTE / 2) };
    events::send(&server, &agents[1].key, vec![shutdown]).await;
    for minute in [10, 29] {
        look(&server, &mut watcher, &clock, begun + MINUTE * minute).await;
        assert_eq!(dispatched(&server, begun + MINUTE * minute).await, []);
    }
    look(&server, &mut watcher, &clock, begun + 31 * MINUTE).await;
    let told = dispatched(&server, begun + 33 * MINUTE).await;
    assert_eq!(subjects(&told), ["[Poolwatch] WARNING web-0: A host is silent, 31 min"]);

    // A server that starts anew goes on with the alert, and calls nobody silent that it cannot have
    // heard.
    let mut restarted = RuleWatcher::default();
    look(&server, &mut restarted, &clock, begun + 40 * MINUTE).await;
    assert_eq!(dispatched(&server, begun + 42 * MINUTE).await, []);
    let mut db = server.app.pool.acquire().await.unwrap();
    let open = AlertFilter { is_open: true, ..AlertFilter::default() };
    assert_eq!(alerts::list(&mut db, open, 10).await.unwrap().len(), 1);
    // A day later the other one is silent as well: it never came back.
    look(&server, &mut restarted, &clock, begun + 25 * 60 * MINUTE).await;
    let alert = alerts::list(&mut db, open, 10).await.unwrap().remove(0);
    assert_eq!(alert.host_count, 2, "{alert:?}");
}

#[tokio::test]
async fn a_rule_about_a_program_is_added_tells_and_is_removed() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    switch_off(&server, &["low-headroom"]).await;
    for (form, words) in [
        ("kind=program-handles&threshold=2000", "name it in 1 to 100"),
        ("kind=program-handles&program=a.exe&threshold=5", "100 handles to"),
        ("kind=low-headroom&threshold=80&minutes=5", "there is a rule already"),
        ("kind=server-disk&threshold=80", "no such rule to add"),
    ] {
        let (status, said) = post(&server, Role::Admin, "/alerts/rules", form).await;
        assert!(status == StatusCode::BAD_REQUEST && said.contains(words), "{words}: {said}");
    }
    let form = "kind=program-handles&program=MyBadApp.exe&threshold=2000&minutes=0&least_hosts=1";
    assert_eq!(post(&server, Role::Operator, "/alerts/rules", form).await.0, StatusCode::FORBIDDEN);
    done(&server, "/alerts/rules", form).await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await];
    report(&server, &mut watcher, &clock, &mut agents, 0..2, (begun, 40)).await;
    let told = dispatched(&server, begun + 2 * MINUTE).await;
    assert_eq!(
        subjects(&told),
        ["[Poolwatch] WARNING web-0: mybadapp.exe has many handles, 90,472 handles"]
    );
    let listed = page(&server, "/alerts").await;
    let (_, rest) = listed.split_once("/alerts/rules/program-handles-").unwrap();
    let name = format!("program-handles-{}", rest.split('"').next().unwrap());
    let shown = page(&server, &format!("/alerts/rules/{name}")).await;
    assert!(shown.contains("would have fired 1 time "), "{shown}");
    let removing = format!("/alerts/rules/{name}/remove");
    done(&server, &removing, "").await;
    let (status, _) = post(&server, Role::Admin, "/alerts/rules/leak/remove", "").await;
    assert_eq!(status, StatusCode::NOT_FOUND, "it comes with Poolwatch");
    look(&server, &mut watcher, &clock, begun + 3 * MINUTE).await;
    assert_eq!(dispatched(&server, begun + 60 * MINUTE).await, []);
    let mut db = server.app.pool.acquire().await.unwrap();
    let alerts = alerts::list(&mut db, AlertFilter::default(), 10).await.unwrap();
    assert!(alerts.len() == 1 && alerts[0].ended.is_some(), "{alerts:?}");
}

#[tokio::test]
async fn a_silence_over_the_hosts_of_an_alert_holds_it() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    done(&server, "/alerts/rules/low-headroom/set", "is_on=yes&least_hosts=1&minutes=0").await;
    let until = (begun + 60 * MINUTE).strftime("%Y-%m-%dT%H:%M").to_string();
    let silence = format!("reason=patches&zone=UTC&until={until}&pattern=web-*");
    done(&server, "/alerts/silences", &silence).await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("web-0").await];
    report(&server, &mut watcher, &clock, &mut agents, 0..2, (begun, 95)).await;
    assert_eq!(dispatched(&server, begun + 2 * MINUTE).await, [Dispatched::Held]);
    let told = dispatched(&server, begun + 61 * MINUTE).await;
    assert_eq!(subjects(&told).len(), 1, "{told:?}");
}

#[tokio::test]
async fn events_2017_and_2018_and_messages_that_wait_are_told() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("fs-02").await];
    report(&server, &mut watcher, &clock, &mut agents, 0..2, (begun, 40)).await;
    let old = begun - SignedDuration::from_hours(30);
    events::send(&server, &agents[0].key, vec![event(2017, 6, old)]).await;
    look(&server, &mut watcher, &clock, begun + MINUTE).await;
    assert_eq!(dispatched(&server, begun + 3 * MINUTE).await, [], "that is history");
    events::send(&server, &agents[0].key, vec![event(2017, 7, begun), event(2018, 8, begun)]).await;
    look(&server, &mut watcher, &clock, begun + 2 * MINUTE).await;
    let told = dispatched(&server, begun + 4 * MINUTE).await;
    let subject = "[Poolwatch] WARNING fs-02: The Server service reached its own limit, 2 events";
    assert_eq!(subjects(&told), [subject]);

    // Nobody takes that message: after half an hour and five minutes the server says so itself.
    for minute in [40, 45, 46] {
        look(&server, &mut watcher, &clock, begun + MINUTE * minute).await;
    }
    let told = dispatched(&server, begun + 48 * MINUTE).await;
    assert!(
        subjects(&told).iter().any(|one| one.contains("Poolwatch: Messages do not go out, 4")),
        "{told:?}"
    );
}

#[tokio::test]
async fn what_the_server_service_cannot_allocate_is_told_and_its_restart_is_not() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    switch_off(&server, &["low-headroom"]).await;
    let mut watcher = RuleWatcher::default();
    let mut agents = [server.enrol("fs-03").await];
    agents[0].step_ms = 120_000;
    let id = agents[0].id;
    let mut report_failures = async |minute: i32, nonpaged, paged| {
        let at = begun + minute * MINUTE;
        clock.set(at);
        let pool_failures = Some(PoolFailures { nonpaged, paged });
        let frame = agents[0].frame(Snapshot { pool_failures, ..filled(40) });
        // What is sent again counts once.
        for _ in 0..2 {
            assert_eq!(agents[0].send(&[&frame]).await.status(), 200);
        }
        look(&server, &mut watcher, &clock, at).await;
        let told = dispatched(&server, at + 2 * MINUTE).await;
        subjects(&told).into_iter().map(str::to_owned).collect::<Vec<String>>()
    };
    for (minute, nonpaged, paged) in [(0, 70, 9), (2, 70, 9), (4, 0, 0), (6, 0, 0)] {
        assert_eq!(report_failures(minute, nonpaged, paged).await, [""; 0], "{minute}");
    }
    let told = report_failures(8, 3, 1).await;
    let subject =
        "[Poolwatch] WARNING fs-03: The Server service could not allocate from a pool, 4 failures";
    assert_eq!(told, [subject]);
    let shown = page(&server, &format!("/hosts/{id}")).await;
    assert!(shown.contains("3 times from nonpaged and 1 time from paged pool"), "{shown}");
    let timeline = page(&server, &format!("/hosts/{id}/timeline")).await;
    assert!(timeline.contains("could not allocate 3 times from nonpaged"), "{timeline}");
}

#[tokio::test]
async fn silence_under_pressure_is_an_incident_unless_somebody_shut_the_host_down() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let mut agents = [server.enrol("web-0").await, server.enrol("web-1").await];
    for agent in &mut agents {
        let frame = agent.frame(filled(95));
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
    }
    clock.set(begun + MINUTE);
    let shutdown = Event { provider: "User32".into(), ..event(1074, 7, begun + MINUTE / 2) };
    events::send(&server, &agents[1].key, vec![shutdown]).await;
    let silent = begun + 10 * MINUTE;
    clock.set(silent);
    refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, silent).await.1.unwrap();
    find_silent(&server.app, &mut SilenceSchedule::default(), silent).await;
    let found = events::incidents(&server).await;
    let hosts: Vec<_> = found.iter().map(|incident| incident.cause.host()).collect();
    assert_eq!(hosts, [Some(agents[0].id)], "{found:?}");
    assert!(matches!(found[0].cause, Cause::Silence { .. }));
}
