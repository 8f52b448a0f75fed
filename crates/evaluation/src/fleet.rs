//! A group of like hosts over a month, in minima of ten minutes.

use poolwatch_model::{Pool, PoolTag, history::MISSING};

use crate::{
    dice::Dice,
    habits::{self, DAY, MONTH, Mood, Usual},
    leaks::{Course, Family, Guilty},
    people::{self, People},
};

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
    /// Who is guilty.
    pub guilty: Guilty,
    /// The tags that grow, the main one first.
    pub tags: Vec<PoolTag>,
    /// Names of the guilty, as they should be told; empty when nobody can tell.
    pub names: Vec<String>,
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
    pub people: People,
    /// What was planted.
    pub leaks: Vec<Planted>,
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

/// Makes a group of hosts.
#[must_use]
pub fn group(plan: Plan) -> Vec<Host> {
    let mut dice = Dice::new(plan.seed, 1, plan.group);
    // What the group has in common: its tags with their levels and habits.
    let common: Vec<Common> = common(&plan, &mut dice);
    let fleet_people = people::Group::new(&mut dice);
    (0..plan.hosts)
        .map(|at| {
            let part = plan.group << 16 | at as u64;
            host(&plan, &common, &fleet_people, &mut Dice::new(plan.seed, 2, part))
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

fn common(plan: &Plan, dice: &mut Dice) -> Vec<Common> {
    let mut all = Vec::new();
    for (tag, unit) in OBJECTS {
        let level = dice.magnitude(1.0, 40.0) * MB;
        let pool =
            if matches!(tag, b"Toke" | b"Key " | b"Sect") { Pool::Paged } else { Pool::Nonpaged };
        let habit = habits::Habit::Load { depth: dice.between(0.05, 0.5) };
        all.push(Common { tag: PoolTag::new(*tag), pool, unit, usual: Usual { level, habit } });
    }
    for tag in CACHES {
        let level = dice.magnitude(20.0, 500.0) * MB;
        let usual = habits::by_chance(level, plan.held_out, dice);
        all.push(Common { tag: PoolTag::new(*tag), pool: Pool::Paged, unit: 512, usual });
    }
    let own = (0..OTHERS).map(|n| {
        let letters = [
            b'A' + dice.below(26) as u8,
            b'a' + dice.below(26) as u8,
            b'0' + (n / 10) as u8,
            b'0' + (n % 10) as u8,
        ];
        PoolTag::new(letters)
    });
    let mut tags: Vec<PoolTag> = own.collect();
    tags.extend(KNOWN.iter().map(|tag| PoolTag::new(**tag)));
    for tag in tags {
        let pool = if dice.happens(0.5) { Pool::Nonpaged } else { Pool::Paged };
        // Heavy tail: most tags are small, a few hold hundreds of megabytes.
        let level = (0.5 * MB / dice.share().max(1e-3).powf(0.9)).min(800.0 * MB);
        let unit = match &tag.bytes() {
            b"IoWI" => 112,
            _ => [64, 128, 256, 512, 1024, 4096, 65_536][dice.below(7)],
        };
        let usual = habits::by_chance(level, plan.held_out, dice);
        all.push(Common { tag, pool, unit, usual });
    }
    all
}

fn host(plan: &Plan, common: &[Common], group: &people::Group, dice: &mut Dice) -> Host {
    let ram = [4_u64, 8, 16, 32, 64][dice.below(5)] << 30;
    let slots = slots(dice);
    let steps = [0, 0, 0, 0, 0, 0, 0, 3600, -3600, 7000];
    let clock = (dice.below(MONTH), steps[dice.below(steps.len())]);
    let mut people = People::new(group, dice);
    let high_use = (plan.family.is_none() && dice.happens(0.01)).then(|| PoolTag::new(*b"MmCm"));
    let mut tags: Vec<Tag> = Vec::with_capacity(common.len() + 2);
    for one in common {
        // Hosts of a group are alike and not the same.
        let mut usual = one.usual;
        usual.level *= dice.magnitude(0.7, 1.4);
        tags.push(grow(one, usual, &slots, dice));
    }
    if let Some(tag) = high_use {
        let level = dice.between(500.0, 1500.0) * MB;
        let habit = habits::Habit::Level { noise: 0.0, bursts: 0.0 };
        let (pool, unit) = (Pool::Nonpaged, 4 << 20);
        let usual = Usual { level, habit };
        tags.push(grow(&Common { tag, pool, unit, usual }, usual, &slots, dice));
    }
    let mut leaks = Vec::new();
    if let Some(family) = plan.family {
        let affected = match family {
            Family::DriverVersion => people.has_bad_driver() && dice.happens(0.95),
            _ => true,
        };
        let count = if family == Family::Several { 2 } else { 1 };
        for at in 0..count * usize::from(affected) {
            leaks.push(plant(family, at, &slots, &mut tags, &mut people, dice));
        }
    }
    tags.sort_by_key(|tag| (tag.tag, tag.pool));
    Host { ram, slots, clock, tags, people, leaks, high_use }
}

/// Runs of Windows and gaps: a patch day, restarts by chance, holes in the data.
fn slots(dice: &mut Dice) -> Vec<Option<(u32, usize)>> {
    let patch_day = (9 + dice.below(4)) * DAY + 20;
    let mut boot = 1_u32;
    // The month begins in the middle of a run.
    let mut up = dice.below(20 * DAY);
    let mut slots = Vec::with_capacity(MONTH);
    let mut down = 0;
    let mut gap = 0;
    for slot in 0..MONTH {
        if slot == patch_day || dice.happens(1.0 / (25 * DAY) as f64) {
            (boot, up, down) = (boot + 1, 0, 1 + dice.below(3));
        }
        if dice.happens(1.5 / MONTH as f64) {
            gap = dice.magnitude(2.0, DAY as f64) as usize;
        }
        if down > 0 {
            down -= 1;
            slots.push(None);
            continue;
        }
        up += 1;
        if gap > 0 {
            gap -= 1;
            slots.push(None);
            continue;
        }
        slots.push(Some((boot, up)));
    }
    slots
}

fn grow(of: &Common, usual: Usual, slots: &[Option<(u32, usize)>], dice: &mut Dice) -> Tag {
    let mut mood = Mood::default();
    let churn = dice.magnitude(0.01, 3.0) * usual.level / of.unit as f64;
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
        let bytes = usual.bytes(slot, up, &mut mood, dice);
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
    people: &mut People,
    dice: &mut Dice,
) -> Planted {
    let guilty = family.guilty(dice);
    let (tag, pool, unit) = culprit_tag(family, guilty, number, people, dice);
    let from = 3 * DAY + dice.below(24 * DAY);
    let length = (dice.magnitude(0.5, 20.0) * DAY as f64) as usize;
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
    let bytes = threshold * dice.magnitude(least, most);
    let mut course = Course::new(family, bytes, to - from, dice);
    let restarts = (family == Family::ProgramRestarts).then(|| 2 * DAY + dice.below(3 * DAY));
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
            leaked = (leaked + course.step(slot, slot - from, dice)).max(0.0);
            tooth = course.tooth();
        }
        held[slot] = leaked;
        visible[slot] = leaked + tooth;
    }
    let mut grown_tags = vec![tag];
    let place = match tags.iter().position(|one| one.tag == tag && one.pool == pool) {
        Some(place) => place,
        None => {
            let level = dice.magnitude(1.0, 60.0) * MB;
            let habit = habits::Habit::Level { noise: 0.01, bursts: 1e-4 };
            let usual = Usual { level, habit };
            tags.push(grow(&Common { tag, pool, unit, usual }, usual, slots, dice));
            tags.len() - 1
        }
    };
    let unit = tags[place].unit;
    add(&mut tags[place], &visible, 1, slots);
    // Work items go with a driver's allocations now and then, one for one.
    if guilty == Guilty::Driver && dice.happens(0.3) {
        let item = PoolTag::new(*b"IoWI");
        if let Some(other) = tags.iter_mut().find(|one| one.tag == item && one.pool == pool) {
            grown_tags.push(item);
            let objects: Vec<f64> =
                visible.iter().map(|bytes| bytes / unit as f64 * other.unit as f64).collect();
            add(other, &objects, 1, slots);
        }
    }
    let objects: Vec<f64> = held.iter().map(|bytes| bytes / unit as f64).collect();
    let names = people.accuse(guilty, family, tag, &objects, &ended, dice);
    let (due, longest) = due(slots, &held, from, to, threshold);
    Planted {
        family,
        guilty,
        tags: grown_tags,
        names,
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
    guilty: Guilty,
    number: usize,
    people: &mut People,
    dice: &mut Dice,
) -> (PoolTag, Pool, u64) {
    let object = |name: &[u8; 4], pool| {
        let unit = OBJECTS.iter().find(|(tag, _)| *tag == name).map_or(128, |(_, unit)| *unit);
        (PoolTag::new(*name), pool, unit)
    };
    match (family, guilty) {
        (Family::Threads, _) => object(b"Thre", Pool::Nonpaged),
        (_, Guilty::ThroughBroker) => object(b"Toke", Pool::Paged),
        (Family::Zombies, _) => object(b"Proc", Pool::Nonpaged),
        (_, Guilty::References) => object(b"File", Pool::Nonpaged),
        (_, Guilty::Driver) => {
            let unit = [96, 256, 336, 1024, 8192][dice.below(5)];
            (people.driver_tag(family, number, dice), Pool::Nonpaged, unit)
        }
        (_, Guilty::Program | Guilty::TwoPrograms) => match (dice.below(5) + number) % 5 {
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
