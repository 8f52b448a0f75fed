//! Leaks that are found before any event, and what people are told of them.

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::release::{self, Effect};
use poolwatch_detection::{Look, case::is_wrong, comparison::ComparisonSchedule};
use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag, Snapshot,
    diagnosis::{Diagnosis, Evidence, Verdict},
    driver_scan::{DriverScan, FileHash, FoundTag},
    incident::{Cause, IncidentState},
    inventory::{Driver, Inventory},
    tag::{TagCounters, TagUse},
};
use poolwatch_server::{
    fleet::{
        drivers::{self, Book},
        refresh::{Keeper, refresh},
    },
    jobs::{compare_incidents::compare_due, diagnose_hosts::diagnose_host},
    judging::record::{Judged, Kind, record_cause},
};
use poolwatch_store::{
    driver_scans,
    incidents::{self, IncidentFilter},
    inventories,
};

use crate::{
    events::{event, incidents as listed, mails, send},
    server::{Agent, Server, classic, now},
};

/// Frames of the leak, one every three minutes: two days and a little more.
const FRAMES: u64 = 1000;
const STEP_MS: u64 = 180_000;

/// The classic case while it grows: about 100 threads a minute, of 640 bytes each.
pub(crate) fn growing(step: u64) -> Snapshot {
    let mut snapshot = classic(step * 300);
    let leaked = u32::try_from(step * 300).unwrap();
    let process = &mut snapshot.processes.as_mut().unwrap()[0];
    process.handles = process.handles.map(|handles| handles + leaked);
    snapshot.memory.nonpaged = Some(Bytes((100 << 20) + step * 192_000));
    snapshot.memory.nonpaged_limit = Some(Bytes(600 << 20));
    snapshot
}

/// The same host after a restart: hardly any handle is open.
fn healthy() -> Snapshot {
    let mut snapshot = growing(0);
    snapshot.memory.nonpaged = Some(Bytes(40 << 20));
    snapshot.processes.as_mut().unwrap()[0].handles = Some(300);
    for row in &mut snapshot.tags.as_mut().unwrap().rows {
        row.nonpaged.bytes /= 100;
        row.nonpaged.outstanding /= 100;
    }
    snapshot
}

pub(crate) async fn send_all(agent: &mut Agent<'_>, snapshot: impl Fn(u64) -> Snapshot) {
    agent.step_ms = STEP_MS;
    let frames: Vec<Vec<u8>> = (0..FRAMES).map(|step| agent.frame(snapshot(step))).collect();
    let frames: Vec<&[u8]> = frames.iter().map(Vec::as_slice).collect();
    assert_eq!(agent.send(&frames).await.status(), 200);
}

/// Whether anything is wrong with a host.
pub(crate) async fn diagnose(server: &Server, host: HostId, now: Timestamp) -> bool {
    let found = diagnose_host(&server.app, host, &Look::default(), now).await.unwrap();
    found.expect("there is such a host").diagnoses.iter().any(is_wrong)
}

#[tokio::test]
async fn a_leak_is_told_once_before_any_event_and_again_when_the_pool_is_empty() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02.contoso.test").await;
    send_all(&mut agent, growing).await;

    for _ in 0..2 {
        let found = diagnose(&server, agent.id, now()).await;
        assert!(found);
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

    send(&server, &agent.key, vec![event(2019, 7, now())]).await;
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
    send_all(&mut agent, |_| steady.clone()).await;
    let found = diagnose(&server, agent.id, now()).await;
    assert!(!found);
    assert_eq!(listed(&server).await, []);
    assert_eq!(mails(&server).await, []);
}

#[tokio::test]
async fn growth_that_is_too_little_to_tell_anybody_is_watched() {
    let server = Server::start().await;
    let mut agent = server.enrol("slow").await;
    send_all(&mut agent, |step| fooo(step / 100, true)).await;
    let now = now();
    assert!(!diagnose(&server, agent.id, now).await);
    assert_eq!(listed(&server).await, []);
    let live = server.app.fleet.known(agent.id).unwrap();
    let watching = live.watching(now).expect("30 MB in two days");
    let headline = poolwatch_web::words::headline(&watching);
    assert!(headline.contains("Worth watching: tag Fooo"), "{headline}");
    assert_eq!(live.watching(now + SignedDuration::from_hours(4)), None);
}

