use proptest::prelude::*;

use super::{
    build::Builder,
    combine::{coarsen, join},
    fleet::{self, Columns},
    head::{BlockOf, Head},
    *,
};
use jiff::SignedDuration;
use poolwatch_model::{
    Bytes, HostId, Snapshot,
    history::MISSING,
    process::{ObjectTypeUse, ProcessActivity, ProcessUse},
    tag::{TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{Decoder, Encoder, Stamp};

fn start() -> Timestamp {
    Timestamp::from_second(1_768_478_400).unwrap()
}

fn at(second: i64) -> Timestamp {
    start().checked_add(SignedDuration::from_secs(second)).unwrap()
}

fn tags(rows: &[(&str, u64, u64, u64)]) -> TagTable {
    let row = |(tag, bytes, outstanding, allocs): &(&str, u64, u64, u64)| TagUse {
        tag: tag.parse().unwrap(),
        paged: TagCounters::default(),
        nonpaged: TagCounters { bytes: *bytes, outstanding: *outstanding, allocs: *allocs },
    };
    TagTable::new(AllocCounting::Full64, true, rows.iter().map(row).collect())
}

fn snapshot(rows: &[(&str, u64, u64, u64)]) -> Snapshot {
    Snapshot { tags: Some(tags(rows)), ..Snapshot::default() }
}

fn built(samples: &[(i64, i32, Snapshot)]) -> Chunk {
    let mut builder = Builder::new(start(), 600);
    for (second, boot_no, snapshot) in samples {
        assert!(builder.push(at(*second), *boot_no, snapshot, None));
    }
    builder.finish().unwrap()
}

fn nonpaged(chunk: &Chunk, tag: &str) -> Vec<Option<Stat>> {
    let row = chunk.tags.get(&tag.parse().unwrap()).unwrap();
    (0..chunk.slots.len()).map(|slot| row[3].at(slot)).collect()
}

#[expect(clippy::unnecessary_wraps, reason = "compared with what may be missing")]
fn stat(min: u64, mean: u64, max: u64) -> Option<Stat> {
    Some(Stat { min, mean, max })
}

fn again(chunk: &Chunk) -> Chunk {
    let encoded = encode(chunk).unwrap();
    let (types, tags) = (chunk.types.keys.clone(), chunk.tags.keys.clone());
    decode(chunk.start, &encoded.head, &encoded.blocks, types, tags).unwrap()
}

#[test]
fn a_slot_keeps_least_mean_and_greatest_and_a_tag_not_listed_is_zero() {
    let chunk = built(&[
        (0, 1, snapshot(&[("Leak", 100, 1, 5)])),
        (60, 1, snapshot(&[("Leak", 300, 3, 9), ("Late", 30, 1, 1)])),
        (1200, 1, snapshot(&[("Leak", 500, 5, 11)])),
    ]);
    let offsets: Vec<u32> = chunk.slots.iter().map(|slot| slot.offset_s).collect();
    assert_eq!(offsets, [0, 1200]);
    assert_eq!(nonpaged(&chunk, "Leak"), [stat(100, 200, 300), stat(500, 500, 500)]);
    assert_eq!(nonpaged(&chunk, "Late"), [stat(0, 15, 30), stat(0, 0, 0)]);
    let row = chunk.tags.get(&"Leak".parse().unwrap()).unwrap();
    assert_eq!(row[5].at(0), Some(Stat::constant(9)), "a counter is as the slot ended");
    assert_eq!(row[0], Column::Constant(0));
    assert_eq!(again(&chunk), chunk);
}

#[test]
fn an_excerpt_says_nothing_of_tags_it_does_not_list() {
    let mut excerpt = snapshot(&[("Leak", 100, 1, 5)]);
    excerpt.tags.as_mut().unwrap().complete = false;
    let chunk = built(&[(0, 1, excerpt), (600, 1, snapshot(&[("Late", 7, 1, 1)]))]);
    assert_eq!(nonpaged(&chunk, "Leak"), [stat(100, 100, 100), stat(0, 0, 0)]);
    assert_eq!(nonpaged(&chunk, "Late"), [None, stat(7, 7, 7)]);
}

#[test]
fn a_restart_within_a_slot_makes_two_points_of_it() {
    let chunk = built(&[
        (0, 1, snapshot(&[("Leak", 900, 1, 5)])),
        (300, 2, snapshot(&[("Leak", 100, 1, 1)])),
        (660, 2, snapshot(&[("Leak", 200, 1, 1)])),
    ]);
    let slots: Vec<_> = chunk.slots.iter().map(|slot| (slot.offset_s, slot.boot_no)).collect();
    assert_eq!(slots, [(0, 1), (300, 2), (600, 2)]);
    assert_eq!(nonpaged(&chunk, "Leak")[..2], [stat(900, 900, 900), stat(100, 100, 100)]);
    let hour = coarsen(&chunk, 3600);
    let slots: Vec<_> = hour.slots.iter().map(|slot| (slot.offset_s, slot.boot_no)).collect();
    assert_eq!(slots, [(0, 1), (300, 2)]);
    assert_eq!(nonpaged(&hour, "Leak"), [stat(900, 900, 900), stat(100, 150, 200)]);
}

#[test]
fn of_two_makings_of_a_point_the_one_of_more_snapshots_counts() {
    let few = built(&[(0, 1, snapshot(&[("Leak", 1, 1, 1)]))]);
    let many = built(&[
        (0, 1, snapshot(&[("Leak", 1, 1, 1)])),
        (60, 1, snapshot(&[("Leak", 3, 1, 1)])),
        (700, 1, snapshot(&[("Leak", 9, 1, 1)])),
    ]);
    for chunks in [[few.clone(), many.clone()], [many.clone(), few]] {
        assert_eq!(join(start(), &chunks).unwrap(), many);
    }
}

#[test]
fn a_day_is_its_hours_one_after_the_other() {
    let first = built(&[(0, 1, snapshot(&[("Leak", 1, 1, 1)]))]);
    let mut second = built(&[(0, 1, snapshot(&[("Leak", 5, 1, 1), ("New", 2, 1, 1)]))]);
    second.start = at(3600);
    let day = join(start(), &[first, second]).unwrap();
    assert_eq!(nonpaged(&day, "Leak"), [stat(1, 1, 1), stat(5, 5, 5)]);
    assert_eq!(nonpaged(&day, "New"), [stat(0, 0, 0), stat(2, 2, 2)]);
    assert_eq!(day.slots[1].offset_s, 3600);
}

fn active(told: &[(u32, &str, u64)]) -> Snapshot {
    let key = |pid: u32| ProcessKey { pid, created: None };
    Snapshot {
        processes: Some(
            told.iter().map(|(pid, image, _)| ProcessUse::new(*pid, None, *image)).collect(),
        ),
        activity: told
            .iter()
            .map(|(pid, _, others)| ProcessActivity {
                key: key(*pid),
                reads: 9,
                writes: 9,
                others: *others,
            })
            .collect(),
        ..Snapshot::default()
    }
}

fn operations(chunk: &Chunk, image: &str) -> Vec<Option<u64>> {
    let row = chunk.programs.get(&image.to_owned()).unwrap();
    (0..chunk.slots.len()).map(|slot| row[0].at(slot).map(|stat| stat.mean)).collect()
}

#[test]
fn operations_of_a_program_are_summed_up_over_its_processes_and_over_time() {
    let chunk = built(&[
        (0, 1, active(&[(4, "git.exe", 10), (8, "git.exe", 5), (12, "other.exe", 1)])),
        (60, 1, active(&[(4, "git.exe", 20), (12, "other.exe", 1)])),
        (600, 1, active(&[(12, "other.exe", 1)])),
        (1200, 1, Snapshot::default()),
    ]);
    assert_eq!(operations(&chunk, "git.exe"), [Some(35), Some(0), None]);
    assert_eq!(operations(&chunk, "other.exe"), [Some(2), Some(1), None]);
    assert_eq!(again(&chunk), chunk);
    let hour = coarsen(&chunk, 3600);
    assert_eq!(operations(&hour, "git.exe"), [Some(35)]);
    assert_eq!(operations(&hour, "other.exe"), [Some(3)]);
    let mut next = built(&[(0, 1, active(&[(4, "late.exe", 7)]))]);
    next.start = at(3600);
    let day = join(start(), &[chunk, next]).unwrap();
    assert_eq!(operations(&day, "git.exe"), [Some(35), Some(0), None, Some(0)]);
    assert_eq!(operations(&day, "late.exe"), [Some(0), Some(0), None, Some(7)]);
}

#[test]
fn of_too_many_programs_the_busiest_stay_and_chunks_without_programs_are_read() {
    let many: Vec<String> = (0..60).map(|n| format!("p{n}.exe")).collect();
    let told: Vec<(u32, &str, u64)> =
        (0..).zip(&many).map(|(n, image)| (n, image.as_str(), u64::from(n) + 1)).collect();
    let chunk = built(&[(0, 1, active(&told))]);
    assert_eq!(chunk.programs.keys.len(), MAX_PROGRAMS);
    assert!(chunk.programs.get(&"p59.exe".to_owned()).is_some());
    assert!(chunk.programs.get(&"p0.exe".to_owned()).is_none());
    let mut before = chunk.clone();
    before.programs = Table::default();
    assert_eq!(again(&before), before);
}

#[test]
fn of_too_many_processes_those_with_the_most_stay() {
    let processes: Vec<ProcessUse> = (0..400)
        .map(|pid| {
            let mut process = ProcessUse::new(pid, None, format!("p{pid}.exe"));
            process.handles = Some(pid * 10);
            process.private_bytes = Some(u64::from(1_000_000 - pid));
            process
        })
        .collect();
    let chunk = built(&[(0, 1, Snapshot { processes: Some(processes), ..Snapshot::default() })]);
    let pids: Vec<u32> = chunk.processes.keys.iter().map(|name| name.key.pid).collect();
    assert_eq!(pids.len(), MAX_PROCESSES);
    assert!(pids.contains(&399) && pids.contains(&0) && !pids.contains(&200));
}

prop_compose! {
    fn any_snapshot()(
        rows in proptest::collection::vec((0_u8..80, any::<u64>(), 0_u64..9, any::<u64>()), 0..60),
        complete: bool,
        with_tags in proptest::bool::weighted(0.9),
        nonpaged in proptest::option::of(any::<u64>()),
        handles in proptest::collection::vec(any::<u32>(), 0..40),
    ) -> Snapshot {
        let row = |(tag, bytes, outstanding, allocs): &(u8, u64, u64, u64)| TagUse {
            tag: PoolTag::new([*tag, 1, 2, 3]),
            paged: TagCounters { bytes: *outstanding, outstanding: 0, allocs: 0 },
            nonpaged: TagCounters { bytes: *bytes, outstanding: *outstanding, allocs: *allocs },
        };
        let rows = rows.iter().map(row).collect();
        let mut snapshot = Snapshot {
            tags: with_tags.then(|| TagTable::new(AllocCounting::Wrapping32, complete, rows)),
            ..Snapshot::default()
        };
        snapshot.memory.nonpaged = nonpaged.map(Bytes);
        snapshot.processes = Some((0..).zip(&handles).map(|(pid, handles)| {
            let mut process = ProcessUse::new(pid, Some(start()), format!("{}.exe", pid % 5));
            process.handles = Some(*handles);
            process.services = vec!["Dhcp".into()];
            process
        }).collect());
        snapshot.activity = (0..).zip(&handles).step_by(2).map(|(pid, handles)| ProcessActivity {
            key: ProcessKey { pid, created: Some(start()) },
            reads: 0,
            writes: 1,
            others: u64::from(*handles) << 32,
        }).collect();
        snapshot.object_types = Some(vec![ObjectTypeUse {
            name: "File".into(),
            objects: handles.len() as u32,
            handles: 1,
            peak_objects: 2,
            peak_handles: 3,
        }]);
        snapshot
    }
}

fn any_chunk() -> impl Strategy<Value = Chunk> {
    proptest::collection::vec((0_i64..3600, 1_i32..3, any_snapshot()), 1..12).prop_map(
        |mut samples| {
            samples.sort_by_key(|(second, boot_no, _)| (*boot_no, *second));
            built(&samples)
        },
    )
}

/// One table of a snapshot: its rows with their figures.
type Listed<K, const M: usize> = Vec<(K, [Option<u64>; M])>;

/// The tables of a slot, where its snapshots have one, and how many looked for every row.
type SlotTables<K, const M: usize> = (Option<u32>, Vec<Option<Listed<K, M>>>);

/// A column by its definition: every snapshot of every slot is looked at.
fn column_by_definition<K: PartialEq, const M: usize>(
    slots: &[SlotTables<K, M>],
    key: &K,
    figure: usize,
    is_counter: bool,
) -> Column {
    let of_slot = |(of, tables): &SlotTables<K, M>| {
        let find = |table: &Listed<K, M>| table.iter().find(|(one, _)| one == key).map(|row| row.1);
        let rows: Vec<[Option<u64>; M]> = tables.iter().flatten().filter_map(find).collect();
        let told: Vec<u64> = rows.iter().filter_map(|row| row[figure]).collect();
        let zeros = of.map_or(0, |of| of as usize - told.len());
        let Some(last) = told.last().copied() else {
            let is_listed = rows.iter().flatten().any(Option::is_some);
            return (zeros > 0 && !is_listed).then_some(Stat::constant(0));
        };
        if is_counter {
            return Some(Stat::constant(last));
        }
        let min = if zeros > 0 { 0 } else { told.iter().copied().min().unwrap() };
        let sum: u128 = told.iter().map(|value| u128::from(*value)).sum();
        let mean = u64::try_from(sum / (told.len() + zeros) as u128).unwrap();
        Some(Stat { min, mean, max: told.iter().copied().max().unwrap() })
    };
    Column::new(slots.iter().map(of_slot))
}

/// The rows of a table by their definition.
fn rows_by_definition<K: Ord + Clone, const M: usize>(
    slots: &[SlotTables<K, M>],
    counters: &[usize],
) -> Vec<(K, Vec<Column>)> {
    let tables = slots.iter().flat_map(|(_, tables)| tables.iter().flatten());
    let mut keys: Vec<&K> = tables.flatten().map(|(key, _)| key).collect();
    keys.sort();
    keys.dedup();
    let columns = |key: &K| -> Vec<Column> {
        let column = |at| column_by_definition(slots, key, at, counters.contains(&at));
        (0..M).map(column).collect()
    };
    keys.into_iter().map(|key| (key.clone(), columns(key))).collect()
}

fn zipped<K>(table: Table<K>) -> Vec<(K, Vec<Column>)> {
    table.keys.into_iter().zip(table.rows).collect()
}

/// What changes from one snapshot of a host to the next.
#[derive(Debug, Clone)]
struct HostStep {
    gap_s: i64,
    /// Counters: which row, which of them, to what.
    edits: Vec<(usize, usize, u64)>,
    turn: u8,
}

prop_compose! {
    fn any_step()(
        gap_s in 1_i64..300,
        edits in proptest::collection::vec(
            (0_usize..9, 0_usize..9, prop_oneof![0_u64..3, any::<u64>()]), 0..6),
        turn in 0_u8..30,
    ) -> HostStep {
        HostStep { gap_s, edits, turn }
    }
}

impl HostStep {
    /// The snapshot after `all`, of which tables may be missing when it is sent.
    fn take(&self, all: &mut Snapshot) -> Snapshot {
        let tags = all.tags.as_mut().unwrap();
        let processes = all.processes.as_mut().unwrap();
        for &(row, counter, value) in &self.edits {
            if let Some(row) = tags.rows.get_mut(row) {
                let of = if counter < 3 { &mut row.paged } else { &mut row.nonpaged };
                match counter % 3 {
                    0 => of.bytes = value,
                    1 => of.outstanding = value,
                    _ => of.allocs = value,
                }
            }
            let small = u32::try_from(value).ok();
            if let Some(process) = processes.get_mut(row) {
                match counter {
                    0 => process.handles = small,
                    1 => process.private_bytes = Some(value),
                    2 => process.paged_quota = Some(value),
                    _ => {}
                }
            }
            let object_type = &mut all.object_types.as_mut().unwrap()[0];
            match counter {
                3 => object_type.handles = small.unwrap_or(7),
                4 => object_type.peak_objects = small.unwrap_or(8),
                _ => {}
            }
        }
        match self.turn {
            0 => tags.rows.truncate(self.edits.len()),
            1 => {
                let mut rows = std::mem::take(&mut tags.rows);
                rows.push(TagUse::empty(PoolTag::new([self.gap_s as u8, 7, 7, 7])));
                *tags = TagTable::new(tags.counting, tags.complete, rows);
            }
            2 => tags.complete = !tags.complete,
            3 => tags.counting = AllocCounting::OutstandingOnly,
            4 => tags.counting = AllocCounting::Full64,
            5 if !processes.is_empty() => drop(processes.remove(0)),
            6 => {
                let pid = processes.last().map_or(4, |last| last.key.pid + 4);
                processes.push(ProcessUse::new(pid, None, "new.exe"));
            }
            7 => processes.iter_mut().for_each(|one| one.services = vec![self.gap_s.to_string()]),
            8 => all.memory.nonpaged = Some(Bytes(self.gap_s.unsigned_abs())),
            _ => {}
        }
        let mut sent = all.clone();
        match self.turn {
            9 => sent.tags = None,
            10 => sent.processes = None,
            11 => sent.object_types = None,
            _ => {}
        }
        sent
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn an_hour_made_of_changes_is_that_of_the_whole_snapshots(
        first in any_snapshot(),
        steps in proptest::collection::vec(any_step(), 1..60),
    ) {
        let mut all = first;
        all.tags.get_or_insert_with(|| tags(&[("Leak", 1, 2, 3)]));
        let (mut second, mut boot_no, mut is_added) = (0, 1, false);
        let (mut encoder, mut decoder) = (Encoder::default(), Decoder::default());
        let mut builder = Builder::new(start(), 600);
        let mut samples: Vec<(i64, i32, Snapshot)> = Vec::new();
        for (seq, step) in (1..).zip(&steps) {
            second += step.gap_s;
            let sent = step.take(&mut all);
            if step.turn == 12 {
                boot_no += 1;
                (encoder, decoder, is_added) = (Encoder::default(), Decoder::default(), false);
            }
            let boot = poolwatch_model::BootId(uuid::Uuid::from_u128(boot_no as u128));
            let stamp = Stamp { boot, seq, uptime_ms: 1, wall: start() };
            let frame = encoder.encode(stamp, sent);
            match step.turn {
                // It is lost; the next ones cannot be read until a key frame comes.
                13 => continue,
                14 => encoder.restart_chain(),
                _ => {}
            }
            if second >= 3600 {
                break;
            }
            let Ok(read) = decoder.decode(&frame) else { continue };
            let snapshot = read.snapshot.clone();
            // A frame of the hour before is read and not added.
            if step.turn == 15 {
                is_added = false;
                continue;
            }
            let moves = is_added.then_some(decoder.moves());
            is_added = builder.push(at(second), boot_no, &snapshot, moves);
            prop_assert!(is_added);
            samples.push((second, boot_no, snapshot));
        }
        let Some(chunk) = builder.finish() else { return Ok(()) };
        prop_assert_eq!(&built(&samples), &chunk);
        let slots: Vec<&[(i64, i32, Snapshot)]> =
            samples.chunk_by(|a, b| (a.0 / 600, a.1) == (b.0 / 600, b.1)).collect();
        let of = |slot: &[(i64, i32, Snapshot)]| {
            let all: Vec<&TagTable> = slot.iter().filter_map(|one| one.2.tags.as_ref()).collect();
            (!all.is_empty() && all.iter().all(|one| one.complete)).then_some(all.len() as u32)
        };
        let tables: Vec<_> = slots.iter().map(|slot| {
            let table = |one: &(i64, i32, Snapshot)| one.2.tags.as_ref().map(|table| {
                let allocs = |value| (table.counting == AllocCounting::Full64
                    || table.counting == AllocCounting::Wrapping32).then_some(value);
                let figures = |row: &TagUse| {
                    let TagUse { paged: p, nonpaged: n, .. } = row;
                    (row.tag, [Some(p.bytes), Some(p.outstanding), allocs(p.allocs),
                        Some(n.bytes), Some(n.outstanding), allocs(n.allocs)])
                };
                table.rows.iter().map(figures).collect()
            });
            (of(slot), slot.iter().map(table).collect())
        }).collect();
        prop_assert_eq!(zipped(chunk.tags), rows_by_definition(&tables, &[2, 5]));
        let processes: Vec<_> = slots.iter().map(|slot| {
            let table = |one: &(i64, i32, Snapshot)| one.2.processes.as_ref().map(|rows| {
                let figures = |row: &ProcessUse| (row.key,
                    [row.handles.map(u64::from), row.threads.map(u64::from), row.private_bytes]);
                rows.iter().map(figures).collect()
            });
            (None, slot.iter().map(table).collect())
        }).collect();
        let named = zipped(chunk.processes).into_iter().map(|(name, row)| (name.key, row));
        prop_assert_eq!(named.collect::<Vec<_>>(), rows_by_definition(&processes, &[]));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_chunk_comes_back_from_its_bytes(chunk in any_chunk()) {
        prop_assert_eq!(&again(&chunk), &chunk);
        prop_assert_eq!(&join(chunk.start, &[chunk.clone(), chunk.clone()]).unwrap(), &chunk);
        prop_assert_eq!(&again(&coarsen(&chunk, 3600)), &coarsen(&chunk, 3600));
    }

    #[test]
    fn one_row_is_read_as_it_is_among_the_others(chunk in any_chunk()) {
        let encoded = encode(&chunk).unwrap();
        let head = Head::decode(&encoded.head).unwrap();
        for (at, row) in chunk.tags.rows.iter().enumerate() {
            let (from, length) = head.place(BlockOf::Tag(at)).unwrap();
            let block = &encoded.blocks[from..from + length];
            let read = encode::row(block, chunk.tags.rows.len(), at, TAG_FIGURES, chunk.slots.len());
            prop_assert_eq!(&read.unwrap(), row);
        }
    }

    #[test]
    fn plain_numbers_are_those_of_the_rows(chunk in any_chunk(), step_s in prop_oneof![Just(600), Just(3600)]) {
        let chunk = coarsen(&chunk, step_s);
        let encoded = encode(&chunk).unwrap();
        let head = Head::decode(&encoded.head).unwrap();
        let (rows, slots) = (chunk.tags.rows.len(), chunk.slots.len());
        let mut numbers = Vec::new();
        for (at, row) in chunk.tags.rows.iter().enumerate() {
            let (from, length) = head.place(BlockOf::Tag(at)).unwrap();
            let beside = Head::rows_beside(rows, at);
            let block = &encoded.blocks[from..from + length];
            let block = Numbers::read(block, beside, TAG_FIGURES, slots).unwrap();
            for (figure, column) in row.iter().enumerate() {
                let told = |of: fn(Stat) -> u64| -> Vec<u64> {
                    let value = |slot| column.at(slot).map_or(MISSING, |s| of(s).min(MISSING - 1));
                    (0..slots).map(value).collect()
                };
                block.values(at % BLOCK_ROWS, figure, Extreme::Least, &mut numbers).unwrap();
                prop_assert_eq!(&numbers, &told(|stat| stat.min));
                let mut each = Vec::new();
                if block.each_least(at % BLOCK_ROWS, figure, |least| each.push(least)).unwrap() {
                    prop_assert_eq!(&each, &numbers);
                }
                block.values(at % BLOCK_ROWS, figure, Extreme::Greatest, &mut numbers).unwrap();
                prop_assert_eq!(&numbers, &told(|stat| stat.max));
                for (of, value) in [
                    (Extreme::Least, (|stat| stat.min) as fn(Stat) -> u64),
                    (Extreme::Greatest, |stat| stat.max),
                ] {
                    let thin = match of {
                        Extreme::Least => block.to_thin(|_| Extreme::Least),
                        Extreme::Greatest => block.to_thin(|_| Extreme::Greatest),
                    };
                    let thin = Numbers::from_thin(thin.unwrap(), beside, TAG_FIGURES, slots).unwrap();
                    thin.values(at % BLOCK_ROWS, figure, of, &mut numbers).unwrap();
                    prop_assert_eq!(&numbers, &told(value));
                }
            }
        }
    }

    #[test]
    fn the_columns_of_a_host_block_come_back(chunks in proptest::collection::vec(any_chunk(), 1..4)) {
        let mut columns = Columns::new();
        for (host, chunk) in (7000..).step_by(300).zip(&chunks) {
            fleet::add(&mut columns, HostId(host), chunk);
        }
        let encoded = fleet::encode(&columns).unwrap();
        let all = fleet::decode_all(&encoded.bounds, &encoded.buckets).unwrap();
        prop_assert_eq!(&all, &columns);
        for (key, values) in &columns {
            let at = fleet::bucket_of(*key);
            let range = encoded.bounds[at] as usize..encoded.bounds[at + 1] as usize;
            prop_assert_eq!(&fleet::column(&encoded.buckets[range], *key).unwrap(), values);
        }
        // The last host came anew as the first one was.
        let mut late = Columns::new();
        let last = chunks.len() as i32 - 1;
        fleet::add(&mut late, HostId(7000 + last * 300), &chunks[0]);
        fleet::overlay(&mut columns, late);
        let mut expected = Columns::new();
        for (host, chunk) in (7000..).step_by(300).zip(&chunks[..chunks.len() - 1]) {
            fleet::add(&mut expected, HostId(host), chunk);
        }
        fleet::add(&mut expected, HostId(7000 + last * 300), &chunks[0]);
        prop_assert_eq!(columns, expected);
    }

    #[test]
    fn hostile_bytes_are_refused_and_never_panic(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        chunk in any_chunk(),
        flip in any::<proptest::sample::Index>(),
        with: u8,
    ) {
        let _ = Head::decode(&bytes);
        let packed = zstd::bulk::compress(&bytes, 1).unwrap();
        let _ = block::rows(&packed, 32, TAG_FIGURES, 200);
        let _ = encode::row(&packed, 32, 5, TAG_FIGURES, 200);
        if let Ok(block) = Numbers::read(&packed, 32, TAG_FIGURES, 200) {
            for row in 0..32 {
                let _ = block.values(row, 3, Extreme::Least, &mut Vec::new());
                let _ = block.values(row, 5, Extreme::Greatest, &mut Vec::new());
            }
        }
        let _ = encode::process_names(&packed);
        let _ = fleet::decode(&packed);
        let _ = fleet::decode_all(&[0, i32::try_from(packed.len()).unwrap(), -1], &packed);
        let mut encoded = encode(&chunk).unwrap();
        let whole = encoded.head.len() + encoded.blocks.len();
        let at = flip.index(whole);
        match at.checked_sub(encoded.head.len()) {
            Some(at) => encoded.blocks[at] ^= with,
            None => encoded.head[at] ^= with,
        }
        let (types, tags) = (chunk.types.keys.clone(), chunk.tags.keys.clone());
        let _ = decode(chunk.start, &encoded.head, &encoded.blocks, types, tags);
    }
}

#[test]
fn allocations_of_one_size_tell_their_bytes() {
    let of = |size: u64| {
        let sample = |minute: i64| {
            let outstanding = 1000 + minute.unsigned_abs() * 7919 % 613;
            let rows = [("Leak", outstanding * size + minute as u64 % 2, outstanding, 5000)];
            (minute * 60, 1, snapshot(&rows))
        };
        built(&(0..60).map(sample).collect::<Vec<_>>())
    };
    let mut exact = of(320);
    let (bytes, outstanding) = (3, 4);
    let row = &mut exact.tags.rows[0];
    let times =
        |stat: Stat| Stat { min: stat.min * 320, mean: stat.mean * 320 + 7, max: stat.max * 320 };
    let Column::Varied(values) = row[outstanding].clone() else { panic!("it varies") };
    row[bytes] = Column::new(values.into_iter().map(|stat| stat.map(times)));
    let nearly = of(320);
    assert_eq!(again(&exact), exact);
    assert_eq!(again(&nearly), nearly);
    let mut two = exact.clone();
    two.tags.keys.push("Next".parse().unwrap());
    two.tags.rows.push(exact.tags.rows[0].clone());
    let encoded = encode(&two).unwrap();
    let (from, length) = Head::decode(&encoded.head).unwrap().place(BlockOf::Tag(0)).unwrap();
    let block = &encoded.blocks[from..from + length];
    for (at, row) in two.tags.rows.iter().enumerate() {
        let alone = encode::row(block, 2, at, TAG_FIGURES, two.slots.len()).unwrap();
        assert_eq!(&alone, row);
    }
    let size = |chunk: &Chunk| encode(chunk).unwrap().blocks.len();
    assert!(size(&exact) + 20 < size(&nearly), "{} {}", size(&exact), size(&nearly));
}

#[test]
fn tags_that_do_not_change_cost_next_to_nothing() {
    let rows: Vec<TagUse> = (0..1500_u32)
        .map(|n| TagUse {
            tag: PoolTag::new(n.to_le_bytes()),
            paged: TagCounters::default(),
            nonpaged: TagCounters { bytes: 4096, outstanding: 1, allocs: 1 },
        })
        .collect();
    let table = TagTable::new(AllocCounting::Full64, true, rows);
    let snapshot = Snapshot { tags: Some(table), ..Snapshot::default() };
    let samples: Vec<_> = (0..60).map(|minute| (minute * 60, 1, snapshot.clone())).collect();
    let encoded = encode(&built(&samples)).unwrap();
    let size = encoded.head.len() + encoded.blocks.len();
    assert!(size < 3 * 1500, "{size} bytes for an hour of 1,500 tags");
}

#[test]
fn a_host_that_makes_up_tags_is_cut_and_what_is_cut_is_not_told_as_zero() {
    let rows = |first: u32| {
        let row = |n: u32| TagUse {
            tag: PoolTag::new(n.to_be_bytes()),
            paged: TagCounters::default(),
            nonpaged: TagCounters { bytes: 1, outstanding: 1, allocs: 1 },
        };
        TagTable::new(AllocCounting::Full64, true, (first..first + 60_000).map(row).collect())
    };
    let mut builder = Builder::new(start(), 600);
    let mut taken = 0;
    for minute in 0..60 {
        let table = rows(minute * 60_000);
        let snapshot = Snapshot { tags: Some(table), ..Snapshot::default() };
        taken += u32::from(builder.push(at(i64::from(minute) * 60), 1, &snapshot, None));
    }
    let chunk = builder.finish().unwrap();
    assert!(taken < 60);
    assert!(chunk.tags.keys.len() * chunk.slots.len() <= 1 << 17);
    assert!(chunk.slots.iter().all(|slot| slot.tags.is_some_and(|tags| !tags.complete)));
    assert_eq!(again(&chunk), chunk);
}
