//! Channels beside mail: syslog, what asks for a key, and signing in by a token.

use std::time::{Duration, Instant};

use poolwatch_model::alerting::{DeliveryState, RecipientId};
use poolwatch_server::{
    alerts::{
        deliver::{Courier, deliver_due},
        mailer::Mailer,
        secrets,
    },
    cli::MailOptions,
    jobs::RunningJobs,
};
use poolwatch_store::{recipients, testing};
use tokio::{
    io::AsyncReadExt,
    net::{TcpListener, UdpSocket},
};

use super::{
    MINUTE, dispatched, done, header, leak_on, listed, mailer,
    receiver::Receiver,
    relay::{Deed, Relay},
};
use crate::{
    events::event,
    records::hosts as some_hosts,
    server::{Server, TestClock, now},
};

fn encoded(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

async fn allow_private(server: &Server) {
    done(server, "/alerts/settings", "heartbeat=off&hours=24&allows_private=yes").await;
}

#[tokio::test]
async fn syslog_goes_out_by_udp_and_by_tcp_with_its_length_before_it() {
    let server = Server::start().await;
    allow_private(&server).await;
    let datagrams = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let streams = TcpListener::bind("127.0.0.1:0").await.unwrap();
    for address in [
        format!("udp://{}", datagrams.local_addr().unwrap()),
        format!("tcp://{}", streams.local_addr().unwrap()),
    ] {
        let form = format!("name=Logs&kind=syslog&least=note&address={}", encoded(&address));
        done(&server, "/alerts/recipients", &form).await;
    }
    let on = some_hosts(&server, 1).await;
    leak_on(&server, &on, now() - MINUTE).await;
    dispatched(&server, now()).await;
    let received = tokio::spawn(async move {
        let (mut stream, _) = streams.accept().await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    });
    while deliver_due(&server.app, &Courier::Webhook).await.unwrap() {}
    let mut datagram = [0; 4096];
    let length = datagrams.recv(&mut datagram).await.unwrap();
    let datagram = std::str::from_utf8(&datagram[..length]).unwrap();
    assert!(datagram.starts_with("<28>1 2"), "{datagram}");
    assert!(datagram.contains(" poolwatch.test poolwatch - alert [poolwatch@32473 "), "{datagram}");
    let text = received.await.unwrap();
    let (length, message) = text.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len());
    assert!(message.ends_with(datagram.split_once('\u{feff}').unwrap().1), "{message}");
    let sent = listed(&server).await;
    assert_eq!(sent.iter().filter(|one| matches!(one.state, DeliveryState::Sent(_))).count(), 2);
}

#[tokio::test]
async fn a_channels_secret_is_sealed_and_goes_out_where_it_belongs() {
    let server = Server::start().await;
    allow_private(&server).await;
    let receiver = Receiver::start(&[]).await;
    for (kind, secret) in [("opsgenie", "key"), ("servicenow", "ana:pass:word")] {
        let (address, secret) = (encoded(&receiver.url()), encoded(secret));
        let form = format!("name=x&kind={kind}&least=note&address={address}&secret={secret}");
        done(&server, "/alerts/recipients", &form).await;
    }
    let mut db = server.app.pool.acquire().await.unwrap();
    assert_eq!(recipients::next_plain_secret(&mut db).await.unwrap(), None);
    let on = some_hosts(&server, 1).await;
    leak_on(&server, &on, now() - MINUTE).await;
    dispatched(&server, now()).await;
    while deliver_due(&server.app, &Courier::Webhook).await.unwrap() {}
    let requests = receiver.requests().await;
    let mut authorizations: Vec<&str> =
        requests.iter().map(|(headers, _)| headers["authorization"].to_str().unwrap()).collect();
    authorizations.sort_unstable();
    assert_eq!(authorizations, ["Basic YW5hOnBhc3M6d29yZA==", "GenieKey key"]);
}

