//! Programs and drivers of a host, culprits and innocents.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet},
};

use jiff::Timestamp;
use poolwatch_model::{
    PoolTag,
    comparison::{Attribute, Change, ChangeKind},
    history::{MISSING, ProcessSeries, ProgramSeries},
    inventory::Driver,
    process::{ProcessHandles, ProcessKey},
};

use super::{
    activity::{Activity, WorkRhythm},
    leaks::{Culprit, Family},
    load::load_of_slot,
    rng::{SeededRng, mix_bits},
};

/// What a group of hosts has installed.
#[derive(Debug, Clone)]
pub struct Group {
    drivers: Vec<String>,
    /// The driver that is bad in one version, and its tag.
    bad: (String, PoolTag),
}

/// A program on a host.
#[derive(Debug, Clone)]
struct Program {
    pid: u32,
    image: String,
    services: Vec<String>,
    handles: f64,
    breath: f64,
    /// What is leaked, by slot.
    leaked: Option<Leaked>,
    /// A steady gain of its own that has nothing to do with any tag, per slot.
    drift: f64,
    /// Slots in which it is ended and started again.
    ends: Vec<usize>,
    /// What it does, by itself and for a cause that it shares with others.
    activity: Activity,
    shared_activity: Option<Activity>,
}

/// Handles or threads that a program leaks.
#[derive(Debug, Clone)]
struct Leaked {
    is_threads: bool,
    /// The tag of the objects.
    tag: PoolTag,
    by_slot: Vec<f64>,
}

/// Programs and drivers of a host.
#[derive(Debug, Clone)]
pub struct Software {
    programs: Vec<Program>,
    /// Loaded drivers.
    pub drivers: Vec<Driver>,
    /// What changed.
    pub changes: Vec<Change>,
    bad: (String, PoolTag),
    has_bad: bool,
    /// Process objects without a process, by slot.
    live: u64,
    salt: u64,
}

/// The name of the objects that a tag counts.
pub type TypeName = fn(PoolTag) -> Option<&'static str>;

/// What most handles lead to, as shares.
const USUAL_TYPES: [(&str, f64); 4] =
    [("Event", 0.4), ("File", 0.2), ("Key", 0.15), ("Thread", 0.05)];
/// Processes that an agent looks into.
const LISTED_PROCESSES: usize = 16;
const GOOD_VERSION: &str = "5.0";
const BAD_VERSION: &str = "5.1";

impl Group {
    /// Driver names by chance; one of them is bad in its newer version.
    pub fn new(rng: &mut SeededRng) -> Self {
        let mut letters = || char::from(b'a' + rng.index_below(26) as u8);
        let drivers: Vec<String> = (0..30)
            .map(|n| format!("{}{}{}{}dr{n}.sys", letters(), letters(), letters(), letters()))
            .collect();
        let tag = [
            b'F' + rng.index_below(15) as u8,
            b'a' + rng.index_below(26) as u8,
            b'a' + rng.index_below(26) as u8,
            b'x' + rng.index_below(3) as u8,
        ];
        Self { bad: (drivers[7].clone(), PoolTag::new(tag)), drivers }
    }
}

impl Software {
    /// The programs and drivers of one host of a group.
    pub fn new(group: &Group, rng: &mut SeededRng) -> Self {
        let mut programs = vec![
            program(4, "System", rng.float_between(2000.0, 6000.0), rng),
            program(700, "lsass.exe", rng.float_between(1000.0, 3000.0), rng),
            program(480, "csrss.exe", rng.float_between(500.0, 900.0), rng),
            program(690, "services.exe", rng.float_between(500.0, 900.0), rng),
        ];
        for n in 0..30_u32 {
            let handles = rng.log_uniform(150.0, 6000.0);
            let mut one = if n < 10 {
                let mut one = program(1000 + n * 4, "svchost.exe", handles, rng);
                one.services = vec![format!("Svc{n}")];
                one
            } else {
                program(1000 + n * 4, &format!("app{n}.exe"), handles, rng)
            };
            // Innocent programs gain handles as well, some all the time.
            if rng.happens(0.04) {
                one.drift = rng.log_uniform(0.5, 30.0);
            }
            programs.push(one);
        }
        let has_bad = rng.happens(0.4);
        let drivers = group
            .drivers
            .iter()
            .enumerate()
            .map(|(at, name)| {
                let version = match at {
                    7 if has_bad => BAD_VERSION.to_owned(),
                    7 => GOOD_VERSION.to_owned(),
                    // One that mostly comes with the bad one, as parts of one product do.
                    8 if has_bad == rng.happens(0.85) => "2.1".to_owned(),
                    8 => "2.0".to_owned(),
                    _ => format!("1.{}", rng.index_below(3)),
                };
                Driver { name: name.clone(), version: Some(version), ..Driver::default() }
            })
            .collect();
        let live = 60 + rng.index_below(200) as u64;
        let salt = (rng.fraction() * 1e9) as u64;
        for one in &mut programs {
            let subject = [salt, u64::from(one.pid), 0x0077_6f72_6b73, 0];
            one.activity = Activity::draw(&mut SeededRng::new(subject));
        }
        let bad = group.bad.clone();
        Self { programs, drivers, changes: vec![], bad, has_bad, live, salt }
    }

