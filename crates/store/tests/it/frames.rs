//! Frames, partitions, boots.

use jiff::{SignedDuration, Timestamp, civil::Date};
use poolwatch_model::{BootId, Bytes, HostId, series::Break};
use poolwatch_store::{
    boots::{self, Anchor, Placed},
    frames::{self, NewFrame},
    partitions::{self, Table},
    testing,
};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

use crate::{later, noon};

const HOST: HostId = HostId(1);

fn frame(host: HostId, minute: i64, boot_no: i32, seq: u64, is_key: bool) -> NewFrame {
    NewFrame {
        host,
        at: later(minute),
        boot_no,
        seq,
        is_key,
        paged: None,
        nonpaged: Some(Bytes(seq * 1000)),
        payload: vec![boot_no as u8, seq as u8],
    }
}

async fn prepare(db: &mut PgConnection) {
    partitions::create(db, partitions::day_of(noon())).await.unwrap();
    for boot in 1..=2_u128 {
        boots::find_or_create(db, HOST, BootId(Uuid::from_u128(boot)), noon()).await.unwrap();
    }
}

#[tokio::test]
async fn a_frame_sent_twice_is_stored_once() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    prepare(&mut db).await;
    let sent = [frame(HOST, 1, 1, 1, true), frame(HostId(2), 1, 1, 1, true)];
    assert_eq!(frames::insert(&mut db, &sent).await.unwrap(), 2);
    assert_eq!(frames::insert(&mut db, &sent).await.unwrap(), 0);
}

#[tokio::test]
async fn a_chain_starts_at_the_last_key_frame_of_its_boot() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    prepare(&mut db).await;
    let sent = [
        frame(HOST, 1, 1, 1, true),
        frame(HOST, 2, 1, 2, false),
        frame(HOST, 3, 1, 3, true),
        frame(HOST, 4, 1, 4, false),
        frame(HOST, 10, 2, 1, true),
        frame(HOST, 11, 2, 2, false),
        // Of the boot before, come late: not part of this boot's chain.
        frame(HOST, 12, 1, 5, false),
    ];
    frames::insert(&mut db, &sent).await.unwrap();
    let mut chain = async |until| {
        let chain = frames::chain(&mut db, HOST, noon(), until).await.unwrap();
        chain.into_iter().map(|frame| (frame.boot_no, frame.seq)).collect::<Vec<_>>()
    };
    assert_eq!(chain(later(4)).await, [(1, 3), (1, 4)]);
    assert_eq!(chain(later(60)).await, [(2, 1), (2, 2)]);
    assert_eq!(chain(noon()).await, []);
}

#[tokio::test]
async fn a_chain_follows_the_numbers_of_frames_where_a_slow_upload_mixed_their_times() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    prepare(&mut db).await;
    let sent = [
        frame(HOST, 1, 1, 1, true),
        frame(HOST, 4, 1, 2, false),
        frame(HOST, 3, 1, 3, false),
        frame(HOST, 5, 1, 4, false),
        // The same frame sent again, and placed anew.
        frame(HOST, 6, 1, 4, false),
        frame(HOST, 7, 1, 5, false),
    ];
    frames::insert(&mut db, &sent).await.unwrap();
    let mut chain = async |until| {
        let chain = frames::chain(&mut db, HOST, noon(), until).await.unwrap();
        chain.into_iter().map(|frame| frame.seq).collect::<Vec<_>>()
    };
    assert_eq!(chain(later(60)).await, [1, 2, 3, 4, 5]);
    assert_eq!(chain(later(3)).await, [1, 2, 3], "what frame 3 is relative to counts as well");
}

#[tokio::test]
async fn a_series_tells_reboots_and_gaps_apart() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    prepare(&mut db).await;
    let sent = [
        frame(HOST, 0, 1, 1, true),
        frame(HOST, 1, 1, 3, false),
        frame(HOST, 10, 1, 4, false),
        frame(HOST, 15, 2, 1, true),
        frame(HOST, 40, 2, 2, false),
    ];
    frames::insert(&mut db, &sent).await.unwrap();
    let series = frames::pool_series(&mut db, HOST, noon(), later(60), 300).await.unwrap();
    assert!(series.paged.points.is_empty());
    let nonpaged = series.nonpaged;
    let values: Vec<_> =
        nonpaged.points.iter().map(|point| (point.min, point.mean, point.max)).collect();
    assert_eq!(values[0], (1000, 2000, 3000));
    assert_eq!(values.len(), 4);
    let boot = BootId(Uuid::from_u128(2));
    assert_eq!(nonpaged.breaks, [(later(15), Break::Reboot { boot }), (later(40), Break::Gap)]);
}

