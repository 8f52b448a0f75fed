//! What was measured of a host comes out of its chunks as the minima of its snapshots, whatever these
//! are kept in.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use poolwatch_model::{
    BootId, Bytes, HostId, Pool, PoolTag, Snapshot,
    history::{HostHistory, Moment, WantedSeries},
    memory::Memory,
    process::{ObjectTypeUse, ProcessActivity, ProcessUse},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{Encoder, Envelope, Stamp, frame::decompress};
use poolwatch_store::{
    frames::{self, NewFrame},
    partitions::{self, Table},
    read, testing,
};
use sqlx::PgConnection;
use uuid::Uuid;

use crate::{
    chunks::{host_numbered, make_dirty_at},
    later, noon,
};

/// Minutes of the story: two days and a half.
const END: i64 = 60 * 60;
const HOUR: i64 = 60;
const DAY: i64 = 1440;

fn mixed(a: i64, b: i64) -> u64 {
    (a.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ b.unsigned_abs())
        .wrapping_mul(0xD6E8_FEB8_6659_FD93)
        >> 40
}

/// A host on which tags come and go, some in both pools, processes end, and counters wrap.
fn snapshot(minute: i64) -> Snapshot {
    let counters = |number: i64| {
        let outstanding = 10 + mixed(number, minute / 30) % 500 + (minute / 7).unsigned_abs();
        let allocs = (minute.unsigned_abs() * 40_000_000 * (number.unsigned_abs() % 4)) as u32;
        TagCounters { bytes: outstanding * 96, outstanding, allocs: allocs.into() }
    };
    let rows = (0..70).filter(|number| number % 9 != 5 || minute / 400 % 2 == 1).map(|number| {
        let tag = match number {
            7 => *b"Thr\xe5",
            _ => [b'A' + (number % 26) as u8, b'a' + (number / 26) as u8, b'x', b'y'],
        };
        let none = TagCounters::default();
        let paged = if number % 3 == 0 { counters(number) } else { none };
        let late = number % 7 == 2 && minute < 900;
        let nonpaged = if number % 3 != 1 && !late { counters(number + 100) } else { none };
        TagUse { tag: PoolTag::new(tag), paged, nonpaged }
    });
    let process = |pid: i64| {
        let created = if pid < 20 { noon() } else { later(minute / 500 * 500) };
        let mut process = ProcessUse::new(pid as u32 * 4 + 4, Some(created), format!("p{pid}.exe"));
        process.handles = u32::try_from(mixed(pid, minute) % 900 + minute.unsigned_abs()).ok();
        process.threads = (pid % 5 != 0).then_some(pid as u32);
        process.private_bytes = (pid % 4 != 0).then(|| mixed(pid, minute / 60));
        process
    };
    let processes: Vec<ProcessUse> = (0..30 + minute / 1000).map(process).collect();
    // Not every snapshot tells what processes did, and not every process did something.
    let active = processes.iter().filter(|one| minute % 600 < 500 && one.key.pid % 3 != 2);
    let activity = active.map(|one| {
        let others = mixed(one.key.pid.into(), minute) % 5_000;
        ProcessActivity { key: one.key, reads: 1, writes: 2, others }
    });
    let object_type = |name: &str, objects: u32| ObjectTypeUse {
        name: name.into(),
        objects,
        handles: objects * 2,
        peak_objects: objects,
        peak_handles: objects * 2,
    };
    let mut snapshot = Snapshot {
        tags: (minute % 50 != 45)
            .then(|| TagTable::new(AllocCounting::Wrapping32, minute % 800 > 60, rows.collect())),
        activity: activity.collect(),
        processes: Some(processes),
        object_types: Some(vec![object_type("Event", 5), object_type("File", minute as u32)]),
        ..Snapshot::default()
    };
    snapshot.memory.paged = Some(Bytes(mixed(1, minute)));
    snapshot.memory.nonpaged = (minute > 700).then(|| Bytes(mixed(2, minute)));
    snapshot.memory.commit_limit = (minute < 2000).then_some(Bytes(77));
    snapshot
}

/// Snapshots that were taken: by minute, with the boot and how long that had run, seconds.
type Story = BTreeMap<i64, (i32, u64)>;

