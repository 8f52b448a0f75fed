//! Runs the judgement over a group of hosts as the server does: every snapshot is screened, and
//! hosts with candidates are studied every hour or two.

use std::collections::BTreeSet;

use jiff::Timestamp;
use poolwatch_analysis::{
    CaseFile, Screen,
    case::{Peer, unwrapped},
    compare::compare,
    judge,
};
use poolwatch_model::{
    Bytes, Pool, PoolTag,
    diagnosis::{Diagnosis, SuspectKind, TagFinding, Verdict},
    history::{MISSING, Moment, TagSeries},
    memory::Memory,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_simulator::patterns::{
    leaks::{Family, Guilty},
    load::DAY,
};

use crate::fleet::{self, Host, Plan, Planted, Tag};

/// Slots between studies: two hours.
const EVERY: usize = 12;
/// How far a study looks back, slots.
const BACK: usize = 14 * DAY;
/// Tags that are looked at for high use, once a day.
const LARGE: u64 = 256 << 20;
/// Rows of a comparison that a judgement is told.
const FLEET_ROWS: usize = 8;

/// How a planted leak was judged.
#[derive(Debug, Clone)]
pub struct LeakResult {
    /// Its family.
    pub family: Family,
    /// Longest growth in one run over what counts, as a multiple.
    pub size: f64,
    /// How long that took, days.
    pub days: f64,
    /// Whether it grew for a day by more than counts.
    pub counts: bool,
    /// Whether it was called a leak.
    pub found: bool,
    /// Whether it was listed as worth watching before that, or instead of it.
    pub watched: bool,
    /// Hours from when it counted until it was found; negative when earlier.
    pub delay_h: Option<f64>,
    /// What it was, for people.
    pub note: String,
}

/// Somebody who was named.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    /// How sure.
    pub confidence: f32,
    /// Whether it was the guilty one.
    pub right: bool,
    /// What happened, for people.
    pub note: String,
}

/// What was judged of a group.
#[derive(Debug, Clone, Default)]
pub struct Results {
    /// Months of hosts without a leak.
    pub healthy_months: u32,
    /// Months of all hosts.
    pub months: u32,
    /// Incidents that were none, one for each host and cause.
    pub false_incidents: Vec<String>,
    /// Planted leaks.
    pub leaks: Vec<LeakResult>,
    /// First suspects of right findings, with a name: programs and drivers.
    pub named: Vec<Named>,
    /// Right findings in all.
    pub findings: u32,
    /// Studies that were made, and tags that they looked at.
    pub studies: (u64, u64),
}

impl Results {
    /// Takes another group's in.
    pub fn extend(&mut self, other: Self) {
        self.healthy_months += other.healthy_months;
        self.months += other.months;
        self.false_incidents.extend(other.false_incidents);
        self.leaks.extend(other.leaks);
        self.named.extend(other.named);
        self.findings += other.findings;
        self.studies.0 += other.studies.0;
        self.studies.1 += other.studies.1;
    }
}

/// A finding on one host.
struct Found {
    slot: usize,
    diagnosis: Diagnosis,
    tag: PoolTag,
    tags: BTreeSet<PoolTag>,
}

/// When a tag was listed as worth watching.
type Watched = (usize, PoolTag);

/// Judges a group.
#[must_use]
pub fn run(plan: Plan) -> Results {
    let hosts = fleet::group(plan);
    let mut results = Results::default();
    let (found, watched): (Vec<Vec<Found>>, Vec<Vec<Watched>>) =
        (0..hosts.len()).map(|at| watch(&hosts, at, &mut results)).unzip();
    for (at, host) in hosts.iter().enumerate() {
        results.months += 1;
        results.healthy_months += u32::from(host.leaks.is_empty());
        for one in &found[at] {
            let right = host.leaks.iter().find(|leak| is_of(one, leak));
            match right {
                Some(leak) => {
                    results.findings += 1;
                    let diagnosis = with_fleet(&hosts, &found, at, one);
                    results.named.extend(named(plan, at, host, leak, &diagnosis));
                }
                None if is_known_height(host, one) => {}
                None => results.false_incidents.push(format!(
                    "seed {} group {} host {at} day {:.1}: {} {} {:?}",
                    plan.seed,
                    plan.group,
                    one.slot as f64 / DAY as f64,
                    one.diagnosis.verdict.as_str(),
                    one.tag,
                    one.diagnosis.evidence.first(),
                )),
            }
        }
        for leak in &host.leaks {
            let first = found[at].iter().find(|one| is_of(one, leak)).map(|one| one.slot);
            results.leaks.push(LeakResult {
                family: leak.family,
                size: leak.longest.1 / leak.threshold,
                days: leak.longest.0 as f64 / DAY as f64,
                counts: leak.due.is_some(),
                found: first.is_some(),
                watched: watched[at].iter().any(|(slot, tag)| {
                    leak.tags.contains(tag)
                        && (leak.from..first.unwrap_or(leak.to + DAY)).contains(slot)
                }),
                delay_h: first.zip(leak.due).map(|(f, due)| (f as f64 - due as f64) / 6.0),
                note: note(plan, at, host, leak),
            });
        }
    }
    results
}