async fn days(db: &mut PgConnection) -> Vec<Date> {
    let all = partitions::list(db, Table::Frames).await.unwrap();
    all.iter().map(|partition| partitions::day_of(partition.start)).collect()
}

async fn drop_day(db: &mut PgConnection, day: Date) {
    let all = partitions::list(db, Table::Frames).await.unwrap();
    let old = all.iter().find(|old| partitions::day_of(old.start) == day).unwrap();
    let unmarked = (old.start, old.end);
    assert!(partitions::drop(db, Table::Frames, old, unmarked).await.unwrap());
}

#[tokio::test]
async fn partitions_are_made_once_and_dropped_when_old() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let day = partitions::day_of(noon());
    let before = day.yesterday().unwrap();
    for made in [day, before, day] {
        partitions::create(&mut db, made).await.unwrap();
    }
    assert_eq!(days(&mut db).await, [before, day]);
    drop_day(&mut db, before).await;
    assert_eq!(days(&mut db).await, [day]);
}

/// A server that drops a day while a writer waits to make it: what the writer's connection
/// remembers of the day is out of date then.
#[tokio::test]
async fn a_day_that_was_dropped_while_its_making_waited_is_made_anew() {
    let pool = testing::database().await.unwrap();
    let mut waiting = pool.acquire().await.unwrap();
    let mut dropping = pool.acquire().await.unwrap();
    let day = partitions::day_of(noon());
    for _ in 0..2 {
        partitions::create(&mut waiting, day).await.unwrap();
    }
    let pid: i32 =
        sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *waiting).await.unwrap();

    let mut drop = dropping.begin().await.unwrap();
    partitions::create(&mut drop, day).await.unwrap();
    drop_day(&mut drop, day).await;
    let making = tokio::spawn(async move {
        let mut transaction = waiting.begin().await.unwrap();
        partitions::create(&mut transaction, day).await.unwrap();
        transaction.commit().await.unwrap();
        frames::insert(&mut waiting, &[frame(HOST, 1, 1, 1, true)]).await
    });
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE pid = $1 AND NOT granted)";
    while !sqlx::query_scalar::<_, bool>(waits).bind(pid).fetch_one(&pool).await.unwrap() {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    drop.commit().await.unwrap();
    assert_eq!(making.await.unwrap().unwrap(), 1);
}

#[tokio::test]
async fn a_boot_is_numbered_once_and_keeps_its_first_anchor() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let id = BootId(Uuid::from_u128(9));
    let first = boots::find_or_create(&mut db, HOST, id, noon()).await.unwrap();
    let again = boots::find_or_create(&mut db, HOST, id, later(5)).await.unwrap();
    assert_eq!(first, again);
    let anchor = Anchor { from_seq: 10, booted_at: later(1), not_before: Some(noon()) };
    boots::anchor(&mut db, HOST, first.no, anchor).await.unwrap();
    let anchored = boots::find_or_create(&mut db, HOST, id, later(9)).await.unwrap();
    let minute = SignedDuration::from_mins(1);
    let at = |time: Timestamp| time.checked_add(minute).unwrap();
    assert_eq!(anchored.time_of(9, 60_000), at(noon()));
    assert_eq!(anchored.time_of(10, 60_000), at(later(1)));
    assert_eq!(boots::find_or_create(&mut db, HostId(2), id, noon()).await.unwrap().no, 1);
    // The newest frame comes with it: what is anchored anew begins after that.
    partitions::create(&mut db, partitions::day_of(noon())).await.unwrap();
    let sent = [frame(HOST, 2, first.no, 9, true), frame(HOST, 3, first.no, 10, false)];
    frames::insert(&mut db, &sent).await.unwrap();
    let known = boots::find_or_create(&mut db, HOST, id, later(9)).await.unwrap();
    assert_eq!(known.newest, Some(Placed { seq: 10, at: later(3) }));
}
