//! What a scan of 400 drivers costs, as the agent makes it but without its rests:
//! `cargo run --release -p poolwatch-agent --example scan_drivers`.

use std::{error::Error, fs, time::Duration};

use poolwatch_agent::{
    survey::{Found, Survey},
    system_folders::SystemFolders,
};
use poolwatch_model::inventory::Driver;
use poolwatch_tagscan::synthetic::DriverFile;
use tempfile::TempDir;

const DRIVERS: u64 = 400;
/// Bytes of a driver's code: more than the median driver of Windows has in all.
const CODE: usize = 400 << 10;

/// A driver with an allocation every 400 bytes, in code that means nothing.
fn driver(seed: u64) -> Vec<u8> {
    let mut file = DriverFile::new(true, &["ExAllocatePool2", "ExFreePoolWithTag"]);
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    let mut filling = [0; 384];
    for _ in 0..CODE / 400 {
        for byte in &mut filling {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            *byte = state as u8;
        }
        file.add(&filling).add(b"\x41\xB8Fooq\x33\xC9").call("ExAllocatePool2");
    }
    file.build()
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = TempDir::new()?;
    let name = |number: u64| format!("driver{number}.sys");
    for number in 0..DRIVERS {
        fs::write(folder.path().join(name(number)), driver(number))?;
    }
    let before = used()?;
    let folders = SystemFolders { windows: folder.path().into(), drive: folder.path().into() };
    let survey = Survey::start(folders, |_| {})?;
    let listed = |number| Driver {
        name: name(number),
        path: Some(format!(r"\SystemRoot\{}", name(number))),
        ..Driver::default()
    };
    survey.ask((0..DRIVERS).map(listed).collect());
    let (mut scanned, mut tags) = (0, 0);
    while scanned < DRIVERS as usize {
        match survey.found() {
            Some(Found::Inventory(inventory)) => {
                println!("described and hashed: {:?} of CPU", used()?.0.saturating_sub(before.0));
                survey.ask_for_scans(inventory.drivers);
            }
            Some(Found::Scans(scans)) => {
                scanned += scans.len();
                tags += scans.iter().map(|scan| scan.tags.len()).sum::<usize>();
            }
            Some(Found::TagList(_)) => {}
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    }
    let (cpu, peak) = used()?;
    println!(
        "{scanned} drivers of {} kB, {tags} tags: {:?} of CPU; at its peak {} kB resident, {} kB before",
        CODE >> 10,
        cpu.saturating_sub(before.0),
        peak,
        before.1
    );
    Ok(())
}

/// CPU time of this process and the most memory it ever had, kB.
fn used() -> Result<(Duration, u64), Box<dyn Error>> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit_once(')').ok_or("stat")?.1.split_whitespace().collect();
    let ticks = fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).ok_or("status")?;
    Ok((Duration::from_millis(ticks * 10), peak.trim().trim_end_matches(" kB").trim().parse()?))
}
