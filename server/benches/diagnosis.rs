//! What it costs to diagnose a host that leaks from all that is stored of it: 14 days of 1,500 tags
//! and 200 processes, read from Postgres, judged and compared, with as many candidates as there may be.
//! Processor time of this process and of Postgres, and the most memory that this process takes beyond
//! what it holds before.
#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement for people")]

#[path = "measured/app.rs"]
mod measured;

use std::{fs, hint::black_box, time::Duration};

use criterion::{Criterion, criterion_group, criterion_main};
use jiff::{SignedDuration, Timestamp};
use peak_alloc::PeakAlloc;
use poolwatch_detection::{Look, diagnose_host};
use poolwatch_model::{BootId, HostId, PoolTag, diagnosis::Verdict};
use poolwatch_protocol::v1::Decoder;
use poolwatch_server::{app::App, history::StoredHistory};
use poolwatch_simulator::load::LoadFleet;
use poolwatch_store::{
    boots,
    chunk::{Chunk, build::Builder, combine},
    chunks::{self, Origin, Span},
    frames::{self, NewFrame},
    partitions::{self, Table},
    testing,
};
use sqlx::PgConnection;
use uuid::Uuid;

use self::measured::start_app;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

const HOST: HostId = HostId(1);
const CANDIDATES: usize = 64;
/// A host of a template whose hosts leak.
const LEAKING: u32 = 19;
/// Two weeks, and some hours and minutes of the day on which it is diagnosed.
const MINUTES: i64 = 14 * 1440 + 9 * 60 + 31;

/// A Thursday: weeks of chunks begin then.
fn later(minutes: i64) -> Timestamp {
    let start: Timestamp = "2026-03-05T00:00:00Z".parse().unwrap();
    start.checked_add(SignedDuration::from_mins(minutes)).unwrap()
}

async fn write(db: &mut PgConnection, span: Span, chunk: &Chunk) {
    partitions::create_of(db, span.table(), partitions::day_of(chunk.start)).await.unwrap();
    let written = chunks::prepare(db, chunk).await.unwrap();
    chunks::write(db, span, HOST, &written, Origin::default()).await.unwrap();
}

/// Weeks, days and hours that are over, and the frames of the last two hours.
///
/// Returns tags that its screening may point out.
async fn fill(db: &mut PgConnection) -> Vec<PoolTag> {
    sqlx::query(
        "INSERT INTO hosts (id, name, facts, enrolled_at, approved_at) OVERRIDING SYSTEM VALUE
         VALUES (1, 'FS-1', '{\"fqdn\": \"fs-1.contoso.test\"}', now(), now())",
    )
    .execute(&mut *db)
    .await
    .unwrap();
    boots::find_or_create(db, HOST, BootId(Uuid::from_u128(1)), later(-1440)).await.unwrap();
    let mut fleet = LoadFleet::new(1, 60, 60_000);
    let mut host = fleet.host(LEAKING, later(0));
    let mut decoder = Decoder::default();
    let (mut hours, mut days, mut recent) = (Vec::new(), Vec::new(), Vec::new());
    let mut builder = Builder::new(later(0), 600);
    for minute in 0..MINUTES {
        let payload = fleet.next_frame(&mut host);
        builder.push(later(minute), 1, &decoder.decode(&payload).unwrap().snapshot, None);
        if minute % 60 == 59 {
            let next = Builder::new(later(minute + 1), 600);
            hours.push(std::mem::replace(&mut builder, next).finish().unwrap());
        }
        if minute % 1440 == 1439 {
            let day = combine::join(hours[0].start, &hours).unwrap();
            write(db, Span::Day, &day).await;
            days.push(combine::coarsen(&day, 3600));
            hours.clear();
        }
        if days.len() == 7 {
            let week = combine::join(days[0].start, &days).unwrap();
            write(db, Span::Week, &week).await;
            days.clear();
        }
        recent.push(NewFrame {
            host: HOST,
            at: later(minute),
            boot_no: 1,
            seq: minute as u64 + 1,
            is_key: minute == 0 || minute % 60 == i64::from(LEAKING),
            paged: None,
            nonpaged: None,
            payload,
        });
        recent.drain(..recent.len().saturating_sub(120));
    }
    for hour in &hours {
        write(db, Span::Hour, hour).await;
    }
    let today = partitions::day_of(later(MINUTES));
    partitions::create_of(db, Table::Frames, today).await.unwrap();
    frames::insert(db, &recent).await.unwrap();
    let table = decoder.last().unwrap().snapshot.tags.as_ref().unwrap();
    table.rows.iter().step_by(table.rows.len() / CANDIDATES).map(|row| row.tag).collect()
}

/// What a thread used of the processor.
fn processor_time(of: &str) -> Duration {
    let told = fs::read_to_string(format!("/proc/{of}/schedstat")).unwrap();
    Duration::from_nanos(told.split(' ').next().unwrap().parse().unwrap())
}

/// What this thread uses of the processor for so many diagnoses, and what Postgres does.
async fn diagnose(app: &App, look: &Look, times: u64) -> [Duration; 2] {
    let mut db = app.pool.acquire().await.unwrap();
    let pid: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&mut *db).await.unwrap();
    let used = || [processor_time("thread-self"), processor_time(&pid.to_string())];
    let begun = used();
    for _ in 0..times {
        let mut history = StoredHistory::new(app, &mut db, later(MINUTES));
        let found = diagnose_host(&mut history, HOST, look, later(MINUTES)).await;
        let verdict = found.unwrap().unwrap().diagnoses[0].verdict;
        assert_eq!(black_box(verdict), Verdict::Leak);
    }
    let now = used();
    [now[0] - begun[0], now[1] - begun[1]]
}

fn diagnosis(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let (app, tags) = runtime.block_on(async {
        let pool = testing::database().await.unwrap();
        let tags = fill(&mut pool.acquire().await.unwrap()).await;
        (start_app(pool), tags)
    });
    let look = Look { tags, ..Look::default() };
    runtime.block_on(diagnose(&app, &look, 1));
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    runtime.block_on(diagnose(&app, &look, 1));
    let memory = (ALLOCATOR.peak_usage() - before) / 1000;
    let [_, postgres] = runtime.block_on(diagnose(&app, &look, 10));
    println!("a diagnosis takes {memory} kB, and Postgres {:?}", postgres / 10);
    criterion.bench_function("a host is diagnosed (processor time)", |bencher| {
        bencher.iter_custom(|times| runtime.block_on(diagnose(&app, &look, times))[0]);
    });
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(20);
    targets = diagnosis
}
criterion_main!(benches);