#[tokio::test]
async fn a_secret_of_an_earlier_version_is_sealed_at_the_start() {
    let server = Server::start().await;
    allow_private(&server).await;
    let receiver = Receiver::start(&[]).await;
    let form = format!("name=x&kind=webhook&least=note&address={}", encoded(&receiver.url()));
    done(&server, "/alerts/recipients", &form).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let id = recipients::list(&mut db).await.unwrap()[0].id.unwrap();
    testing::keep_plain_secret(&mut db, id, "shared").await.unwrap();
    let app = &server.app;
    assert_eq!(secrets::seal_plain(&app.pool, &app.sealing_key).await.unwrap(), 1);
    assert_eq!(secrets::seal_plain(&app.pool, &app.sealing_key).await.unwrap(), 0);
    assert_eq!(
        recipients::next_plain_secret(&mut db).await.unwrap(),
        None::<(RecipientId, String)>
    );
    let on = some_hosts(&server, 1).await;
    leak_on(&server, &on, now() - MINUTE).await;
    dispatched(&server, now()).await;
    while deliver_due(&server.app, &Courier::Webhook).await.unwrap() {}
    let requests = receiver.requests().await;
    assert!(requests[0].0.contains_key("x-poolwatch-signature"), "{requests:?}");
}

#[tokio::test]
async fn more_than_a_recipient_takes_in_an_hour_waits_and_what_is_critical_does_not() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    allow_private(&server).await;
    let receiver = Receiver::start(&[]).await;
    let address = encoded(&receiver.url());
    let form = format!("name=x&kind=webhook&least=note&per_hour=1&address={address}");
    done(&server, "/alerts/recipients", &form).await;
    let on = some_hosts(&server, 2).await;
    let leak = crate::records::leak(9);
    let other = {
        let mut other = leak.clone();
        other.suspects[0].tags = vec![poolwatch_model::PoolTag::new(*b"Barr")];
        other.tags[0].tag = poolwatch_model::PoolTag::new(*b"Barr");
        other
    };
    let empty = {
        let mut empty = leak.clone();
        empty.verdict = poolwatch_model::diagnosis::Verdict::Exhausted;
        empty
    };
    crate::records::find(&server, on[0], begun, &[leak]).await;
    crate::records::find(&server, on[1], begun, &[other]).await;
    clock.set(begun + 2 * MINUTE);
    dispatched(&server, begun + 2 * MINUTE).await;
    while deliver_due(&server.app, &Courier::Webhook).await.unwrap() {}
    assert_eq!(receiver.requests().await.len(), 1, "one within the hour");
    crate::records::find(&server, on[0], begun + 3 * MINUTE, &[empty]).await;
    clock.set(begun + 4 * MINUTE);
    dispatched(&server, begun + 4 * MINUTE).await;
    while deliver_due(&server.app, &Courier::Webhook).await.unwrap() {}
    assert_eq!(receiver.requests().await.len(), 2, "what is critical does not wait");
    clock.set(begun + 70 * MINUTE);
    while deliver_due(&server.app, &Courier::Webhook).await.unwrap() {}
    assert_eq!(receiver.requests().await.len(), 3);
}

#[tokio::test]
async fn a_clock_that_jumped_ahead_and_back_delays_no_message() {
    let begun = now();
    let ahead = begun + jiff::SignedDuration::from_hours(30);
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    allow_private(&server).await;
    let receiver = Receiver::start(&[200, 503]).await;
    let address = encoded(&receiver.url());
    let form = format!("name=x&kind=webhook&least=note&per_hour=1&address={address}");
    done(&server, "/alerts/recipients", &form).await;
    let on = some_hosts(&server, 2).await;
    let mut other = crate::records::leak(9);
    let barr = poolwatch_model::PoolTag::new(*b"Barr");
    (other.suspects[0].tags, other.tags[0].tag) = (vec![barr], barr);
    // One is sent while the clock is wrong, one put back, and one is to wait for what belongs to it.
    leak_on(&server, &on[..1], begun - 2 * MINUTE).await;
    crate::records::find(&server, on[1], begun - 2 * MINUTE, &[other]).await;
    clock.set(ahead);
    dispatched(&server, ahead).await;
    sqlx::query("UPDATE recipients SET per_hour = 120").execute(&server.app.pool).await.unwrap();
    while deliver_due(&server.app, &Courier::Webhook).await.unwrap() {}
    assert_eq!(receiver.requests().await.len(), 2, "one taken, one not");
    sqlx::query("UPDATE recipients SET per_hour = 1").execute(&server.app.pool).await.unwrap();
    let mut third = crate::records::leak(9);
    let third_tag = poolwatch_model::PoolTag::new(*b"Thrd");
    (third.suspects[0].tags, third.tags[0].tag) = (vec![third_tag], third_tag);
    crate::records::find(&server, on[0], ahead, &[third]).await;
    clock.set(begun);
    dispatched(&server, begun).await;
    assert!(deliver_due(&server.app, &Courier::Webhook).await.unwrap(), "it is due again");
    let waiting = "SELECT count(*) FROM outbox WHERE sent_at IS NULL";
    let waiting: i64 = sqlx::query_scalar(waiting).fetch_one(&server.app.pool).await.unwrap();
    assert_eq!((receiver.requests().await.len(), waiting), (3, 0));
}

