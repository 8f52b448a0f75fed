//! Simulated evidence: what tools would print of made-up machines, healthy and not. Healthy ones have
//! drivers with much memory, servers with many handles, and handles that match some tag by chance.

use crate::{
    cases::{Case, Expectation},
    formats,
    machine::{MadeUpMachine, Row},
};

/// What is wrong with a made-up machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MachineFault {
    /// A server with as many handles as some small tag has objects, by chance.
    HealthyByChance,
    /// A driver that took its buffers once.
    HealthyDriver,
    /// A large server, whose programs hold about as many handles as a tag counts objects.
    HealthyLarge,
    /// A program that leaks events.
    Handles,
    /// A driver of which nobody knows, that frees next to nothing.
    Driver,
    /// Handles of the kernel itself.
    Kernel,
    /// Tokens that lsass holds.
    Broker,
    /// A cache at half of the memory.
    Cache,
    /// A total that the listed tags do not explain.
    Unexplained,
}

impl MachineFault {
    pub(crate) const ALL: [Self; 9] = [
        Self::HealthyByChance,
        Self::HealthyDriver,
        Self::HealthyLarge,
        Self::Handles,
        Self::Driver,
        Self::Kernel,
        Self::Broker,
        Self::Cache,
        Self::Unexplained,
    ];

    /// Whether nothing is wrong.
    pub(crate) fn is_healthy(self) -> bool {
        matches!(self, Self::HealthyByChance | Self::HealthyDriver | Self::HealthyLarge)
    }
}

/// Numbers that repeat by seed (`SplitMix64`).
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.next() % (most - least).max(1)
    }

    /// One of several; they must not be empty.
    pub(crate) fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.between(0, of.len() as u64) as usize]
    }

    /// A value within a few percent of another.
    fn about(&mut self, value: u64, percent: u64) -> u64 {
        value * (1000 + self.between(0, 20 * percent + 1)) / 1000 - value * percent / 100
    }
}

/// So many made-up machines, a share of each kind.
#[must_use]
pub fn simulated_cases(seed: u64, count: usize) -> Vec<Case> {
    (0..count)
        .map(|at| simulated(seed, at, MachineFault::ALL[at % MachineFault::ALL.len()]))
        .collect()
}

/// So many healthy ones.
#[must_use]
pub fn healthy_cases(seed: u64, count: usize) -> Vec<Case> {
    let healthy: Vec<MachineFault> =
        MachineFault::ALL.into_iter().filter(|fault| fault.is_healthy()).collect();
    (0..count).map(|at| simulated(seed, at, healthy[at % healthy.len()])).collect()
}

fn simulated(seed: u64, at: usize, fault: MachineFault) -> Case {
    let machine = machine(&mut Dice(seed ^ (at as u64).wrapping_mul(0x2545_F491_4F6C_DD1D)), fault);
    let tags = format!("{}{}", formats::poolmon_head(&machine), formats::poolmon(&machine.rows));
    let texts = vec![
        ("tags.txt".to_owned(), tags),
        ("processes.txt".to_owned(), formats::get_process(&machine.processes)),
    ];
    Case { id: format!("{fault:?} {at}"), texts, expected: machine.expected }
}

/// A machine with a fault, or none.
pub(crate) fn machine(dice: &mut Dice, fault: MachineFault) -> MadeUpMachine {
    let memory_kb = dice.between(8, 65) * 1_048_576;
    let mut rows = usual_rows(dice);
    let mut processes = usual_processes(dice);
    let mut extra_kb = [0, 0];
    let expected = plant(fault, dice, memory_kb, &mut rows, &mut processes, &mut extra_kb);
    let sum = |pool: &str| {
        let of_pool = rows.iter().filter(|row| row.1 == pool);
        of_pool.map(|row| row.3 * row.4).sum::<u64>() / 1024
    };
    let totals_kb = [sum("Nonp") * 5 / 4 + extra_kb[0], sum("Paged") * 5 / 4 + extra_kb[1]];
    rows.sort_by_key(|_| dice.next());
    processes.sort_by_key(|_| dice.next());
    MadeUpMachine { memory_kb, totals_kb, rows, processes, expected }
}

fn usual_rows(dice: &mut Dice) -> Vec<Row> {
    let usual: [Row; 12] = [
        ("EtwB", "Nonp", 7_100, 1_900, 69_632),
        ("MmSt", "Paged", 1_960_000, 150_000, 912),
        ("File", "Nonp", 19_960_000, 100_000, 384),
        ("NtfF", "Paged", 89_000, 38_000, 1_536),
        ("NtxF", "Nonp", 428_000, 140_000, 352),
        ("MmCa", "Nonp", 2_050_000, 150_000, 320),
        ("HalD", "Nonp", 920_000, 400, 98_304),
        ("IoNm", "Paged", 24_540_000, 139_000, 320),
        ("Thre", "Nonp", 164_000, 3_300, 3_520),
        ("Even", "Nonp", 8_180_000, 60_000, 128),
        ("Toke", "Paged", 304_000, 3_000, 1_552),
        ("Proc", "Nonp", 48_000, 230, 2_400),
    ];
    let vary = |dice: &mut Dice, n: u64| n * dice.between(60, 160) / 100;
    usual
        .map(|(tag, pool, allocs, held, each)| {
            (tag, pool, vary(dice, allocs) * 2, vary(dice, held), each)
        })
        .to_vec()
}