    /// Whether it has the driver in the version that leaks.
    #[must_use]
    pub fn has_bad_driver(&self) -> bool {
        self.has_bad
    }

    /// The tag of a driver's leak.
    pub fn driver_tag(&mut self, family: Family, number: usize, rng: &mut SeededRng) -> PoolTag {
        if family == Family::DriverVersion {
            return self.bad.1;
        }
        if rng.happens(0.3) {
            // As drivers made with KMDF do: the first letters of the name.
            let at = 10 + 5 * number + rng.index_below(5);
            let name = self.drivers[at].name.as_bytes();
            return PoolTag::new([name[0], name[1], name[2], name[3]]);
        }
        let letter = |from: u8, of: usize, rng: &mut SeededRng| from + rng.index_below(of) as u8;
        PoolTag::new([
            letter(b'P', 10, rng),
            letter(b'a', 26, rng),
            letter(b'a', 26, rng),
            b'1' + number as u8,
        ])
    }

    /// Lets the culprit leak, given the objects leaked by slot. Returns their names.
    pub fn accuse(
        &mut self,
        culprit: Culprit,
        family: Family,
        tag: PoolTag,
        objects: &[f64],
        ended: &[usize],
        rng: &mut SeededRng,
    ) -> Vec<String> {
        match culprit {
            Culprit::Program => vec![self.leak_in(rng, family, tag, objects, 1.0, ended)],
            Culprit::TwoPrograms => {
                let share = rng.float_between(0.3, 0.7);
                let first = self.leak_in(rng, family, tag, objects, share, ended);
                let second = self.leak_in(rng, family, tag, objects, 1.0 - share, ended);
                vec![first, second]
            }
            Culprit::ThroughBroker => {
                if let Some(lsass) = self.programs.iter_mut().find(|one| one.pid == 700) {
                    let by_slot = objects.to_vec();
                    lsass.leaked = Some(Leaked { is_threads: false, tag, by_slot });
                }
                Vec::new()
            }
            Culprit::References => Vec::new(),
            Culprit::Driver => {
                let name = if family == Family::DriverVersion {
                    self.bad.0.clone()
                } else {
                    let begins = |driver: &&Driver| driver.name.as_bytes()[..4] == tag.bytes();
                    let named = self.drivers.iter().find(begins);
                    // Of one that is not named as its tag only its code may tell.
                    let mixed = mix_bits(self.salt ^ u64::from(u32::from_le_bytes(tag.bytes())));
                    let other = 10 + mixed as usize % (self.drivers.len() - 10);
                    named.unwrap_or(&self.drivers[other]).name.clone()
                };
                // Drivers change all the time; here and there shortly before.
                let at = rng.index_below(self.drivers.len());
                let driver = &self.drivers[at];
                self.changes.push(Change {
                    at: Timestamp::from_second((rng.fraction() * 2.5e6) as i64).unwrap_or_default(),
                    attribute: Attribute::Driver {
                        name: driver.name.clone(),
                        version: driver.version.clone(),
                    },
                    before: Some("0.9".into()),
                    kind: ChangeKind::Changed,
                });
                vec![name]
            }
        }
    }

    fn leak_in(
        &mut self,
        rng: &mut SeededRng,
        family: Family,
        tag: PoolTag,
        objects: &[f64],
        share: f64,
        ended: &[usize],
    ) -> String {
        let free: Vec<usize> =
            (4..self.programs.len()).filter(|at| self.programs[*at].leaked.is_none()).collect();
        let at = free[rng.index_below(free.len())];
        let one = &mut self.programs[at];
        let by_slot = objects.iter().map(|count| count * share).collect();
        one.leaked = Some(Leaked { is_threads: family == Family::Threads, tag, by_slot });
        one.ends = ended.to_vec();
        one.image.clone()
    }

    /// Lets some program work in a rhythm, and whatever drives a leak with it: the program itself, or,
    /// where the cause is shared, another one that the program follows besides its own work. Returns the
    /// program's name and what drives the leak.
    pub fn drive(
        &mut self,
        rhythm: WorkRhythm,
        is_shared: bool,
        rng: &mut SeededRng,
    ) -> (String, Activity) {
        let own: Vec<usize> = (0..self.programs.len())
            .filter(|at| self.programs[*at].image.starts_with("app"))
            .collect();
        let program = &mut self.programs[own[rng.index_below(own.len())]];
        program.activity = Activity::by_rhythm(rhythm, rng);
        let mut driving = program.activity;
        if is_shared {
            // As much as its own work.
            driving = program.activity.another(rng);
            program.shared_activity = Some(driving);
        }
        (program.image.clone(), driving)
    }

