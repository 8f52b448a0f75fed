//! Incidents and findings.

use poolwatch_model::{
    HostId, Pool, PoolTag,
    diagnosis::{Diagnosis, Verdict},
    incident::{Cause, IncidentId, IncidentState, Note, Noted, Picture, Reason, Trigger},
};
use poolwatch_store::{
    PgPool,
    incidents::{self, IncidentFilter, IncidentRecord},
    testing,
};
use sqlx::{Connection, PgConnection};

use crate::later;

fn leak() -> Cause {
    Cause::UnknownOwner { tag: PoolTag::new(*b"Fooo"), pool: Pool::Nonpaged }
}

fn diagnosis() -> Diagnosis {
    Diagnosis { verdict: Verdict::Leak, pool: Some(Pool::Nonpaged), ..Diagnosis::default() }
}

fn record<'a>(diagnosis: &'a Diagnosis, state: IncidentState, hosts: &[i32]) -> IncidentRecord<'a> {
    IncidentRecord {
        state,
        lifecycle: serde_json::json!({ "state": state }),
        diagnosis,
        worst: hosts.first().map(|host| HostId(*host)),
        hosts: hosts.iter().map(|host| HostId(*host)).collect(),
    }
}

async fn open(db: &mut PgConnection) -> IncidentId {
    let diagnosis = diagnosis();
    let new = record(&diagnosis, IncidentState::Growing, &[1]);
    let id = incidents::open(db, &leak(), later(0), &new).await.unwrap();
    incidents::add_finding(db, id, HostId(1), later(0), &diagnosis).await.unwrap();
    id
}

#[tokio::test]
async fn a_cause_has_one_unresolved_incident_over_many_hosts() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = open(&mut db).await;
    assert_eq!(incidents::lock_cause(&mut db, &leak()).await.unwrap().unwrap().id, id);
    let diagnosis = diagnosis();
    let new = record(&diagnosis, IncidentState::Growing, &[2]);
    let again = incidents::open(&mut db, &leak(), later(1), &new).await;
    assert!(again.is_err(), "the database itself refuses a second one");

    incidents::add_finding(&mut db, id, HostId(1), later(0), &diagnosis).await.unwrap();
    incidents::add_finding(&mut db, id, HostId(2), later(5), &diagnosis).await.unwrap();
    let empty = Diagnosis { verdict: Verdict::Exhausted, ..diagnosis.clone() };
    let worse = record(&empty, IncidentState::Worsening, &[1, 2]);
    incidents::set_record(&mut db, id, &worse, later(5), None).await.unwrap();
    let of_host = IncidentFilter { host: Some(HostId(2)), ..Default::default() };
    let listed = incidents::list(&mut db, of_host, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].findings, listed[0].last_seen), (2, later(5)));
    assert_eq!(listed[0].state, IncidentState::Worsening);
    assert_eq!(listed[0].hosts, [HostId(1), HostId(2)]);
    assert_eq!((&listed[0].diagnosis, listed[0].worst), (&empty, Some(HostId(1))));
    let last = incidents::last_finding(&mut db, id, HostId(1)).await.unwrap();
    assert_eq!(last, Some(later(0)));
}

#[tokio::test]
async fn who_asks_for_a_cause_waits_for_whoever_asked_before() {
    let pool = testing::database().await.unwrap();
    let mut first = pool.acquire().await.unwrap();
    let mut transaction = first.begin().await.unwrap();
    assert_eq!(incidents::lock_cause(&mut transaction, &leak()).await.unwrap(), None);
    let second = tokio::spawn(second(pool.clone()));
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let id = open(&mut transaction).await;
    transaction.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), Some(id), "it sees what the first one opened");
}

async fn second(pool: PgPool) -> Option<IncidentId> {
    let mut db = pool.acquire().await.unwrap();
    let mut transaction = db.begin().await.unwrap();
    let found = incidents::lock_cause(&mut transaction, &leak()).await.unwrap();
    found.map(|found| found.id)
}

