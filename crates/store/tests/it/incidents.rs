//! Incidents and findings.

use poolwatch_model::{
    HostId, Pool, PoolTag,
    diagnosis::{Diagnosis, Verdict},
    incident::{Cause, IncidentId, IncidentState, Picture, Reason, Trigger},
};
use poolwatch_store::{
    PgPool,
    incidents::{self, IncidentFilter, NewStanding},
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

fn standing(state: IncidentState, hosts: &[i32]) -> NewStanding {
    NewStanding {
        state,
        standing: serde_json::json!({ "state": state }),
        hosts: hosts.iter().map(|host| HostId(*host)).collect(),
    }
}

async fn open(db: &mut PgConnection) -> IncidentId {
    let new = standing(IncidentState::Growing, &[1]);
    let id = incidents::open(db, &leak(), later(0), &diagnosis(), &new).await.unwrap();
    assert!(incidents::add_finding(db, id, HostId(1), later(0), &diagnosis()).await.unwrap());
    id
}

#[tokio::test]
async fn a_cause_has_one_unresolved_incident_over_many_hosts() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = open(&mut db).await;
    assert_eq!(incidents::lock_cause(&mut db, &leak()).await.unwrap().unwrap().id, id);
    let new = standing(IncidentState::Growing, &[2]);
    let again = incidents::open(&mut db, &leak(), later(1), &diagnosis(), &new).await;
    assert!(again.is_err(), "the database itself refuses a second one");

    assert!(!incidents::add_finding(&mut db, id, HostId(1), later(0), &diagnosis()).await.unwrap());
    assert!(incidents::add_finding(&mut db, id, HostId(2), later(5), &diagnosis()).await.unwrap());
    incidents::stand(&mut db, id, &standing(IncidentState::Worsening, &[1, 2])).await.unwrap();
    let of_host = IncidentFilter { host: Some(HostId(2)), ..Default::default() };
    let listed = incidents::list(&mut db, of_host, 10).await.unwrap();
    assert_eq!(listed.len(), 1);
    assert_eq!((listed[0].findings, listed[0].last_seen), (2, later(5)));
    assert_eq!(listed[0].state, IncidentState::Worsening);
    assert_eq!(listed[0].hosts, [HostId(1), HostId(2)]);
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
async fn an_incident_that_nobody_looks_after_is_resolved_in_the_end() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = open(&mut db).await;
    assert_eq!(incidents::resolve_quiet(&mut db, later(0)).await.unwrap(), 0);
    assert_eq!(incidents::resolve_quiet(&mut db, later(6)).await.unwrap(), 1);
    let filter = IncidentFilter { id: Some(id), ..Default::default() };
    let listed = incidents::list(&mut db, filter, 1).await.unwrap();
    assert_eq!((listed[0].state, listed[0].hosts.len()), (IncidentState::Resolved, 0));
}
