//! Evidence as it came in real cases, in texts of our own: the numbers are theirs, the words are not.

use poolwatch_evidence::statements::Remediation;
use poolwatch_evidence::{CombinedEvidence, combine, read};
use poolwatch_model::event::EventKind;
use poolwatch_model::tag::TagCounters;
use poolwatch_model::{Bytes, Pool, PoolTag};

fn combined(text: &str) -> CombinedEvidence {
    combine([read("case.txt", text.as_bytes())])
}

fn nonpaged(combined: &CombinedEvidence, at: usize, tag: &[u8; 4]) -> TagCounters {
    let tags = combined.snapshots[at].snapshot.tags.as_ref().unwrap();
    *tags.get(PoolTag::new(*tag)).unwrap().of(Pool::Nonpaged)
}

fn handles(combined: &CombinedEvidence, at: usize) -> Vec<(u32, &str, Option<u32>)> {
    let processes = combined.snapshots[at].snapshot.processes.as_ref().unwrap();
    processes.iter().map(|p| (p.key.pid, p.image.as_str(), p.handles)).collect()
}

#[test]
fn a_driver_tag_and_its_companion() {
    let told = combined(
        " Sorting by NonPaged Pool Consumed\n\n               NonPaged                  Paged\n \
         Tag     Allocs         Used     Allocs         Used\n\n \
         amda   5768754   1938325232          0            0\tUNKNOWN pooltag 'amda'\n \
         IoWI   5769999    369279936          0            0\tWork items , Binary: nt!io\n",
    );
    let amda = TagCounters { bytes: 1_938_325_232, outstanding: 5_768_754, allocs: 0 };
    assert_eq!(nonpaged(&told, 0, b"amda"), amda);
    assert_eq!(nonpaged(&told, 0, b"IoWI").outstanding, 5_769_999);
}

#[test]
fn processes_that_stay_referenced_until_a_driver_is_changed() {
    let told = combined(
        "| Uptime | `Proc` outstanding | Live processes |\n|---|---|---|\n\
         | 1m 15s | 2,655 | 228 |\n| 18h 05m | 39,511 | 284 |\n\
         | **after the driver update** | **312** | **285** |\n\n\
         Each has ObjectTable: 00000000 and HandleCount: 0\n",
    );
    let times: Vec<_> = told.snapshots.iter().map(|moment| moment.at_s).collect();
    assert_eq!(times, [Some(75), Some(65_100)]);
    assert_eq!(nonpaged(&told, 1, b"Proc").outstanding, 39_511);
    let [undated] = &told.undated_states[..] else { panic!() };
    assert_eq!(undated.after, Some(Remediation::Driver));
    assert_eq!(undated.snapshot.memory.processes, Some(285));
    assert_eq!(told.ended.iter().map(|ended| ended.processes).sum::<u64>(), 1);
}

#[test]
fn events_and_the_processes_that_hold_them() {
    let told = combined(
        " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc\n\n \
         Even Nonp     2000000           1934095          65905   4217920         64\n\n\
         PROCESS 8b5d6020  SessionId: 2  Cid: 1bf4    Peb: 7ffdf000  ParentCid:\n1688\n\
         DirBase: 7d778dc0  ObjectTable: e53dda08  HandleCount: 18539.\nImage: AppA.exe\n\
         PROCESS 8b5d6d88  SessionId: 2  Cid: 0818    Peb: 7ffdf000  ParentCid: 1688\n\
         DirBase: 7d778dd0  ObjectTable: e53dda10  HandleCount: 36252.\nImage: AppB.exe\n",
    );
    assert_eq!(told.snapshots.len(), 1);
    assert_eq!(nonpaged(&told, 0, b"Even").outstanding, 65_905);
    let expected = [(0x818, "AppB.exe", Some(36_252)), (0x1bf4, "AppA.exe", Some(18_539))];
    assert_eq!(handles(&told, 0), expected);
}

#[test]
fn a_full_pool_and_a_list_that_is_cut_off() {
    let told = combined(
        "1: kd> !vm\n\n*** Virtual Memory Usage ***\n\tPhysical Memory:     1048352 (   4193408 Kb)\n\
         \tNonPagedPool Usage:    65244 (    260976 Kb)\n\tNonPagedPool Max:      65503 (    262012 Kb)\n\n\
         Tag Allocs Used Allocs Used\nThre 309084 192867168 0 0\n\n\
         PROCESS 88b75020 SessionId: 7 Cid: 172e4 Peb: 7ffdf000 ParentCid: 17238\n\
         DirBase: 0acc0040 ObjectTable: e1648628 HandleCount: 30",
    );
    let memory = &told.snapshots[0].snapshot.memory;
    assert_eq!(memory.nonpaged, Some(Bytes::from_kib(260_976)));
    assert_eq!(memory.nonpaged_limit, Some(Bytes::from_kib(262_012)));
    assert_eq!(nonpaged(&told, 0, b"Thre").bytes, 192_867_168);
    assert_eq!(handles(&told, 0), [(0x172e4, "PROCESS 88b75020 (Cid 172e4)", None)]);
}

#[test]
fn a_torn_event() {
    let told = combined(
        "<MemoryExhaustionInfo><SystemInfo><SystemCommitLimit>28285681664</SystemCommitLimit>\
         <PagedPoolUsage>843325440</PagedPoolUsage></SystemInfo><ProcessInfo><Process_1>\
         <Name>explorer.exe</Name><ID>30876</ID><CreationTime>2023-06-01T08:00:00Z</CreationTime>\
         <CommitCharge>3685900288</CommitCharge><HandleCount>359617</HandleCount></Process_1>\
         </ProcessInfo></MemoryExhaustionInfo>\n",
    );
    assert_eq!(told.events, []);
    let kinds: Vec<_> = told.undated_events.iter().map(|event| event.kind).collect();
    assert_eq!(kinds, [EventKind::CommitExhausted]);
    let snapshot = &told.snapshots[0].snapshot;
    assert_eq!(snapshot.memory.commit_limit, Some(Bytes(28_285_681_664)));
    assert_eq!(snapshot.memory.paged, Some(Bytes(843_325_440)));
    assert_eq!(handles(&told, 0), [(30_876, "explorer.exe", Some(359_617))]);
}
