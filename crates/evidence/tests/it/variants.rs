//! What tools print, after people and programs had their way with it.

use poolwatch_evidence::{CombinedEvidence, PieceContent, Reading, combine, read};
use poolwatch_model::{Bytes, Pool, PoolTag, tag::TagCounters};

const POOLMON: &str =
    " Tag  Type     Allocs            Frees            Diff   Bytes       Per Alloc

 Thre Nonp     378580 (   0)     258435 (   0)   120145 76892800 (     0)    640
 File Nonp    1021112 (   1)     833999 (   0)   187113 29938080 (     0)    160
 MmSt Paged       500 (   0)        400 (   0)      100   409600 (     0)   4096
";
const POOLUSED: &str = "   Sorting by NonPaged Pool Consumed
  Pool Used:
            NonPaged            Paged
 Tag    Allocs     Used    Allocs     Used
 Thre   120145 76892800         0        0\tThread objects , Binary: nt!ps
 File   187113 29938080         0        0\tFile objects
";
const VM: &str = "*** Virtual Memory Usage ***
 Physical Memory:     1048352 (   4193408 Kb)
 NonPagedPool Usage:    65244 (    260976 Kb)
 NonPagedPool Max:      65503 (    262012 Kb)
 PagedPool Usage:        9062 (     36248 Kb)
";

fn combined(text: &str) -> (Reading, CombinedEvidence) {
    let reading = read("evidence.txt", text.as_bytes());
    (reading.clone(), combine([reading]))
}

fn nonpaged(combined: &CombinedEvidence, tag: &[u8; 4]) -> Option<TagCounters> {
    let tags = combined.snapshots.first()?.snapshot.tags.as_ref()?;
    Some(*tags.get(PoolTag::new(*tag))?.of(Pool::Nonpaged))
}

fn thread_bytes(text: &str) -> Option<u64> {
    nonpaged(&combined(text).1, b"Thre").map(|thread| thread.bytes)
}

/// The text with its words that are numbers written by `write`.
fn with_numbers(text: &str, write: impl Fn(&str) -> String) -> String {
    let mut written = String::new();
    for word in text.split_inclusive(|c: char| !c.is_ascii_digit()) {
        let digits = word.trim_end_matches(|c: char| !c.is_ascii_digit());
        let is_number = digits.len() > 3;
        written.push_str(&if is_number { write(digits) } else { digits.to_owned() });
        written.push_str(&word[digits.len()..]);
    }
    written
}

fn grouped(digits: &str, separator: &str) -> String {
    let head = digits.len() % 3;
    let mut groups: Vec<&str> = Vec::new();
    if head > 0 {
        groups.push(&digits[..head]);
    }
    let tail = &digits[head..];
    groups.extend((0..tail.len() / 3).map(|at| &tail[3 * at..3 * at + 3]));
    groups.join(separator)
}

#[test]
fn thousands_may_be_parted_by_the_signs_of_any_country() {
    for separator in [",", ".", "'", "’", " ", "\u{A0}", "\u{202F}", "\u{2009}"] {
        for text in [POOLMON, POOLUSED] {
            let text = with_numbers(text, |digits| grouped(digits, separator));
            assert_eq!(thread_bytes(&text), Some(76_892_800), "{separator:?}\n{text}");
        }
        let text = with_numbers(VM, |digits| grouped(digits, separator));
        let memory = combined(&text).1.snapshots[0].snapshot.memory.clone();
        assert_eq!(memory.nonpaged, Some(Bytes::from_kib(260_976)), "{separator:?}");
        assert_eq!(memory.nonpaged_limit, Some(Bytes::from_kib(262_012)), "{separator:?}");
    }
}

#[test]
fn groups_of_thousands_may_be_indian_or_stand_closer_than_columns() {
    let indian = |digits: &str| {
        let (head, tail) = digits.split_at(digits.len() - 3);
        let mut groups = vec![tail];
        let mut rest = head;
        while !rest.is_empty() {
            let (before, group) = rest.split_at(rest.len().saturating_sub(2));
            groups.push(group);
            rest = before;
        }
        groups.reverse();
        groups.join(",")
    };
    for text in [POOLMON, POOLUSED] {
        let text = with_numbers(text, indian);
        assert_eq!(thread_bytes(&text), Some(76_892_800), "{text}");
    }
    // By themselves these groups could be read in more than one way.
    let row = " Abcd   5 768 754   1 938 325 232         32         9 360\tsomething\n";
    let row = combined(&POOLUSED.replace(" File ", &format!("{row} File "))).1;
    let row = nonpaged(&row, b"Abcd").unwrap();
    assert_eq!((row.outstanding, row.bytes), (5_768_754, 1_938_325_232));
}

