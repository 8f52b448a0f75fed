//! Frames become chunks, and what is read is what the frames said.

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{
    BootId, Bytes, HostId, Pool, PoolTag, Snapshot,
    history::WantedSeries,
    process::{ObjectTypeUse, ProcessKey, ProcessUse},
    series::{Break, Series},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{Encoder, Stamp};
use poolwatch_store::{
    boots, check,
    compact::{self, Compacted},
    frames::{self, NewFrame},
    partitions::{self, Table},
    read::{self, Figure},
    retention::{self, Retention},
    testing,
};
use sqlx::{Connection, PgConnection, PgPool};
use uuid::Uuid;

use crate::{later, noon};

const KEY: ProcessKey = ProcessKey { pid: 7, created: None };

pub(crate) fn leak() -> PoolTag {
    "Leak".parse().unwrap()
}

/// Deterministic values that jump about.
pub(crate) fn bytes_at(minute: i64) -> u64 {
    minute.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24
}

fn snapshot(minute: i64) -> Snapshot {
    let allocs = u64::from((minute as u32).wrapping_mul(100_000_000));
    let nonpaged = TagCounters { bytes: bytes_at(minute), outstanding: 5, allocs };
    let row = TagUse { tag: leak(), paged: TagCounters::default(), nonpaged };
    let mut process = ProcessUse::new(KEY.pid, None, "spoolsv.exe");
    process.handles = u32::try_from(minute + 1000).ok();
    let mut snapshot = Snapshot {
        tags: Some(TagTable::new(AllocCounting::Wrapping32, true, vec![row])),
        processes: Some(vec![process]),
        ..Snapshot::default()
    };
    snapshot.memory.nonpaged = Some(Bytes(bytes_at(minute)));
    snapshot.memory.committed = Some(Bytes(bytes_at(minute + 1)));
    let objects = u32::try_from(minute.unsigned_abs()).unwrap() + 7;
    snapshot.object_types = Some(vec![ObjectTypeUse {
        name: "Thread".into(),
        objects,
        handles: objects * 2,
        peak_objects: objects,
        peak_handles: objects * 2,
    }]);
    snapshot
}

/// The frames of these minutes after noon, as one chain.
pub(crate) fn frames_of(
    host: HostId,
    boot_no: i32,
    minutes: impl Iterator<Item = i64>,
) -> Vec<NewFrame> {
    let mut encoder = Encoder::default();
    let boot = BootId(Uuid::from_u128(boot_no as u128));
    (1..)
        .zip(minutes)
        .map(|(seq, minute)| {
            let at = later(minute);
            let stamp = Stamp { boot, seq, uptime_ms: 60_000 * seq, wall: at };
            NewFrame {
                host,
                at,
                boot_no,
                seq,
                is_key: seq % 60 == 1,
                paged: None,
                nonpaged: Some(Bytes(bytes_at(minute))),
                payload: encoder.encode(stamp, snapshot(minute)),
            }
        })
        .collect()
}

pub(crate) async fn host(db: &mut PgConnection) -> HostId {
    host_numbered(db, 1).await
}

/// A host with two boots, and partitions for two days.
pub(crate) async fn host_numbered(db: &mut PgConnection, id: i32) -> HostId {
    sqlx::query(
        "INSERT INTO hosts (id, name, facts, enrolled_at, approved_at) OVERRIDING SYSTEM VALUE
         VALUES ($1, 'FS-' || $1, '{}', now(), now())",
    )
    .bind(id)
    .execute(&mut *db)
    .await
    .unwrap();
    for back in 0..2 {
        let day = partitions::day_of(later(-back * 1440));
        for table in [Table::Frames, Table::ChunkHour, Table::ChunkDay, Table::FleetHour] {
            partitions::create_of(db, table, day).await.unwrap();
        }
    }
    for boot in 1..=2_u128 {
        boots::find_or_create(db, HostId(id), BootId(Uuid::from_u128(boot)), noon()).await.unwrap();
    }
    HostId(id)
}

pub(crate) async fn make_hour(pool: &PgPool, hour: Timestamp) -> Compacted {
    let mut reader = pool.acquire().await.unwrap();
    let mut writer = pool.acquire().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let done = compact::hour(&mut reader, &mut transaction, hour, 0).await.unwrap();
    transaction.commit().await.unwrap();
    done
}

pub(crate) async fn make_dirty(pool: &PgPool) -> Compacted {
    make_dirty_at(pool, later(60)).await
}

/// Looks at all marks, whichever range they are of.
pub(crate) async fn make_dirty_at(pool: &PgPool, now: Timestamp) -> Compacted {
    let mut reader = pool.acquire().await.unwrap();
    let mut writer = pool.acquire().await.unwrap();
    let mut all = Compacted::default();
    loop {
        let mut transaction = writer.begin().await.unwrap();
        let done = compact::dirty(&mut reader, &mut transaction, 100, now).await.unwrap();
        transaction.commit().await.unwrap();
        if done.marks == 0 {
            return all;
        }
        all.marks += done.marks;
        all.chunks += done.chunks;
        all.frames += done.frames;
        all.unreadable += done.unreadable;
    }
}

pub(crate) async fn make_day(pool: &PgPool) {
    let mut reader = pool.acquire().await.unwrap();
    let mut writer = pool.acquire().await.unwrap();
    let day = later(-12 * 60);
    compact::day(&mut reader, &mut writer, day, 0).await.unwrap();
}

fn figures() -> [Figure; 7] {
    [
        Figure::TagBytes(PoolTag::new(*b"Leak"), Pool::Nonpaged),
        Figure::TagAllocs(PoolTag::new(*b"Leak"), Pool::Nonpaged),
        Figure::PoolUse(Pool::Nonpaged),
        Figure::ProcessHandles(KEY),
        Figure::Committed,
        Figure::TypeObjects("Thread".into()),
        Figure::TypeHandles("Thread".into()),
    ]
}

pub(crate) async fn read(
    pool: &PgPool,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Vec<Series> {
    let mut db = pool.acquire().await.unwrap();
    read::series(&mut db, host, &figures(), from, to, 600).await.unwrap()
}

/// What the minutes of each 10 minutes were.
fn expected(minutes: std::ops::Range<i64>, value: impl Fn(i64) -> u64) -> Vec<(u64, u64, u64)> {
    expected_per(10, minutes, value)
}

/// What the minutes of each so many were.
pub(crate) fn expected_per(
    step: i64,
    minutes: std::ops::Range<i64>,
    value: impl Fn(i64) -> u64,
) -> Vec<(u64, u64, u64)> {
    let all: Vec<i64> = minutes.collect();
    all.chunk_by(|one, other| one.div_euclid(step) == other.div_euclid(step))
        .map(|group| {
            let values: Vec<u64> = group.iter().map(|minute| value(*minute)).collect();
            let mean = values.iter().sum::<u64>() / values.len() as u64;
            (*values.iter().min().unwrap(), mean, *values.iter().max().unwrap())
        })
        .collect()
}

pub(crate) fn told(series: &Series) -> Vec<(u64, u64, u64)> {
    series.points.iter().map(|point| (point.min, point.mean, point.max)).collect()
}

#[tokio::test]
async fn chunks_say_what_the_frames_said_and_reading_tells_no_difference() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    // The chain of frames begins in the hour before.
    frames::insert(&mut db, &frames_of(host, 1, -30..180)).await.unwrap();
    let from_frames = read(&pool, host, noon(), later(179)).await;
    for hour in 0..3 {
        let done = make_hour(&pool, later(hour * 60)).await;
        assert_eq!((done.chunks, done.frames, done.unreadable), (1, 60, 0));
    }
    let from_hours = read(&pool, host, noon(), later(179)).await;
    assert_eq!(from_hours, from_frames);
    make_day(&pool).await;
    assert_eq!(read(&pool, host, noon(), later(179)).await, from_frames);
    assert_eq!(told(&from_hours[0]), expected(0..180, bytes_at));
    assert_eq!(told(&from_hours[2]), expected(0..180, bytes_at));
    assert_eq!(told(&from_hours[3]), expected(0..180, |minute| minute.unsigned_abs() + 1000));
    assert_eq!(told(&from_hours[4]), expected(0..180, |minute| bytes_at(minute + 1)));
    assert_eq!(told(&from_hours[5]), expected(0..180, |minute| minute.unsigned_abs() + 7));
    assert_eq!(told(&from_hours[6]), expected(0..180, |minute| 2 * (minute.unsigned_abs() + 7)));
    assert_eq!(from_hours[0].breaks, []);
    // 100 million allocations a minute: the 32 bits of the counter wrap on the way.
    let allocs = from_hours[1].points.last().unwrap().max;
    assert_eq!(allocs, 170 * 100_000_000);
}

#[tokio::test]
async fn doing_the_same_work_again_changes_nothing() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..60)).await.unwrap();
    make_hour(&pool, noon()).await;
    let stored = "SELECT md5(string_agg(head || blocks, '' ORDER BY start)) FROM chunk_hour";
    let before: String = sqlx::query_scalar(stored).fetch_one(&mut *db).await.unwrap();
    make_hour(&pool, noon()).await;
    make_dirty(&pool).await;
    let after: String = sqlx::query_scalar(stored).fetch_one(&mut *db).await.unwrap();
    assert_eq!(after, before);
    assert_eq!(make_dirty(&pool).await, Compacted::default());
}