fn note(plan: Plan, at: usize, host: &Host, leak: &Planted) -> String {
    let day = |slot: usize| slot as f64 / DAY as f64;
    let runs: Vec<String> = host
        .slots
        .iter()
        .enumerate()
        .filter(|(_, run)| run.is_some_and(|(_, up)| up <= 1))
        .map(|(slot, _)| format!("{:.1}", day(slot)))
        .collect();
    format!(
        "seed {} group {} host {at}: {} {} day {:.1} to {:.1}, {:.0} MB of {:.0}, due {:.1}, restarts {runs:?}",
        plan.seed,
        plan.group,
        leak.family.as_str(),
        leak.tags[0],
        day(leak.from),
        day(leak.to),
        leak.bytes / 1e6,
        leak.threshold / 1e6,
        leak.due.map_or(f64::NAN, day),
    )
}

fn is_of(found: &Found, leak: &Planted) -> bool {
    found.tags.contains(&leak.tags[0])
        && matches!(found.diagnosis.verdict, Verdict::Leak | Verdict::Exhausted)
        && found.slot >= leak.from
}

/// Whether high use is what was planted, or what a leak that stopped has left.
fn is_known_height(host: &Host, found: &Found) -> bool {
    let left = |leak: &Planted| leak.tags.contains(&found.tag) && found.slot >= leak.from;
    found.diagnosis.verdict == Verdict::HighUse
        && (host.high_use == Some(found.tag) || host.leaks.iter().any(left))
}

/// Lets a month pass over a host. Each cause is told once.
fn watch(hosts: &[Host], at: usize, results: &mut Results) -> (Vec<Found>, Vec<Watched>) {
    let host = &hosts[at];
    let mut screen = Screen::default();
    let mut table = empty_table(&host.tags);
    let (mut found, mut watched): (Vec<Found>, Vec<Watched>) = (Vec::new(), Vec::new());
    for slot in 0..host.slots.len() {
        let Some((_, up)) = host.slots[slot] else { continue };
        fill(&mut table, &host.tags, slot);
        screen.update(&table, up as u64 * 600);
        if slot % EVERY != 0 || slot < DAY {
            continue;
        }
        // What is known already is not told again.
        let is_new = |tag: PoolTag| found.iter().all(|one| !one.tags.contains(&tag));
        let candidates = screen.candidates(&table);
        let mut chosen: BTreeSet<(PoolTag, Pool)> = candidates
            .iter()
            .filter(|one| is_new(one.tag))
            .map(|one| (one.tag, one.pool))
            .collect();
        if slot % DAY == 0 {
            let large = host.tags.iter().filter(|tag| tag.bytes[slot] >= LARGE);
            chosen.extend(large.map(|tag| (tag.tag, tag.pool)));
        }
        if chosen.is_empty() {
            continue;
        }
        results.studies.0 += 1;
        results.studies.1 += chosen.len() as u64;
        // Only what may be wrong is worth the whole case file.
        let glance = case(hosts, at, slot, &chosen, &table, Depth::Candidates);
        let judged = judge(&glance);
        let tags = judged.iter().flat_map(|diagnosis| &diagnosis.tags);
        let worth_watching = tags.filter(|tag| tag.finding == TagFinding::Watched);
        watched.extend(worth_watching.map(|tag| (slot, tag.tag)));
        if judged.iter().all(|diagnosis| !is_wrong(diagnosis)) {
            continue;
        }
        let case = case(hosts, at, slot, &chosen, &table, Depth::Whole);
        for diagnosis in judge(&case) {
            let told = diagnosis
                .tags
                .iter()
                .filter(|tag| matches!(tag.finding, TagFinding::Leaks | TagFinding::HighUse));
            let tags: BTreeSet<PoolTag> = told.map(|tag| tag.tag).collect();
            let Some(tag) = diagnosis.tags.first().map(|tag| tag.tag) else { continue };
            let wrong = is_wrong(&diagnosis);
            let known = found.iter().any(|one| {
                one.diagnosis.verdict == diagnosis.verdict && !one.tags.is_disjoint(&tags)
            });
            if wrong && !known {
                found.push(Found { slot, diagnosis, tag, tags });
            }
        }
    }
    (found, watched)
}