async fn send(
    db: &mut PgConnection,
    host: HostId,
    story: &mut Story,
    (boot_no, first_seq): (i32, u64),
    minutes: impl Iterator<Item = i64>,
) {
    let mut encoder = Encoder::default();
    let boot = BootId(Uuid::from_u128(boot_no as u128));
    let frame = |(seq, minute): (u64, i64)| {
        let at = later(minute);
        let stamp = Stamp { boot, seq, uptime_ms: 1000 * seq, wall: at };
        story.insert(minute, (boot_no, seq));
        let payload = encoder.encode(stamp, snapshot(minute));
        let is_key = Envelope::parse(&decompress(&payload).unwrap()).unwrap().base.is_none();
        NewFrame { host, at, boot_no, seq, is_key, paged: None, nonpaged: None, payload }
    };
    let all: Vec<NewFrame> = (first_seq..).zip(minutes).map(frame).collect();
    for some in all.chunks(256) {
        frames::insert(db, some).await.unwrap();
    }
}

/// The snapshots of some minutes as one: the least of everything, allocations as they ended, operations
/// together. A tag
/// that complete tables do not list used nothing.
fn minimum(minutes: &[i64]) -> Snapshot {
    let all: Vec<Snapshot> = minutes.iter().map(|minute| snapshot(*minute)).collect();
    let mut least = all[0].clone();
    for next in &all[1..] {
        fn of<T: Ord + Copy>(one: Option<T>, other: Option<T>) -> Option<T> {
            one.into_iter().chain(other).min()
        }
        least.memory = Memory {
            paged: of(least.memory.paged, next.memory.paged),
            nonpaged: of(least.memory.nonpaged, next.memory.nonpaged),
            commit_limit: of(least.memory.commit_limit, next.memory.commit_limit),
            ..Memory::default()
        };
        let processes = least.processes.as_mut().unwrap();
        for process in next.processes.iter().flatten() {
            match processes.iter_mut().find(|known| known.key == process.key) {
                Some(known) => {
                    known.handles = of(known.handles, process.handles);
                    known.threads = of(known.threads, process.threads);
                    known.private_bytes = of(known.private_bytes, process.private_bytes);
                }
                None => processes.push(process.clone()),
            }
        }
        processes.sort_by_key(|process| process.key);
        for one in &next.activity {
            match least.activity.iter_mut().find(|known| known.key == one.key) {
                Some(known) => known.others += one.others,
                None => least.activity.push(*one),
            }
        }
        let types = least.object_types.iter_mut().flatten();
        for (known, kind) in types.zip(next.object_types.iter().flatten()) {
            known.objects = known.objects.min(kind.objects);
            known.handles = known.handles.min(kind.handles);
        }
    }
    let tables: Vec<&TagTable> = all.iter().filter_map(|one| one.tags.as_ref()).collect();
    let tags: BTreeSet<PoolTag> =
        tables.iter().flat_map(|table| &table.rows).map(|row| row.tag).collect();
    let row = |tag: PoolTag| {
        // Within ten minutes one table that is not complete tells nothing of what it does not list.
        let timed: Vec<(i64, &Snapshot)> = minutes.iter().copied().zip(&all).collect();
        let slots = timed.chunk_by(|(one, _), (next, _)| one / 10 == next / 10).map(|slot| {
            let tables: Vec<&TagTable> =
                slot.iter().filter_map(|(_, told)| told.tags.as_ref()).collect();
            let listed: Vec<TagUse> =
                tables.iter().filter_map(|table| table.get(tag).copied()).collect();
            let is_complete = !tables.is_empty() && tables.iter().all(|table| table.complete);
            let mut used = listed.clone();
            used.extend((is_complete && listed.len() < tables.len()).then(|| TagUse::empty(tag)));
            let was_ever = listed.last().copied().or_else(|| used.last().copied());
            (used, was_ever)
        });
        let (used, last): (Vec<Vec<TagUse>>, Vec<Option<TagUse>>) = slots.unzip();
        let used: Vec<TagUse> = used.concat();
        let last = last.into_iter().flatten().next_back().unwrap();
        let of = |pool: Pool| TagCounters {
            bytes: used.iter().map(|row| row.of(pool).bytes).min().unwrap(),
            outstanding: used.iter().map(|row| row.of(pool).outstanding).min().unwrap(),
            allocs: last.of(pool).allocs,
        };
        TagUse { tag, paged: of(Pool::Paged), nonpaged: of(Pool::Nonpaged) }
    };
    let is_used = |row: &TagUse| !row.paged.is_empty() || !row.nonpaged.is_empty();
    let rows: Vec<TagUse> = tags.into_iter().map(row).filter(is_used).collect();
    least.tags = (!tables.is_empty()).then(|| TagTable::new(AllocCounting::Wrapping32, true, rows));
    least
}

