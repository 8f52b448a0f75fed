//! Prints what reading the past costs: a host for a study, its tags of a day ago, a block of the
//! fleet, one tag over many hosts; with what the fleet's hours take on disk.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

use std::time::Instant;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, HostId, Pool, history::WantedSeries};
use poolwatch_simulator::load::LoadFleet;
use poolwatch_store::{
    PgPool, boots, compact, frames,
    frames::NewFrame,
    partitions::{self, Table},
    read::{self, Figure},
    testing,
};
use sqlx::Connection;
use uuid::Uuid;

/// Hosts of a block, and hours that they are written for.
const HOSTS: i32 = 200;
const HOURS: i64 = 4;
/// Hours of the one host that is read whole.
const STUDIED: i64 = 72;

fn noon() -> Timestamp {
    "2026-03-04T00:00:00Z".parse().unwrap()
}

fn later(minutes: i64) -> Timestamp {
    noon().checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    for day in 0..4 {
        let day = partitions::day_of(later(day * 1440));
        for table in [Table::Frames, Table::ChunkHour, Table::ChunkDay, Table::FleetHour] {
            partitions::create_of(&mut db, table, day).await.unwrap();
        }
    }
    let mut fleet = LoadFleet::new(1, HOSTS as u32, 60_000);
    for number in 0..HOSTS {
        let id = HostId(number + 1);
        sqlx::query(
            "INSERT INTO hosts (id, name, facts, enrolled_at) OVERRIDING SYSTEM VALUE
             VALUES ($1, 'H-' || $1, '{}', now())",
        )
        .bind(id.0)
        .execute(&mut *db)
        .await
        .unwrap();
        let boot = BootId(Uuid::from_u128(number as u128 + 1));
        boots::find_or_create(&mut db, id, boot, noon()).await.unwrap();
        let mut host = fleet.host(number as u32, noon());
        let hours = if number == 0 { STUDIED } else { HOURS };
        let all: Vec<NewFrame> = (0..hours * 60)
            .map(|minute| NewFrame {
                host: id,
                at: later(minute),
                boot_no: 1,
                seq: minute as u64 + 1,
                is_key: minute % 60 == 0,
                paged: None,
                nonpaged: None,
                payload: fleet.next_frame(&mut host),
            })
            .collect();
        for some in all.chunks(256) {
            frames::insert(&mut db, some).await.unwrap();
        }
    }
    let (first, end) = (HostId(1), later(STUDIED * 60));
    let begun = Instant::now();
    let wanted = WantedSeries { most_tags: 16, most_processes: 64, ..WantedSeries::default() };
    let times = (noon(), noon(), end);
    let history = read::host_history(&mut db, first, times, &wanted).await.unwrap();
    println!("72 h from frames: {} moments in {:?}", history.axis.len(), begun.elapsed());
    for hour in 0..STUDIED {
        make(&pool, hour).await;
    }
    for round in ["hours", "days"] {
        study(&pool, first, end, round).await;
        for day in 0..STUDIED / 24 {
            let mut writer = pool.acquire().await.unwrap();
            compact::day(&mut db, &mut writer, later(day * 1440), 0).await.unwrap();
        }
    }
    let bytes: i64 = sqlx::query_scalar(
        "SELECT sum(pg_column_size(buckets) + pg_column_size(bounds))::bigint FROM fleet_hour
         WHERE start < $1",
    )
    .bind(jiff_sqlx::Timestamp::from(later(HOURS * 60)))
    .fetch_one(&mut *db)
    .await
    .unwrap();
    println!("fleet_hour: {} bytes a host and hour", bytes / i64::from(HOSTS) / HOURS);
    let hosts: Vec<HostId> = (1..=HOSTS).map(HostId).collect();
    let tag = history.tags[7].tag;
    let begun = Instant::now();
    let end = later(HOURS * 60 - 1);
    let series = read::tag_over_hosts(&mut db, tag, Pool::Nonpaged, &hosts, noon(), end);
    let points: usize = series.await.unwrap().iter().map(|series| series.points.len()).sum();
    println!("a tag over {HOSTS} hosts, {HOURS} h: {points} points in {:?}", begun.elapsed());
    let begun = Instant::now();
    let block = read::block_at(&mut db, 0, later(180)).await.unwrap().unwrap();
    let known = hosts.iter().filter(|host| block.last(**host).is_some()).count();
    println!("a block: {known} hosts in {:?}", begun.elapsed());
    let begun = Instant::now();
    for host in &hosts {
        let slack = SignedDuration::from_mins(90);
        read::tags_at(&mut db, *host, later(180), slack).await.unwrap().unwrap();
    }
    println!("the same one by one in {:?}", begun.elapsed());
    let begun = Instant::now();
    for hosts in hosts.chunks(50) {
        frames::keys_near(&mut db, hosts, later(180), 5400).await.unwrap();
    }
    println!("their key frames, not decoded, in {:?}", begun.elapsed());
}

async fn make(pool: &PgPool, hour: i64) {
    let mut reader = pool.acquire().await.unwrap();
    let mut writer = pool.acquire().await.unwrap();
    let mut transaction = writer.begin().await.unwrap();
    compact::hour(&mut reader, &mut transaction, later(hour * 60), 0).await.unwrap();
    transaction.commit().await.unwrap();
}

async fn study(pool: &PgPool, host: HostId, end: Timestamp, from: &str) {
    let mut db = pool.acquire().await.unwrap();
    let begun = Instant::now();
    let wanted = WantedSeries { most_tags: 16, most_processes: 64, ..WantedSeries::default() };
    let times = (noon(), noon(), end);
    let history = read::host_history(&mut db, host, times, &wanted).await.unwrap();
    println!("72 h from {from}: {} moments in {:?}", history.axis.len(), begun.elapsed());
    let figures: Vec<Figure> =
        history.tags.iter().take(25).map(|one| Figure::TagBytes(one.tag, one.pool)).collect();
    let begun = Instant::now();
    let day_before = later((STUDIED - 24) * 60);
    read::series(&mut db, host, &figures, day_before, end, 3600).await.unwrap();
    println!("{} tags over 24 h from {from}: {:?}", figures.len(), begun.elapsed());
}
