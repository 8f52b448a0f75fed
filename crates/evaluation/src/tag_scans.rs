//! Whether the scan of driver files leads from a tag to its driver, on drivers that are made with known
//! tags. No compiler made them: shares of each way of passing a tag are assumed.

use std::collections::BTreeSet;

use poolwatch_model::{PoolTag, driver_scan::FoundTag};
use poolwatch_simulator::patterns::rng::SeededRng;
use poolwatch_tagscan::{scan, service_tag, synthetic::DriverFile};
use serde::Serialize;

/// Drivers of a host.
const DRIVERS: usize = 200;
/// Shares of a hundred: tags whose bytes stand in data alone, where no scan looks; drivers on KMDF;
/// drivers of x86; tags that another driver frees or holds as a number; numbers that read as tags.
const IN_DATA: u64 = 3;
const ON_FRAMEWORK: u64 = 15;
const OF_X86: u64 = 10;
const HELD_BY_ANOTHER: u64 = 25;
/// Files that an agent cannot read, or has not read yet.
const NOT_SCANNED: u64 = 10;
/// Numbers among the code of a driver that read as tags and are none.
const DECOYS: u64 = 12;

const ALLOCATE: &str = "ExAllocatePoolWithTag";
const ALLOCATE_NEW: &str = "ExAllocatePool2";
const FREE: &str = "ExFreePoolWithTag";
const LOOKASIDE: &str = "ExInitializeNPagedLookasideList";
const OTHER: &str = "ObfDereferenceObjectWithTag";
const FUNCTIONS: [&str; 5] = [ALLOCATE, ALLOCATE_NEW, FREE, LOOKASIDE, OTHER];

/// What the scan is worth.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Score {
    /// Tags with a known driver.
    pub tags: usize,
    /// Those whose driver alone is the first.
    pub first: usize,
    /// Those whose driver is among the first three.
    pub among_three: usize,
}

impl Score {
    /// What is too little of it, in words.
    #[must_use]
    pub fn missed(&self) -> Vec<String> {
        let share = |part: usize| 100 * part / self.tags.max(1);
        let wanted = [("first", self.first, 80), ("among the first three", self.among_three, 95)];
        let missed = wanted.into_iter().filter(|(_, part, least)| share(*part) < *least);
        let told = missed.map(|(place, part, least)| {
            let share = share(part);
            format!("the driver of a tag is {place} in {share} % of scans, {least} % are wanted")
        });
        told.collect()
    }
}

/// A driver that is made, with the tags that are its own.
struct Made {
    service: String,
    file: DriverFile,
    own: Vec<PoolTag>,
}

/// Makes the drivers of a host and looks for the driver of each tag.
#[must_use]
pub fn score(seed: u64) -> Score {
    let mut rng = SeededRng::new([seed, 0x7461_6773, 0, 0]);
    let mut taken = BTreeSet::new();
    let mut drivers: Vec<Made> = (0..DRIVERS).map(|_| make(&mut rng, &mut taken)).collect();
    let labels: Vec<(usize, PoolTag)> = drivers
        .iter()
        .enumerate()
        .flat_map(|(at, driver)| driver.own.iter().map(move |tag| (at, *tag)))
        .collect();
    for (owner, tag) in &labels {
        if rng.percent_chance(HELD_BY_ANOTHER) {
            let holder = rng.index_below(DRIVERS);
            if holder != *owner {
                hold(&mut rng, &mut drivers[holder].file, *tag);
            }
        }
    }
    let scans: Vec<Vec<FoundTag>> = drivers
        .iter()
        .map(|driver| scan(&driver.file.build(), Some(&driver.service)).map(|found| found.tags))
        .map(Result::unwrap_or_default)
        .collect();
    let mut score = Score { tags: labels.len(), ..Score::default() };
    for (owner, tag) in labels {
        let sure = |driver: &Vec<FoundTag>| {
            driver.iter().find(|one| one.tag == tag).map_or(0.0, FoundTag::likelihood)
        };
        let own = sure(&scans[owner]);
        // Of drivers that are as likely, none is the first.
        let before = scans.iter().filter(|driver| sure(driver) >= own).count();
        score.first += usize::from(own > 0.0 && before == 1);
        score.among_three += usize::from(own > 0.0 && before <= 3);
    }
    score
}

/// What scans of the drivers of a host tell of a tag that one of them allocates by: of its file, and of
/// one other that may hold the tag as well. Nothing where the files could not be scanned.
#[must_use]
pub fn scan_for_tag(
    rng: &mut SeededRng,
    tag: PoolTag,
    owner: &str,
    others: &[&str],
) -> Vec<(String, FoundTag)> {
    if rng.percent_chance(NOT_SCANNED) {
        return Vec::new();
    }
    let mut file = DriverFile::new(!rng.percent_chance(OF_X86), &FUNCTIONS);
    noise(rng, &mut file);
    if !rng.percent_chance(IN_DATA) {
        pass(rng, &mut file, tag);
        noise(rng, &mut file);
    }
    let mut files = vec![(owner, file)];
    if rng.percent_chance(HELD_BY_ANOTHER) && !others.is_empty() {
        let mut file = DriverFile::new(true, &FUNCTIONS);
        noise(rng, &mut file);
        hold(rng, &mut file, tag);
        noise(rng, &mut file);
        files.push((others[rng.index_below(others.len())], file));
    }
    let scanned = files.into_iter().filter_map(|(driver, file)| {
        let service = driver.strip_suffix(".sys").unwrap_or(driver);
        let found = scan(&file.build(), Some(service)).ok()?.tags;
        let found = found.into_iter().find(|one| one.tag == tag)?;
        Some((driver.to_owned(), found))
    });
    scanned.collect()
}

