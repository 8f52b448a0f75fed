//! Who is told of what, what nobody is told for a while, and how messages get out.

mod channels;
mod day;
mod receiver;
pub(crate) mod relay;
mod rules;
mod schedules;
mod scripts;

use std::{sync::Arc, time::Instant};

use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    HostId, Pool, PoolTag,
    alerting::{Delivery, DeliveryState},
    incident::{Cause, IncidentChange, IncidentId, IncidentNotice, IncidentState},
    person::Role,
};
use poolwatch_server::{
    alerts::{
        deliver::{Courier, deliver_due},
        dispatch::{Dispatched, dispatch_due},
        heartbeat,
        mailer::Mailer,
        silencing::end_outgrown,
    },
    cli::MailOptions,
    fleet::refresh::{Keeper, refresh},
};
use poolwatch_store::{
    deliveries::{self, DeliveryFilter},
    hosts,
    incidents::{self, IncidentRecord},
    outbox,
};
use reqwest::StatusCode;
use sha2::Sha256;
use sqlx::Connection;

use self::{
    receiver::Receiver,
    relay::{Deed, Relay},
};
use crate::{
    records::{find, hosts as some_hosts, leak},
    server::{OPERATORS, Server, TestClock, now},
};

const MINUTE: SignedDuration = SignedDuration::from_mins(1);

async fn post(server: &Server, role: Role, path: &str, form: &str) -> (StatusCode, String) {
    let token = server.api_token(role).await;
    let request = server.client.post(format!("{}{path}", server.url)).bearer_auth(token);
    let request = request.header("content-type", "application/x-www-form-urlencoded");
    let response = request.body(form.to_owned()).send().await.unwrap();
    (response.status(), response.text().await.unwrap())
}

/// As [`post`], by an administrator, for what is allowed.
async fn done(server: &Server, path: &str, form: &str) {
    let (status, words) = post(server, Role::Admin, path, form).await;
    assert_eq!(status, StatusCode::SEE_OTHER, "{path} {form}: {words}");
}

async fn page(server: &Server, path: &str) -> String {
    let token = server.api_token(Role::Viewer).await;
    let request = server.client.get(format!("{}{path}", server.url)).bearer_auth(token);
    request.send().await.unwrap().text().await.unwrap()
}

pub(crate) fn mailer(relay: &Relay) -> Courier {
    let options = MailOptions {
        smtp_url: Some(format!("smtp://{}", relay.address)),
        mail_from: Some("poolwatch@example.com".into()),
        ..MailOptions::default()
    };
    Courier::Mail(Mailer::new(&options, "https://poolwatch.test").unwrap().unwrap())
}

async fn listed(server: &Server) -> Vec<Delivery> {
    let mut db = server.app.pool.acquire().await.unwrap();
    deliveries::list(&mut db, DeliveryFilter::default(), 1000).await.unwrap()
}

fn header<'a>(mail: &'a str, name: &str) -> &'a str {
    let line = mail.lines().find(|line| line.starts_with(name));
    line.unwrap_or_else(|| panic!("no {name} in\n{mail}"))
}

/// A leak on some hosts, whose first message is due.
async fn leak_on(server: &Server, hosts: &[HostId], at: Timestamp) -> IncidentId {
    let mut notices = Vec::new();
    for host in hosts {
        notices.extend(find(server, *host, at, &[leak(9)]).await);
    }
    notices[0].incident
}

async fn dispatched(server: &Server, at: Timestamp) -> Vec<Dispatched> {
    let mut all = Vec::new();
    while let Some(dispatched) = dispatch_due(&server.app, at).await.unwrap() {
        all.push(dispatched);
    }
    all
}

fn subjects(dispatched: &[Dispatched]) -> Vec<&str> {
    let subjects = dispatched.iter().filter_map(|one| match one {
        Dispatched::Sent(words, _) => Some(words.subject.as_str()),
        _ => None,
    });
    subjects.collect()
}

