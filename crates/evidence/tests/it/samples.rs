//! Real texts. They are no part of the project: without them these tests say so and pass.

use std::path::PathBuf;

use poolwatch_evidence::statements::Remediation;
use poolwatch_evidence::{
    CombinedEvidence, IgnoredReason, PieceContent, PieceKind, Reading, combine, read,
};
use poolwatch_model::event::EventKind;
use poolwatch_model::memory::Memory;
use poolwatch_model::tag::{AllocCounting, TagCounters};
use poolwatch_model::{Bytes, Pool, PoolTag};

fn shared(path: &str) -> Option<Vec<u8>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared").join(path);
    let bytes = std::fs::read(&root).ok();
    if bytes.is_none() {
        println!("skipped: there is no ../shared/{path}");
    }
    bytes
}

fn sample(name: &str) -> Option<Reading> {
    Some(read(name, &shared(&format!("data/samples/{name}"))?))
}

/// The texts of a case, each a file of its own.
fn case(name: &str) -> Option<(Vec<Reading>, CombinedEvidence)> {
    let case: serde_json::Value =
        serde_json::from_slice(&shared(&format!("data/cases/{name}.json"))?).unwrap();
    let texts = case["evidence"].as_array().unwrap().iter();
    let readings: Vec<_> =
        texts.map(|text| read(name, text["text"].as_str().unwrap().as_bytes())).collect();
    let combined = combine(readings.clone());
    Some((readings, combined))
}

fn nonpaged(combined: &CombinedEvidence, at: usize, tag: &[u8; 4]) -> TagCounters {
    let tags = combined.snapshots[at].snapshot.tags.as_ref().unwrap();
    *tags.get(PoolTag::new(*tag)).unwrap().of(Pool::Nonpaged)
}

fn memory(combined: &CombinedEvidence) -> &Memory {
    &combined.snapshots[0].snapshot.memory
}

fn handles(combined: &CombinedEvidence, at: usize) -> Vec<(u32, &str, Option<u32>)> {
    let processes = combined.snapshots[at].snapshot.processes.as_ref().unwrap();
    processes.iter().map(|p| (p.key.pid, p.image.as_str(), p.handles)).collect()
}

#[test]
fn poolmon_of_the_driver_kit_documentation() {
    let Some(reading) = sample("poolmon_wdkdocs.txt") else { return };
    assert_eq!(reading.ignored, []);
    let combined = combine([reading]);
    assert_eq!(memory(&combined).nonpaged, Some(Bytes::from_kib(8332)));
    assert_eq!(memory(&combined).paged, Some(Bytes::from_kib(27_220)));
    assert_eq!(
        nonpaged(&combined, 0, b"Io  "),
        TagCounters { bytes: 91_912, outstanding: 127, allocs: 1_021_112 }
    );
    assert_eq!(combined.snapshots[0].snapshot.tags.as_ref().unwrap().rows.len(), 8);
}

#[test]
fn poolmon_snapshot_file() {
    let Some(reading) = sample("poolsnap_intel_mfd.txt") else { return };
    assert_eq!(reading.ignored, []);
    let combined = combine([reading]);
    assert_eq!(memory(&combined).physical, Some(Bytes::from_kib(16_468_560)));
    assert_eq!(memory(&combined).commit_limit, Some(Bytes::from_kib(17_517_136)));
    assert_eq!(nonpaged(&combined, 0, b"EtwB").bytes, 163_418_368);
    assert_eq!(combined.snapshots[0].snapshot.tags.as_ref().unwrap().rows.len(), 13);
}

#[test]
fn poolused_of_two_debuggers() {
    for (name, rows) in [("poolused_amda_leak_2024.txt", 8), ("poolused_win10_19041.txt", 20)] {
        let Some(reading) = sample(name) else { return };
        assert_eq!(reading.ignored, [], "{name}");
        let [piece, owners] = &reading.pieces[..] else { panic!("{name}") };
        let PieceContent::Tags(tags) = &piece.content else { panic!("{name}") };
        assert_eq!((piece.kind, tags.rows.len()), (PieceKind::PoolUsed, rows), "{name}");
        assert!(matches!(&owners.content, PieceContent::Catalogue(entries) if !entries.is_empty()));
        assert_eq!(tags.counting, AllocCounting::OutstandingOnly);
    }
}