#[tokio::test]
async fn a_restart_resolves_nothing() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    send_all(&mut agent, growing).await;
    diagnose(&server, agent.id, now()).await;
    // Moments are told apart by the second.
    tokio::time::sleep(std::time::Duration::from_millis(1200)).await;
    agent.restart();
    agent.step_ms = 1;
    let later = agent.frame(healthy());
    agent.send(&[&later]).await;
    diagnose(&server, agent.id, now() + SignedDuration::from_mins(2)).await;
    let mut db = server.app.pool.acquire().await.unwrap();
    let all = incidents::list(&mut db, IncidentFilter::default(), 10).await.unwrap();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].state, IncidentState::ResetByReboot);
}

#[tokio::test]
async fn the_event_of_a_pool_that_was_known_to_be_full_is_told_once() {
    let server = Server::start().await;
    let mut agent = server.enrol("fs-02").await;
    let frame = agent.frame(classic(0));
    agent.send(&[&frame]).await;
    diagnose(&server, agent.id, now()).await;
    assert_eq!(mails(&server).await.len(), 1, "97 % of a measured limit");
    for (record, expected) in [(7, 1), (8, 0)] {
        let now = now();
        send(&server, &agent.key, vec![event(2019, record, now)]).await;
        let told = mails(&server).await;
        assert_eq!(told.len(), expected);
        assert!(told.iter().all(|mail| mail.subject.contains("2019")));
    }
    assert_eq!(listed(&server).await.len(), 1);
}

/// Nothing but a tag that is in no list grows: 1.4 GB a day.
fn fooo(step: u64, grows: bool) -> Snapshot {
    let mut snapshot = growing(0);
    snapshot.memory.nonpaged_limit = None;
    let outstanding = 2000 + if grows { step * 3000 } else { 0 };
    let counters =
        TagCounters { bytes: outstanding * 1024, outstanding, allocs: 5000 * (step + 1) };
    let row =
        TagUse { tag: PoolTag::new(*b"Fooo"), paged: TagCounters::default(), nonpaged: counters };
    let table = snapshot.tags.as_mut().unwrap();
    table.rows.push(row);
    table.rows.sort_by_key(|row| row.tag);
    snapshot
}

#[tokio::test]
async fn a_driver_that_only_affected_hosts_have_is_named_and_told_of_once() {
    let server = Server::start().await;
    let mut affected = Vec::new();
    for number in 0..20 {
        let is_affected = number % 3 == 0;
        let mut agent = server.enrol(&format!("web-{number}")).await;
        send_all(&mut agent, |step| fooo(step, is_affected)).await;
        let version = if is_affected { "5.1" } else { "5.0" };
        let inventory = serde_json::json!({
            "facts": { "fqdn": format!("web-{number}") },
            "inventory": { "drivers": [{ "name": "foo.sys", "version": version },
                { "name": "net.sys", "version": "1" }] },
        });
        let body = serde_json::to_vec(&inventory).unwrap();
        server.post("/agent/v1/inventory", Some(&agent.key), &body).await;
        if is_affected {
            affected.push(agent.id);
        }
    }
    let (mut compared, mut book) = (ComparisonSchedule::default(), Book::default());
    for round in 0..3 {
        for host in &affected {
            diagnose(&server, *host, now()).await;
        }
        let (_, made) =
            refresh(&server.app.pool, &server.app.fleet, Keeper::default(), 60, now()).await;
        made.unwrap();
        let (pool, fleet) = (&server.app.pool, &server.app.fleet);
        drivers::refresh(pool, fleet, &mut book, now()).await.unwrap();
        let unknown = compare_due(&server.app, &mut compared, now()).await.unwrap();
        assert_eq!(unknown.len(), usize::from(round == 0), "named after the first comparison");
        for host in unknown {
            diagnose(&server, host, now()).await;
        }
    }
    let incidents = listed(&server).await;
    assert_eq!(incidents.len(), 1, "{incidents:#?}");
    assert_eq!(incidents[0].hosts, affected);
    let Cause::Driver { driver, version, .. } = &incidents[0].cause else {
        panic!("{:?}", incidents[0].cause)
    };
    assert_eq!((driver.as_str(), version.as_deref()), ("foo.sys", Some("5.1")));
    let told = mails(&server).await;
    let subjects: Vec<&str> = told.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(subjects.len(), 1, "who it is became known before the mail went out: {subjects:#?}");
    assert!(subjects[0].contains("7 hosts") && subjects[0].contains("foo.sys 5.1"), "{subjects:?}");
}

