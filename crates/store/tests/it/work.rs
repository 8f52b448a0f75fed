//! Jobs and the outbox: done once, by one server at a time, whoever dies meanwhile.

use jiff::SignedDuration;
use poolwatch_model::{
    HostId,
    alerting::{AlertLevel, ChannelKind, HostScope, Recipient},
    incident::{IncidentChange, IncidentId, IncidentNotice},
};
use poolwatch_store::{
    deliveries, jobs,
    outbox::{self, MessageWords, WaitingMessage},
    testing,
};

use crate::{later, noon};

const LEASE: SignedDuration = SignedDuration::from_mins(5);
const INCIDENT: IncidentId = IncidentId(1);

const MAIL: &[ChannelKind] = &[ChannelKind::Mail];

fn opened() -> IncidentNotice {
    IncidentNotice { change: IncidentChange::Opened, host: HostId(1), event: None }
}

fn recipient(address: &str) -> Recipient {
    Recipient {
        id: None,
        kind: ChannelKind::Mail,
        name: address.into(),
        address: address.into(),
        scope: HostScope::default(),
        least: AlertLevel::Note,
        per_hour: Recipient::PER_HOUR,
        digest: None,
        by: None,
    }
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
async fn a_message_is_handed_over_once_and_delivered_again_only_when_its_server_dies() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for _ in 0..2 {
        outbox::enqueue(&mut db, "opened", INCIDENT, &opened(), noon(), noon()).await.unwrap();
    }
    let mut dying = pool.begin().await.unwrap();
    let due = outbox::lock_due(&mut dying, noon()).await.unwrap().unwrap();
    assert_eq!((due.incident, due.notice, due.words), (Some(INCIDENT), Some(opened()), None));
    assert_eq!(outbox::lock_due(&mut db, noon()).await.unwrap(), None, "somebody has it");
    let words = MessageWords {
        subject: "FS-02".into(),
        text: "text".into(),
        html: "<p>html</p>".into(),
        chart: None,
    };
    let to = [recipient("ops@example.com"), recipient("night@example.com")];
    let to: Vec<&Recipient> = to.iter().collect();
    outbox::hand_over(&mut dying, due.id, &words, AlertLevel::Critical, noon()).await.unwrap();
    deliveries::add(&mut dying, due.id, Some(INCIDENT), &to, noon()).await.unwrap();
    dying.rollback().await.unwrap();
    assert_eq!(deliveries::count_unsent(&mut db).await.unwrap(), (0, 0), "neither or both");

    let due = outbox::lock_due(&mut db, noon()).await.unwrap().unwrap();
    outbox::hand_over(&mut db, due.id, &words, AlertLevel::Critical, noon()).await.unwrap();
    for _ in 0..2 {
        deliveries::add(&mut db, due.id, Some(INCIDENT), &to, noon()).await.unwrap();
    }
    assert_eq!(outbox::lock_due(&mut db, later(60)).await.unwrap(), None);
    let first = deliveries::lease(&mut db, MAIL, noon(), LEASE).await.unwrap().unwrap();
    assert_eq!((first.message, &first.words), (due.id, &words));
    assert_eq!(first.subject.level, AlertLevel::Critical);
    let second = deliveries::lease(&mut db, MAIL, noon(), LEASE).await.unwrap().unwrap();
    assert_eq!([&*first.address, &*second.address], ["ops@example.com", "night@example.com"]);
    assert_eq!(deliveries::lease(&mut db, MAIL, later(4), LEASE).await.unwrap(), None);
    deliveries::mark_sent(&mut db, first.id, "250 ok", later(4)).await.unwrap();
    let heir = deliveries::lease(&mut db, MAIL, later(5), LEASE).await.unwrap().unwrap();
    assert_eq!((heir.id, heir.attempts, heir.words), (second.id, 2, words), "it says the same");
    deliveries::put_back(&mut db, heir.id, later(20), "451 later").await.unwrap();
    assert_eq!(deliveries::lease(&mut db, MAIL, later(19), LEASE).await.unwrap(), None);
    let last = deliveries::lease(&mut db, MAIL, later(20), LEASE).await.unwrap().unwrap();
    deliveries::give_up(&mut db, last.id, "550 no", later(20)).await.unwrap();
    assert_eq!(deliveries::lease(&mut db, MAIL, later(600), LEASE).await.unwrap(), None);
    assert_eq!(deliveries::count_unsent(&mut db).await.unwrap(), (0, 1));
    assert_eq!(deliveries::resend(&mut db, None, later(600)).await.unwrap(), 1);
    assert_eq!(deliveries::resend(&mut db, Some(first.id), later(600)).await.unwrap(), 0);
    assert!(deliveries::lease(&mut db, MAIL, later(600), LEASE).await.unwrap().is_some());
}

#[tokio::test]
async fn what_goes_to_one_address_goes_one_after_another() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let words =
        MessageWords { subject: "a".into(), text: "b".into(), html: "c".into(), chart: None };
    let to = recipient("ops@example.com");
    for key in ["first", "second"] {
        let id = outbox::add_words(&mut db, key, &words, noon()).await.unwrap().unwrap();
        assert_eq!(outbox::add_words(&mut db, key, &words, noon()).await.unwrap(), None);
        deliveries::add(&mut db, id, None, &[&to], noon()).await.unwrap();
    }
    let first = deliveries::lease(&mut db, MAIL, noon(), LEASE).await.unwrap().unwrap();
    assert_eq!(deliveries::lease(&mut db, MAIL, noon(), LEASE).await.unwrap(), None);
    deliveries::mark_sent(&mut db, first.id, "250 ok", noon()).await.unwrap();
    assert!(deliveries::lease(&mut db, MAIL, noon(), LEASE).await.unwrap().is_some());
}

#[tokio::test]
async fn a_message_is_taken_back_until_it_is_handed_over_and_waits_for_what_holds_it() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let waiting =
        |is_held, not_before| Some(WaitingMessage { notice: opened(), not_before, is_held });
    for _ in 0..2 {
        outbox::enqueue(&mut db, "opened", INCIDENT, &opened(), noon(), noon()).await.unwrap();
        assert_eq!(outbox::take_back(&mut db, IncidentId(2)).await.unwrap(), None);
        assert_eq!(outbox::take_back(&mut db, INCIDENT).await.unwrap(), waiting(false, noon()));
        assert_eq!(outbox::take_back(&mut db, INCIDENT).await.unwrap(), None);
    }
    outbox::enqueue(&mut db, "opened", INCIDENT, &opened(), noon(), noon()).await.unwrap();
    let due = outbox::lock_due(&mut db, noon()).await.unwrap().unwrap();
    outbox::hold(&mut db, due.id, None, later(60)).await.unwrap();
    assert_eq!(outbox::lock_due(&mut db, later(59)).await.unwrap(), None);
    assert!(outbox::lock_due(&mut db, later(60)).await.unwrap().unwrap().was_held);
    assert_eq!(outbox::take_back(&mut db, INCIDENT).await.unwrap(), waiting(true, later(60)));
    outbox::enqueue(&mut db, "opened", INCIDENT, &opened(), noon(), noon()).await.unwrap();
    let due = outbox::lock_due(&mut db, noon()).await.unwrap().unwrap();
    let words =
        MessageWords { subject: "a".into(), text: "b".into(), html: "c".into(), chart: None };
    outbox::hand_over(&mut db, due.id, &words, AlertLevel::Note, noon()).await.unwrap();
    assert_eq!(outbox::take_back(&mut db, INCIDENT).await.unwrap(), None);
}
