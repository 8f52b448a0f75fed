//! What is kept for how long: nothing goes before what replaces it says the same, and what comes late
//! joins what is left.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use poolwatch_model::{HostId, series::Series};
use poolwatch_store::{
    compact,
    frames::{self, NewFrame},
    partitions::{self, Table},
    retention::{self, Retention},
    testing,
};
use sqlx::{Connection, PgConnection, PgPool};

use crate::{
    chunks::{bytes_at, expected_per, frames_of, host, make_dirty_at, make_hour, read, told},
    later, noon,
};

const DAY: i64 = 1440;

async fn keep_at(db: &mut PgConnection, days: i64) -> Vec<String> {
    retention::keep(db, &Retention::DEFAULT, later(days * DAY)).await.unwrap()
}

/// Whether something of that time is left in a table.
async fn has(db: &mut PgConnection, table: Table, at: Timestamp) -> bool {
    let all = partitions::list(db, table).await.unwrap();
    all.iter().any(|partition| partition.start <= at && at < partition.end)
}

async fn three_hours(pool: &PgPool) -> (HostId, Vec<Series>) {
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..180)).await.unwrap();
    sqlx::query("DELETE FROM dirty_hours").execute(&mut *db).await.unwrap();
    for hour in 0..3 {
        make_hour(pool, later(hour * 60)).await;
    }
    (host, read(pool, host, noon(), later(179)).await)
}

#[tokio::test]
async fn a_resolution_goes_when_the_coarser_one_says_the_same_and_not_before() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let (host, full) = three_hours(&pool).await;

    keep_at(&mut db, 2).await;
    assert!(has(&mut db, Table::Frames, noon()).await, "they are kept for two days");
    keep_at(&mut db, 3).await;
    assert!(!has(&mut db, Table::Frames, noon()).await);
    keep_at(&mut db, 4).await;
    assert!(has(&mut db, Table::ChunkHour, noon()).await, "they have no day yet");
    assert_eq!(make_dirty_at(&pool, later(4 * DAY)).await.chunks, 1, "the day");
    keep_at(&mut db, 4).await;
    assert!(!has(&mut db, Table::ChunkHour, noon()).await);
    assert_eq!(read(&pool, host, noon(), later(179)).await, full);

    keep_at(&mut db, 30).await;
    assert!(has(&mut db, Table::ChunkDay, noon()).await);
    keep_at(&mut db, 40).await;
    assert!(has(&mut db, Table::ChunkDay, noon()).await, "they have no week yet");
    assert_eq!(make_dirty_at(&pool, later(40 * DAY)).await.chunks, 1, "the week");
    keep_at(&mut db, 40).await;
    assert!(!has(&mut db, Table::ChunkDay, noon()).await);
    let hourly = &read(&pool, host, noon(), later(179)).await[0];
    assert_eq!(hourly.step_s, 3600, "finer points are gone, and the series says so");
    for (told, said) in told(hourly).into_iter().zip(expected_per(60, 0..180, bytes_at)) {
        assert_eq!((told.0, told.2), (said.0, said.2));
        assert!(said.1 - told.1 <= 1, "means are rounded down twice: {told:?} {said:?}");
    }

    keep_at(&mut db, 730).await;
    assert!(has(&mut db, Table::ChunkWeek, noon()).await);
    keep_at(&mut db, 730 + 31).await;
    assert!(!has(&mut db, Table::ChunkWeek, noon()).await);
}

#[tokio::test]
async fn a_late_frame_joins_what_the_day_knows_when_its_hour_is_gone() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let (host, full) = three_hours(&pool).await;
    keep_at(&mut db, 4).await;
    make_dirty_at(&pool, later(4 * DAY)).await;
    keep_at(&mut db, 4).await;
    assert!(!has(&mut db, Table::ChunkHour, noon()).await);

    let late = later(5 * DAY);
    let send = async |db: &mut PgConnection, frames: &[NewFrame]| {
        partitions::create(db, partitions::day_of(noon())).await.unwrap();
        frames::insert(db, frames).await.unwrap();
        make_dirty_at(&pool, late).await
    };
    // One that was there already, and an hour that was not.
    assert_eq!(send(&mut db, &frames_of(host, 1, 3..4)).await.chunks, 2);
    assert_eq!(read(&pool, host, noon(), later(179)).await, full);
    send(&mut db, &frames_of(host, 1, 180..240)).await;
    let series = &read(&pool, host, noon(), later(239)).await[0];
    assert_eq!(told(series), expected_per(10, 0..240, bytes_at));
    // And both go again, with what they said kept.
    for _ in 0..2 {
        keep_at(&mut db, 5).await;
        make_dirty_at(&pool, late).await;
    }
    assert!(!has(&mut db, Table::Frames, noon()).await);
    assert!(!has(&mut db, Table::ChunkHour, noon()).await);
    assert_eq!(&read(&pool, host, noon(), later(239)).await[0], series);
}