/// Where the story is kept, and how it is asked for.
#[derive(Debug, Clone, Copy)]
struct Kept {
    /// Minutes of a chunk: those that end before the fine part are asked for by the hour.
    chunk: i64,
    /// The day of which more than hours are kept; `None` when all days are.
    fine_day: Option<i64>,
    has_frames: bool,
}

/// As the minima of the snapshots tell it.
fn expected(story: &Story, kept: Kept, fine_from: i64, wanted: &WantedSeries) -> HostHistory {
    // Noon is in the middle of a day.
    let chunk_of = |minute: i64| (minute + DAY / 2).div_euclid(kept.chunk);
    let step = |minute: i64| {
        let end = (chunk_of(minute) + 1) * kept.chunk - DAY / 2;
        let day = (minute + DAY / 2).div_euclid(DAY);
        let is_gone = kept.fine_day.is_some_and(|fine| fine != day);
        if end <= fine_from || is_gone { HOUR } else { 10 }
    };
    let latest = story.last_key_value().filter(|_| kept.has_frames);
    let all: Vec<(i64, i32)> = story.iter().map(|(minute, (boot, _))| (*minute, *boot)).collect();
    let place = |(minute, boot): (i64, i32)| (minute.div_euclid(step(minute)), boot);
    let mut moments: Vec<(Moment, Snapshot)> = Vec::new();
    let mut before = None;
    for group in all.chunk_by(|one, next| place(*one) == place(*next)) {
        let ((first, boot), step) = (group[0], step(group[0].0));
        let start = first.div_euclid(step) * step;
        // A boot that begins within ten minutes of another begins with its first snapshot; within an
        // hour, with its first ten minutes.
        let tens = first.div_euclid(10) * 10;
        let shares = |step: i64| {
            before.is_some_and(|(last, _)| i64::div_euclid(last, step) == first.div_euclid(step))
        };
        let at = match (shares(10), shares(step)) {
            (true, _) => first,
            (false, true) => tens,
            (false, false) => start,
        };
        before = group.last().copied();
        let is_latest =
            |(minute, (last, _)): (&i64, &(i32, u64))| *last == boot && at + step > *minute;
        if latest.is_some_and(is_latest) {
            continue;
        }
        let minutes: Vec<i64> = group.iter().map(|(minute, _)| *minute).collect();
        let uptime_s = Some((at * 60).unsigned_abs());
        let moment = Moment { at_s: later(at).as_second(), boot: boot.cast_unsigned(), uptime_s };
        moments.push((moment, minimum(&minutes)));
    }
    moments.extend(latest.map(|(minute, (boot, seq))| {
        let boot = boot.cast_unsigned();
        let moment = Moment { at_s: later(*minute).as_second(), boot, uptime_s: Some(*seq) };
        (moment, snapshot(*minute))
    }));
    let moments: Vec<(Moment, &Snapshot)> =
        moments.iter().map(|(moment, snapshot)| (*moment, snapshot)).collect();
    let mut history = HostHistory::from_snapshots(&moments).keep_wanted(wanted);
    // Chunks do not keep quotas.
    history.processes.iter_mut().for_each(|process| process.quota = Default::default());
    history
}