    /// What programs do, by image, over moments that each have some slots.
    #[must_use]
    pub fn operations(&self, moments: &[Vec<usize>]) -> Vec<ProgramSeries> {
        let mut by_image: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
        for program in &self.programs {
            let all = by_image.entry(&program.image).or_insert_with(|| vec![0; moments.len()]);
            for (sum, slots) in all.iter_mut().zip(moments) {
                *sum += slots.iter().map(|slot| program.operations(*slot)).sum::<u64>();
            }
        }
        let named = |(image, operations): (&str, Vec<u64>)| ProgramSeries {
            image: image.to_owned(),
            operations,
        };
        by_image.into_iter().map(named).filter(|program| program.total() > 0).collect()
    }

    /// What the handles of the programs with the most lead to, as an agent lists them.
    #[must_use]
    pub fn handles_by_type(&self, slot: usize, object_type: TypeName) -> Vec<ProcessHandles> {
        let of_program = |program: &Program| {
            let run = program.ends.iter().filter(|end| **end <= slot).count() as u32;
            let mut by_type: BTreeMap<String, u32> = BTreeMap::new();
            let own = program.handles.max(0.0);
            for (name, share) in USUAL_TYPES {
                by_type.insert(name.to_owned(), (own * share) as u32);
            }
            if let Some(leaked) = &program.leaked
                && let Some(name) = object_type(leaked.tag)
            {
                *by_type.entry(name.to_owned()).or_default() += leaked.by_slot[slot] as u32;
            }
            let key = ProcessKey { pid: program.pid + run * 5000, created: None };
            ProcessHandles { key, by_type }
        };
        let mut all: Vec<ProcessHandles> = self.programs.iter().map(of_program).collect();
        let count = |one: &ProcessHandles| one.by_type.values().map(|n| u64::from(*n)).sum::<u64>();
        all.sort_by_key(|one| (Reverse(count(one)), one.key));
        all.truncate(LISTED_PROCESSES);
        all.sort_by_key(|one| one.key);
        all
    }

    /// Live processes.
    #[must_use]
    pub fn live(&self) -> u64 {
        self.live
    }

    /// What tells this host from others.
    #[must_use]
    pub fn attributes(&self) -> BTreeSet<Attribute> {
        self.drivers
            .iter()
            .map(|driver| Attribute::Driver {
                name: driver.name.clone(),
                version: driver.version.clone(),
            })
            .collect()
    }

    /// The programs over some slots.
    #[must_use]
    pub fn series(&self, slots: &[(usize, u32)]) -> Vec<ProcessSeries> {
        let mut all = Vec::new();
        for program in &self.programs {
            // A program that ends and starts again is another process each time.
            let runs = program.ends.len() + 1;
            for run in 0..runs {
                let from = if run == 0 { 0 } else { program.ends[run - 1] };
                let to = program.ends.get(run).copied().unwrap_or(usize::MAX);
                all.push(self.one(program, run as u32, slots, from, to));
            }
        }
        all.retain(|series| series.handles.iter().any(|handles| *handles != MISSING));
        all
    }

    fn one(
        &self,
        program: &Program,
        run: u32,
        slots: &[(usize, u32)],
        from: usize,
        to: usize,
    ) -> ProcessSeries {
        let mut handles = Vec::with_capacity(slots.len());
        let mut threads = Vec::with_capacity(slots.len());
        for &(slot, boot) in slots {
            if !(from..to).contains(&slot) {
                handles.push(MISSING);
                threads.push(MISSING);
                continue;
            }
            let noise = hash(self.salt ^ u64::from(program.pid) << 20 ^ slot as u64);
            let mut count =
                program.handles * (1.0 + program.breath * load_of_slot(slot) + 0.02 * noise);
            count += program.drift * (slot % (10 * 144)) as f64 / f64::from(boot.max(1));
            let mut running = 8.0 + count / 60.0;
            if let Some(leaked) = &program.leaked {
                count += leaked.by_slot[slot];
                if leaked.is_threads {
                    running += leaked.by_slot[slot];
                }
            }
            handles.push(count as u64);
            threads.push(running as u64);
        }
        ProcessSeries {
            key: ProcessKey { pid: program.pid + run * 5000, created: None },
            image: program.image.clone(),
            services: program.services.clone(),
            private_bytes: vec![MISSING; handles.len()],
            quota: [vec![MISSING; handles.len()], vec![MISSING; handles.len()]],
            handles,
            threads,
        }
    }
}

impl Program {
    /// What it does in a slot.
    fn operations(&self, slot: usize) -> u64 {
        let shared = self.shared_activity.map_or(0.0, |shared| shared.operations(slot));
        (self.activity.operations(slot) + shared) as u64
    }
}

fn program(pid: u32, image: &str, handles: f64, rng: &mut SeededRng) -> Program {
    Program {
        pid,
        image: image.to_owned(),
        services: vec![],
        handles,
        breath: rng.float_between(0.0, 0.6),
        leaked: None,
        drift: 0.0,
        ends: vec![],
        activity: Activity::IDLE,
        shared_activity: None,
    }
}

/// Between -1 and 1, the same for the same number.
fn hash(number: u64) -> f64 {
    (mix_bits(number) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
}
