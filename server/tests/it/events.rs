//! Events, and the one warning that follows from them.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{Pool, event::Event, incident::Incident};
use poolwatch_protocol::v1::messages::{EventsReply, EventsRequest};
use poolwatch_server::{
    alerts::dispatch::{Dispatched, dispatch_due},
    jobs::diagnose_events,
};
use poolwatch_store::{incidents, jobs, outbox::MessageWords};

use crate::server::{Server, classic, json, now};

pub(crate) fn event(event_id: u32, record_id: u64, time: Timestamp) -> Event {
    Event {
        channel: "System".into(),
        record_id,
        time,
        provider: "Srv".into(),
        event_id,
        level: Some(2),
        computer: None,
        data: vec!["\\Device\\LanmanServer".into()],
        exhaustion: None,
    }
}

/// Sends events, and lets what they lead to happen.
pub(crate) async fn send(server: &Server, key: &str, events: Vec<Event>) -> EventsReply {
    let reply = upload(server, key, events).await;
    diagnose_events::do_due(&server.app, &Default::default()).await.unwrap();
    reply
}

async fn upload(server: &Server, key: &str, events: Vec<Event>) -> EventsReply {
    let request = EventsRequest { wall: now(), events, gap: false };
    let body = serde_json::to_vec(&request).unwrap();
    let response = server.post("/agent/v1/events", Some(key), &body).await;
    assert_eq!(response.status(), 200);
    json(response).await
}

pub(crate) async fn incidents(server: &Server) -> Vec<Incident> {
    let mut db = server.app.pool.acquire().await.unwrap();
    incidents::list(&mut db, incidents::IncidentFilter::default(), 100).await.unwrap()
}

/// The messages that are due once first ones have waited for what belongs to them.
pub(crate) async fn mails(server: &Server) -> Vec<MessageWords> {
    let mut mails = Vec::new();
    let waited = now() + SignedDuration::from_mins(1);
    while let Some(dispatched) = dispatch_due(&server.app, waited).await.unwrap() {
        if let Dispatched::Sent(words, _) = dispatched {
            mails.push(words);
        }
    }
    mails
}

#[tokio::test]
async fn event_2019_leads_to_one_incident_and_one_mail_with_the_culprit() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.contoso.test").await;
    let frame = agent.frame(classic(0));
    agent.send(&[&frame]).await;
    let now = now();
    let first = event(2019, 7, now);
    let again = event(2019, 8, now.checked_add(SignedDuration::from_secs(30)).unwrap());
    for _ in 0..2 {
        send(&server, &agent.key, vec![first.clone(), again.clone()]).await;
    }
    let incidents = incidents(&server).await;
    assert_eq!(incidents.len(), 1);
    assert_eq!(incidents[0].findings, 1, "both events are one finding");
    let mails = mails(&server).await;
    assert_eq!(mails.len(), 1, "warned once");
    for word in ["fs-02", "2019", "Thre", "mybadapp.exe", "90,472", "https://poolwatch.test/hosts/"]
    {
        let mail = &mails[0];
        assert!(mail.text.contains(word), "{word} is not in\n{}", mail.text);
    }
    assert!(mails[0].subject.contains("fs-02"), "{}", mails[0].subject);
}

#[tokio::test]
async fn events_older_than_enrolment_or_a_day_are_history_and_warn_nobody() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let hours_ago = |hours| now().checked_sub(SignedDuration::from_hours(hours)).unwrap();
    let old = vec![event(2019, 1, hours_ago(1)), event(2020, 2, hours_ago(48))];
    assert_eq!(send(&server, &agent.key, old).await.stored, 2);
    assert_eq!(incidents(&server).await, []);
    assert_eq!(mails(&server).await, []);
}

#[tokio::test]
async fn other_events_are_kept_and_warn_nobody() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let reply = send(&server, &agent.key, vec![event(2017, 1, now())]).await;
    assert_eq!((reply.stored, reply.known), (1, 0));
    assert_eq!(mails(&server).await, []);
}

#[tokio::test]
async fn hostile_events_are_refused_one_by_one() {
    let server = Server::start().await;
    let agent = server.enrol("fs-02").await;
    let now = now();
    let mut nul = event(2000, 1, now);
    nul.data = vec!["a\0b".into()];
    let mut long = event(2000, 2, now);
    long.provider = "x".repeat(10_000);
    let future = event(2019, 3, now.checked_add(SignedDuration::from_hours(5)).unwrap());
    let mut markup = event(2000, 4, now);
    markup.data = vec!["<script>alert(1)</script>".into()];
    let reply = send(&server, &agent.key, vec![nul, long, future, markup]).await;
    assert_eq!(reply.stored, 1);
    assert_eq!(reply.refused.iter().map(|r| r.index).collect::<Vec<_>>(), [0, 1, 2]);
}