#[tokio::test]
async fn late_frames_change_the_hour_and_its_day() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    let all = frames_of(host, 1, 0..60);
    frames::insert(&mut db, &all[..20]).await.unwrap();
    make_dirty(&pool).await;
    make_day(&pool).await;
    frames::insert(&mut db, &all[20..]).await.unwrap();
    let done = make_dirty(&pool).await;
    assert_eq!((done.marks, done.chunks, done.frames), (1, 2, 60));
    let series = read(&pool, host, noon(), later(59)).await;
    assert_eq!(told(&series[0]), expected(0..60, bytes_at));
}

#[tokio::test]
async fn reboots_and_gaps_are_breaks_and_no_values() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, (0..15).chain(60..75))).await.unwrap();
    frames::insert(&mut db, &frames_of(host, 2, 75..90)).await.unwrap();
    make_hour(&pool, noon()).await;
    make_hour(&pool, later(60)).await;
    let series = &read(&pool, host, noon(), later(119)).await[0];
    let at: Vec<Timestamp> = series.points.iter().map(|point| point.at).collect();
    assert_eq!(at, [0, 10, 60, 70, 75, 80].map(later));
    let boot = BootId(Uuid::from_u128(2));
    assert_eq!(series.breaks, [(later(60), Break::Gap), (later(75), Break::Reboot { boot })]);
}

