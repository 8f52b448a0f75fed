//! Arbitrary texts, and known ones with changes.

use poolwatch_evidence::{IgnoredReason, Reading, combine, read};
use proptest::prelude::*;

/// Made-up texts of every format.
const TEXTS: [&str; 8] = [
    " Memory:16468560K Avail:12072536K  PageFlts:468600648   InRam Krnl:56708K P:950888K
 Commit:4100436K Limit:17517136K Peak:11685564K            Pool N:710920K P:983564K
 Tag  Type     Allocs         Frees    Diff   Bytes    Per Alloc
 Abcd Nonp    1021112 (   1)   1020985 (   1)      127   91912 (     0)    723
 Ef   Paged  3 1 2 64 32 [a.sys]
",
    "2: kd> !vm\n*** Virtual Memory Usage ***
 Physical Memory:     1048352 (   4193408 Kb)
 Page File: x\n NonPagedPool Usage:    65244 (    260976 Kb)
 NonPagedPool Max:      4294967296 (17179869184 Kb)<br/>
",
    " Sorting by NonPaged Pool Consumed\n               NonPaged                  Paged
 Tag     Allocs         Used     Allocs         Used
 amda   5768754   1938325232         32         9360\tUNKNOWN pooltag 'amda'
 1394         1          520          0            0UNKNOWN pooltag ‘1394’
TOTAL   5768755   1938325752         32         9360
",
    "PROCESS d2b85360  SessionId: 2  Cid: 1bf4    Peb: 7ffdf000  ParentCid:\n1688
DirBase: 7d778dc0  ObjectTable: e53dda08  HandleCount: 18539.\nImage: AppA.exe
Handles  NPM(K)    PM(K)      WS(K)     CPU(s)     Id  SI ProcessName
    658      21     7340      19876       1.23   4321   0 wslservice
",
    "PROCESS ffffa50b11aa7300\n    SessionId: 0  Cid: 1b3c    Peb: 0  ParentCid: 0c1c\n    \
     DirBase: 22fa1002  ObjectTable: 00000000  HandleCount:   0.\n    Image: job.exe\n",
    "rem made up\nAbc? - a.sys - all of Abc\nAbcd - <unknown> - one - of them\nXy - two\n G - g.sys -\n",
    "<Events><Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>
<Provider Name='Srv'/><EventID Qualifiers='49152'>2019</EventID><Level>2</Level>
<TimeCreated SystemTime='2024-03-01T10:20:30Z'/><EventRecordID>7</EventRecordID>
<Channel>System</Channel></System><EventData><Data>a&amp;b</Data></EventData></Event></Events>
<PagedPoolInfo><Tag_1><Name>Gpbm</Name><PoolUsed>75</PoolUsed></Tag_1></PagedPoolInfo>
",
    "| Uptime | `Proc` outstanding | a HandleCount | NP pool |\n|---|---|---|---|
| 1m 15s (x) | 2,655 | 228 | 2.427 GB |\n| 18h 05m | 39,511 | 284 | **3 GB** |\n
memory of mdl tag is allocated 2492040 times, but it is only freed 176 times
Thre Nonp 378580 24692 353888 220826112 624 [nt!ps – Thread objects] My question
",
];

/// Every line that is not blank lies in a piece, or was ignored for a reason.
fn accounted_for(reading: &Reading, text: &str) -> Result<(), TestCaseError> {
    let more = reading.ignored.iter().any(|i| matches!(i.reason, IgnoredReason::More(_)));
    for (number, line) in (1..).zip(text.split('\n')) {
        // Marks of bold text or of a quoted mail say nothing by themselves.
        let is_mark = |c: char| matches!(c, '*' | '>' | '\u{200B}' | '\u{FEFF}');
        let is_blank = line.chars().all(|c| c.is_whitespace() || c.is_control() || is_mark(c));
        let is_used = reading.pieces.iter().any(|p| p.lines.0 <= number && number <= p.lines.1);
        let is_ignored = reading.ignored.iter().any(|ignored| ignored.line == number);
        prop_assert!(is_blank || is_used || is_ignored || more, "{number}: {line:?} {reading:?}");
    }
    Ok(())
}

fn changed() -> impl Strategy<Value = String> {
    let changes = prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, "\\PC"), 0..6);
    (prop::collection::vec(prop::sample::select(&TEXTS[..]), 1..4), changes).prop_map(
        |(texts, changes)| {
            let mut text: Vec<char> = texts.concat().chars().collect();
            for (at, change, with) in changes {
                if text.is_empty() {
                    break;
                }
                let at = at.index(text.len());
                match change {
                    0 => text.truncate(at),
                    1 => drop(text.remove(at)),
                    2 => text.insert(at, with.chars().next().unwrap_or('x')),
                    _ => text[at] = '7',
                }
            }
            text.into_iter().collect()
        },
    )
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_read_without_a_panic(bytes in prop::collection::vec(any::<u8>(), 0..512)) {
        let _combined = combine([read("", &bytes)]);
    }

    #[test]
    fn arbitrary_lines_are_accounted_for(text in "([ -~]{0,40}[|:<>&*()K\\n\\t0-9]{0,6}){0,12}") {
        let reading = read("", text.as_bytes());
        accounted_for(&reading, &text)?;
    }

    #[test]
    fn changed_texts_are_accounted_for(text in changed()) {
        let reading = read("", text.as_bytes());
        accounted_for(&reading, &text)?;
        let _combined = combine([reading.clone(), reading]);
    }
}

/// Two rows that each seem to go on, before a whole one.
#[test]
fn rows_that_never_end_are_all_accounted_for() {
    let text = "Tag Allocs Used Allocs Used\nAb 1 2 ！ 3\nx Cd 1 520 0 0\nEf 1 64 0 0\n";
    let reading = read("", text.as_bytes());
    assert!(accounted_for(&reading, text).is_ok(), "{reading:?}");
}

/// A parser whose time grew with the square of the text would take hours here.
#[test]
fn long_texts_are_read_to_their_end_with_few_ignored_lines_kept() {
    for text in [
        "<Event>\n".repeat(50_000),
        "<Event ".repeat(50_000),
        "<PagedPoolInfo>".repeat(50_000),
        "nonsense\n".repeat(50_000),
        "PROCESS 88888888 Cid: 1 ".repeat(20_000),
        "NonPagedPool Usage: 1 ( 4 Kb) ".repeat(20_000),
        "Memory:1K Avail:1K\nAbcd Nonp 0 0 0 0 0\n".repeat(10_000),
        "Abcd Nonp 0".to_owned() + &"(1)".repeat(100_000),
        "Tag Type Allocs\n".repeat(20_000),
        "| a | b |\n".repeat(50_000),
        "| a | b |---|---| ".repeat(50_000),
        "|-".repeat(500_000),
        "&lt;Event&gt;<br>".repeat(50_000),
        "PROCESS ffffa50b0c2a4080\n".repeat(50_000),
        "1 234 567 handles\r".repeat(50_000),
        "kd> !vm\n".repeat(50_000),
        "<br".repeat(100_000),
        "<&: ".repeat(100_000),
        "x".repeat(1 << 20),
    ] {
        let reading = read("", text.as_bytes());
        assert!(reading.ignored.len() <= 201, "{}", reading.ignored.len());
        assert!(reading.ignored.iter().all(|ignored| ignored.text.len() <= 160));
        let _combined = combine([reading]);
    }
}