#[tokio::test]
async fn events_of_a_server_that_was_killed_are_diagnosed_by_the_next_one() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    agent.send(&[&frame]).await;
    let reply = upload(&server, &agent.key, vec![event(2019, 7, now())]).await;
    assert_eq!(reply.stored, 1, "acknowledged before anything follows from it");
    assert_eq!(mails(&server).await, []);

    let next = server.restarted().await;
    for _ in 0..2 {
        diagnose_events::do_due(&next.app, &Default::default()).await.unwrap();
    }
    assert_eq!(incidents(&next).await.len(), 1);
    let mails = mails(&next).await;
    assert_eq!(mails.len(), 1, "once");
    assert!(mails[0].subject.contains("2019"), "{}", mails[0].subject);
}

#[tokio::test]
async fn what_is_under_way_when_more_events_come_is_done_again_with_all_of_them() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    agent.send(&[&frame]).await;
    upload(&server, &agent.key, vec![event(2019, 7, now())]).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let minute = SignedDuration::from_mins(1);
    let kinds = ["diagnose_events"];
    let leased = jobs::lease(&mut db, &kinds, now(), minute).await.unwrap().unwrap();
    jobs::add_again(&mut db, &leased.kind, leased.bucket, leased.first_host).await.unwrap();
    assert!(!jobs::complete(&mut db, &leased, now()).await.unwrap(), "it saw too little");
    diagnose_events::do_due(&server.app, &Default::default()).await.unwrap();
    assert_eq!(incidents(&server).await.len(), 1);
    assert!(jobs::lease(&mut db, &kinds, now(), minute).await.unwrap().is_none());
}

#[tokio::test]
async fn a_storm_of_events_of_one_host_is_one_diagnosis() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    agent.send(&[&frame]).await;
    let now = now();
    let later = |record: u64| now + SignedDuration::from_millis(record.cast_signed());
    let storm = (0..1000).map(|record| event(2019, record, later(record)));
    let begun = std::time::Instant::now();
    upload(&server, &agent.key, storm.collect()).await;
    assert!(begun.elapsed().as_secs() < 10, "{:?}", begun.elapsed());
    diagnose_events::do_due(&server.app, &Default::default()).await.unwrap();
    let incidents = incidents(&server).await;
    assert_eq!((incidents.len(), incidents[0].findings), (1, 1));
    assert_eq!(mails(&server).await.len(), 1);
    let mut db = server.app.pool.acquire().await.unwrap();
    let waiting = poolwatch_store::events::awaiting_diagnosis(&mut db, agent.id, 10).await.unwrap();
    assert_eq!(waiting, []);
}

#[tokio::test]
async fn both_pools_that_ran_out_in_one_upload_are_told() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    agent.send(&[&frame]).await;
    let now = now();
    let later = now + SignedDuration::from_secs(60);
    send(&server, &agent.key, vec![event(2020, 8, later), event(2019, 7, now)]).await;
    let pools: Vec<_> = incidents(&server).await.iter().map(|one| one.cause.pool()).collect();
    assert!(
        pools.contains(&Some(Pool::Paged)) && pools.contains(&Some(Pool::Nonpaged)),
        "{pools:?}"
    );
}

#[tokio::test]
async fn a_host_that_cannot_be_diagnosed_holds_up_no_other_and_no_upload() {
    let server = Server::start().await;
    let mut bad = server.enrol("bad").await;
    let frame = bad.frame(classic(0));
    bad.send(&[&frame]).await;
    let first = event(2019, 1, now());
    upload(&server, &bad.key, vec![first.clone()]).await;
    // What is stored of its events cannot be read.
    let mut db = server.app.pool.acquire().await.unwrap();
    let spoil = "UPDATE events SET received_at = 'infinity' WHERE host_id = $1";
    sqlx::query(spoil).bind(bad.id.0).execute(&mut *db).await.unwrap();
    drop(db);
    let mut good = server.enrol("good").await;
    let frame = good.frame(classic(0));
    good.send(&[&frame]).await;
    send(&server, &good.key, vec![event(2019, 1, now())]).await;
    let found = incidents(&server).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].hosts, [good.id]);
    let again = upload(&server, &bad.key, vec![first, event(2017, 2, now())]).await;
    assert_eq!((again.stored, again.known), (1, 1), "its uploads are taken as ever");
}
