//! What hosts of one template measure: figures of any step at once, without those before.

use poolwatch_model::{
    Bytes, PoolTag, Snapshot,
    memory::Memory,
    process::{ObjectTypeUse, ProcessUse},
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};

use crate::patterns::rng::{SeededRng, Subject, mix_bits};

const TAGS: usize = 1500;
/// Of these, how many every host has; the others are drawn for the template.
const COMMON_TAGS: usize = 1000;
/// Tags that there are in the fleet.
const ALL_TAGS: u64 = 10_000;
const PROCESSES: u32 = 200;
/// Values of a snapshot: six counters of a tag, five of a process.
pub(super) const VALUES: u64 = TAGS as u64 * 6 + PROCESSES as u64 * 5;
/// The physical memory of a host.
pub(super) const PHYSICAL: Bytes = Bytes(16 << 30);
/// Templates on whose hosts a tag leaks, one in so many.
const LEAKY: usize = 20;
/// Tags of kernel objects, which every host has.
const OBJECTS: [(&str, [u8; 4]); 6] = [
    ("Event", *b"Even"),
    ("File", *b"File"),
    ("Process", *b"Proc"),
    ("Semaphore", *b"Sema"),
    ("Thread", *b"Thre"),
    ("Token", *b"Toke"),
];

/// How often something changes: in so many of 256 steps, and where in those it stands.
#[derive(Debug, Clone, Copy)]
struct Pace {
    rate: u64,
    phase: u64,
}

impl Pace {
    /// A quarter of all changes at a step: few things at each, most now and then, some never.
    fn draw(rng: &mut SeededRng) -> Self {
        let rate = match rng.integer_below(100) {
            0..14 => 256,
            14..30 => 128,
            30..60 => 25,
            _ => 0,
        };
        Self { rate, phase: rng.integer_below(256) }
    }

    /// How often it has changed by a step.
    fn changes(self, step: u64) -> u64 {
        (step * self.rate + self.phase) >> 8
    }
}

#[derive(Debug)]
struct Tag {
    tag: PoolTag,
    /// Whether it uses paged, nonpaged or both pools.
    pools: [bool; 2],
    pace: Pace,
    size: u64,
    outstanding: u64,
    allocs: u64,
    /// More outstanding at each change: a leak.
    grows: u64,
    salt: u64,
}

#[derive(Debug)]
pub(super) struct Figures {
    tags: Vec<Tag>,
    processes: Vec<(ProcessUse, Pace)>,
}

impl Figures {
    pub(super) fn new(seed: u64, template: usize) -> Self {
        let mut rng = SeededRng::of_subject(seed, Subject::Load, usize::MAX, template);
        let mut numbers: Vec<u64> = (0..COMMON_TAGS as u64).collect();
        let mut others: Vec<u64> = (COMMON_TAGS as u64..ALL_TAGS).collect();
        for _ in COMMON_TAGS..TAGS {
            numbers.push(others.swap_remove(rng.integer_below(others.len() as u64) as usize));
        }
        let mut tags: Vec<Tag> = numbers.iter().map(|number| draw(*number, &mut rng)).collect();
        if template % LEAKY == LEAKY - 1 {
            let leaking = &mut tags[OBJECTS.len()];
            leaking.pace = Pace { rate: 256, phase: 0 };
            (leaking.size, leaking.grows) = (1024, 40);
        }
        tags.sort_by_key(|tag| tag.tag);
        let processes = (1..=PROCESSES).map(|number| process(number, &mut rng)).collect();
        Self { tags, processes }
    }

    pub(super) fn at(&self, step: u64) -> Snapshot {
        let rows = self.tags.iter().map(|tag| tag.at(step)).collect();
        let tags = TagTable { counting: AllocCounting::Wrapping32, complete: true, rows };
        let processes: Vec<ProcessUse> =
            self.processes.iter().map(|(process, pace)| process_at(process, *pace, step)).collect();
        Snapshot {
            memory: memory(&tags, &processes, step),
            object_types: Some(object_types(&tags)),
            tags: Some(tags),
            processes: Some(processes),
            ..Snapshot::default()
        }
    }
}

fn draw(number: u64, rng: &mut SeededRng) -> Tag {
    let pools = match rng.integer_below(10) {
        0..6 => [false, true],
        6..9 => [true, false],
        _ => [true, true],
    };
    let outstanding = 4 << rng.integer_below(11);
    Tag {
        tag: tag(number),
        pools,
        pace: Pace::draw(rng),
        size: 16 * (1 + rng.integer_below(64)),
        outstanding,
        allocs: outstanding * (10 + rng.integer_below(1000)),
        grows: 0,
        salt: rng.integer_below(u64::MAX),
    }
}