#[tokio::test]
async fn a_mail_server_that_fails_for_a_while_gets_the_same_mail_until_it_takes_it() {
    let clock = TestClock::new(now());
    let server = Server::start_at(clock.clone()).await;
    let fails = [Deed::Greylist, Deed::DieInData, Deed::DieAfterData];
    let relay = Relay::start(&fails).await;
    let host = some_hosts(&server, 1).await[0];
    let begun = now();
    leak_on(&server, &[host], begun).await;
    assert_eq!(subjects(&dispatched(&server, begun + MINUTE).await).len(), 1);
    clock.set(begun + MINUTE);
    let courier = mailer(&relay);
    let mut words = Vec::new();
    for _ in 0..4 {
        assert!(deliver_due(&server.app, &courier).await.unwrap());
        assert!(!deliver_due(&server.app, &courier).await.unwrap(), "it waits for a while");
        let delivery = listed(&server).await.remove(0);
        words.push(delivery.answer.unwrap());
        if let DeliveryState::Waiting(at) = delivery.state {
            clock.set(at);
        }
    }
    assert!(words[0].contains("451") && words[0].contains("Greylisted"), "{words:?}");
    assert_eq!(words[3], "250 2.0.0 Ok: queued as 4XkQ");
    let delivery = listed(&server).await.remove(0);
    assert!(matches!(delivery.state, DeliveryState::Sent(_)) && delivery.attempts == 4);
    // The one that was taken without a word, and the one that was confirmed: the same.
    let mails = relay.mails().await;
    assert_eq!(mails.len(), 2);
    for name in ["Message-ID:", "Subject:", "References:", "To:", "List-Unsubscribe:"] {
        assert_eq!(header(&mails[0], name), header(&mails[1], name));
    }
    assert_eq!(header(&mails[0], "To:"), format!("To: {OPERATORS}"));
    let unsubscribe = header(&mails[0], "List-Unsubscribe:");
    assert_eq!(unsubscribe, "List-Unsubscribe: <https://poolwatch.test/alerts#recipients>");
}

#[tokio::test]
async fn what_is_refused_for_good_is_shown_with_the_words_and_sent_again_by_hand() {
    let server = Server::start().await;
    let relay = Relay::start(&[Deed::Refuse]).await;
    let host = some_hosts(&server, 1).await[0];
    let begun = now() - MINUTE;
    let incident = leak_on(&server, &[host], begun).await;
    dispatched(&server, now()).await;
    let courier = mailer(&relay);
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    for path in ["/alerts".to_owned(), format!("/incidents/{}", incident.0)] {
        let page = page(&server, &path).await;
        for words in
            ["not delivered", "permanent error (550): 5.1.1 No such mailbox here", OPERATORS]
        {
            assert!(page.contains(words), "{words} is not in\n{page}");
        }
        assert!(!page.contains("Resend</button>"), "a viewer may not");
    }
    let id = listed(&server).await[0].id.0;
    let resend = format!("/alerts/deliveries/{id}/resend");
    assert_eq!(post(&server, Role::Viewer, &resend, "").await.0, StatusCode::FORBIDDEN);
    assert_eq!(post(&server, Role::Operator, &resend, "").await.0, StatusCode::SEE_OTHER);
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    assert!(matches!(listed(&server).await[0].state, DeliveryState::Sent(_)));
    let again = post(&server, Role::Operator, &resend, "").await;
    assert_eq!(again.0, StatusCode::BAD_REQUEST, "it was sent");
}

