//! A group of like hosts over a month, in minima of ten minutes.

use poolwatch_model::{Pool, PoolTag, driver_scan::FoundTag, history::MISSING};

use poolwatch_simulator::patterns::{
    growth::Course,
    leaks::{Culprit, Family},
    load::{DAY, MONTH, is_backup_slot, load_of_slot},
    rng::SeededRng,
    runs::draw_runs,
    software::{self, Software},
    workload::{Conditions, PatternState, WarmUp, WorkloadPattern},
};

use crate::tag_scans;

const MB: f64 = 1_048_576.0;

/// A tag of a host.
#[derive(Debug, Clone)]
pub struct Tag {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes of one allocation.
    pub unit: u64,
    /// Bytes by slot.
    pub bytes: Vec<u64>,
    /// The low 32 bits of allocations since boot.
    pub allocs: Vec<u32>,
}

/// A leak that was planted.
#[derive(Debug, Clone)]
pub struct Planted {
    /// Its family.
    pub family: Family,
    /// The culprit.
    pub culprit: Culprit,
    /// The tags that grow, the main one first.
    pub tags: Vec<PoolTag>,
    /// Names of the guilty, as they should be told; empty when nobody can tell.
    pub names: Vec<String>,
    /// The program whose work drives it; none when no program's does.
    pub trigger: Option<String>,
    /// Slots in which it grows.
    pub from: usize,
    /// The first slot in which it does not.
    pub to: usize,
    /// Bytes that it grows by in all.
    pub bytes: f64,
    /// What makes it count: the larger of 50 MB and a tenth of its pool.
    pub threshold: f64,
    /// Bytes leaked and not given back, by slot.
    pub held: Vec<f64>,
    /// The first slot at which it has grown for a day, in one run of Windows, by more than counts.
    pub due: Option<usize>,
    /// Slots of the longest growth in one run, and its bytes.
    pub longest: (usize, f64),
}

/// A host over a month.
#[derive(Debug, Clone)]
pub struct Host {
    /// Physical memory.
    pub ram: u64,
    /// By slot: which run of Windows, and since when; `None` while nothing was measured.
    pub slots: Vec<Option<(u32, usize)>>,
    /// The slot from which its clock is off, and by how much, seconds.
    pub clock: (usize, i64),
    /// Tags.
    pub tags: Vec<Tag>,
    /// Programs and drivers.
    pub people: Software,
    /// What was planted.
    pub leaks: Vec<Planted>,
    /// What scans of its drivers' files tell of the tags that leak.
    pub scans: Vec<(String, FoundTag)>,
    /// A tag with constant high use, if one was planted.
    pub high_use: Option<PoolTag>,
}

/// What a group is made of.
#[derive(Debug, Clone, Copy)]
pub struct Plan {
    /// What all chance comes from.
    pub seed: u64,
    /// Number of the group.
    pub group: u64,
    /// Hosts in it.
    pub hosts: usize,
    /// Whether habits are those that tuning never saw.
    pub held_out: bool,
    /// The family that is planted; healthy hosts without.
    pub family: Option<Family>,
}

/// Tags that every host has: kernel objects with the bytes of one, and caches.
const OBJECTS: [(&[u8; 4], u64); 12] = [
    (b"Thre", 2304),
    (b"Proc", 3072),
    (b"File", 400),
    (b"Even", 128),
    (b"Toke", 1600),
    (b"Key ", 160),
    (b"Sect", 176),
    (b"Sema", 128),
    (b"Muta", 128),
    (b"Time", 320),
    (b"ALPC", 640),
    (b"EtwR", 416),
];
const CACHES: [&[u8; 4]; 6] = [b"MmSt", b"NtfF", b"FMfn", b"CM31", b"CcSc", b"MmCa"];
/// Tags that only this fleet has, and some that the catalogue knows.
const OTHERS: usize = 70;
const KNOWN: [&[u8; 4]; 8] =
    [b"Irp ", b"Mdl ", b"Cont", b"AfdB", b"NDnd", b"TcpE", b"IoWI", b"FMsl"];

/// How far use falls short in the first half an hour after a start.
const WARM_UP: WarmUp = WarmUp { cold: 0.6, rise: 0.4, duration: 3.0 };
/// The load that a level is measured at.
const MEAN_LOAD: f64 = 0.4;

/// A tag on a host without troubles.
#[derive(Debug, Clone, Copy)]
struct Usual {
    /// Bytes when warm.
    level: f64,
    /// What it depends on.
    pattern: WorkloadPattern,
}

impl Usual {
    /// Bytes in a slot, so many slots after the start of Windows.
    fn bytes(&self, slot: usize, up: usize, state: &mut PatternState, rng: &mut SeededRng) -> f64 {
        let at = Conditions {
            time: slot as f64,
            uptime: up as f64,
            load: load_of_slot(slot) - MEAN_LOAD,
            backup: is_backup_slot(slot),
        };
        let share = self.pattern.next_share(&at, state, rng);
        (self.level * share * WARM_UP.share(up as f64)).max(4096.0)
    }
}