fn usual_processes(dice: &mut Dice) -> Vec<(String, u64, u64)> {
    let mut list = vec![("System".to_owned(), 4, dice.between(2_500, 9_000))];
    for name in ["lsass", "svchost", "svchost", "services", "explorer", "w3wp", "agenthost"] {
        let pid = 500 + list.len() as u64 * 44;
        list.push((name.to_owned(), pid, dice.between(300, 4_000)));
    }
    list
}

/// Plants a fault, and says what is right then.
fn plant(
    fault: MachineFault,
    dice: &mut Dice,
    memory_kb: u64,
    rows: &mut Vec<Row>,
    processes: &mut Vec<(String, u64, u64)>,
    extra_kb: &mut [u64; 2],
) -> Expectation {
    let leak = |pool: &str, tag: &str| Expectation {
        verdicts: vec!["leak".to_owned()],
        pool: Some(pool.to_owned()),
        tag: Some(tag.to_owned()),
        nobody: true,
        ..Expectation::default()
    };
    let healthy = Expectation {
        verdicts: ["no_leak_shown", "insufficient_evidence"].map(ToOwned::to_owned).to_vec(),
        nobody: true,
        ..Expectation::default()
    };
    match fault {
        MachineFault::HealthyByChance => {
            let objects: Vec<u64> =
                rows.iter().filter(|row| ["Even", "File"].contains(&row.0)).map(|r| r.3).collect();
            let by_chance = objects[usize::from(dice.between(0, 2) == 1)];
            let handles = dice.about(by_chance, 3);
            processes.push(("sqlservr".to_owned(), 3104, handles));
            healthy
        }
        MachineFault::HealthyLarge => {
            for tag in ["Even", "File"] {
                set(rows, tag, dice.between(150_000, 290_000));
            }
            let objects: Vec<u64> =
                rows.iter().filter(|row| ["Even", "File"].contains(&row.0)).map(|r| r.3).collect();
            let handles = objects[usize::from(dice.between(0, 2) == 1)];
            processes.push(("store".to_owned(), 4620, dice.about(handles, 3)));
            processes.push(("w3wp".to_owned(), 5208, dice.between(20_000, 60_000)));
            healthy
        }
        MachineFault::HealthyDriver => {
            let held = dice.between(64, 512) * 1024;
            rows.push(("IXGB", "Nonp", held + dice.between(0, 2_000), held, 2_240));
            healthy
        }
        MachineFault::Handles => {
            let held = dice.between(900_000, 3_000_000);
            set(rows, "Even", held);
            processes.push(("labelsvc".to_owned(), 2764, dice.about(held, 2)));
            Expectation {
                named: vec!["labelsvc.exe".to_owned()],
                nobody: false,
                ..leak("nonpaged", "Even")
            }
        }
        MachineFault::Driver => {
            let held = dice.between(2_000_000, 9_000_000);
            rows.push(("Qvfz", "Nonp", held + dice.between(10, 9_000), held, 320));
            leak("nonpaged", "Qvfz")
        }
        MachineFault::Kernel => {
            let held = dice.between(900_000, 2_000_000);
            set(rows, "Even", held);
            processes[0].2 = held + dice.between(100, 3_000);
            leak("nonpaged", "Even")
        }
        MachineFault::Broker => {
            let held = dice.between(400_000, 900_000);
            set(rows, "Toke", held);
            processes[1].2 = held + dice.between(100, 3_000);
            leak("paged", "Toke")
        }
        MachineFault::Cache => {
            let held = memory_kb * 1024 / 2 / 104;
            rows.push(("NtFC", "Nonp", held + held / 2_000, held, 104));
            leak("nonpaged", "NtFC")
        }
        MachineFault::Unexplained => {
            extra_kb[0] = memory_kb / 2;
            Expectation {
                verdicts: ["high_use", "insufficient_evidence"].map(ToOwned::to_owned).to_vec(),
                tag: None,
                ..leak("nonpaged", "")
            }
        }
    }
}

fn set(rows: &mut [Row], tag: &str, held: u64) {
    for row in rows.iter_mut().filter(|row| row.0 == tag) {
        (row.2, row.3) = (row.2 + held * 2, held);
    }
}
