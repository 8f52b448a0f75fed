//! Events, and the one warning that follows from them.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{event::Event, incident::Incident};
use poolwatch_protocol::v1::messages::{EventsReply, EventsRequest};
use poolwatch_store::{incidents, outbox};

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

pub(crate) async fn send(server: &Server, key: &str, events: Vec<Event>) -> EventsReply {
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

pub(crate) async fn mails(server: &Server) -> Vec<outbox::NewMessage> {
    let mut db = server.app.pool.acquire().await.unwrap();
    let mut mails = Vec::new();
    let lease = SignedDuration::from_hours(1);
    while let Some(leased) = outbox::lease(&mut db, now(), lease).await.unwrap() {
        mails.push(leased.message);
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
    assert_eq!(incidents[0].findings, 2);
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
