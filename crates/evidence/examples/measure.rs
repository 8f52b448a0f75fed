//! Prints how long texts of 100 MB take to be read, and how long files take as they are and when they
//! are repeated until they are as large: `cargo run --release --example measure [FILE…]`.

use std::{env, fs, time::Instant};

use poolwatch_evidence::{combine, read, reading::MAX_TEXT_BYTES};

fn main() -> std::io::Result<()> {
    let mut files = env::args().skip(1).peekable();
    if files.peek().is_none() {
        measure_formats();
    }
    for file in files {
        let bytes = fs::read(&file)?;
        let usual = Usage::now();
        let _ = combine([read(&file, &bytes)]);
        let usual = usual.until_now();
        measure(&file, &bytes.repeat(MAX_TEXT_BYTES / bytes.len().max(1)));
        println!("    once: {:.1} ms for {} bytes", usual * 1e3, bytes.len());
    }
    Ok(())
}

/// Texts of which the worst that we know are some.
fn measure_formats() {
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
        // Made in place: its memory is part of what is measured.
        let mut text = String::with_capacity(MAX_TEXT_BYTES);
        text.push_str(opening);
        while text.len() + part.len() <= MAX_TEXT_BYTES {
            text.push_str(&part);
        }
        measure(name, text.as_bytes());
    }
}

fn measure(name: &str, text: &[u8]) {
    let began = Usage::now();
    let reading = read(name, text);
    let read_in = began.until_now();
    let (pieces, ignored) = (reading.pieces.len(), reading.ignored.len());
    let began = Usage::now();
    let moments = combine([reading]).snapshots.len();
    println!(
        "{name}: {} MB read in {read_in:.1} s, put together in {:.1} s: {pieces} pieces, {moments} \
         moments, {ignored} ignored lines kept, {} of memory at most so far",
        text.len() >> 20,
        began.until_now(),
        peak().unwrap_or_default()
    );
}

/// The most memory that was in use, where the system tells it.
fn peak() -> Option<String> {
    let told = fs::read_to_string("/proc/self/status").ok()?;
    let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}

/// What was used of a processor, where the system tells it, else what a clock shows.
struct Usage(Instant, Option<u64>);

impl Usage {
    fn now() -> Self {
        Self(Instant::now(), Self::cpu_ns())
    }

    fn cpu_ns() -> Option<u64> {
        let told = fs::read_to_string("/proc/self/schedstat").ok()?;
        told.split_ascii_whitespace().next()?.parse().ok()
    }

    /// Seconds since.
    fn until_now(&self) -> f64 {
        let used = self.1.zip(Self::cpu_ns()).map(|(began, now)| (now - began) as f64 / 1e9);
        used.unwrap_or_else(|| self.0.elapsed().as_secs_f64())
    }
}