#[test]
fn events_of_exhausted_commit() {
    for (name, record, limit, tags, processes) in [
        ("red2004_desktop_2026.xml", 71_517, 136_749_981_696, 0, 3),
        ("red2004_len20_2023.xml", 85_281, 28_285_681_664, 3, 6),
    ] {
        let Some(reading) = sample(name) else { return };
        assert_eq!(reading.ignored, [], "{name}");
        let combined = combine([reading]);
        let [event] = &combined.events[..] else { panic!("{name}") };
        let facts = event.exhaustion.as_ref().unwrap();
        assert_eq!((event.event_id, event.record_id), (2004, record), "{name}");
        assert_eq!(facts.commit_limit, Some(Bytes(limit)), "{name}");
        assert_eq!(facts.nonpaged_tags.len(), tags, "{name}");
        assert_eq!(facts.top_processes.len(), processes, "{name}");
        assert!(facts.top_processes.iter().all(|process| process.created.is_some()));
    }
}

#[test]
fn the_list_of_pool_tags() {
    let Some(reading) = sample("pooltag-sample.txt") else { return };
    let [piece] = &reading.pieces[..] else { panic!("{:?}", reading.pieces.len()) };
    let PieceContent::Catalogue(entries) = &piece.content else { panic!() };
    assert!(entries.len() > 2000, "{}", entries.len());
    let odd: Vec<_> = reading.ignored.iter().map(|i| (i.text.as_str(), i.reason)).collect();
    assert_eq!(odd[0], ("<unknown>", IgnoredReason::NotUnderstood));
    assert!(odd.len() < 10, "{odd:?}");
    for (tag, owner) in [
        (*b"Thre", Some("nt!ps")),
        (*b"Afd?", Some("afd.sys")),
        (*b"Npf!", Some("npfs.sys")),
        (*b"smSt", Some("nt!store or rdyboost.sys")),
        (*b"Dh 1", None),
    ] {
        let matching = entries.iter().filter(|entry| entry.pattern.matches(PoolTag::new(tag)));
        let found = matching.max_by_key(|entry| entry.pattern.as_tag().is_some()).unwrap();
        assert_eq!(found.owner.as_deref(), owner, "{tag:?}");
    }
}

#[test]
fn case_01_tells_a_driver_tag_and_its_companion() {
    let Some((readings, combined)) = case("01-amdacpbus2-amda-workitem") else { return };
    assert_eq!(readings[0].ignored, []);
    assert_eq!(
        nonpaged(&combined, 0, b"amda"),
        TagCounters { bytes: 1_938_325_232, outstanding: 5_768_754, allocs: 0 }
    );
    assert_eq!(nonpaged(&combined, 0, b"IoWI").outstanding, 5_769_999);
}

#[test]
fn case_04_tells_processes_that_stay_referenced() {
    let Some((readings, combined)) = case("04-amdkmdag-proc") else { return };
    let times: Vec<_> = combined.snapshots.iter().map(|moment| moment.at_s).collect();
    assert_eq!(times, [Some(75), Some(65_100)]);
    assert_eq!(nonpaged(&combined, 1, b"Proc").outstanding, 39_511);
    assert_eq!(combined.snapshots[1].snapshot.memory.processes, Some(284));
    let [undated] = &combined.undated_states[..] else { panic!() };
    assert_eq!(
        (undated.remark.as_str(), undated.after),
        ("after the driver update", Some(Remediation::Driver))
    );
    assert_eq!(undated.snapshot.memory.processes, Some(285));
    assert_eq!(readings[0].ignored, []);
    assert_eq!(readings[1].ignored, []);
    assert_eq!(combined.ended.iter().map(|ended| ended.processes).sum::<u64>(), 1);
}

#[test]
fn case_06_tells_counts_in_a_sentence() {
    let Some((_, combined)) = case("06-netkvm-mdl") else { return };
    assert_eq!(
        nonpaged(&combined, 0, b"Mdl "),
        TagCounters { bytes: 0, outstanding: 2_491_864, allocs: 2_492_040 }
    );
}