#[tokio::test]
async fn a_mail_server_that_asks_for_a_password_or_a_token_gets_it() {
    let server = Server::start().await;
    let authority = Receiver::start_with(&[], r#"{"access_token":"tok","expires_in":3600}"#).await;
    let on = some_hosts(&server, 1).await;
    let options = |url: String| MailOptions {
        smtp_url: Some(url),
        mail_from: Some("poolwatch@example.com".into()),
        ..MailOptions::default()
    };
    // "\0ana\0pass" and "user=poolwatch@example.com\x01auth=Bearer tok\x01\x01", encoded.
    let token = "dXNlcj1wb29sd2F0Y2hAZXhhbXBsZS5jb20BYXV0aD1CZWFyZXIgdG9rAQE=";
    for (step, (mechanisms, expected)) in [
        ("PLAIN LOGIN", "AUTH PLAIN AGFuYQBwYXNz".to_owned()),
        ("XOAUTH2", format!("AUTH XOAUTH2 {token}")),
    ]
    .into_iter()
    .enumerate()
    {
        let relay = Relay::start_asking(mechanisms, &expected).await;
        let options = match mechanisms {
            "XOAUTH2" => MailOptions {
                smtp_oauth_token_url: Some(authority.url()),
                smtp_oauth_client_id: Some("app".into()),
                smtp_oauth_client_secret: Some("s&cret".into()),
                ..options(format!("smtp://{}", relay.address))
            },
            _ => options(format!("smtp://ana:pass@{}", relay.address)),
        };
        let courier =
            Courier::Mail(Mailer::new(&options, "https://poolwatch.test").unwrap().unwrap());
        let at = now() - MINUTE * (10 - i32::try_from(step).unwrap());
        crate::records::find(&server, on[0], at, &[crate::records::leak(9 - step as u64 * 9)])
            .await;
        dispatched(&server, now()).await;
        while deliver_due(&server.app, &courier).await.unwrap() {}
        assert_eq!(relay.mails().await.len(), 1, "{mechanisms}: {:?}", listed(&server).await);
    }
    let asked = authority.requests().await;
    assert_eq!(asked.len(), 1, "one token");
    let form = &asked[0].1;
    assert!(form.contains("grant_type=client_credentials&client_id=app"), "{form}");
    let scope = "scope=https%3A%2F%2Foutlook.office365.com%2F.default";
    assert!(form.contains("client_secret=s%26cret") && form.contains(scope), "{form}");
}

#[tokio::test]
async fn a_mail_server_whose_certificate_nobody_vouches_for_gets_no_mail() {
    let server = Server::start().await;
    let relay = Relay::start_tls().await;
    let on = some_hosts(&server, 1).await;
    leak_on(&server, &on, now() - MINUTE).await;
    dispatched(&server, now()).await;
    let options = MailOptions {
        smtp_url: Some(format!("smtps://ana:pass@localhost:{}", relay.address.port())),
        mail_from: Some("poolwatch@example.com".into()),
        ..MailOptions::default()
    };
    let courier = Courier::Mail(Mailer::new(&options, "https://poolwatch.test").unwrap().unwrap());
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    let delivery = listed(&server).await.remove(0);
    assert!(matches!(delivery.state, DeliveryState::Waiting(_)), "a certificate can be mended");
    let words = delivery.answer.unwrap();
    assert!(words.to_lowercase().contains("certificate"), "{words}");
    assert_eq!(relay.mails().await.len(), 0);
}

#[tokio::test]
async fn a_relay_that_hangs_keeps_no_other_recipient_waiting() {
    let begun = now();
    let clock = TestClock::new(begun);
    let server = Server::start_at(clock.clone()).await;
    let form = "name=Web&kind=mail&address=web%40example.com&least=note";
    done(&server, "/alerts/recipients", form).await;
    let relay = Relay::start(&[Deed::Hang]).await;
    let on = some_hosts(&server, 1).await;
    leak_on(&server, &on, begun - MINUTE).await;
    dispatched(&server, begun).await;
    let courier = mailer(&relay);
    let (app, hanging) = (server.app.clone(), courier.clone());
    let hangs = tokio::spawn(async move { deliver_due(&app, &hanging).await });
    let begun_waiting = Instant::now();
    while relay.conversations().await == 0 && begun_waiting.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(deliver_due(&server.app, &courier).await.unwrap(), "the other one");
    assert_eq!(relay.mails().await.len(), 1);
    // The server dies while the relay hangs: after the lease, the same goes out once.
    hangs.abort();
    assert!(!deliver_due(&server.app, &courier).await.unwrap(), "it is leased");
    // A server that starts anew has no connection that hangs.
    let courier = mailer(&relay);
    clock.set(begun + 3 * MINUTE);
    assert!(deliver_due(&server.app, &courier).await.unwrap());
    assert!(!deliver_due(&server.app, &courier).await.unwrap());
    let mails = relay.mails().await;
    assert_eq!(mails.len(), 2);
    assert_eq!(header(&mails[0], "Message-ID:"), header(&mails[1], "Message-ID:"));
    assert_ne!(header(&mails[0], "To:"), header(&mails[1], "To:"));
}

#[tokio::test]
async fn from_an_event_to_the_relay_it_takes_seconds() {
    const EVENTS: u64 = 20;
    let server = Server::start().await;
    let relay = Relay::start(&[]).await;
    let Courier::Mail(mailer) = mailer(&relay) else { unreachable!("it sends mails") };
    let jobs = RunningJobs::start(&server.app, Some(mailer)).unwrap();
    let mut took = Vec::new();
    for number in 0..EVENTS {
        let mut agent = server.enrol(&format!("fs-{number}")).await;
        // Nobody can be named: each host is a cause of its own.
        let mut snapshot = crate::server::classic(0);
        (snapshot.tags, snapshot.processes) = (None, None);
        let frame = agent.frame(snapshot);
        assert_eq!(agent.send(&[&frame]).await.status(), 200);
        let request = poolwatch_protocol::v1::messages::EventsRequest {
            wall: now(),
            events: vec![event(2019, 7, now())],
            gap: false,
        };
        let body = serde_json::to_vec(&request).unwrap();
        let begun = Instant::now();
        let response = server.post("/agent/v1/events", Some(&agent.key), &body).await;
        assert_eq!(response.status(), 200);
        let wanted = format!("fs-{number}:");
        let has_come = |mails: Vec<String>| {
            mails.iter().any(|mail| header(mail, "Subject:").contains(&wanted))
        };
        while !has_come(relay.mails().await) {
            assert!(begun.elapsed() < Duration::from_secs(60), "no mail of {wanted}");
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        took.push(begun.elapsed());
    }
    jobs.finish().await;
    took.sort_unstable();
    let (median, p95) = (took[took.len() / 2], took[took.len() * 95 / 100 - 1]);
    println!("event to relay: median {median:?}, p95 {p95:?}");
    assert!(p95 < Duration::from_secs(5), "{took:?}");
}
