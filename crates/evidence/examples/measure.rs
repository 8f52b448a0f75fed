//! Prints how long texts of 100 MB take to be read: `cargo run --release --example measure`.

use std::time::Instant;

use poolwatch_evidence::{combine, read, reading::MAX_TEXT_BYTES};

fn main() {
    let capture: String = (0..1500_u64)
        .map(|tag| {
            let (held, bytes) = (tag * 7 + 1, (tag * 7 + 1) * 64);
            format!(" T{tag:03x} Nonp {:>11} {:>11} {held:>8} {bytes:>9} 64\n", held + 900, 900)
        })
        .collect();
    let header = " Memory:16468560K Avail:12072536K  PageFlts:4   InRam Krnl:56708K P:950888K\n \
                  Commit:4100436K Limit:17517136K Peak:11685564K            Pool N:710920K P:983564K\n";
    let process = "PROCESS 884e6520  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  ParentCid: 0124\n    \
                   DirBase: 110f6000  ObjectTable: 88584448  HandleCount: 90472.\n    Image: a.exe\n";
    let event = "<Event xmlns='http://schemas.microsoft.com/win/2004/08/events/event'><System>\
                 <Provider Name='Srv'/><EventID>2019</EventID>\
                 <TimeCreated SystemTime='2024-03-01T10:20:30Z'/><EventRecordID>7</EventRecordID>\
                 <Channel>System</Channel></System><EventData><Data>a</Data></EventData></Event>\n";
    for (name, part) in [
        ("poolmon, captures of 1,500 tags", format!("{header}{capture}")),
        ("!process", process.to_owned()),
        ("events in XML", event.to_owned()),
        (
            "rows with spaces in their numbers",
            "Abcd Nonp 378 580 24 692 353 888 220 826 112 624\n".to_owned(),
        ),
        ("cut rows, one after the other", "Abcd Nonp 378580 24692 353888\n".to_owned()),
        ("short rows of a Markdown table", "| a | b |\n".to_owned()),
        ("Markdown on one line", "| Abcd | Nonp | 12 | 900 | |---|---|---|---| ".to_owned()),
        ("bars alone", "|".to_owned()),
        ("events that a web page wrote", event.replace('<', "&lt;").replace('\n', "<br>")),
        ("lines of an old Mac", capture.replace('\n', "\r")),
        ("ended processes", process.replace("88584448", "00000000").replace("90472", "0")),
        ("nonsense", "no tool of any kind prints a line that is like this one here\n".to_owned()),
    ] {
        let opening = "| Tag | Type | Diff | Bytes |\n|---|---|---|---|\n";
        let text = [opening, &part.repeat((MAX_TEXT_BYTES - opening.len()) / part.len())].concat();
        let began = Instant::now();
        let reading = read(name, text.as_bytes());
        let read_in = began.elapsed();
        let (pieces, ignored) = (reading.pieces.len(), reading.ignored.len());
        let began = Instant::now();
        let moments = combine([reading]).snapshots.len();
        println!(
            "{name}: {} MB read in {:.1} s, put together in {:.1} s: {pieces} pieces, {moments} \
             moments, {ignored} ignored lines kept",
            text.len() >> 20,
            read_in.as_secs_f64(),
            began.elapsed().as_secs_f64()
        );
    }
}
