//! Cases that no rule was made for, in the style of public ones: made-up hosts, well-known tags.

use std::fmt::Write;

use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_evidence::read;
use poolwatch_model::{
    Pool, PoolTag,
    diagnosis::{Evidence, NextStep, SuspectKind, Verdict},
};
use poolwatch_server::diagnosing::{Judged, judge};

fn judged(texts: &[String]) -> Judged {
    let readings = texts.iter().enumerate();
    let readings = readings.map(|(at, text)| read(&at.to_string(), text.as_bytes())).collect();
    judge(readings, Catalogue::default())
}

/// Names with a confidence that accuses.
fn accused(judged: &Judged) -> Vec<&str> {
    let suspects = judged.diagnosis.suspects.iter();
    suspects.filter(|one| one.confidence >= 0.5).filter_map(|one| one.name.as_deref()).collect()
}

fn first_tag(judged: &Judged) -> Option<PoolTag> {
    judged.diagnosis.tags.first().map(|one| one.tag)
}

/// A row of poolmon: tag, type, allocations, outstanding, bytes of each.
type Row<'a> = (&'a str, &'a str, u64, u64, u64);

fn poolmon(rows: &[Row<'_>]) -> String {
    let mut text = " Tag  Type     Allocs     Frees      Diff   Bytes  Per Alloc\n".to_owned();
    for (tag, kind, allocs, held, each) in rows {
        let (frees, bytes) = (allocs - held, held * each);
        writeln!(text, " {tag:<4} {kind} {allocs} {frees} {held} {bytes} {each}").unwrap();
    }
    text
}

fn get_process(rows: &[(&str, u32, u64)]) -> String {
    let mut text = "Name           Id HandleCount\n----           -- -----------\n".to_owned();
    for (name, id, handles) in rows {
        writeln!(text, "{name:<12} {id:>4} {handles:>11}").unwrap();
    }
    text
}

fn at(hour: u64, texts: &[String]) -> String {
    format!("2025-05-0{} {:02}:00:00\n{}\n", 1 + hour / 24, hour % 24, texts.concat())
}

#[test]
fn tokens_that_lsass_holds_for_a_service_do_not_accuse_lsass() {
    let moments: Vec<String> = (0..4)
        .map(|step| {
            let held = 20_000 + step * 110_000;
            let tags = poolmon(&[
                ("Toke", "Paged", 40_000_000 + held, held, 1712),
                ("MmSt", "Paged", 9_000_000, 41_000 + step % 2 * 300, 2100),
                ("File", "Nonp", 88_000_000, 30_000 + step * 10, 380),
            ]);
            let processes = get_process(&[
                ("lsass", 728, held + 1900),
                ("svchost", 1100, 2400 + step),
                ("w3wp", 5512, 1800 + step % 2 * 40),
            ]);
            at(step * 8, &[tags, processes])
        })
        .collect();
    let judged = judged(&[moments.concat()]);
    let diagnosis = &judged.diagnosis;
    assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Leak, Some(Pool::Paged)));
    assert_eq!(first_tag(&judged), Some(PoolTag::new(*b"Toke")));
    assert!(accused(&judged).is_empty(), "{:?}", diagnosis.suspects);
    let facts = diagnosis.suspects.iter().flat_map(|one| &one.evidence);
    assert!(facts.clone().any(|fact| matches!(fact, Evidence::Broker { .. })), "{diagnosis:?}");
    let steps = &diagnosis.next_steps;
    assert!(steps.iter().any(|step| matches!(step, NextStep::FindCaller { .. })), "{steps:?}");
    assert!(!steps.iter().any(|step| matches!(step, NextStep::EndProgram { .. })), "{steps:?}");
}

#[test]
fn caches_of_files_that_were_just_copied_are_no_leak() {
    let moments: Vec<String> = (0..4)
        .map(|step| {
            // Fast at first, then ever slower, as a file server after its first backup.
            let cached = 600_000 - 400_000 / (step + 1);
            at(
                step * 6,
                &[poolmon(&[
                    ("MmSt", "Paged", 30_000_000 + step * 2_000_000, cached, 2900),
                    ("MmCa", "Nonp", 22_000_000 + step * 900_000, cached * 2, 320),
                    ("Ntff", "Paged", 9_000_000 + step * 900_000, cached, 1090),
                    ("FMfn", "Paged", 7_000_000 + step * 900_000, cached / 2, 500),
                ])],
            )
        })
        .collect();
    let judged = judged(&[moments.concat()]);
    // Without totals nothing is whole, so that nothing is called well either.
    assert_eq!(judged.diagnosis.verdict, Verdict::InsufficientEvidence, "{:?}", judged.diagnosis);
    assert!(accused(&judged).is_empty());
}

#[test]
fn requests_that_a_filter_never_completes_accuse_nobody_by_the_tag() {
    let text = "   Sorting by NonPaged Pool Consumed\n\n               NonPaged\n \
                Tag     Allocs     Frees      Diff         Used\n \
                Irp    3411877     18211   3393666   1846154304  Io, IRP packets\n \
                Mdl    9811222   9800001     11221      2154432  Io, Mdls\n \
                File  40112331  40088110     24221      9300864  File objects\n";
    let judged = judged(&[text.to_owned()]);
    let diagnosis = &judged.diagnosis;
    assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Leak, Some(Pool::Nonpaged)));
    assert_eq!(first_tag(&judged), Some(PoolTag::new(*b"Irp ")));
    assert!(accused(&judged).is_empty(), "{:?}", diagnosis.suspects);
    let verifier = |step: &NextStep| matches!(step, NextStep::VerifyDrivers { .. });
    assert!(diagnosis.next_steps.iter().any(verifier), "{:?}", diagnosis.next_steps);
}