#[test]
fn a_list_of_processes_may_have_grouped_numbers_and_tabs() {
    let list = "PROCESS 884e6520\tSessionId: 0\tCid: 01a0\tPeb: 7ffdf000\tParentCid: 0124\n\
                DirBase: 110f6000\tObjectTable: 88584448\tHandleCount: 90\u{A0}472.\n\
                Image: mybadapp.exe\n";
    let processes = combined(list).1.snapshots[0].snapshot.processes.clone().unwrap();
    assert_eq!((processes[0].key.pid, processes[0].handles), (0x1a0, Some(90_472)));
}

#[test]
fn lines_may_end_as_on_old_macs_and_tables_have_empty_lines_between() {
    for text in [POOLMON, POOLUSED] {
        assert_eq!(thread_bytes(&text.replace('\n', "\r")), Some(76_892_800));
        assert_eq!(thread_bytes(&text.replace('\n', "\r\r\n")), Some(76_892_800));
    }
    let table = "| Tag | Type | Diff | Bytes |\n|---|---|---|---|\n| Thre | Nonp | 120145 | 76892800 |\n\
                 | File | Nonp | 9 | 900 |\n";
    let flat = table.replace('\n', " ");
    for text in [table.replace('\n', "\n\n"), flat, table.replace("| 768", "|\n 768")] {
        assert_eq!(thread_bytes(&text), Some(76_892_800), "{text}");
    }
}

#[test]
fn a_web_page_may_have_written_an_event_with_entities() {
    let event = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'>\n<System>\
                 <Provider Name='Srv'/><EventID Qualifiers='49152'>2019</EventID><TimeCreated \
                 SystemTime='2024-03-01T10:20:30Z'/><EventRecordID>7</EventRecordID>\
                 <Channel>System</Channel><Computer>fs-02</Computer></System></Event>\n";
    let escaped = event.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    for text in [
        event.to_owned(),
        format!("<pre>{escaped}</pre>"),
        format!("<p>{}</p>", escaped.replace('\n', "<br/>")),
    ] {
        let events = combined(&text).1.events;
        assert_eq!(events.iter().map(|event| event.event_id).collect::<Vec<_>>(), [2019], "{text}");
    }
}

#[test]
fn a_table_of_growth_that_is_cut_off_is_torn() {
    let table =
        "| tag | delta over 4.91 days |\n|---|---|\n| `WCsc` | 503,677 |\n| `File` | 514,826 |\n";
    assert!(!combined(table).1.is_torn());
    for torn in [table.replace("503,677 |", "503,677 | 1 |"), table.replace(" 514,826 |\n", "")] {
        let combined = combined(&torn).1;
        assert_eq!(combined.growths.len(), 1, "{torn}");
        assert!(combined.is_torn(), "{torn}");
    }
}

#[test]
fn encodings_and_what_is_left_of_them_do_no_harm() {
    let wide = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    // PowerShell's >> appends UTF-16 to whatever was there.
    let appended = [b"said:\r\n".as_slice(), &[b'x'; 5000], b"\r\n", &wide(POOLMON)].concat();
    for bytes in [wide(POOLMON), [b"\xFF\xFE", wide(POOLMON).as_slice()].concat(), appended] {
        let combined = combine([read("", &bytes)]);
        assert_eq!(nonpaged(&combined, b"Thre").map(|thread| thread.bytes), Some(76_892_800));
    }
}

#[test]
fn a_terminal_may_have_wrapped_the_lines() {
    for width in [50, 60, 72] {
        let wrapped: String = POOLMON
            .lines()
            .flat_map(|line| {
                let at = line.get(..width).and_then(|head| head.rfind(' ')).unwrap_or(line.len());
                [line[..at].to_owned() + "\n", line[at..].trim_start().to_owned() + "\n"]
            })
            .filter(|line| line != "\n")
            .collect();
        assert_eq!(thread_bytes(&wrapped), Some(76_892_800), "{wrapped}");
    }
    let (reading, combined) =
        combined("NonPagedPool Usage:\n 25 ( 100 Kb)\nPagedPool Usage: 50 (\n200 Kb)\n");
    assert_eq!(reading.ignored, []);
    let memory = &combined.snapshots[0].snapshot.memory;
    assert_eq!(memory.nonpaged, Some(Bytes::from_kib(100)));
    assert_eq!(memory.paged, Some(Bytes::from_kib(200)));
}

#[test]
fn a_web_page_or_mail_may_have_put_all_on_one_line_or_marked_it_up() {
    let flat = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let quoted = |text: &str| text.lines().map(|line| format!("> > {line}\n")).collect::<String>();
    let html = |text: &str| {
        let lines: Vec<_> = text.lines().collect();
        format!("<pre><code>{}</code></pre>", lines.join("<br/>"))
    };
    for text in [POOLMON, POOLUSED] {
        for changed in [flat(text), quoted(text), html(text), text.replace('\n', "\r\n")] {
            assert_eq!(thread_bytes(&changed), Some(76_892_800), "{changed}");
        }
    }
    let combined = combined(&flat(VM)).1;
    assert_eq!(combined.snapshots[0].snapshot.memory.nonpaged, Some(Bytes::from_kib(260_976)));
}