#[tokio::test]
async fn each_recipient_is_told_of_its_hosts_from_its_level_on() {
    let server = Server::start().await;
    done(
        &server,
        "/alerts/recipients",
        "name=Web&kind=mail&address=web%40example.com&pattern=web-*&least=warning",
    )
    .await;
    done(
        &server,
        "/alerts/recipients",
        "name=Db&kind=mail&address=db%40example.com&pattern=db-*&least=note",
    )
    .await;
    done(
        &server,
        "/alerts/recipients",
        "name=Night&kind=mail&address=night%40example.com&least=critical",
    )
    .await;
    let twice = "name=Again&kind=mail&address=web%40example.com&least=note";
    let (status, words) = post(&server, Role::Admin, "/alerts/recipients", twice).await;
    assert!(status == StatusCode::BAD_REQUEST && words.contains("this address already"), "{words}");
    let refused = post(&server, Role::Operator, "/alerts/recipients", twice).await.0;
    assert_eq!(refused, StatusCode::FORBIDDEN, "an administrator says who is told");

    let host = some_hosts(&server, 1).await[0];
    leak_on(&server, &[host], now() - MINUTE).await;
    dispatched(&server, now()).await;
    let mut told: Vec<String> = listed(&server).await.into_iter().map(|one| one.address).collect();
    told.sort();
    assert_eq!(told, [OPERATORS, "web@example.com"]);

    let page = page(&server, "/alerts").await;
    assert!(page.contains("command line") && page.contains("hosts web-*"), "{page}");
    let mut db = server.app.pool.acquire().await.unwrap();
    let added = poolwatch_store::recipients::list(&mut db).await.unwrap();
    let web = added.iter().find(|one| one.name == "Web").unwrap().id.unwrap();
    done(&server, &format!("/alerts/recipients/{}/remove", web.0), "").await;
    let left: Vec<String> = listed(&server).await.into_iter().map(|one| one.address).collect();
    assert_eq!(left, [OPERATORS], "what waited for it goes with it");
}

#[tokio::test]
async fn an_incident_is_silenced_from_its_page_and_what_was_held_goes_out_at_the_end() {
    let server = Server::start().await;
    let host = some_hosts(&server, 1).await[0];
    let begun = now() - MINUTE;
    let incident = leak_on(&server, &[host], begun).await;
    let path = format!("/incidents/{}", incident.0);
    assert_eq!(
        post(&server, Role::Viewer, &format!("{path}/silence"), "hours=4").await.0,
        StatusCode::FORBIDDEN
    );
    for (what, form) in [("silence", "hours=4&reason=patches"), ("acknowledge", "")] {
        let asked = post(&server, Role::Operator, &format!("{path}/{what}"), form).await;
        assert_eq!(asked.0, StatusCode::SEE_OTHER, "{what}");
    }
    assert_eq!(dispatched(&server, now()).await, [Dispatched::Held]);
    assert_eq!(dispatched(&server, now() + 3 * 60 * MINUTE).await, []);

    let shown = page(&server, &path).await;
    for words in
        ["<dt>Silenced</dt>", "patches", "Acknowledged</dt><dd>by token test", "silenced it"]
    {
        assert!(shown.contains(words), "{words} is not in\n{shown}");
    }
    refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await.1.unwrap();
    assert!(page(&server, "/incidents").await.contains(">silenced</span>"), "it is still listed");
    let alerts = page(&server, "/alerts").await;
    assert!(alerts.contains(&format!("incident {}</a>", incident.0)), "{alerts}");

    let mut db = server.app.pool.acquire().await.unwrap();
    let silence = poolwatch_store::silences::ending_after(&mut db, now()).await.unwrap().remove(0);
    let end = format!("/alerts/silences/{}/end", silence.id.0);
    let asked = post(&server, Role::Operator, &end, "back=%2Fincidents%2F1").await;
    assert_eq!(asked.0, StatusCode::SEE_OTHER);
    let said = dispatched(&server, now()).await;
    assert_eq!(subjects(&said).len(), 1, "{said:?}");
    assert!(page(&server, &path).await.contains("ended its silence"));
}

#[tokio::test]
async fn what_began_and_ended_under_a_silence_is_never_said() {
    let server = Server::start().await;
    let host = some_hosts(&server, 1).await[0];
    let incident = leak_on(&server, &[host], now() - MINUTE).await;
    done(&server, &format!("/incidents/{}/silence", incident.0), "hours=1").await;
    assert_eq!(dispatched(&server, now()).await, [Dispatched::Held]);
    done(&server, &format!("/incidents/{}/resolve", incident.0), "").await;
    let later = dispatched(&server, now() + 61 * MINUTE).await;
    assert_eq!(later, [Dispatched::Dropped]);
    assert_eq!(listed(&server).await, []);
}