/// Makes a group of hosts.
#[must_use]
pub fn group(plan: Plan) -> Vec<Host> {
    let mut rng = SeededRng::new([plan.seed, 1, plan.group, 0]);
    // What the group has in common: its tags with their levels and habits.
    let common: Vec<Common> = common(&plan, &mut rng);
    let fleet_people = software::Group::new(&mut rng);
    (0..plan.hosts)
        .map(|at| {
            let part = plan.group << 16 | at as u64;
            host(&plan, &common, &fleet_people, &mut SeededRng::new([plan.seed, 2, part, 0]))
        })
        .collect()
}

#[derive(Debug, Clone, Copy)]
struct Common {
    tag: PoolTag,
    pool: Pool,
    unit: u64,
    usual: Usual,
}

fn common(plan: &Plan, rng: &mut SeededRng) -> Vec<Common> {
    let mut all = Vec::new();
    for (tag, unit) in OBJECTS {
        let level = rng.log_uniform(1.0, 40.0) * MB;
        let pool =
            if matches!(tag, b"Toke" | b"Key " | b"Sect") { Pool::Paged } else { Pool::Nonpaged };
        let pattern = WorkloadPattern::Load { depth: rng.float_between(0.05, 0.5) };
        all.push(Common { tag: PoolTag::new(*tag), pool, unit, usual: Usual { level, pattern } });
    }
    for tag in CACHES {
        let level = rng.log_uniform(20.0, 500.0) * MB;
        let usual = Usual { level, pattern: WorkloadPattern::draw(plan.held_out, rng) };
        all.push(Common { tag: PoolTag::new(*tag), pool: Pool::Paged, unit: 512, usual });
    }
    let own = (0..OTHERS).map(|n| {
        let letters = [
            b'A' + rng.index_below(26) as u8,
            b'a' + rng.index_below(26) as u8,
            b'0' + (n / 10) as u8,
            b'0' + (n % 10) as u8,
        ];
        PoolTag::new(letters)
    });
    let mut tags: Vec<PoolTag> = own.collect();
    tags.extend(KNOWN.iter().map(|tag| PoolTag::new(**tag)));
    for tag in tags {
        let pool = if rng.happens(0.5) { Pool::Nonpaged } else { Pool::Paged };
        // Heavy tail: most tags are small, a few hold hundreds of megabytes.
        let level = (0.5 * MB / rng.fraction().max(1e-3).powf(0.9)).min(800.0 * MB);
        let unit = match &tag.bytes() {
            b"IoWI" => 112,
            _ => [64, 128, 256, 512, 1024, 4096, 65_536][rng.index_below(7)],
        };
        let usual = Usual { level, pattern: WorkloadPattern::draw(plan.held_out, rng) };
        all.push(Common { tag, pool, unit, usual });
    }
    all
}

fn host(plan: &Plan, common: &[Common], group: &software::Group, rng: &mut SeededRng) -> Host {
    let ram = [4_u64, 8, 16, 32, 64][rng.index_below(5)] << 30;
    let slots = draw_runs(rng);
    let steps = [0, 0, 0, 0, 0, 0, 0, 3600, -3600, 7000];
    let clock = (rng.index_below(MONTH), steps[rng.index_below(steps.len())]);
    let mut people = Software::new(group, rng);
    let high_use = (plan.family.is_none() && rng.happens(0.01)).then(|| PoolTag::new(*b"MmCm"));
    let mut tags: Vec<Tag> = Vec::with_capacity(common.len() + 2);
    for one in common {
        // Hosts of a group are alike and not the same.
        let mut usual = one.usual;
        usual.level *= rng.log_uniform(0.7, 1.4);
        if one.tag == PoolTag::new(*b"Proc") {
            // A process is one object: more of them than live ones would be a leak of their own.
            usual.level = (people.live() * one.unit) as f64;
        }
        tags.push(grow(one, usual, &slots, rng));
    }
    if let Some(tag) = high_use {
        let level = rng.float_between(500.0, 1500.0) * MB;
        let pattern = WorkloadPattern::Steady { noise: 0.0, bursts: 0.0 };
        let (pool, unit) = (Pool::Nonpaged, 4 << 20);
        let usual = Usual { level, pattern };
        tags.push(grow(&Common { tag, pool, unit, usual }, usual, &slots, rng));
    }
    let mut leaks = Vec::new();
    if let Some(family) = plan.family {
        let affected = match family {
            Family::DriverVersion => people.has_bad_driver() && rng.happens(0.95),
            _ => true,
        };
        let count = if family == Family::Several { 2 } else { 1 };
        for at in 0..count * usize::from(affected) {
            leaks.push(plant(family, at, &slots, &mut tags, &mut people, rng));
        }
    }
    tags.sort_by_key(|tag| (tag.tag, tag.pool));
    let scans = leaks.iter().flat_map(|leak| scans_of_leak(plan, leak, &people)).collect();
    Host { ram, slots, clock, tags, people, leaks, scans, high_use }
}