#[tokio::test]
async fn a_driver_whose_code_allocates_by_the_tag_is_named_with_its_version() {
    let server = Server::start().await;
    let mut agent = server.enrol("web-1").await;
    send_all(&mut agent, |step| fooo(step, true)).await;
    let driver = |name: &str, version: &str, number| Driver {
        name: name.into(),
        version: Some(version.into()),
        sha256: Some(FileHash::new([number; 32])),
        ..Driver::default()
    };
    let drivers = [driver("bkflt.sys", "12.1", 1), driver("other.sys", "3.0", 2)];
    let tag = FoundTag::new(PoolTag::new(*b"Fooo"));
    let found = [FoundTag { allocations: 2, frees: 1, ..tag }, FoundTag { numbers: 4, ..tag }];
    let mut db = server.app.pool.acquire().await.unwrap();
    for (driver, tag) in drivers.iter().zip(found) {
        let scan =
            DriverScan { sha256: driver.sha256.unwrap(), tags: vec![tag], is_partial: false };
        driver_scans::keep(&mut db, agent.id, driver, &scan, now()).await.unwrap();
    }
    let inventory = Inventory { drivers: drivers.into(), ..Inventory::default() };
    inventories::replace(&mut db, agent.id, &inventory, now()).await.unwrap();
    assert!(diagnose(&server, agent.id, now()).await);
    let incidents = listed(&server).await;
    let Cause::Driver { driver, version, .. } = &incidents[0].cause else {
        panic!("{:?}", incidents[0].cause)
    };
    assert_eq!((driver.as_str(), version.as_deref()), ("bkflt.sys", Some("12.1")));
}

#[tokio::test]
async fn what_a_new_version_did_to_a_leak_is_told_on_its_incident_once() {
    let server = Server::start().await;
    let mut agent = server.enrol("web-1").await;
    // Half of the two days it leaks, then foo.sys is changed and it does not.
    send_all(&mut agent, |step| fooo(step.min(FRAMES / 2), true)).await;
    let now = now();
    let mut db = server.app.pool.acquire().await.unwrap();
    for (version, hours_ago) in [("5.0", 100), ("5.1", 25)] {
        let driver =
            Driver { name: "foo.sys".into(), version: Some(version.into()), ..Driver::default() };
        let inventory = Inventory { drivers: vec![driver], ..Inventory::default() };
        let at = now - SignedDuration::from_hours(hours_ago);
        inventories::replace(&mut db, agent.id, &inventory, at).await.unwrap();
    }
    let (tag, pool) = (PoolTag::new(*b"Fooo"), Pool::Nonpaged);
    let cause = Cause::Driver { driver: "foo.sys".into(), version: Some("5.0".into()), tag, pool };
    let diagnosis = Diagnosis { verdict: Verdict::Leak, pool: Some(pool), ..Diagnosis::default() };
    let judged = Judged {
        host: agent.id,
        at: now - SignedDuration::from_hours(26),
        uptime_s: 86_400,
        diagnoses: &[],
        outcomes: &[],
        kind: Kind::Study,
    };
    let (id, _) = record_cause(&mut db, &judged, &cause, &diagnosis).await.unwrap();
    for _ in 0..2 {
        diagnose(&server, agent.id, now).await;
    }
    let filter = IncidentFilter { id: Some(id), ..IncidentFilter::default() };
    let incidents = incidents::list(&mut db, filter, 1).await.unwrap();
    let outcomes: Vec<_> = incidents[0]
        .diagnosis
        .evidence
        .iter()
        .filter_map(|fact| match fact {
            Evidence::VersionOutcome { before, after, per_day_before, per_day_after, .. } => {
                let effect = release::effect_of_change(*per_day_before, *per_day_after);
                Some((before.as_str(), after.as_str(), effect))
            }
            _ => None,
        })
        .collect();
    assert_eq!(outcomes, [("5.0", "5.1", Some(Effect::Ended))], "{:?}", incidents[0].diagnosis);
}