#[tokio::test]
async fn a_silence_until_it_gets_worse_ends_when_it_does() {
    let server = Server::start().await;
    let on = some_hosts(&server, 2).await;
    let begun = now() - MINUTE;
    let incident = leak_on(&server, &on[..1], begun).await;
    let path = format!("/incidents/{}/silence", incident.0);
    done(&server, &path, "hours=720&until_worse=yes").await;
    assert_eq!(dispatched(&server, now()).await, [Dispatched::Held]);
    assert_eq!(end_outgrown(&server.app, now()).await.unwrap(), 0, "as bad as it was");

    find(&server, on[1], now(), &[leak(9)]).await;
    assert_eq!(end_outgrown(&server.app, now()).await.unwrap(), 1, "one more host");
    assert_eq!(end_outgrown(&server.app, now()).await.unwrap(), 0, "once");
    let said = dispatched(&server, now() + MINUTE).await;
    assert_eq!(subjects(&said).len(), 1, "{said:?}");
    assert!(subjects(&said)[0].contains("2 hosts"), "{said:?}");
}

#[tokio::test]
async fn a_window_holds_what_it_covers_while_it_lasts_and_no_more() {
    let server = Server::start().await;
    let host = some_hosts(&server, 1).await[0];
    let form = |rest: &str| format!("reason=patches&zone=Europe%2FBerlin&{rest}");
    for (rest, words) in [
        ("until=2999-01-01T00:00&pattern=web-*", "a year at most"),
        ("until=2020-01-01T00:00&pattern=web-*", "is over already"),
        ("until=&pattern=web-*", "has an end"),
        ("until=2999-01-01T00:00&pattern=*", "matches everything"),
    ] {
        let refused = post(&server, Role::Operator, "/alerts/silences", &form(rest)).await;
        assert_eq!(refused.0, StatusCode::BAD_REQUEST);
        assert!(refused.1.contains(words), "{words} is not in\n{}", refused.1);
    }
    let until = (now() + 120 * MINUTE).strftime("%Y-%m-%dT%H:%M").to_string();
    let asked = format!("reason=patches&zone=UTC&until={until}&pattern=web-*");
    done(&server, "/alerts/silences", &asked).await;
    leak_on(&server, &[host], now() - MINUTE).await;
    assert_eq!(dispatched(&server, now()).await, [Dispatched::Held]);
    let after = dispatched(&server, now() + 121 * MINUTE).await;
    assert_eq!(subjects(&after).len(), 1, "{after:?}");
}