#[test]
fn case_14_tells_that_handles_do_not_grow_with_the_tag() {
    let Some((readings, combined)) = case("14-wsl-ntfc-handles") else { return };
    assert_eq!(combined.snapshots.len(), 3);
    assert_eq!(nonpaged(&combined, 2, b"NtFC").outstanding, 28_151_461);
    assert_eq!(handles(&combined, 2), [(0, "wslservice.exe", Some(643))]);
    assert_eq!(combined.snapshots[2].snapshot.memory.nonpaged, Some(Bytes(4_285_303_619)));
    assert_eq!(readings[1].ignored, []);
    let [growth] = &combined.growths[..] else { panic!() };
    assert_eq!(growth.over_s, Some(424_224));
    let grown: Vec<_> = growth.tags.iter().map(|g| (g.tag.to_string(), g.outstanding)).collect();
    assert_eq!(grown.len(), 8);
    assert_eq!(grown[0], ("WCsc".to_owned(), Some(503_677)));
}

#[test]
fn case_17_tells_events_and_the_processes_that_hold_them() {
    let Some((_, combined)) = case("17-dumpanalysis-handle-leak-even") else { return };
    assert_eq!(combined.snapshots.len(), 1);
    assert_eq!(nonpaged(&combined, 0, b"Even").outstanding, 65_905);
    assert_eq!(nonpaged(&combined, 0, b"ABCD").allocs, 1_778_517);
    assert_eq!(
        handles(&combined, 0),
        [(0x818, "AppB.exe", Some(36_252)), (0x1bf4, "AppA.exe", Some(18_539))]
    );
}

#[test]
fn case_24_tells_a_full_pool_and_its_tag() {
    let Some((_, combined)) = case("24-dumpanalysis-thre-handle-leak") else { return };
    assert_eq!(combined.snapshots.len(), 1);
    assert_eq!(memory(&combined).nonpaged, Some(Bytes::from_kib(260_976)));
    assert_eq!(memory(&combined).nonpaged_limit, Some(Bytes::from_kib(262_012)));
    assert_eq!(memory(&combined).physical, Some(Bytes::from_kib(4_193_408)));
    assert_eq!(nonpaged(&combined, 0, b"Thre").bytes, 192_867_168);
    assert_eq!(handles(&combined, 0), [(0x172e4, "PROCESS 88b75020 (Cid 172e4)", None)]);
}

#[test]
fn case_25_is_a_single_capture() {
    let Some((readings, combined)) = case("25-serverfault-52125-no-leak") else { return };
    assert_eq!(readings[0].ignored, []);
    assert_eq!(combined.snapshots.len(), 1);
    assert_eq!(nonpaged(&combined, 0, b"File").outstanding, 85_283);
}

#[test]
fn case_27_is_a_torn_event() {
    let Some((_, combined)) = case("27-event2004-explorer-handles") else { return };
    assert_eq!(combined.events, []);
    let [event] = &combined.undated_events[..] else { panic!("{:?}", combined.undated_events) };
    assert_eq!((event.kind, event.event_id), (EventKind::CommitExhausted, 2004));
    let facts = event.exhaustion.as_ref().unwrap();
    assert_eq!(facts.paged, Some(Bytes(843_325_440)));
    assert_eq!((facts.paged_tags.len(), facts.nonpaged_tags.len()), (3, 3));
    let explorer = &facts.top_processes[0];
    assert_eq!((explorer.image.as_str(), explorer.handles), ("explorer.exe", 359_617));
    assert_eq!(facts.top_processes.len(), 6);
    let [moment] = &combined.snapshots[..] else { panic!("{:?}", combined.snapshots) };
    assert_eq!(moment.snapshot.memory.commit_limit, Some(Bytes(28_285_681_664)));
    let processes = moment.snapshot.processes.as_ref().unwrap();
    let explorer = processes.iter().find(|process| process.key.pid == 30_876).unwrap();
    assert_eq!(explorer.private_bytes, Some(3_685_900_288));
    assert_eq!(explorer.handles, Some(359_617));
    assert_eq!(processes.len(), 6);
}

#[test]
fn the_article_tells_a_pool_its_tags_and_a_process() {
    let Some(bytes) = shared("article-understanding-pool-consumption.txt") else { return };
    let combined = combine([read("article", &bytes)]);
    let first = &combined.snapshots[0].snapshot;
    assert_eq!(first.memory.nonpaged_limit, Some(Bytes::from_kib(217_112)));
    assert_eq!(nonpaged(&combined, 0, b"Thre").outstanding, 120_145);
    assert_eq!(handles(&combined, 0), [(0x1a0, "mybadapp.exe", Some(90_472))]);
}
