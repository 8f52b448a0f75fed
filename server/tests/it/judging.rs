//! Leaks that are found before any event, and what people are told of them.

use jiff::SignedDuration;
use poolwatch_model::{
    Bytes, Snapshot,
    diagnosis::Verdict,
    incident::{Cause, IncidentState},
};
use poolwatch_server::{clock, judging};
use poolwatch_store::incidents::{self, IncidentFilter};

use crate::{
    events::{event, incidents as listed, mails, send},
    server::{Server, classic},
};

/// Minutes of the leak, one frame each.
const MINUTES: u64 = 1000;

/// The classic case while it grows: about 300 threads a minute, of 640 bytes each.
fn growing(minute: u64) -> Snapshot {
    let mut snapshot = classic(minute * 300);
    let leaked = u32::try_from(minute * 300).unwrap();
    let process = &mut snapshot.processes.as_mut().unwrap()[0];
    process.handles = process.handles.map(|handles| handles + leaked);
    snapshot.memory.nonpaged = Some(Bytes(100 << 20).max(Bytes((100 << 20) + minute * 192_000)));
    snapshot.memory.nonpaged_limit = Some(Bytes(600 << 20));
    snapshot
}

#[tokio::test]
async fn a_leak_is_told_once_before_any_event_and_again_when_the_pool_is_empty() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.contoso.test").await;
    let frames: Vec<Vec<u8>> = (0..MINUTES).map(|minute| agent.frame(growing(minute))).collect();
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    assert_eq!(agent.send(&frames).await.status(), 200);

    for _ in 0..2 {
        let found = judging::study(&server.app, agent.id, clock::now()).await.unwrap();
        assert_eq!(found, Some(true));
    }
    let incidents = listed(&server).await;
    assert_eq!(incidents.len(), 1);
    let incident = &incidents[0];
    assert_eq!(incident.diagnosis.verdict, Verdict::Leak);
    assert!(matches!(&incident.cause, Cause::Program { image, .. } if image == "mybadapp.exe"));
    assert_eq!(incident.hosts, [agent.id]);
    let told = mails(&server).await;
    assert_eq!(told.len(), 1, "told once, however often it is studied");
    for word in ["fs-02", "mybadapp.exe", "Thre"] {
        assert!(told[0].text.contains(word), "{word} is not in\n{}", told[0].text);
    }

    send(&server, &agent.key, vec![event(2019, 7, clock::now())]).await;
    let incidents = listed(&server).await;
    assert_eq!((incidents.len(), incidents[0].id), (1, incident.id), "it is the same cause");
    assert_eq!(incidents[0].diagnosis.verdict, Verdict::Exhausted);
    let told = mails(&server).await;
    assert_eq!(told.len(), 1);
    assert!(told[0].subject.contains("2019"), "{}", told[0].subject);
    let mut db = server.app.pool.acquire().await.unwrap();
    let details = incidents::details(&mut db, incident.id).await.unwrap();
    let picture = details.picture.expect("the hours before the event are kept");
    assert!(!picture.grew.is_empty() && !picture.held.is_empty(), "{picture:?}");
}

#[tokio::test]
async fn a_quiet_host_is_studied_and_nobody_is_told_anything() {
    let server = Server::start().await;
    let mut agent = server.enrol("quiet").await;
    let mut steady = growing(0);
    steady.memory.nonpaged_limit = None;
    let frames: Vec<Vec<u8>> = (0..600).map(|_| agent.frame(steady.clone())).collect();
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    agent.send(&frames).await;
    let found = judging::study(&server.app, agent.id, clock::now()).await.unwrap();
    assert_eq!(found, Some(false));
    assert_eq!(listed(&server).await, []);
    assert_eq!(mails(&server).await, []);
}

#[tokio::test]
async fn a_restart_resolves_nothing() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frames: Vec<Vec<u8>> = (0..MINUTES).map(|minute| agent.frame(growing(minute))).collect();
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    agent.send(&frames).await;
    judging::study(&server.app, agent.id, clock::now()).await.unwrap();
    agent.restart();
    let later = agent.frame(growing(0));
    agent.send(&[&later]).await;
    judging::study(&server.app, agent.id, clock::now() + SignedDuration::from_mins(2))
        .await
        .unwrap();
    let mut db = server.app.pool.acquire().await.unwrap();
    let all = incidents::list(&mut db, IncidentFilter::default(), 10).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, IncidentState::ResetByReboot);
}