#[tokio::test]
async fn an_hour_that_is_made_after_its_day_is_in_the_day_all_the_same() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..120)).await.unwrap();
    sqlx::query("DELETE FROM dirty_hours").execute(&mut *db).await.unwrap();
    make_hour(&pool, noon()).await;
    let mut reader = pool.acquire().await.unwrap();
    compact::day(&mut reader, &mut db, later(-720), 0).await.unwrap();
    assert_eq!(make_hour(&pool, later(60)).await.chunks, 2);
    let series = &read(&pool, host, noon(), later(119)).await[0];
    assert_eq!(told(series), expected_per(10, 0..120, bytes_at));
}

#[tokio::test]
async fn a_host_that_comes_back_with_its_spool_gets_its_days_and_its_week() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, -600..600)).await.unwrap();
    let done = make_dirty_at(&pool, later(10 * DAY)).await;
    assert_eq!((done.marks, done.chunks), (20, 20 + 1 + 1), "hours, day and week");
}

#[tokio::test]
async fn a_mark_of_an_hour_of_which_nothing_can_be_made_goes_away_and_does_not_come_back() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    // Of long ago, with no frame and no partition.
    sqlx::query("INSERT INTO dirty_hours (host_id, start) VALUES ($1, '2025-01-01')")
        .bind(host.0)
        .execute(&mut *db)
        .await
        .unwrap();
    // And one whose frames are no frames.
    let mut damaged = frames_of(host, 1, 0..2);
    damaged.iter_mut().for_each(|frame| frame.payload = b"damaged".to_vec());
    frames::insert(&mut db, &damaged).await.unwrap();
    let done = make_dirty_at(&pool, later(60)).await;
    assert_eq!((done.marks, done.chunks, done.unreadable), (2, 1, 2));
    assert!(keep_at(&mut db, 3).await.contains(&"frames_20260115".to_owned()));
    assert_eq!(make_dirty_at(&pool, later(60)).await.marks, 0);
}

#[tokio::test]
async fn frames_that_waited_for_their_base_are_read_once_it_is_there() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    let all = frames_of(host, 1, 50..80);
    frames::insert(&mut db, &all[1..]).await.unwrap();
    let done = make_dirty_at(&pool, later(120)).await;
    assert_eq!(done.unreadable, 29);
    frames::insert(&mut db, &all[..1]).await.unwrap();
    let done = make_dirty_at(&pool, later(120)).await;
    assert_eq!((done.marks, done.chunks, done.unreadable), (1, 2, 0), "this hour and the next");
    let series = &read(&pool, host, later(50), later(79)).await[0];
    assert_eq!(told(series), expected_per(10, 50..80, bytes_at));
}

#[tokio::test]
async fn a_key_frame_stays_while_frames_of_later_days_hang_on_it() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    // A frame an hour, the sixty-first of which stands alone again.
    let all = frames_of(host, 1, (0..=60).map(|hour| hour * 60));
    for day in 0..4 {
        partitions::create(&mut db, partitions::day_of(later(day * DAY))).await.unwrap();
    }
    let at = all[60].at;
    frames::insert(&mut db, &all[..60]).await.unwrap();
    make_dirty_at(&pool, at).await;
    retention::keep(&mut db, &Retention::DEFAULT, at).await.unwrap();
    assert!(has(&mut db, Table::Frames, noon()).await, "the chain goes on");
    frames::insert(&mut db, &all[60..]).await.unwrap();
    make_dirty_at(&pool, at).await;
    retention::keep(&mut db, &Retention::DEFAULT, at).await.unwrap();
    assert!(!has(&mut db, Table::Frames, noon()).await);
}

