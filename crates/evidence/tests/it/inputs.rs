//! Small inputs, one for each way in which people hand in what they have: what is right for each
//! stands beside it (`inputs/*.expect.md`). Here only what is read of them counts.

use std::fs;
use std::path::PathBuf;

use poolwatch_evidence::{CombinedEvidence, combine, read};
use poolwatch_model::event::EventKind;
use poolwatch_model::tag::TagCounters;
use poolwatch_model::{Bytes, Pool, PoolTag};

const GB: u64 = 1 << 30;

fn combined(name: &str) -> CombinedEvidence {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/inputs");
    let file = format!("{name}.txt");
    let bytes = fs::read(path.join(&file)).unwrap();
    combine([read(&file, &bytes)])
}

fn of(combined: &CombinedEvidence, at: usize, pool: Pool, tag: &[u8; 4]) -> TagCounters {
    let tags = combined.snapshots[at].snapshot.tags.as_ref().unwrap();
    *tags.get(PoolTag::new(*tag)).unwrap().of(pool)
}

fn nonpaged(combined: &CombinedEvidence, at: usize, tag: &[u8; 4]) -> (u64, u64) {
    let used = of(combined, at, Pool::Nonpaged, tag);
    (used.outstanding, used.bytes)
}

/// The uses of nonpaged pool, one for each moment.
fn pool_by_moment(combined: &CombinedEvidence) -> Vec<Option<u64>> {
    let moments = combined.snapshots.iter();
    moments.map(|moment| moment.snapshot.memory.nonpaged.map(|bytes| bytes.0)).collect()
}

fn handles(combined: &CombinedEvidence, at: usize) -> Vec<(&str, Option<u32>)> {
    let processes = combined.snapshots[at].snapshot.processes.iter().flatten();
    processes.map(|process| (process.image.as_str(), process.handles)).collect()
}

#[test]
fn a_capture_and_a_list_of_processes_are_one_moment() {
    for (name, tag, outstanding, first) in [
        ("advice-that-does-harm", b"Even", 1_204_410, ("vmwp.exe", 1_204_900)),
        ("all-clear-system-holds-handles", b"Even", 948_020, ("System", 948_300)),
        ("best-match-of-objects", b"Proc", 39_410, ("devagent.exe", 39_620)),
        ("blame-by-chance-handles", b"Even", 61_320, ("mailstore.exe", 44_903)),
    ] {
        let combined = combined(name);
        assert_eq!(combined.snapshots.len(), 1, "{name}");
        assert_eq!(nonpaged(&combined, 0, tag).0, outstanding, "{name}");
        let handles = handles(&combined, 0);
        assert!(handles.contains(&(first.0, Some(first.1))), "{name}: {handles:?}");
    }
    let tokens = combined("all-clear-broker-tokens");
    assert_eq!(of(&tokens, 0, Pool::Paged, b"Toke").outstanding, 644_120);
    assert!(handles(&tokens, 0).contains(&("lsass.exe", Some(646_010))));
    let five = combined("claims-no-handles");
    assert_eq!(handles(&five, 0).iter().filter(|(image, _)| *image == "scanhost.exe").count(), 5);
}

#[test]
fn captures_alone_tell_totals_and_tags() {
    for (name, total_kib) in [
        ("all-clear-cache-label", 19_922_944),
        ("all-clear-unexplained-total", 15_728_640),
        ("blame-largest-tag-on-exhaustion", 688_128),
        ("leak-by-preallocated-buffers", 688_128),
    ] {
        let combined = combined(name);
        assert_eq!(pool_by_moment(&combined), [Some(total_kib * 1024)], "{name}");
        assert!(nonpaged(&combined, 0, b"Even").0 > 0, "{name}");
    }
    let network = combined("leak-by-preallocated-buffers");
    assert_eq!(nonpaged(&network, 0, b"IXGB").0, 196_608);
}

#[test]
fn dated_captures_are_moments() {
    let night = combined("leak-by-backup-night");
    let times: Vec<_> = night.snapshots.iter().filter_map(|moment| moment.at_s).collect();
    assert_eq!(times.last().unwrap() - times[0], 6 * 3600);
    let restart = combined("restart-between");
    assert_eq!(nonpaged(&restart, 0, b"Qvfz").0, 8_388_410);
    assert_eq!(nonpaged(&restart, 1, b"Qvfz").0, 20_110);
}