async fn compare(db: &mut PgConnection, host: HostId, story: &Story, kept: Kept, step: &str) {
    let everything = WantedSeries { most_tags: 500, most_processes: 500, ..Default::default() };
    let tags = [*b"Thre", *b"Aaxy"].map(PoolTag::new).into();
    let some = WantedSeries { tags, most_tags: 3, most_processes: 2 };
    for (wanted, fine) in [(&everything, 0), (&some, 0), (&some, END), (&everything, 24 * 60)] {
        let times: (Timestamp, Timestamp, Timestamp) = (noon(), later(fine), later(END + 60));
        let read = read::host_history(db, host, times, wanted).await.unwrap();
        let expected = expected(story, kept, fine, wanted);
        let is_ordered =
            |one: &Moment, next: &Moment| (one.at_s, one.boot) < (next.at_s, next.boot);
        assert!(read.axis.is_sorted_by(is_ordered), "{step}");
        let pairs = read.axis.iter().zip(&expected.axis).enumerate();
        let differs = pairs.into_iter().find(|(_, (one, other))| one != other);
        assert_eq!(differs, None, "{step}, fine from {fine}");
        assert_eq!(read.axis.len(), expected.axis.len(), "{step}, fine from {fine}");
        assert_eq!(read.memory, expected.memory, "{step}");
        assert_eq!(read.object_types, expected.object_types, "{step}");
        let names = |history: &HostHistory| -> Vec<_> {
            history.tags.iter().map(|one| (one.tag, one.pool)).collect()
        };
        assert_eq!(names(&read), names(&expected), "{step}, fine from {fine}");
        for (one, other) in read.tags.iter().zip(&expected.tags) {
            assert_eq!(one, other, "{step}, fine from {fine}");
        }
        let names = |history: &HostHistory| -> Vec<_> {
            history.processes.iter().map(|one| (one.key, one.image.clone())).collect()
        };
        assert_eq!(names(&read), names(&expected), "{step}, fine from {fine}");
        assert_eq!(read.programs, expected.programs, "{step}, fine from {fine}");
        assert_eq!(read, expected, "{step}, fine from {fine}");
        let count = if wanted.most_tags == 500 { 60..90 } else { 4..30 };
        assert!(count.contains(&read.tags.len()), "{step}: {}", read.tags.len());
    }
}

#[tokio::test]
async fn columns_are_the_minima_of_snapshots_from_frames_hours_days_and_weeks() {
    let pool = testing::database().await.unwrap();
    let mut db = pool.acquire().await.unwrap();
    let host = host_numbered(&mut db, 1).await;
    for day in 1..4 {
        for table in [Table::Frames, Table::ChunkHour, Table::ChunkDay, Table::FleetHour] {
            let day = partitions::day_of(later(day * DAY));
            partitions::create_of(&mut db, table, day).await.unwrap();
        }
    }
    let mut story = Story::new();
    // A restart in the middle of ten minutes, half a day without anything, another one in its middle.
    send(&mut db, host, &mut story, (1, 1), (0..1234).step_by(3)).await;
    send(&mut db, host, &mut story, (2, 1), (1236..1500).chain(2100..2520).step_by(3)).await;
    let mut kept = Kept { chunk: HOUR, fine_day: None, has_frames: true };
    compare(&mut db, host, &story, kept, "frames").await;
    make_dirty_at(&pool, later(60)).await;
    compare(&mut db, host, &story, kept, "hours").await;
    send(&mut db, host, &mut story, (2, 1000), (2520..END).step_by(3)).await;
    compare(&mut db, host, &story, kept, "hours and frames").await;
    sqlx::query("INSERT INTO dirty_hours SELECT DISTINCT host_id, start FROM chunk_hour")
        .execute(&mut *db)
        .await
        .unwrap();
    make_dirty_at(&pool, later(20 * DAY)).await;
    kept.chunk = DAY;
    compare(&mut db, host, &story, kept, "days and weeks").await;
    // What comes late belongs to what stands.
    send(&mut db, host, &mut story, (2, 500), (1800..1900).step_by(3)).await;
    make_dirty_at(&pool, later(20 * DAY)).await;
    compare(&mut db, host, &story, kept, "with late frames").await;
    sqlx::query("DELETE FROM frames").execute(&mut *db).await.unwrap();
    kept.has_frames = false;
    compare(&mut db, host, &story, kept, "without frames").await;
    // One day is left in the middle of its week: its points stand between those of the week.
    sqlx::query("DELETE FROM chunk_hour").execute(&mut *db).await.unwrap();
    let middle = partitions::day_of(later(DAY)).to_string();
    sqlx::query("DELETE FROM chunk_day WHERE start::date <> $1::text::date")
        .bind(middle)
        .execute(&mut *db)
        .await
        .unwrap();
    kept.fine_day = Some(1);
    compare(&mut db, host, &story, kept, "a day in the middle of a week").await;
    sqlx::query("DELETE FROM chunk_day").execute(&mut *db).await.unwrap();
    kept.fine_day = Some(-1);
    compare(&mut db, host, &story, kept, "the week alone").await;
}
