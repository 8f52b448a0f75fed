//! Of several servers on one database, one works.

use std::time::{Duration, Instant};

use poolwatch_server::lead::Lead;
use poolwatch_store::testing::{self, faulty_proxy::FaultyProxy};
use sqlx::{Connection, PgConnection};

#[tokio::test]
async fn who_stands_by_takes_over_when_the_other_is_gone() {
    let options = testing::database_options().await.unwrap();
    let first = Lead::wait(&options).await.unwrap();
    assert!(Lead::take(&options).await.unwrap().is_none());
    let next = tokio::spawn({
        let options = options.clone();
        async move { Lead::wait(&options).await.unwrap() }
    });
    drop(first);
    let second = next.await.unwrap();
    assert!(Lead::take(&options).await.unwrap().is_none());
    drop(second);
}

#[tokio::test]
async fn who_was_cut_off_takes_the_lead_again_or_learns_that_another_has_it() {
    let options = testing::database_options().await.unwrap();
    let mut first = Lead::wait(&options).await.unwrap();
    let lost = tokio::spawn(async move { first.lost().await });
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    cut_off(&mut db).await;
    while !is_led(&mut db).await {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!lost.is_finished());
    let second = loop {
        cut_off(&mut db).await;
        if let Some(lead) = Lead::take(&options).await.unwrap() {
            break lead;
        }
    };
    lost.await.unwrap();
    drop(second);
}

async fn is_led(db: &mut PgConnection) -> bool {
    let query = "SELECT EXISTS (SELECT FROM pg_locks JOIN pg_database ON oid = database
                 WHERE locktype = 'advisory' AND datname = current_database())";
    sqlx::query_scalar(query).fetch_one(db).await.unwrap()
}

/// Ends every other connection to the database.
async fn cut_off(db: &mut PgConnection) {
    sqlx::query(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    .execute(db)
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lead_whose_connection_died_without_a_word_is_taken_again() {
    let options = testing::database_options().await.unwrap();
    let (proxy, by_proxy) = FaultyProxy::before(&options).await.unwrap();
    let mut first = Lead::wait(&by_proxy).await.unwrap();
    let lost = tokio::spawn(async move { first.lost().await });
    let mut db = PgConnection::connect_with(&options).await.unwrap();
    let before = holder(&mut db).await;
    assert!(before.is_some());
    proxy.deaden_all();
    // Postgres takes the dead session for a living one.
    let begun = Instant::now();
    while [None, before].contains(&holder(&mut db).await) {
        assert!(begun.elapsed() < Duration::from_secs(40), "nobody leads");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(!lost.is_finished());
    assert!(Lead::take(&options).await.unwrap().is_none());
}

/// The session that holds the lead.
async fn holder(db: &mut PgConnection) -> Option<i32> {
    let query = "SELECT pid FROM pg_locks JOIN pg_database ON oid = database
                 WHERE locktype = 'advisory' AND granted AND datname = current_database()";
    sqlx::query_scalar(query).fetch_optional(db).await.unwrap()
}