#[tokio::test]
async fn an_incident_is_renamed_once_more_is_known_and_keeps_its_picture() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = open(&mut db).await;
    let driver = Cause::Driver {
        driver: "foo.sys".into(),
        version: Some("5.1".into()),
        tag: PoolTag::new(*b"Fooo"),
        pool: Pool::Nonpaged,
    };
    incidents::rename(&mut db, id, &driver).await.unwrap();
    assert_eq!(incidents::lock_cause(&mut db, &leak()).await.unwrap(), None);
    assert_eq!(incidents::lock_cause(&mut db, &driver).await.unwrap().unwrap().id, id);
    let picture = Picture {
        trigger: Trigger::PoolEmpty { pool: Pool::Nonpaged },
        at: later(3),
        since: later(0),
        grew: Vec::new(),
        held: Vec::new(),
        changed: Vec::new(),
        reason: Reason::NotShown,
    };
    incidents::set_picture(&mut db, id, &picture).await.unwrap();
    let details = incidents::details(&mut db, id).await.unwrap();
    assert_eq!((details.picture, details.seen_on), (Some(picture), vec![HostId(1)]));
}

#[tokio::test]
async fn an_incident_that_nobody_looks_after_is_found_in_the_end() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = open(&mut db).await;
    assert_eq!(incidents::not_seen_since(&mut db, later(0)).await.unwrap(), []);
    assert_eq!(incidents::not_seen_since(&mut db, later(6)).await.unwrap(), [id]);
    let diagnosis = diagnosis();
    let over = record(&diagnosis, IncidentState::Resolved, &[]);
    incidents::set_record(&mut db, id, &over, later(9), None).await.unwrap();
    assert_eq!(incidents::not_seen_since(&mut db, later(20)).await.unwrap(), []);
}

#[tokio::test]
async fn an_incident_remembers_what_became_of_it_and_who_did_it() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = open(&mut db).await;
    let diagnosis = diagnosis();
    for (minute, state) in [
        (1, IncidentState::Open),
        (2, IncidentState::Growing),
        (3, IncidentState::Worsening),
        (4, IncidentState::Worsening),
    ] {
        let new = record(&diagnosis, state, &[1]);
        incidents::set_record(&mut db, id, &new, later(minute), None).await.unwrap();
    }
    assert!(incidents::give_to(&mut db, id, Some("Ana"), "Bo", later(5)).await.unwrap());
    assert!(!incidents::give_to(&mut db, id, Some("Ana"), "Bo", later(6)).await.unwrap());
    assert!(incidents::comment(&mut db, id, "a <b>new</b> driver", "Bo", later(7)).await.unwrap());
    assert!(!incidents::comment(&mut db, IncidentId(99), "nowhere", "Bo", later(7)).await.unwrap());
    let long = "x".repeat(incidents::COMMENT_CHARS + 1);
    assert!(incidents::comment(&mut db, id, &long, "Bo", later(7)).await.is_err());
    let resolved = record(&diagnosis, IncidentState::Resolved, &[]);
    incidents::set_record(&mut db, id, &resolved, later(8), Some("Ana")).await.unwrap();

    let note = |minute, by: Option<&str>, what| Note {
        at: later(minute),
        by: by.map(str::to_owned),
        what,
    };
    assert_eq!(
        incidents::notes(&mut db, id, 10).await.unwrap(),
        [
            note(8, Some("Ana"), Noted::State(IncidentState::Resolved)),
            note(7, Some("Bo"), Noted::Comment("a <b>new</b> driver".into())),
            note(5, Some("Bo"), Noted::Owner(Some("Ana".into()))),
            note(3, None, Noted::State(IncidentState::Worsening)),
            note(0, None, Noted::State(IncidentState::Growing)),
        ]
    );
    let details = incidents::details(&mut db, id).await.unwrap();
    assert_eq!(details.owner.as_deref(), Some("Ana"));
}

#[tokio::test]
async fn each_host_keeps_the_judgement_that_counts_of_it() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = open(&mut db).await;
    let other = Diagnosis { verdict: Verdict::Exhausted, ..diagnosis() };
    for (host, diagnosis) in [(1, &other), (1, &diagnosis()), (2, &other)] {
        incidents::set_host_diagnosis(&mut db, id, HostId(host), diagnosis).await.unwrap();
    }
    let of = async |db: &mut PgConnection, host| {
        let found = incidents::host_diagnosis(db, id, HostId(host)).await.unwrap();
        found.map(|found| found.verdict)
    };
    assert_eq!(of(&mut db, 1).await, Some(Verdict::Leak));
    assert_eq!(of(&mut db, 2).await, Some(Verdict::Exhausted));
    assert_eq!(of(&mut db, 3).await, None);
}