#[tokio::test]
async fn a_webhook_is_signed_tried_again_and_led_nowhere() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let receiver = Receiver::start(&[503, 200, 302]).await;
    let form = format!(
        "name=Bot&kind=webhook&address={}&secret=shared&least=note",
        receiver
            .url()
            .replace(':', "%3A")
            .replace('/', "%2F")
            .replace('?', "%3F")
            .replace('=', "%3D")
    );
    let (status, words) = post(&server, Role::Admin, "/alerts/recipients", &form).await;
    assert!(status == StatusCode::BAD_REQUEST && words.contains("private network"), "{words}");
    done(&server, "/alerts/settings", "heartbeat=off&hours=24&allows_private=yes").await;
    done(&server, "/alerts/recipients", &form).await;

    let on = some_hosts(&server, 1).await;
    let incident = leak_on(&server, &on, begun).await;
    clock.set(begun + MINUTE);
    dispatched(&server, begun + MINUTE).await;
    let courier = Courier::Webhook;
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    assert!(!deliver_due(&server.app, &courier).await.unwrap(), "it waits for a while");
    clock.set(begun + 2 * MINUTE);
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    let requests = receiver.requests().await;
    assert_eq!(requests.len(), 2);
    let keys: Vec<_> = requests.iter().map(|(headers, _)| &headers["idempotency-key"]).collect();
    assert_eq!((keys[0], &requests[0].1), (keys[1], &requests[1].1), "the same");
    let (headers, body) = &requests[1];
    let signature = headers["x-poolwatch-signature"].to_str().unwrap();
    let (seconds, given) = signature.strip_prefix("t=").unwrap().split_once(",v1=").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(b"shared").unwrap();
    mac.update(format!("{seconds}.{body}").as_bytes());
    assert_eq!(given, hex::encode(mac.finalize().into_bytes()));
    let body: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!((&body["incident"], &body["level"]), (&incident.0.into(), &"warning".into()));

    // A redirect leads nowhere, and what is private is not asked once that is refused again.
    find(&server, on[0], begun + 3 * MINUTE, &[leak(0)]).await;
    clock.set(begun + 5 * MINUTE);
    dispatched(&server, begun + 5 * MINUTE).await;
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    let refused = listed(&server).await.into_iter().find(|one| one.address == receiver.url());
    let refused = refused.unwrap();
    assert!(matches!(refused.state, DeliveryState::GivenUp(_)), "{refused:?}");
    assert!(refused.answer.unwrap().contains("a redirect is not followed"));
    done(&server, "/alerts/settings", "heartbeat=off&hours=24").await;
    done(&server, &format!("/alerts/deliveries/{}/resend", refused.id.0), "").await;
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    assert_eq!(receiver.requests().await.len(), 3, "it was not asked");
    let shown = page(&server, "/alerts").await;
    assert!(shown.contains("private network") && !shown.contains("key=secret"), "{shown}");
}

#[tokio::test]
async fn a_test_is_answered_with_the_words_of_the_mail_server() {
    let server = Arc::new(Server::start().await);
    let relay = Relay::start(&[]).await;
    let (app, courier) = (server.app.clone(), mailer(&relay));
    let delivering = tokio::spawn(async move {
        while !deliver_due(&app, &courier).await.unwrap() {
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        }
    });
    done(&server, "/alerts/recipients/test", "kind=mail&address=operators%40example.com").await;
    delivering.await.unwrap();
    let shown = page(&server, "/alerts").await;
    assert!(shown.contains("250 2.0.0 Ok: queued as 4XkQ"), "{shown}");
    assert!(header(&relay.mails().await[0], "Subject:").contains("[Poolwatch] NOTE Test"));
    let unknown = "kind=mail&address=somebody%40example.com";
    let (status, _) = post(&server, Role::Admin, "/alerts/recipients/test", unknown).await;
    assert_eq!(status, StatusCode::NOT_FOUND, "mail goes to recipients alone");
}

#[tokio::test]
async fn a_sign_of_life_is_given_once_a_day_and_says_what_the_other_side_said() {
    let server = Server::start().await;
    let receiver = Receiver::start(&[500]).await;
    let form = format!(
        "heartbeat=url&hours=24&allows_private=yes&url=http%3A%2F%2F{}%2Falive",
        receiver.address.to_string().replace(':', "%3A")
    );
    done(&server, "/alerts/settings", &form).await;
    for at in [now(), now() + MINUTE, now() + 23 * 60 * MINUTE, now() + 25 * 60 * MINUTE] {
        heartbeat(&server.app, at).await.unwrap();
    }
    assert_eq!(receiver.requests().await.len(), 2);
    assert!(page(&server, "/alerts").await.contains("200 OK answer 2"));
    done(&server, "/alerts/settings", "heartbeat=mail&hours=24").await;
    heartbeat(&server.app, now()).await.unwrap();
    heartbeat(&server.app, now()).await.unwrap();
    let sent = listed(&server).await;
    assert_eq!((sent.len(), sent[0].subject.as_str()), (1, "[Poolwatch] NOTE Poolwatch is alive"));
}