fn tag(number: u64) -> PoolTag {
    if let Some((_, tag)) = OBJECTS.get(number as usize) {
        return PoolTag::new(*tag);
    }
    // A capital and three digits of a system of 36: no two numbers have the same.
    let digit =
        |place: u64| b"abcdefghijklmnopqrstuvwxyz0123456789"[(number / place % 36) as usize];
    let capital = b'A' + (number * 7 % 26) as u8;
    PoolTag::new([capital, digit(1296), digit(36), digit(1)])
}

impl Tag {
    fn at(&self, step: u64) -> TagUse {
        let changes = self.pace.changes(step);
        let noise = mix_bits(self.salt.wrapping_add(changes));
        let swing = self.outstanding / 8 + 1;
        let outstanding = self.outstanding + noise % swing + changes * self.grows;
        let churn = swing * 3;
        let counters = TagCounters {
            outstanding,
            bytes: outstanding * self.size,
            // Allocation counts wrap at 32 bits, as the kernel's do.
            allocs: (self.allocs + changes * churn + noise % churn) & u64::from(u32::MAX),
        };
        let of = |used: bool| if used { counters } else { TagCounters::default() };
        TagUse { tag: self.tag, paged: of(self.pools[0]), nonpaged: of(self.pools[1]) }
    }
}

fn process(number: u32, rng: &mut SeededRng) -> (ProcessUse, Pace) {
    let image = match number {
        1..60 => "svchost.exe".to_owned(),
        _ => format!("program{:02}.exe", number % 60),
    };
    let mut process = ProcessUse::new(number * 4, None, image);
    process.session = Some(u32::from(rng.percent_chance(20)));
    process.handles = Some(100 + rng.integer_below(900) as u32);
    process.threads = Some(4 + rng.integer_below(30) as u32);
    process.paged_quota = Some((100 + rng.integer_below(300)) << 10);
    process.nonpaged_quota = Some((10 + rng.integer_below(60)) << 10);
    process.private_bytes = Some((2000 + rng.integer_below(60_000)) << 12);
    (process, Pace::draw(rng))
}

fn process_at(process: &ProcessUse, pace: Pace, step: u64) -> ProcessUse {
    let changes = pace.changes(step);
    let noise = mix_bits(u64::from(process.key.pid) << 32 | changes);
    let mut now = process.clone();
    now.handles = process.handles.map(|handles| handles + (noise % 32) as u32);
    now.threads = process.threads.map(|threads| threads + (noise >> 8 & 3) as u32);
    now.private_bytes = process.private_bytes.map(|bytes| bytes + (noise >> 16 & 255) * 4096);
    now
}

fn memory(tags: &TagTable, processes: &[ProcessUse], step: u64) -> Memory {
    let total = |pool| Some(Bytes(tags.total(pool)));
    let sum = |of: fn(&ProcessUse) -> Option<u32>| {
        Some(processes.iter().filter_map(of).map(u64::from).sum())
    };
    let available = (9 << 30) + (mix_bits(step) & 0xFFFF) * 4096;
    Memory {
        paged: total(poolwatch_model::Pool::Paged),
        nonpaged: total(poolwatch_model::Pool::Nonpaged),
        physical: Some(PHYSICAL),
        available: Some(Bytes(available)),
        resident_available: Some(Bytes(available + (3 << 30))),
        committed: Some(Bytes((18 << 30) - available)),
        commit_limit: Some(Bytes(20 << 30)),
        handles: sum(|process| process.handles),
        threads: sum(|process| process.threads),
        processes: Some(processes.len() as u64),
        ..Memory::default()
    }
}

fn object_types(tags: &TagTable) -> Vec<ObjectTypeUse> {
    let of = |(name, tag): &(&str, [u8; 4])| {
        let row = tags.get(PoolTag::new(*tag))?;
        let objects = row.nonpaged.outstanding.max(row.paged.outstanding) as u32;
        let (peak_objects, peak_handles) = (objects + objects / 8, objects + objects / 4);
        Some(ObjectTypeUse {
            name: (*name).to_owned(),
            objects,
            handles: objects,
            peak_objects,
            peak_handles,
        })
    };
    OBJECTS.iter().filter_map(of).collect()
}
