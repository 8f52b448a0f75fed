//! Jobs and the outbox: done once, by one server at a time, whoever dies meanwhile.

use jiff::SignedDuration;
use poolwatch_model::{
    HostId,
    incident::{IncidentChange, IncidentId, IncidentNotice},
};
use poolwatch_store::{
    jobs,
    outbox::{self, MessageWords, WaitingMessage},
    testing,
};

use crate::{later, noon};

const LEASE: SignedDuration = SignedDuration::from_mins(5);
const INCIDENT: IncidentId = IncidentId(1);

fn opened() -> WaitingMessage {
    let notice = IncidentNotice { change: IncidentChange::Opened, host: HostId(1), event: None };
    WaitingMessage { notice, not_before: noon() }
}

#[tokio::test]
async fn a_job_is_taken_over_when_its_server_dies_and_completes_once() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for _ in 0..2 {
        jobs::add(&mut db, "compact", noon(), 0).await.unwrap();
    }
    let dying = jobs::lease(&mut db, &["compact"], later(1), LEASE).await.unwrap().unwrap();
    assert_eq!(jobs::lease(&mut db, &["compact"], later(2), LEASE).await.unwrap(), None, "leased");
    let heir = jobs::lease(&mut db, &["compact"], later(7), LEASE).await.unwrap().unwrap();
    assert_eq!(heir.attempts, 2);
    assert!(!jobs::complete(&mut db, &dying, later(8)).await.unwrap(), "the lease was lost");
    assert!(jobs::complete(&mut db, &heir, later(8)).await.unwrap());
    assert!(!jobs::complete(&mut db, &heir, later(8)).await.unwrap());
    assert_eq!(jobs::lease(&mut db, &["compact"], later(60), LEASE).await.unwrap(), None);
    assert_eq!(jobs::forget_done(&mut db, later(9)).await.unwrap(), 1);
}

#[tokio::test]
async fn a_failed_job_waits_before_it_is_tried_again() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    jobs::add(&mut db, "compact", noon(), 0).await.unwrap();
    let job = jobs::lease(&mut db, &["compact"], later(1), LEASE).await.unwrap().unwrap();
    jobs::put_back(&mut db, &job, later(10), "disk full").await.unwrap();
    assert_eq!(jobs::lease(&mut db, &["compact"], later(9), LEASE).await.unwrap(), None);
    assert!(jobs::lease(&mut db, &["compact"], later(10), LEASE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_clock_that_ran_ahead_for_a_while_keeps_nothing_from_being_done() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let year = 365 * 1440;
    jobs::add(&mut db, "compact", noon(), 0).await.unwrap();
    jobs::add(&mut db, "compact", later(60), 0).await.unwrap();
    jobs::add(&mut db, "compact", later(year), 0).await.unwrap();
    // By a clock that is a year ahead: one was done, the server died over the other.
    let job = jobs::lease(&mut db, &["compact"], later(year), LEASE).await.unwrap().unwrap();
    assert!(jobs::complete(&mut db, &job, later(year)).await.unwrap());
    jobs::lease(&mut db, &["compact"], later(year), LEASE).await.unwrap().unwrap();

    let heir = jobs::lease(&mut db, &["compact"], later(61), LEASE).await.unwrap().unwrap();
    assert_eq!(heir.bucket, later(60), "nobody does it for a year");
    assert_eq!(jobs::forget_ahead(&mut db, &["compact"], later(61)).await.unwrap(), 2);
    jobs::add(&mut db, "compact", noon(), 0).await.unwrap();
    let again = jobs::lease(&mut db, &["compact"], later(61), LEASE).await.unwrap().unwrap();
    assert_eq!((again.bucket, again.attempts), (noon(), 1), "done when it was not due");
}

#[tokio::test]
async fn a_message_goes_out_once_and_again_only_when_its_server_dies() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let message = opened();
    for _ in 0..2 {
        outbox::enqueue(&mut db, "opened", INCIDENT, &message, noon()).await.unwrap();
    }
    let leased = outbox::lease(&mut db, noon(), LEASE).await.unwrap().unwrap();
    assert_eq!((leased.incident, leased.words), (Some(INCIDENT), None));
    assert_eq!(leased.notice, Some(message.notice));
    let words =
        MessageWords { subject: "FS-02".into(), text: "text".into(), html: "<p>html</p>".into() };
    outbox::set_words(&mut db, leased.id, &words).await.unwrap();
    assert_eq!(outbox::lease(&mut db, later(4), LEASE).await.unwrap(), None);
    let taken_over = outbox::lease(&mut db, later(5), LEASE).await.unwrap().unwrap();
    assert_eq!(taken_over.words, Some(words), "sent again, it says the same");
    outbox::put_back(&mut db, taken_over.id, later(20), "refused").await.unwrap();
    assert_eq!(outbox::lease(&mut db, later(19), LEASE).await.unwrap(), None);
    let last = outbox::lease(&mut db, later(20), LEASE).await.unwrap().unwrap();
    assert_eq!(last.attempts, 3);
    outbox::mark_sent(&mut db, last.id, later(20)).await.unwrap();
    assert_eq!(outbox::lease(&mut db, later(600), LEASE).await.unwrap(), None);
}

#[tokio::test]
async fn a_message_is_taken_back_until_somebody_begins_to_send_it() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for _ in 0..2 {
        outbox::enqueue(&mut db, "opened", INCIDENT, &opened(), noon()).await.unwrap();
        assert_eq!(outbox::take_back(&mut db, IncidentId(2)).await.unwrap(), None);
        assert_eq!(outbox::take_back(&mut db, INCIDENT).await.unwrap(), Some(opened()));
        assert_eq!(outbox::take_back(&mut db, INCIDENT).await.unwrap(), None);
    }
    outbox::enqueue(&mut db, "opened", INCIDENT, &opened(), noon()).await.unwrap();
    outbox::lease(&mut db, noon(), LEASE).await.unwrap().unwrap();
    assert_eq!(outbox::take_back(&mut db, INCIDENT).await.unwrap(), None);
}