#[tokio::test]
async fn thousands_of_hosts_that_fail_of_one_cause_are_one_message_to_each_recipient() {
    let server = Server::start().await;
    done(
        &server,
        "/alerts/recipients",
        "name=Web&kind=mail&address=web%40example.com&pattern=web-*&least=note",
    )
    .await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut transaction = db.begin().await.unwrap();
    let mut on = Vec::new();
    for place in 0..5_000 {
        let host = hosts::named(&mut transaction, &format!("web-{place}"), now()).await.unwrap();
        on.push(host.unwrap());
    }
    on.sort_unstable();
    let diagnosis = leak(2);
    let cause = Cause::UnknownOwner { tag: PoolTag::new(*b"Fooo"), pool: Pool::Nonpaged };
    let record = IncidentRecord {
        state: IncidentState::Growing,
        lifecycle: serde_json::json!({}),
        diagnosis: &diagnosis,
        worst: Some(on[0]),
        hosts: on.clone(),
    };
    let id = incidents::open(&mut transaction, &cause, now(), &record).await.unwrap();
    let notice = IncidentNotice { change: IncidentChange::Opened, host: on[0], event: None };
    outbox::enqueue(&mut transaction, "test", id, &notice, now(), now()).await.unwrap();
    transaction.commit().await.unwrap();
    let begun = Instant::now();
    let said = dispatched(&server, now()).await;
    let relay = Relay::start(&[]).await;
    let courier = mailer(&relay);
    while deliver_due(&server.app, &courier).await.unwrap() {}
    println!("told within {:?}", begun.elapsed());
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    assert!(subjects(&said)[0].contains("5,000 hosts"), "{said:?}");
    assert_eq!(relay.mails().await.len(), 2);
}

#[tokio::test]
async fn a_rule_changes_what_is_told_and_nothing_of_what_is_found() {
    let server = Server::start().await;
    let on = some_hosts(&server, 3).await;
    let set = "/alerts/rules/leak/set";
    for refused in ["is_on=yes&least_hosts=0", "is_on=yes&least_hosts=1&threshold=9000"] {
        let (status, _) = post(&server, Role::Admin, set, refused).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{refused}");
    }
    let senseless = "is_on=yes&least_hosts=1&threshold=5";
    let (status, words) =
        post(&server, Role::Admin, "/alerts/rules/pool-empty/set", senseless).await;
    assert!(status == StatusCode::BAD_REQUEST && words.contains("has no threshold"));
    assert_eq!(
        post(&server, Role::Operator, set, "is_on=yes&least_hosts=3").await.0,
        StatusCode::FORBIDDEN
    );
    done(&server, set, "is_on=yes&least_hosts=3&threshold=0").await;
    let begun = now() - 10 * MINUTE;
    let incident = leak_on(&server, &on[..2], begun).await;
    assert_eq!(dispatched(&server, now()).await, [Dispatched::Held]);
    let found = page(&server, &format!("/incidents/{}", incident.0)).await;
    assert!(found.contains("Nobody has been notified of it."), "{found}");
    let rule = page(&server, "/alerts/rules/leak").await;
    assert!(
        rule.contains("would have notified of 0 incidents") && rule.contains("of 1 found"),
        "{rule}"
    );

    find(&server, on[2], now(), &[leak(9)]).await;
    let told = dispatched(&server, now() + 2 * MINUTE).await;
    assert_eq!(subjects(&told).len(), 1, "{told:?}");
    assert!(subjects(&told)[0].contains("3 hosts"), "{told:?}");
    let rule = page(&server, "/alerts/rules/leak").await;
    assert!(rule.contains("would have notified of 1 incident "), "{rule}");

    done(&server, set, "least_hosts=1&threshold=0").await;
    find(&server, on[0], now() + 90 * MINUTE, &[leak(0)]).await;
    assert_eq!(dispatched(&server, now() + 95 * MINUTE).await, [Dispatched::Dropped]);
    assert!(page(&server, "/alerts").await.contains("never"));
}
