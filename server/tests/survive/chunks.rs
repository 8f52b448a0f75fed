//! Whether chunks say what the frames said, which are decoded here on their own.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use poolwatch_model::Clock;
use poolwatch_model::{HostId, PoolTag, Snapshot};
use poolwatch_protocol::v1::Decoder;
use poolwatch_server::clock::SystemClock;
use poolwatch_store::{
    PgPool,
    chunk::{Chunk, Stat},
    chunks::{self, Span},
    compact, testing,
};

const HOUR_S: i64 = 3600;
const STEP_S: i64 = 600;

/// What frames said of ten minutes of a boot.
#[derive(Debug, Default)]
struct Told {
    samples: u32,
    nonpaged: Summed,
    /// Bytes in nonpaged pool of some tags.
    tags: BTreeMap<PoolTag, Summed>,
}

/// Least, sum and greatest of values, and how many there were.
#[derive(Debug, Default)]
struct Summed(Option<(u64, u64, u64, u64)>);

impl Summed {
    fn add(&mut self, value: u64) {
        let (min, sum, max, count) = self.0.unwrap_or((value, 0, value, 0));
        self.0 = Some((min.min(value), sum + value, max.max(value), count + 1));
    }

    fn stat(&self) -> Option<Stat> {
        self.0.map(|(min, sum, max, count)| Stat { min, mean: sum / count, max })
    }
}

/// Steps by the hour, the step in it and the boot.
type Steps = BTreeMap<(Timestamp, i64, i32), Told>;

/// Makes the hours of these hosts that are not made yet, over or not.
pub(crate) async fn make(pool: &PgPool, hosts: &[HostId]) {
    let mut reader = pool.acquire().await.unwrap();
    let mut hours = BTreeSet::new();
    for host in hosts {
        let frames = testing::frames(&mut reader, *host).await.unwrap();
        hours.extend(frames.iter().map(|(_, frame)| (host.0 / 1000 * 1000, hour_of(frame.at))));
    }
    for (first_host, hour) in hours {
        let mut transaction = pool.begin().await.unwrap();
        compact::hour(&mut reader, &mut transaction, hour, first_host).await.unwrap();
        transaction.commit().await.unwrap();
    }
}

/// Every hour of these hosts that has a chunk, or is long over, says exactly what its frames said.
/// Returns how many there are.
pub(crate) async fn say_what_frames_said(pool: &PgPool, hosts: &[HostId]) -> usize {
    let mut db = pool.acquire().await.unwrap();
    let mut compared = 0;
    for host in hosts {
        let frames = testing::frames(&mut db, *host).await.unwrap();
        let mut decoders: BTreeMap<i32, Decoder> = BTreeMap::new();
        let mut steps = Steps::new();
        for (_, frame) in &frames {
            let decoder = decoders.entry(frame.boot_no).or_default();
            if let Ok(taken) = decoder.decode(&frame.payload) {
                let (hour, second) = (hour_of(frame.at), frame.at.as_second());
                let step = second.rem_euclid(HOUR_S) / STEP_S;
                tell(steps.entry((hour, step, frame.boot_no)).or_default(), &taken.snapshot);
            }
        }
        let end = frames.last().map_or(Timestamp::MIN, |(_, frame)| frame.at);
        let (made, _) =
            chunks::read(&mut db, Span::Hour, *host, Timestamp::UNIX_EPOCH, end).await.unwrap();
        for chunk in &made {
            let of_hour = steps.iter().filter(|((hour, ..), _)| *hour == chunk.start);
            compare(*host, chunk, &of_hour.collect::<Vec<_>>());
        }
        compared += made.len();
        let over = SystemClock.now() - jiff::SignedDuration::from_mins(75);
        for ((hour, ..), _) in steps
            .iter()
            .filter(|((hour, ..), _)| *hour + jiff::SignedDuration::from_hours(1) <= over)
        {
            assert!(made.iter().any(|chunk| chunk.start == *hour), "host {}: no {hour}", host.0);
        }
    }
    compared
}

fn tell(told: &mut Told, snapshot: &Snapshot) {
    told.samples += 1;
    if let Some(nonpaged) = snapshot.memory.nonpaged {
        told.nonpaged.add(nonpaged.0);
    }
    let rows = snapshot.tags.iter().flat_map(|tags| &tags.rows);
    for row in rows.filter(|row| row.tag.bytes()[3] % 8 == 0) {
        told.tags.entry(row.tag).or_default().add(row.nonpaged.bytes);
    }
}

fn compare(host: HostId, chunk: &Chunk, steps: &[(&(Timestamp, i64, i32), &Told)]) {
    let at = |what: &str| format!("host {}, {}: {what}", host.0, chunk.start);
    assert_eq!(chunk.slots.len(), steps.len(), "{}", at("points"));
    for ((_, step, boot_no), told) in steps {
        let is_it = |slot: &poolwatch_store::chunk::Slot| {
            i64::from(slot.offset_s) / STEP_S == *step && slot.boot_no == *boot_no
        };
        let slot = chunk.slots.iter().position(is_it);
        let slot = slot.unwrap_or_else(|| panic!("{}", at("a point is missing")));
        assert_eq!(chunk.slots[slot].samples, told.samples, "{}", at("snapshots"));
        assert_eq!(chunk.memory[1].at(slot), told.nonpaged.stat(), "{}", at("nonpaged"));
        assert!(told.tags.len() > 10, "{}", at("tags that are compared"));
        for (tag, said) in &told.tags {
            let row = chunk.tags.get(tag).unwrap_or_else(|| panic!("{}", at("a tag is missing")));
            assert_eq!(row[3].at(slot), said.stat(), "{}", at(&tag.to_string()));
        }
    }
}

fn hour_of(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(HOUR_S) * HOUR_S).unwrap()
}