/// What the files of the drivers tell of a driver's tag. The same files are on all hosts of a group.
fn scans_of_leak(plan: &Plan, leak: &Planted, people: &Software) -> Vec<(String, FoundTag)> {
    let tag = leak.tags[0];
    let Some(owner) = leak.names.first().filter(|_| leak.culprit == Culprit::Driver) else {
        return Vec::new();
    };
    if owner.as_bytes()[..4] == tag.bytes() {
        // Of drivers made with KMDF, whose name tells the tag, no file was scanned.
        return Vec::new();
    }
    let others: Vec<&str> = people
        .drivers
        .iter()
        .map(|driver| driver.name.as_str())
        .filter(|name| name != owner)
        .collect();
    let of_tag = u64::from(u32::from_le_bytes(tag.bytes()));
    let mut rng = SeededRng::new([plan.seed, 3, plan.group, of_tag]);
    tag_scans::scan_for_tag(&mut rng, tag, owner, &others)
}

fn grow(of: &Common, usual: Usual, slots: &[Option<(u32, usize)>], rng: &mut SeededRng) -> Tag {
    let mut state = PatternState::default();
    let churn = rng.log_uniform(0.01, 3.0) * usual.level / of.unit as f64;
    let mut allocs = 0_u64;
    let mut boot = 0;
    let mut rows = Vec::with_capacity(slots.len());
    let mut counts = Vec::with_capacity(slots.len());
    for (slot, run) in slots.iter().enumerate() {
        let Some((run, up)) = *run else {
            rows.push(MISSING);
            counts.push(0);
            continue;
        };
        let bytes = usual.bytes(slot, up, &mut state, rng);
        let objects = (bytes as u64 / of.unit).max(1);
        if run != boot {
            (boot, allocs) = (run, objects + (churn * up as f64) as u64);
        }
        allocs += churn as u64 + 1;
        rows.push(objects * of.unit);
        counts.push(allocs as u32);
    }
    Tag { tag: of.tag, pool: of.pool, unit: of.unit, bytes: rows, allocs: counts }
}

/// Plants a leak: which tag, since when, how much.
fn plant(
    family: Family,
    number: usize,
    slots: &[Option<(u32, usize)>],
    tags: &mut Vec<Tag>,
    people: &mut Software,
    rng: &mut SeededRng,
) -> Planted {
    let culprit = family.culprit(rng);
    let (tag, pool, unit) = culprit_tag(family, culprit, number, people, rng);
    let from = 3 * DAY + rng.index_below(24 * DAY);
    let length = (rng.log_uniform(0.5, 20.0) * DAY as f64) as usize;
    let to = (from + length).min(MONTH);
    let total: f64 = tags
        .iter()
        .filter(|one| one.pool == pool)
        .filter_map(|one| one.bytes[..=from].iter().rfind(|bytes| **bytes != MISSING))
        .map(|bytes| *bytes as f64)
        .sum();
    let threshold = (50.0 * MB).max(0.1 * total);
    let (least, most) = match family {
        Family::Fast => (4.0, 30.0),
        Family::Slow => (0.3, 3.0),
        _ => (0.3, 20.0),
    };
    let bytes = threshold * rng.log_uniform(least, most);
    let mut course = Course::new(family, bytes, to - from, rng);
    let is_shared = family == Family::CommonCause;
    let driven = family.driven_by(rng).map(|rhythm| people.drive(rhythm, is_shared, rng));
    let by_operation = driven.as_ref().map_or(0.0, |(_, work)| {
        bytes / (from..to).map(|slot| work.operations(slot)).sum::<f64>().max(1.0)
    });
    let restarts = (family == Family::ProgramRestarts).then(|| 2 * DAY + rng.index_below(3 * DAY));
    let mut held = vec![0.0; MONTH];
    let mut visible = vec![0.0; MONTH];
    let (mut leaked, mut boot, mut ended) = (0.0_f64, 0, Vec::new());
    for slot in from..MONTH {
        let run = slots[slot].map_or(boot, |(run, _)| run);
        if run != boot && boot != 0 {
            leaked = 0.0;
        }
        boot = run;
        if restarts.is_some_and(|every| slot > from && (slot - from).is_multiple_of(every)) {
            leaked = 0.0;
            ended.push(slot);
        }
        let mut tooth = 0.0;
        if slot < to {
            leaked += match &driven {
                Some((_, work)) => work.operations(slot) * by_operation,
                None => course.step(slot, slot - from, rng),
            };
            leaked = leaked.max(0.0);
            tooth = course.tooth();
        }
        held[slot] = leaked;
        visible[slot] = leaked + tooth;
    }
    let mut grown_tags = vec![tag];
    let place = match tags.iter().position(|one| one.tag == tag && one.pool == pool) {
        Some(place) => place,
        None => {
            let level = rng.log_uniform(1.0, 60.0) * MB;
            let pattern = WorkloadPattern::Steady { noise: 0.01, bursts: 1e-4 };
            let usual = Usual { level, pattern };
            tags.push(grow(&Common { tag, pool, unit, usual }, usual, slots, rng));
            tags.len() - 1
        }
    };
    let unit = tags[place].unit;
    add(&mut tags[place], &visible, 1, slots);
    // Work items go with a driver's allocations now and then, one for one.
    if culprit == Culprit::Driver && rng.happens(0.3) {
        let item = PoolTag::new(*b"IoWI");
        if let Some(other) = tags.iter_mut().find(|one| one.tag == item && one.pool == pool) {
            grown_tags.push(item);
            let objects: Vec<f64> =
                visible.iter().map(|bytes| bytes / unit as f64 * other.unit as f64).collect();
            add(other, &objects, 1, slots);
        }
    }
    let objects: Vec<f64> = held.iter().map(|bytes| bytes / unit as f64).collect();
    let names = people.accuse(culprit, family, tag, &objects, &ended, rng);
    let (due, longest) = due(slots, &held, from, to, threshold);
    Planted {
        family,
        culprit,
        tags: grown_tags,
        names,
        trigger: driven.filter(|_| !is_shared).map(|(name, _)| name),
        from,
        to,
        bytes,
        threshold,
        held,
        due,
        longest,
    }
}

