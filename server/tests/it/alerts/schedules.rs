//! What happens at local times: windows that recur, and digests.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::person::Role;
use poolwatch_server::alerts::{digest, dispatch::Dispatched, windows};
use poolwatch_store::{hosts, silences};
use reqwest::StatusCode;

use super::{MINUTE, dispatched, done, leak_on, listed, page, post, rules::refuse_rows, subjects};
use crate::{
    records::{find, hosts as some_hosts, leak},
    server::{Server, TestClock, now},
};

const HOUR: SignedDuration = SignedDuration::from_hours(1);

#[tokio::test]
async fn a_window_that_recurs_becomes_a_silence_each_time() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let on = some_hosts(&server, 1).await;
    let at = |hours: i32| (begun + HOUR * hours).strftime("%H:%M").to_string().replace(':', "%3A");
    let last = (begun + HOUR * 24 * 30).strftime("%Y-%m-%d");
    let form = format!(
        "pattern=web-*&days=mon+tue+wed+thu+fri+sat+sun&begins={}&ends={}&zone=UTC&last={last}\
         &reason=patches",
        at(2),
        at(4)
    );
    let refused = post(&server, Role::Viewer, "/alerts/windows", &form).await;
    assert_eq!(refused.0, StatusCode::FORBIDDEN);
    done(&server, "/alerts/windows", &form).await;
    assert_eq!(windows::make_due(&server.app, begun).await.unwrap(), 1);
    assert_eq!(windows::make_due(&server.app, begun + MINUTE).await.unwrap(), 0, "once each time");
    let shown = page(&server, "/alerts").await;
    assert!(shown.contains("every day") && shown.contains("hosts web-*"), "{shown}");

    // In it: held, and told when it is over.
    let within = begun + HOUR * 3;
    leak_on(&server, &on, within).await;
    assert_eq!(dispatched(&server, within + 2 * MINUTE).await, [Dispatched::Held]);
    assert_eq!(subjects(&dispatched(&server, begun + HOUR * 5).await).len(), 1);
    assert_eq!(
        windows::make_due(&server.app, begun + HOUR * 5).await.unwrap(),
        1,
        "the next day's"
    );

    let mut db = server.app.pool.acquire().await.unwrap();
    let windows = poolwatch_store::recurring_windows::list(&mut db, begun).await.unwrap();
    clock.set(begun + HOUR * 6);
    done(&server, &format!("/alerts/windows/{}/remove", windows[0].id.0), "").await;
    let coming = silences::ending_after(&mut db, begun + HOUR * 6).await.unwrap();
    assert_eq!(coming, [], "what had not begun goes with it");
}

#[tokio::test]
async fn a_digest_is_given_once_a_day_at_the_readers_hour_and_of_the_readers_hosts() {
    let begun: Timestamp = "2026-06-03T03:00:00Z".parse().unwrap();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    for (name, pattern) in [("Web", "web-*"), ("Db", "db-*")] {
        let form = format!(
            "name={name}&kind=mail&address={name}%40example.com&pattern={pattern}&least=critical\
             &digest=daily&hour=8&zone=Europe%2FBerlin"
        );
        done(&server, "/alerts/recipients", &form).await;
    }
    let mut db = server.app.pool.acquire().await.unwrap();
    let host = hosts::named(&mut db, "web-0", begun).await.unwrap().unwrap();
    drop(db);
    find(&server, host, begun, &[leak(2)]).await;
    // 07:59 and 08:00 in Berlin, in summer.
    assert_eq!(digest::give_due(&server.app, begun + 179 * MINUTE).await.unwrap(), 0);
    assert_eq!(digest::give_due(&server.app, begun + 180 * MINUTE).await.unwrap(), 2);
    assert_eq!(digest::give_due(&server.app, begun + 190 * MINUTE).await.unwrap(), 0, "once");
    let given = listed(&server).await;
    let of = |address: &str| {
        let found = given.iter().find(|one| one.address.eq_ignore_ascii_case(address)).unwrap();
        found.subject.clone()
    };
    assert_eq!(of("db@example.com"), "[Poolwatch] NOTE The day: nothing to do");
    // Who is told of what is critical alone finds the rest in the digest.
    assert_eq!(of("web@example.com"), "[Poolwatch] NOTE The day: 1 incident new");
    assert_eq!(digest::give_due(&server.app, begun + HOUR * 27).await.unwrap(), 2, "the next day");
    assert!(page(&server, "/alerts").await.contains("daily digest at 08:00 Europe/Berlin"));
}

#[tokio::test]
async fn a_digest_or_window_that_fails_keeps_no_other() {
    let begun: Timestamp = "2026-06-03T05:00:00Z".parse().unwrap();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    for name in ["bad", "good"] {
        let form = format!(
            "name={name}&kind=mail&address={name}%40example.com&least=critical&digest=daily&hour=8\
             &zone=Europe%2FBerlin"
        );
        done(&server, "/alerts/recipients", &form).await;
        let form = format!(
            "pattern=web-*&days=wed&begins=08%3A00&ends=09%3A00&zone=UTC&last=2026-07-01&reason={name}"
        );
        done(&server, "/alerts/windows", &form).await;
    }
    let refused =
        "to_jsonb(NEW)->>'address' = 'bad@example.com' OR to_jsonb(NEW)->>'reason' = 'bad'";
    refuse_rows(&server, &["deliveries", "silences"], refused).await;
    assert_eq!(digest::give_due(&server.app, begun + 60 * MINUTE).await.unwrap(), 1);
    let given: Vec<String> = listed(&server).await.into_iter().map(|one| one.address).collect();
    assert_eq!(given, ["good@example.com"]);
    assert_eq!(windows::make_due(&server.app, begun + 60 * MINUTE).await.unwrap(), 1);
}