fn is_wrong(diagnosis: &Diagnosis) -> bool {
    !matches!(diagnosis.verdict, Verdict::NoLeakShown | Verdict::InsufficientEvidence)
}

/// How much of a host goes into its case file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Depth {
    /// The candidates.
    Candidates,
    /// All tags, programs and drivers.
    Whole,
}

/// The judgement again with what the fleet tells, when several hosts have the same tag.
fn with_fleet(hosts: &[Host], found: &[Vec<Found>], at: usize, one: &Found) -> Diagnosis {
    let has = |of: &[Found]| of.iter().any(|other| other.tags.contains(&one.tag));
    let attributes: Vec<_> = hosts.iter().map(|host| host.people.attributes()).collect();
    let (affected, healthy): (Vec<usize>, Vec<usize>) =
        (0..hosts.len()).partition(|host| has(&found[*host]));
    if affected.len() < 3 || healthy.len() < 3 {
        return one.diagnosis.clone();
    }
    let of = |hosts: &[usize]| hosts.iter().map(|host| &attributes[*host]).collect::<Vec<_>>();
    let compared = compare(&of(&affected), &of(&healthy));
    let mut table = empty_table(&hosts[at].tags);
    fill(&mut table, &hosts[at].tags, one.slot);
    let chosen: BTreeSet<(PoolTag, Pool)> = hosts[at]
        .tags
        .iter()
        .filter(|tag| one.tags.contains(&tag.tag))
        .map(|tag| (tag.tag, tag.pool))
        .collect();
    let mut case = case(hosts, at, one.slot, &chosen, &table, Depth::Whole);
    case.fleet = compared.into_iter().take(FLEET_ROWS).map(|row| (one.tag, row)).collect();
    judge(&case)
        .into_iter()
        .find(|diagnosis| diagnosis.tags.iter().any(|tag| one.tags.contains(&tag.tag)))
        .unwrap_or_else(|| one.diagnosis.clone())
}

/// Who was named first, and whether rightly.
fn named(
    plan: Plan,
    at: usize,
    host: &Host,
    leak: &Planted,
    diagnosis: &Diagnosis,
) -> Option<Named> {
    let first = diagnosis.suspects.first()?;
    let name = first.name.clone()?;
    if !matches!(first.kind, SuspectKind::Process | SuspectKind::Driver) {
        return None;
    }
    let kind = match leak.guilty {
        Guilty::Driver | Guilty::References => SuspectKind::Driver,
        _ => SuspectKind::Process,
    };
    // Two leaks of one tag look like one; whoever is guilty of either is guilty.
    let mut of_tag = host.leaks.iter().filter(|one| one.tags[0] == leak.tags[0]);
    let right = first.kind == kind && of_tag.any(|one| one.names.contains(&name));
    let note = format!(
        "seed {} group {} host {at}: {} {:?}, named {name} {:.2}",
        plan.seed,
        plan.group,
        leak.family.as_str(),
        leak.names,
        first.confidence,
    );
    Some(Named { confidence: first.confidence, right, note })
}