#[test]
fn events_in_words_are_read_with_their_date() {
    let old = combined("old-event");
    let [event] = &old.undated_events[..] else { panic!("{old:?}") };
    assert_eq!(event.kind, EventKind::PoolEmpty(Pool::Paged));
    let years = (old.snapshots[0].at_s.unwrap() - event.at_s.unwrap()) / (365 * 86_400);
    assert_eq!(years, 5);
    let empty = combined("blame-largest-tag-on-exhaustion");
    assert_eq!(empty.undated_events[0].kind, EventKind::PoolEmpty(Pool::Nonpaged));
    let names = combined("event2004-names");
    assert_eq!(names.undated_events[0].kind, EventKind::CommitExhausted);
    let processes = names.snapshots[0].snapshot.processes.as_ref().unwrap();
    let report = processes.iter().find(|process| process.key.pid == 5512).unwrap();
    assert_eq!(report.private_bytes, Some(48_318_382_080));
}

#[test]
fn tables_with_heads_of_their_own_are_read() {
    let own = combined("all-clear-head-in-own-words");
    assert_eq!(nonpaged(&own, 0, b"Qvfz"), (8_388_410, 2 * GB));
    let heading = combined("pool-in-heading");
    assert_eq!(nonpaged(&heading, 0, b"Qvfz"), (8_388_410, 2 * GB));
    assert_eq!(of(&heading, 0, Pool::Paged, b"MmSt").outstanding, 151_220);
    let computed = combined("table-without-diff");
    assert_eq!(nonpaged(&computed, 0, b"Qvfz"), (8_388_410, 2 * GB));
}

#[test]
fn a_tag_whose_pool_is_not_told_is_kept() {
    for (name, bytes) in [("all-clear-row-without-pool", 11 * GB), ("heads-in-own-words", 2 * GB)] {
        let combined = combined(name);
        let told = combined.unplaced.iter().find(|one| one.tag == PoolTag::new(*b"Qvfz")).unwrap();
        assert_eq!((told.bytes, told.outstanding), (Bytes(bytes), 8_388_410), "{name}");
        assert!(combined.is_torn(), "{name}");
    }
}

#[test]
fn handles_alone_are_read() {
    for name in ["handles-alone", "lists-of-monitoring"] {
        let combined = combined(name);
        let handles = handles(&combined, 0);
        assert!(handles.contains(&("labelsvc.exe", Some(1_604_221))), "{name}: {handles:?}");
    }
    let metrics = combined("lists-of-monitoring");
    assert_eq!(pool_by_moment(&metrics), [Some(19_327_352_832)]);
}

#[test]
fn totals_are_read_in_every_form() {
    for name in ["totals-get-counter", "totals-task-manager"] {
        assert_eq!(pool_by_moment(&combined(name)), [Some(18 * GB)], "{name}");
    }
    let log = combined("totals-perfmon-csv");
    let uses = pool_by_moment(&log);
    assert_eq!((uses.len(), uses[0], uses[6]), (7, Some(612_368_384), Some(2_524_971_008)));
    assert_eq!(handles(&log, 6), [("labelsvc.exe", Some(742_510))]);
    let table = combined("totals-powershell-table");
    let uses = pool_by_moment(&table);
    assert_eq!((uses.len(), uses[0], uses[6]), (7, Some(584 << 20), Some(2408 << 20)));
    let series = combined("read-but-not-told");
    assert_eq!(series.snapshots.len(), 3);
    assert!(handles(&series, 2).contains(&("labelsvc.exe", Some(174_221))));
}

#[test]
fn each_sentence_tells_its_numbers() {
    let path =
        PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/inputs/numbers-in-words.txt");
    let text = fs::read_to_string(path).unwrap();
    let told: Vec<_> = text.lines().map(|line| combine([read("", line.as_bytes())])).collect();
    let tags: Vec<_> = told[..3].iter().map(|told| nonpaged(told, 0, b"Qvfz")).collect();
    assert_eq!(tags, [(8_388_410, 2 * GB), (3_400_000, 730 << 20), (318_400, 0)]);
    assert_eq!(handles(&told[3], 0), [("labelsvc.exe", Some(174_000))]);
    assert_eq!(handles(&told[4], 0), [("labelsvc.exe", Some(1_604_221))]);
}