fn culprit_tag(
    family: Family,
    culprit: Culprit,
    number: usize,
    people: &mut Software,
    rng: &mut SeededRng,
) -> (PoolTag, Pool, u64) {
    let object = |name: &[u8; 4], pool| {
        let unit = OBJECTS.iter().find(|(tag, _)| *tag == name).map_or(128, |(_, unit)| *unit);
        (PoolTag::new(*name), pool, unit)
    };
    match (family, culprit) {
        (Family::Threads, _) => object(b"Thre", Pool::Nonpaged),
        (_, Culprit::ThroughBroker) => object(b"Toke", Pool::Paged),
        (Family::Zombies, _) => object(b"Proc", Pool::Nonpaged),
        // Of the tags that are known for it, caches such as NtFC take a week to count, and WCsc has a
        // driver that is publicly known.
        (_, Culprit::References) => match rng.index_below(2) {
            0 => object(b"Toke", Pool::Paged),
            _ => object(b"File", Pool::Nonpaged),
        },
        (_, Culprit::Driver) => {
            let unit = [96, 256, 336, 1024, 8192][rng.index_below(5)];
            (people.driver_tag(family, number, rng), Pool::Nonpaged, unit)
        }
        (_, Culprit::Program | Culprit::TwoPrograms) => match (rng.index_below(5) + number) % 5 {
            0 => object(b"File", Pool::Nonpaged),
            1 => object(b"Even", Pool::Nonpaged),
            2 => object(b"Toke", Pool::Paged),
            3 => object(b"Key ", Pool::Paged),
            _ => object(b"Sema", Pool::Nonpaged),
        },
    }
}

fn add(tag: &mut Tag, bytes: &[f64], allocs_per: u32, slots: &[Option<(u32, usize)>]) {
    for (slot, more) in bytes.iter().enumerate() {
        if slots[slot].is_some() {
            let objects = (*more / tag.unit as f64) as u64;
            tag.bytes[slot] += objects * tag.unit;
            tag.allocs[slot] = tag.allocs[slot].wrapping_add(objects as u32 * allocs_per);
        }
    }
}

/// When the leak has grown for a day within one run by more than counts; and its longest growth.
fn due(
    slots: &[Option<(u32, usize)>],
    held: &[f64],
    from: usize,
    to: usize,
    threshold: f64,
) -> (Option<usize>, (usize, f64)) {
    let (mut due, mut longest) = (None, (0, 0.0));
    let mut start = from;
    for slot in from + 1..to {
        // A restart of Windows or of the program begins anew.
        if held[slot] < held[slot - 1] * 0.5 {
            start = slot;
        }
        let (lasted, grown) = (slot - start, held[slot] - held[start]);
        if lasted > longest.0 {
            longest = (lasted, grown);
        }
        let still_grows = held[slot] > held[slot.saturating_sub(DAY / 4).max(start)];
        if due.is_none()
            && lasted >= DAY
            && grown >= threshold
            && still_grows
            && slots[slot].is_some()
        {
            due = Some(slot);
        }
    }
    (due, longest)
}