#[tokio::test]
async fn two_workers_never_make_the_same_chunk_twice() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..60)).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    let mut first = db.begin().await.unwrap();
    let made = compact::dirty(&mut reader, &mut first, 100, later(60)).await.unwrap();
    assert_eq!((made.marks, made.chunks), (1, 1));

    let marks = make_dirty_at(&pool, later(60)).await;
    assert_eq!((marks.marks, marks.chunks), (0, 0), "the other looks at them");
    let second = pool.clone();
    let waiting = tokio::spawn(async move { make_hour(&second, noon()).await });
    let waits = "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
                     AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&pool).await.unwrap() {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    first.commit().await.unwrap();
    let made = waiting.await.unwrap();
    assert_eq!((made.chunks, made.frames), (0, 0), "there is nothing left to make");
    assert_eq!(make_dirty_at(&pool, later(60)).await.marks, 0);
}

#[tokio::test]
async fn a_clock_that_jumps_ahead_takes_little_and_nothing_that_has_no_replacement() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..60)).await.unwrap();
    for day in 5..10 {
        partitions::create(&mut db, partitions::day_of(later(-day * DAY))).await.unwrap();
    }
    let dropped = keep_at(&mut db, 3650).await;
    assert!(has(&mut db, Table::Frames, noon()).await, "nothing was made of them");
    let frames = dropped.iter().filter(|name| name.starts_with("frames")).count();
    assert_eq!(frames, 2, "empty ones, not all at once: {dropped:?}");
    // What the database's clock says is not over stays, whatever the server's says.
    let today: String = sqlx::query_scalar("SELECT (now() AT TIME ZONE 'UTC')::date::text")
        .fetch_one(&mut *db)
        .await
        .unwrap();
    let today = today.parse().unwrap();
    partitions::create(&mut db, today).await.unwrap();
    let all = partitions::list(&mut db, Table::Frames).await.unwrap();
    let current = all.iter().find(|one| partitions::day_of(one.start) == today).unwrap();
    let unmarked = (current.start, current.end);
    assert!(!partitions::drop(&mut db, Table::Frames, current, unmarked).await.unwrap());
}

#[tokio::test]
async fn a_host_that_sends_late_all_the_time_keeps_its_day_and_no_other() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    for day in 2..8 {
        partitions::create(&mut db, partitions::day_of(later(-day * DAY))).await.unwrap();
    }
    frames::insert(&mut db, &frames_of(host, 1, -7 * DAY..1 - 7 * DAY)).await.unwrap();
    keep_at(&mut db, 3).await;
    keep_at(&mut db, 3).await;
    let all = partitions::list(&mut db, Table::Frames).await.unwrap();
    let left = all.iter().filter(|day| day.end <= noon()).count();
    assert_eq!(left, 7 - 4, "two went each time");
    assert!(has(&mut db, Table::Frames, later(-7 * DAY)).await, "it is marked");
}

#[tokio::test]
async fn a_drop_that_would_hold_up_ingest_gives_way_and_is_tried_again() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    let mut ingest = pool.acquire().await.unwrap();
    let mut writing = ingest.begin().await.unwrap();
    partitions::create(&mut writing, partitions::day_of(later(3 * DAY))).await.unwrap();
    writing.commit().await.unwrap();
    let mut writing = ingest.begin().await.unwrap();
    frames::insert(&mut writing, &frames_of(host, 1, 3 * DAY + 120..3 * DAY + 121)).await.unwrap();

    let begun = Instant::now();
    keep_at(&mut db, 3).await;
    assert!(begun.elapsed() < Duration::from_secs(20));
    assert!(has(&mut db, Table::Frames, noon()).await, "a writer was under way");
    writing.commit().await.unwrap();
    keep_at(&mut db, 3).await;
    assert!(!has(&mut db, Table::Frames, noon()).await);
}

#[tokio::test]
async fn partitions_of_an_earlier_version_are_used_as_they_are() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for statement in [
        "CREATE TABLE chunk_day_20260101 (LIKE chunk_day INCLUDING DEFAULTS)",
        "ALTER TABLE chunk_day ATTACH PARTITION chunk_day_20260101
             FOR VALUES FROM ('2026-01-01 00:00:00+00') TO ('2026-02-01 00:00:00+00')",
    ] {
        sqlx::query(statement).execute(&mut *db).await.unwrap();
    }
    for day in 0..30 {
        let day = partitions::day_of(later(day * DAY));
        partitions::create_of(&mut db, Table::ChunkDay, day).await.unwrap();
    }
    let all = partitions::list(&mut db, Table::ChunkDay).await.unwrap();
    let bounds: Vec<String> =
        all.iter().map(|one| partitions::day_of(one.start).to_string()).collect();
    assert_eq!(bounds, ["2026-01-01", "2026-02-01", "2026-02-05", "2026-02-12"]);
}
