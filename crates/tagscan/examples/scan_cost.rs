//! Prints what it takes to scan 400 driver files: `cargo run --release -p poolwatch-tagscan --example
//! scan_cost FILE…`. The files are scanned in turns until there were 400.

use std::{fs, time::Instant};

use poolwatch_tagscan::{describe, scan};

const FILES: usize = 400;

fn peak_kb() -> Option<String> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    Some(line.trim().to_owned())
}

fn main() -> std::io::Result<()> {
    let paths: Vec<String> = std::env::args().skip(1).collect();
    let before = peak_kb();
    let begun = Instant::now();
    let (mut bytes, mut tags, mut refused) = (0, 0, 0);
    for path in paths.iter().cycle().take(if paths.is_empty() { 0 } else { FILES }) {
        let file = fs::read(path)?;
        bytes += file.len();
        let _ = describe(&file);
        match scan(&file, None) {
            Ok(found) => tags += found.tags.len(),
            Err(_) => refused += 1,
        }
    }
    println!(
        "{FILES} files of {} kB on average: {:.2} s, {tags} tags, {refused} no drivers; memory {} \
         before, {} at most",
        (bytes / FILES) >> 10,
        begun.elapsed().as_secs_f64(),
        before.unwrap_or_default(),
        peak_kb().unwrap_or_default()
    );
    Ok(())
}