#[test]
fn a_row_that_is_cut_off_tells_nothing_and_its_table_is_marked() {
    for text in [POOLMON, POOLUSED] {
        let first_row = text.find("Thre").unwrap();
        for end in (first_row + 8)..text.len() {
            let combined = combined(&text[..end]).1;
            let Some(thread) = nonpaged(&combined, b"Thre") else { continue };
            assert_eq!(thread.outstanding, 120_145, "{}", &text[..end]);
            assert!(thread.bytes == 76_892_800 || thread.bytes == 0, "{}", &text[..end]);
        }
    }
    let row_end = POOLMON.find("29938080").unwrap();
    let torn = combined(&POOLMON[..row_end]).1;
    assert!(torn.snapshots[0].is_torn);
    assert_eq!(nonpaged(&torn, b"File"), None);
    assert!(!combined(POOLMON).1.snapshots[0].is_torn);
    assert!(combined(&POOLUSED[..POOLUSED.find("29938080").unwrap()]).1.snapshots[0].is_torn);
}

#[test]
fn tags_may_be_reversed_protected_or_hold_blanks() {
    let turned = POOLUSED.replace("Thre ", "erhT ").replace("File ", "eliF ");
    assert_eq!(thread_bytes(&turned), Some(76_892_800));
    let protected = POOLMON.replace("Thre ", "Thr\u{e5} ");
    assert_eq!(thread_bytes(&protected), Some(76_892_800));
    let blanks = POOLMON.replace(" Thre Nonp", " A  b Nonp").replace(" File Nonp", "  Cd  Nonp");
    let combined = combined(&blanks).1;
    assert!(nonpaged(&combined, b"A  b").is_some());
    assert!(nonpaged(&combined, b" Cd ").is_some());
}

#[test]
fn what_others_found_of_a_tags_owner_is_kept() {
    let mapped = "Abcd Nonp 5 3 2 64 32 [foo.sys - packet buffers]\n\
                  Efgh Nonp 5 3 2 64 32 Unknown Driver\n";
    let combined = combine([read("", mapped.as_bytes()), read("", POOLUSED.as_bytes())]);
    let owners: Vec<_> = combined
        .catalogue
        .iter()
        .map(|entry| (entry.owner.as_deref().unwrap(), entry.description.as_str()))
        .collect();
    assert_eq!(owners, [("foo.sys", "packet buffers"), ("nt!ps", "Thread objects")]);
}

#[test]
fn outputs_in_a_mixed_text_are_all_found() {
    let text = [
        "Hi all, our server dies every week, see below.\n\n0: kd> !vm\n",
        VM,
        "0: kd> !poolused 2\n",
        POOLUSED,
        "0: kd> !process 0 0\nPROCESS 884e6520  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  \
         ParentCid: 0124\n    DirBase: 110f6000  ObjectTable: 88584448  HandleCount: 90472.\n    \
         Image: mybadapp.exe\n\nEvent 2019 is logged each time.\nThanks!\n",
    ]
    .concat();
    let (reading, combined) = combined(&text);
    let kinds: Vec<_> = reading.pieces.iter().map(|piece| piece.kind.to_string()).collect();
    assert_eq!(kinds, ["!vm", "!poolused", "!poolused", "!process", "!process", "event"]);
    let [moment] = &combined.snapshots[..] else { panic!() };
    assert_eq!(moment.snapshot.processes.as_ref().unwrap()[0].handles, Some(90_472));
    assert_eq!(combined.undated_events.len(), 1);
    let ignored: Vec<_> = reading.ignored.iter().map(|ignored| ignored.line).collect();
    assert_eq!(ignored, [1, 3, 9, 16, 22]);
}

#[test]
fn a_loop_of_captures_may_print_the_time_before_each() {
    let capture = |time: &str, diff: u64| {
        format!("{time}\nFile Nonp 2000 {} {diff} {} 64\n", 2000 - diff, diff * 64)
    };
    for times in [
        ["2024-03-01 10:20:30", "2024-03-01 11:20:30"],
        ["01.03.2024 10:20:30", "01.03.2024 11:20:30"],
        ["Fri 03/01/2024 10:20:30.12", "Fri 03/01/2024 11:20:30.15"],
        ["3/1/2024 10:20:30 AM", "3/1/2024 11:20:30 AM"],
    ] {
        let text = [capture(times[0], 3), capture(times[1], 5)].concat();
        let (reading, combined) = combined(&text);
        let at: Vec<_> = combined.snapshots.iter().filter_map(|moment| moment.at_s).collect();
        let [first, second] = at[..] else { panic!("{times:?} {reading:?}") };
        assert_eq!(second - first, 3600, "{times:?}");
        assert!(reading.pieces.iter().all(|piece| matches!(piece.content, PieceContent::Tags(_))));
    }
}
