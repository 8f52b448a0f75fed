//! What is kept for how long, and that nothing goes by a clock that cannot be believed.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, HostId, event::Event};
use poolwatch_store::{
    boots, clock_watch,
    events::{self, EventFilter, KeptAs},
    expiry,
    retention::Retention,
    testing,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::noon;

fn days_after(at: Timestamp, days: i64) -> Timestamp {
    at + SignedDuration::from_hours(days * 24)
}

#[tokio::test]
async fn every_table_has_its_bound() {
    let pool = testing::database().await.unwrap();
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT relname::text FROM pg_class
         WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p')
             AND NOT relispartition AND relname <> '_sqlx_migrations'",
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let there: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    let bounded: BTreeSet<&str> = expiry::TABLES.iter().map(|(table, _)| *table).collect();
    assert_eq!(
        there, bounded,
        "a table that is new says in `expiry` why it does not grow for ever"
    );
}

fn event(record_id: u64, time: Timestamp) -> Event {
    Event {
        channel: "System".into(),
        record_id,
        time,
        provider: "Srv".into(),
        event_id: 2019,
        level: None,
        computer: None,
        data: Vec::new(),
        exhaustion: None,
    }
}

async fn records(db: &mut PgConnection) -> Vec<u64> {
    let listed = events::list(db, &EventFilter::default(), 10, 0).await.unwrap();
    listed.iter().map(|one| one.event.record_id).collect()
}

#[tokio::test]
async fn events_go_by_when_they_came_and_none_stays_on_top_by_its_own_word() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let far = "9998-01-01T00:00:00Z".parse().unwrap();
    let now = days_after(noon(), 500);
    for (record, time, came) in
        [(1, far, noon()), (2, days_after(noon(), 499), now), (3, days_after(noon(), 499), now)]
    {
        let host = HostId(1);
        events::insert(&mut db, host, &event(record, time), KeptAs::Told, came).await.unwrap();
    }
    assert_eq!(records(&mut db).await, [3, 2, 1]);
    assert_eq!(expiry::forget_old(&mut db, &Retention::DEFAULT, now).await.unwrap(), 1);
    assert_eq!(records(&mut db).await, [3, 2]);
}

#[tokio::test]
async fn boots_go_when_nothing_can_be_stored_of_them_but_the_newest_of_a_host_stays() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for boot in 1..=3_u128 {
        let (id, begun) = (BootId(Uuid::from_u128(boot)), days_after(noon(), boot as i64));
        boots::find_or_create(&mut db, HostId(1), id, begun).await.unwrap();
    }
    let now = days_after(noon(), 3_000);
    assert!(expiry::forget_old(&mut db, &Retention::DEFAULT, noon()).await.unwrap() == 0);
    expiry::forget_old(&mut db, &Retention::DEFAULT, now).await.unwrap();
    let left = boots::ids(&mut db, HostId(1)).await.unwrap();
    assert_eq!(left, [(3, BootId(Uuid::from_u128(3)))]);
}

#[tokio::test]
async fn a_clock_is_believed_after_a_day_without_jumps_that_agrees_with_the_databases() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let now: jiff_sqlx::Timestamp =
        sqlx::query_scalar("SELECT now()").fetch_one(&mut *db).await.unwrap();
    let now = now.to_jiff();
    let hour = SignedDuration::from_hours(1);
    assert!(!clock_watch::is_steady(&mut db, now).await.unwrap(), "it was never seen before");
    // It went on like this for a day and a half.
    let went_on = async |db: &mut PgConnection| {
        sqlx::query("UPDATE clock_watch SET steady_since = seen_at - interval '36 hours'")
            .execute(db)
            .await
            .unwrap();
    };
    went_on(&mut db).await;
    assert!(clock_watch::is_steady(&mut db, now).await.unwrap());
    // 400 days ahead, and back.
    let ahead = days_after(now, 400);
    assert!(!clock_watch::is_steady(&mut db, ahead).await.unwrap());
    assert!(!clock_watch::is_steady(&mut db, ahead + hour).await.unwrap());
    assert!(!clock_watch::is_steady(&mut db, now).await.unwrap());
    went_on(&mut db).await;
    assert!(clock_watch::is_steady(&mut db, now).await.unwrap());
    // It goes on as ever, but the database says something else.
    assert!(!clock_watch::is_steady(&mut db, now + hour).await.unwrap());
}