fn case(
    hosts: &[Host],
    at: usize,
    slot: usize,
    chosen: &BTreeSet<(PoolTag, Pool)>,
    table: &TagTable,
    depth: Depth,
) -> CaseFile {
    let host = &hosts[at];
    let known: Vec<(usize, u32)> = (slot.saturating_sub(BACK)..=slot)
        .filter_map(|slot| Some((slot, host.slots[slot]?.0)))
        .collect();
    let axis: Vec<Moment> = known
        .iter()
        .map(|&(slot, boot)| Moment {
            at_s: slot as i64 * 600 + if slot >= host.clock.0 { host.clock.1 } else { 0 },
            boot,
            uptime_s: host.slots[slot].map(|(_, up)| up as u64 * 600),
        })
        .collect();
    let wanted = |tag: &&Tag| depth == Depth::Whole || chosen.contains(&(tag.tag, tag.pool));
    let tags = host.tags.iter().filter(wanted).map(|tag| series(tag, &known)).collect();
    let total = |pool| Bytes(table.total(pool));
    let pools = [Pool::Paged, Pool::Nonpaged].map(|pool| vec![total(pool).0; axis.len()]);
    CaseFile {
        now: Timestamp::from_second(slot as i64 * 600).unwrap_or_default(),
        memory: Memory {
            paged: Some(total(Pool::Paged)),
            nonpaged: Some(total(Pool::Nonpaged)),
            physical: Some(Bytes(host.ram)),
            resident_available: Some(Bytes(host.ram / 2)),
            committed: Some(Bytes(host.ram / 2)),
            commit_limit: Some(Bytes(host.ram / 4 * 5)),
            ..Memory::default()
        },
        live_processes: vec![host.people.live(); axis.len()],
        processes: match depth {
            Depth::Whole => host.people.series(&known),
            Depth::Candidates => Vec::new(),
        },
        all_processes: depth == Depth::Whole,
        drivers: host.people.drivers.clone(),
        changes: host.people.changes.clone(),
        peers: chosen.iter().filter_map(|key| peer(hosts, at, slot, *key)).collect(),
        axis,
        tags,
        pools,
        ..CaseFile::default()
    }
}

fn series(tag: &Tag, known: &[(usize, u32)]) -> TagSeries {
    let bytes: Vec<u64> = known.iter().map(|(slot, _)| tag.bytes[*slot]).collect();
    let mut before: Option<(u32, u64)> = None;
    let allocs = known
        .iter()
        .map(|(slot, boot)| {
            let same = before.filter(|(of, _)| of == boot).map(|(_, count)| count);
            let count = unwrapped(same, u64::from(tag.allocs[*slot]));
            before = Some((*boot, count));
            count
        })
        .collect();
    TagSeries {
        tag: tag.tag,
        pool: tag.pool,
        outstanding: bytes.iter().map(|bytes| bytes / tag.unit).collect(),
        bytes,
        allocs,
    }
}

/// The same tag on the other hosts that have held still for a day.
fn peer(hosts: &[Host], at: usize, slot: usize, (tag, pool): (PoolTag, Pool)) -> Option<Peer> {
    let mut values: Vec<u64> = hosts
        .iter()
        .enumerate()
        .filter(|(other, _)| *other != at)
        .filter_map(|(_, host)| {
            let of = host.tags.iter().find(|one| one.tag == tag && one.pool == pool)?;
            let (now, before) = (of.bytes[slot], of.bytes[slot.checked_sub(DAY)?]);
            let still = now != MISSING && before != MISSING && now <= before + before / 50;
            still.then_some(now)
        })
        .collect();
    values.sort_unstable();
    let median = *values.get(values.len() / 2)?;
    Some(Peer { tag, pool, median, hosts: values.len() as u32 })
}

fn empty_table(tags: &[Tag]) -> TagTable {
    let rows = tags
        .iter()
        .map(|tag| TagUse {
            tag: tag.tag,
            paged: TagCounters::default(),
            nonpaged: TagCounters::default(),
        })
        .collect();
    TagTable::new(AllocCounting::Wrapping32, true, rows)
}

fn fill(table: &mut TagTable, tags: &[Tag], slot: usize) {
    let mut rows = table.rows.iter_mut().peekable();
    for tag in tags {
        while rows.next_if(|row| row.tag < tag.tag).is_some() {}
        if let Some(row) = rows.peek_mut()
            && row.tag == tag.tag
        {
            let bytes = tag.bytes[slot];
            *row.of_mut(tag.pool) = TagCounters {
                bytes,
                outstanding: bytes / tag.unit,
                allocs: u64::from(tag.allocs[slot]),
            };
        }
    }
}