fn make(rng: &mut SeededRng, taken: &mut BTreeSet<PoolTag>) -> Made {
    let mut file = DriverFile::new(!rng.percent_chance(OF_X86), &FUNCTIONS);
    let service = name(rng);
    let mut own = Vec::new();
    noise(rng, &mut file);
    if rng.percent_chance(ON_FRAMEWORK) {
        file.use_framework();
        own.extend(service_tag(&service).filter(|tag| taken.insert(*tag)));
    }
    for _ in 0..rng.integer_between(1, 4) {
        let Ok(tag) = name(rng)[..4].parse() else { continue };
        if !taken.insert(tag) {
            continue;
        }
        own.push(tag);
        if !rng.percent_chance(IN_DATA) {
            pass(rng, &mut file, tag);
            noise(rng, &mut file);
        }
    }
    Made { service, file, own }
}

/// Six to ten letters.
fn name(rng: &mut SeededRng) -> String {
    let letters = rng.integer_between(6, 10);
    (0..letters).map(|_| char::from(b'a' + rng.integer_below(26) as u8)).collect()
}

/// Uses a tag the way that drivers do.
fn pass(rng: &mut SeededRng, file: &mut DriverFile, tag: PoolTag) {
    let allocate = *rng.pick(&[ALLOCATE, ALLOCATE_NEW]);
    let tag = tag.bytes();
    match rng.integer_below(100) {
        0..55 => {
            third(file, tag).call(allocate);
            noise(rng, file);
            second(file, tag).call(FREE);
        }
        55..70 => {
            third(file, tag).call_by_jump(allocate);
            second(file, tag).call_by_jump(FREE);
        }
        // By functions of its own.
        70..85 => {
            for _ in 0..3 {
                third(file, tag).call_own();
                noise(rng, file);
            }
            second(file, tag).call_own();
        }
        85..93 => {
            on_stack(file, tag).call(LOOKASIDE);
        }
        // In a structure.
        _ => {
            file.add(&[0xC7, 0x45, 0xE0]).add(&tag).add(&[0xC7, 0x80, 0x40, 0, 0, 0]).add(&tag);
        }
    }
}

/// What a driver does with a tag of another.
fn hold(rng: &mut SeededRng, file: &mut DriverFile, tag: PoolTag) {
    let tag = tag.bytes();
    match rng.integer_below(3) {
        0 => second(file, tag).call(FREE),
        1 => second(file, tag).call(OTHER),
        _ => file.add(&[0xC7, 0x45, 0xE0]).add(&tag),
    };
}

fn second(file: &mut DriverFile, tag: [u8; 4]) -> &mut DriverFile {
    match file.is_x64() {
        true => file.add(&[0xBA]).add(&tag).add(&[0x48, 0x8B, 0xCF]),
        false => file.add(&[0x68]).add(&tag).add(&[0x56]),
    }
}

fn third(file: &mut DriverFile, tag: [u8; 4]) -> &mut DriverFile {
    match file.is_x64() {
        true => file.add(&[0x41, 0xB8]).add(&tag).add(&[0x33, 0xC9]),
        false => file.add(&[0x68]).add(&tag).add(&[0x56, 0x6A, 0x01]),
    }
}

fn on_stack(file: &mut DriverFile, tag: [u8; 4]) -> &mut DriverFile {
    match file.is_x64() {
        true => file.add(&[0xC7, 0x44, 0x24, 0x28]).add(&tag),
        false => file.add(&[0x68]).add(&tag).add(&[0x50]),
    }
}

/// Code that has nothing to do with pool, and letters among it.
fn noise(rng: &mut SeededRng, file: &mut DriverFile) {
    for _ in 0..DECOYS {
        let letters = name(rng);
        match rng.integer_below(4) {
            0 => file.add(&[0xB8]).add(&letters.as_bytes()[..4]),
            1 => second(file, [letters.as_bytes()[0], 0, 0, 0]).call(OTHER),
            2 => file.add(letters.as_bytes()).add(&[0]),
            _ => {
                let bytes: Vec<u8> =
                    (0..rng.integer_between(8, 200)).map(|_| rng.next_bits() as u8).collect();
                file.add(&bytes)
            }
        };
    }
    // Far enough from what comes next that no call is taken for its own.
    file.add(&[0xCC; 80]);
}