#[tokio::test]
async fn frames_go_only_when_their_chunks_were_made_of_them() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    let all = frames_of(host, 1, 0..60);
    frames::insert(&mut db, &all[..50]).await.unwrap();
    let drop = async |db: &mut PgConnection| {
        let dropped = retention::keep(db, &Retention::DEFAULT, later(3 * 1440)).await.unwrap();
        dropped.contains(&"frames_20260115".to_owned())
    };
    assert!(!drop(&mut db).await, "nothing was made of them");
    make_dirty(&pool).await;
    frames::insert(&mut db, &all[50..]).await.unwrap();
    sqlx::query("DELETE FROM dirty_hours").execute(&mut *db).await.unwrap();
    assert!(!drop(&mut db).await, "the chunk lacks the last ten, though no mark says so");
    make_dirty(&pool).await;
    let before = read(&pool, host, noon(), later(59)).await;
    assert!(drop(&mut db).await);
    assert_eq!(read(&pool, host, noon(), later(59)).await, before);
    // What comes later still does not undo what the frames that are gone had said.
    partitions::create(&mut db, partitions::day_of(noon())).await.unwrap();
    frames::insert(&mut db, &frames_of(host, 1, 3..4)).await.unwrap();
    make_dirty(&pool).await;
    assert_eq!(read(&pool, host, noon(), later(59)).await, before);
}

#[tokio::test]
async fn a_transaction_that_dies_leaves_nothing_half_done() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..60)).await.unwrap();
    let mut reader = pool.acquire().await.unwrap();
    let mut writer = pool.acquire().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    let done = compact::dirty(&mut reader, &mut transaction, 100, later(60)).await.unwrap();
    assert_eq!(done.chunks, 1);
    transaction.rollback().await.unwrap();
    let done = make_dirty(&pool).await;
    assert_eq!((done.marks, done.chunks), (1, 1));
}

#[test]
fn the_step_fits_the_period() {
    let step = |hours: i64, points| {
        let to = noon().checked_add(SignedDuration::from_hours(hours)).unwrap();
        read::fitting_step_s(noon(), to, points)
    };
    assert_eq!(step(6, 400), 60);
    assert_eq!(step(24, 400), 600);
    assert_eq!(step(7 * 24, 400), 1800);
    assert_eq!(step(30 * 24, 400), 7200);
}

#[tokio::test]
async fn a_damaged_chunk_is_a_gap_until_it_is_made_anew() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host(&mut db).await;
    frames::insert(&mut db, &frames_of(host, 1, 0..60)).await.unwrap();
    make_hour(&pool, noon()).await;
    let check = async |repair| {
        let mut db = pool.acquire().await.unwrap();
        check::check_hosts(&mut db, HostId(0), repair).await.unwrap().1
    };
    assert_eq!(check(false).await, []);
    sqlx::query(r"UPDATE chunk_hour SET head = '\x00'").execute(&mut *db).await.unwrap();
    let times = (noon(), noon(), later(30));
    let wanted = WantedSeries::default();
    let history = read::host_history(&mut db, host, times, &wanted).await.unwrap();
    assert_eq!(history.axis.len(), 1, "the frames alone");
    let from_frames = read(&pool, host, noon(), later(59)).await;
    assert_eq!(told(&from_frames[0]).len(), 6, "as the frames say");
    let damaged = check(true).await;
    assert_eq!((damaged.len(), damaged[0].table), (1, "chunk_hour"));
    assert_eq!(damaged[0].start, Some(noon()));
    make_dirty(&pool).await;
    assert_eq!(check(false).await, []);
    let history = read::host_history(&mut db, host, times, &wanted).await.unwrap();
    assert!(history.axis.len() > 2, "{}", history.axis.len());
    sqlx::query(r"UPDATE chunk_hour SET blocks = '\x00'").execute(&mut *db).await.unwrap();
    for series in read(&pool, host, noon(), later(59)).await {
        assert_eq!(told(&series), [], "unknown, and not 0");
    }
}