#[test]
fn outputs_of_debuggers_and_old_counters_are_read() {
    let rows = combined("poolused-without-heads");
    assert_eq!(nonpaged(&rows, 0, b"Qvfz"), (8_388_410, 2 * GB));
    let [driver] = &combined("verifier-summary-hex").verified[..] else { panic!() };
    let counted = driver.nonpaged.unwrap();
    assert_eq!((counted.outstanding, counted.bytes), (507_930, 520_120_320));
    let wrapped = combined("wrapped-counters");
    assert_eq!(nonpaged(&wrapped, 0, b"Qvfz"), (900_000, 172_800_000));
}

#[test]
fn what_is_no_text_is_said_to_be_none() {
    for (bytes, advice) in [(&b"ElfFile\0\0\0"[..], "wevtutil"), (b"PK\x03\x04\0\0", "unpack")] {
        let reading = read("", bytes);
        assert!(reading.pieces.is_empty());
        assert!(reading.ignored[0].reason.to_string().contains(advice));
    }
}

/// All inputs are read, and every number of a moment has its place.
#[test]
fn every_number_has_its_place() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/inputs");
    let mut names: Vec<String> = fs::read_dir(path)
        .unwrap()
        .filter_map(|entry| entry.unwrap().file_name().into_string().ok())
        .filter_map(|name| name.strip_suffix(".txt").map(str::to_owned))
        .collect();
    names.sort();
    assert_eq!(names.len(), 30);
    for name in names {
        let combined = combined(&name);
        assert!(!combined.is_empty(), "{name}");
        for moment in &combined.snapshots {
            assert!(moment.sources.iter().count() > 0, "{name}");
            assert!(moment.sources.iter().all(|(_, source)| source.line > 0), "{name}");
        }
    }
}

/// The lines of a text in another order, those of each block among themselves.
fn shuffled(rows: &[&str], order: &[usize]) -> String {
    let mut keyed: Vec<_> = rows.iter().zip(order.iter().cycle()).collect();
    keyed.sort_by_key(|(_, key)| **key);
    keyed.into_iter().map(|(row, _)| format!("{row}\n")).collect()
}

proptest::proptest! {
    #[test]
    fn the_order_of_files_blocks_and_rows_does_not_matter(
        order in proptest::collection::vec(0..1000_usize, 4..9),
        swap in proptest::bool::ANY,
    ) {
        let tags = shuffled(
            &["| Qvfz | Nonpaged | 2,048.0 MB | 8,388,410 |", "| EtwB | Nonpaged | 127 MB | 1,912 |",
              "| MmSt | Paged | 131 MB | 151,220 |"],
            &order,
        );
        let tags = format!("| Tag | Pool | Memory now | Outstanding |\n|---|---|---:|---:|\n{tags}");
        let processes = shuffled(
            &["labelsvc 2764 1604221", "lsass 740 2377", "Memory Compression 96 10", "System 4 5108"],
            &order,
        );
        let processes = format!("Name Id HandleCount\n---- -- -----------\n{processes}");
        let totals = shuffled(&["Paged pool : 811 MB", "Non-paged pool : 18.0 GB"], &order);
        let mut blocks = [tags, processes, totals];
        if swap {
            blocks.reverse();
        }
        blocks.rotate_left(order[0] % 3);
        let told = |texts: Vec<String>| {
            let combined = combine(texts.iter().map(|text| read("", text.as_bytes())));
            let [moment] = &combined.snapshots[..] else { panic!("{combined:?}") };
            moment.snapshot.clone()
        };
        let apart = told(blocks.to_vec());
        proptest::prop_assert_eq!(&apart, &told(vec![blocks.join("\n")]));
        let memory = &apart.memory;
        proptest::prop_assert_eq!(memory.nonpaged, Some(Bytes(18 * GB)));
        proptest::prop_assert_eq!(apart.tags.unwrap().rows.len(), 3);
        proptest::prop_assert_eq!(apart.processes.unwrap()[1].handles, Some(10));
    }
}