#[test]
fn buffers_of_event_tracing_that_are_large_and_hold_are_no_leak() {
    let moments: Vec<String> = (0..5)
        .map(|step| {
            at(
                step * 9,
                &[poolmon(&[
                    ("EtwB", "Nonp", 61_000 + step * 40, 5_200 + step % 2, 131_072),
                    ("Thre", "Nonp", 900_000 + step * 9_000, 2_900 + step % 3 * 20, 2_560),
                    ("CM31", "Paged", 70_000 + step * 100, 9_000, 4_096),
                ])],
            )
        })
        .collect();
    let judged = judged(&[moments.concat()]);
    let verdict = judged.diagnosis.verdict;
    assert!(
        matches!(verdict, Verdict::InsufficientEvidence | Verdict::HighUse),
        "{:?}",
        judged.diagnosis
    );
    assert!(accused(&judged).is_empty());
}

#[test]
fn events_of_a_print_drivers_host_name_the_host_process() {
    let tags = " Sorting by NonPaged Pool Consumed\n\n               NonPaged                  Paged\n \
                Tag     Allocs         Used     Allocs         Used\n\n \
                Even    233841     29931648          0            0\tEvent objects , Binary: nt!ob\n \
                EtwB      1200     22020096         10       655360\tEtw Buffer , Binary: nt!etw\n \
                Thre      2100      5376000          0            0\tThread objects , Binary: nt!ps\n"
        .to_owned();
    let processes = "PROCESS ffffa50b0c2a4080\n    SessionId: 0  Cid: 0004    Peb: 00000000  ParentCid: 0000\n    \
                     DirBase: 001ad002  ObjectTable: ffffd9046b204c80  HandleCount: 4120.\n    Image: System\n\n\
                     PROCESS ffffa50b11aa7300\n    SessionId: 0  Cid: 1b3c    Peb: 3fe2000  ParentCid: 0c1c\n    \
                     DirBase: 22fa1002  ObjectTable: ffffd90470ddc640  HandleCount: 221093.\n    Image: PrintIsolationHost.exe\n\n\
                     PROCESS ffffa50b10cc2080\n    SessionId: 0  Cid: 0c1c    Peb: 8fe1000  ParentCid: 0300\n    \
                     DirBase: 12fa1002  ObjectTable: ffffd9046fddc640  HandleCount: 1710.\n    Image: spoolsv.exe\n"
        .to_owned();
    let judged = judged(&[tags, processes]);
    let diagnosis = &judged.diagnosis;
    assert_eq!((diagnosis.verdict, diagnosis.pool), (Verdict::Leak, Some(Pool::Nonpaged)));
    assert_eq!(first_tag(&judged), Some(PoolTag::new(*b"Even")));
    assert_eq!(accused(&judged), ["PrintIsolationHost.exe"]);
}

#[test]
fn ended_processes_in_a_list_are_counted_and_accuse_nobody_who_may_hold_them() {
    let mut text = String::new();
    for index in 0..3_000_u64 {
        let (table, handles, image) = match index % 50 {
            0 => ("ffffd90470ddc640", 300 + index % 7, "worker.exe"),
            _ => ("00000000", 0, "job.exe"),
        };
        let (pid, address) = (8 + index * 4, 0xffff_a50b_0000_0000 + index * 0x40);
        writeln!(
            text,
            "PROCESS {address:016x}\n    SessionId: 0  Cid: {pid:04x}    Peb: 3fe2000  ParentCid: 0c1c\n    \
             DirBase: 22fa1002  ObjectTable: {table}  HandleCount: {handles}.\n    Image: {image}\n"
        )
        .unwrap();
    }
    let judged = judged(&[text]);
    let diagnosis = &judged.diagnosis;
    assert_eq!(diagnosis.verdict, Verdict::Leak, "{diagnosis:?}");
    assert_eq!(first_tag(&judged), Some(PoolTag::new(*b"Proc")));
    // The workers' handles could hold them as well as the kernel's references.
    assert_eq!(diagnosis.suspects[0].kind, SuspectKind::Unknown);
    assert!(accused(&judged).is_empty());
    let told = judged.remarks.join(" ");
    assert!(told.contains("2,940 processes have ended") && told.contains("job.exe"), "{told}");
}

#[test]
fn thirty_two_bit_addresses_bring_the_limits_of_thirty_two_bit_windows() {
    let text = |address: &str| {
        format!(
            " NonPagedPool Usage:    52461 (    209844 Kb)\n NonPagedPool Max:      54278 (    217112 Kb)\n\
             PROCESS {address}  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  ParentCid: 0124\n    \
             DirBase: 110f6000  ObjectTable: 88584448  HandleCount: 90472.\n    Image: a.exe\n"
        )
    };
    let raises = |address: &str| {
        let steps = judged(&[text(address)]).diagnosis.next_steps;
        steps.iter().any(|step| matches!(step, NextStep::RaiseLimit { pool: Pool::Nonpaged }))
    };
    assert!(raises("884e6520"));
    assert!(!raises("ffffa50b11aa7300"));
}
