//! The processes of a host: those that run from start to end, and short-lived ones.

mod roster;

use poolwatch_model::process::{ProcessKey, ProcessUse};

use crate::{
    boots::Boot,
    hosts::{Era, HostPlan},
    patterns::load::MEAN_LOAD,
    patterns::rng::{SeededRng, Subject},
    timeline::Timeline,
    warmup::{WARM_UP, WARM_UP_S},
};

/// Sums over all processes.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Totals {
    pub(crate) processes: u64,
    pub(crate) handles: u64,
    pub(crate) threads: u64,
    pub(crate) private_bytes: u64,
}

/// The processes of one boot.
#[derive(Debug)]
pub(crate) struct Processes {
    /// Sorted by key.
    rows: Vec<Member>,
    next_pid: u32,
    legacy: bool,
}

#[derive(Debug)]
struct Member {
    usage: ProcessUse,
    /// Handles, threads and private bytes when warm, at mean load.
    level: [u64; 3],
    lively: bool,
    /// When it ends, in seconds since the epoch.
    ends_s: Option<i64>,
}

/// The pid of the classic case, `Cid: 01a0`; nobody else has it.
pub(crate) const CLASSIC_PID: u32 = 0x1a0;

/// Pids from here on up to the end are for planted processes.
pub(crate) const PLANTED_PIDS: std::ops::Range<u32> = 40_000..44_000;

impl Processes {
    /// The processes of a host that has run for `uptime_s` at `own_s`.
    pub(crate) fn new(
        seed: u64,
        plan: &HostPlan,
        boot: &Boot,
        timeline: Timeline,
        uptime_s: i64,
    ) -> Self {
        let mut cast = SeededRng::of_subject(seed, Subject::Processes, plan.index, 0);
        let mut rng = SeededRng::of_subject(seed, Subject::Processes, plan.index, boot.number + 1);
        let mut pid = 4;
        let mut created_ms = boot.start_s * 1000 + plan.skew_ms;
        let mut rows = Vec::new();
        for role in roster::of(plan, &mut cast) {
            let created = timeline.true_time(created_ms);
            let mut usage = ProcessUse::new(pid, Some(created), role.image);
            usage.session = Some(role.session);
            usage.services = role.services;
            rows.push(Member {
                usage,
                level: [role.handles, role.threads, role.private_bytes],
                lively: role.lively,
                ends_s: None,
            });
            pid += 4 * rng.integer_between(1, 24) as u32;
            if pid == CLASSIC_PID {
                pid += 4;
            }
            created_ms += rng.integer_between(20, 900);
        }
        let legacy = plan.era == Era::Legacy;
        let mut processes = Self { next_pid: pid, rows, legacy };
        for member in &mut processes.rows {
            member.settle(WARM_UP.share(uptime_s as f64), legacy, &mut rng);
        }
        processes
    }

    /// One minute passes.
    pub(crate) fn step(
        &mut self,
        own_s: i64,
        uptime_s: i64,
        load: f64,
        now: (Timeline, i64),
        rng: &mut SeededRng,
    ) {
        let level = WARM_UP.share(uptime_s as f64) * (1.0 + 0.3 * (load - MEAN_LOAD));
        let warming = uptime_s < WARM_UP_S;
        for member in &mut self.rows {
            let moves = if member.lively || warming { 3 } else { 9 };
            if rng.next_bits().is_multiple_of(moves) {
                member.settle(level, self.legacy, rng);
            }
        }
        self.rows.retain(|member| member.ends_s.is_none_or(|ends_s| ends_s > own_s));
        if rng.fraction() < load * 0.5 {
            let (timeline, skew_ms) = now;
            let created_ms = own_s * 1000 - rng.integer_between(0, 59_999) + skew_ms;
            let pid = self.free_pid(rng);
            let brief = roster::brief(rng);
            let mut usage = ProcessUse::new(pid, Some(timeline.true_time(created_ms)), brief.image);
            usage.session = Some(brief.session);
            let level = [brief.handles, brief.threads, brief.private_bytes];
            let ends_s = Some(own_s + rng.integer_between(1, 20) * 60);
            let mut member = Member { usage, level, lively: false, ends_s };
            member.settle(1.0, self.legacy, rng);
            let at = self.rows.partition_point(|row| row.usage.key < member.usage.key);
            self.rows.insert(at, member);
        }
    }

    fn free_pid(&mut self, rng: &mut SeededRng) -> u32 {
        loop {
            self.next_pid += 4 * rng.integer_between(1, 60) as u32;
            if self.next_pid >= PLANTED_PIDS.start {
                self.next_pid = 4000;
            }
            let free = |row: &Member| row.usage.key.pid != self.next_pid;
            if self.rows.iter().all(free) {
                return self.next_pid;
            }
        }
    }

    pub(crate) fn totals(&self) -> Totals {
        totals(self.rows.iter().map(|member| &member.usage))
    }

    /// The rows of a snapshot.
    pub(crate) fn rows(&self) -> Vec<ProcessUse> {
        self.rows.iter().map(|member| member.usage.clone()).collect()
    }
}

/// Sums over some processes.
pub(crate) fn totals<'a>(processes: impl IntoIterator<Item = &'a ProcessUse>) -> Totals {
    processes.into_iter().fold(Totals::default(), |sum, process| Totals {
        processes: sum.processes + 1,
        handles: sum.handles + u64::from(process.handles.unwrap_or(0)),
        threads: sum.threads + u64::from(process.threads.unwrap_or(0)),
        private_bytes: sum.private_bytes + process.private_bytes.unwrap_or(0),
    })
}

impl Member {
    fn settle(&mut self, level: f64, legacy: bool, rng: &mut SeededRng) {
        let [handles, threads, private_bytes] = self.level;
        let stray = if self.lively { 0.03 } else { 0.01 };
        let mut at = |of: u64| {
            let around = of as f64 * level * (1.0 + stray * rng.uniform_swing());
            (around.round() as u64).max(1)
        };
        let handles = at(handles);
        self.usage.handles = Some(handles as u32);
        self.usage.threads = Some(at(threads) as u32);
        self.usage.private_bytes = Some(at(private_bytes) / 4096 * 4096);
        let (paged, nonpaged) = quota(handles, legacy);
        self.usage.paged_quota = Some(paged);
        self.usage.nonpaged_quota = Some(nonpaged);
    }
}

/// Paged and nonpaged pool charged to a process with so many handles.
pub(crate) fn quota(handles: u64, legacy: bool) -> (u64, u64) {
    let quota = (60_000 + handles * 180, 6000 + handles * 42);
    if legacy { (quota.0 / 2, quota.1 / 2) } else { quota }
}

/// A process that a cause brings along.
pub(crate) fn planted(
    pid: u32,
    created: jiff::Timestamp,
    image: &str,
    service: &str,
) -> ProcessUse {
    let mut process = ProcessUse::new(pid, Some(created), image);
    process.session = Some(0);
    if !service.is_empty() {
        process.services = vec![service.to_owned()];
    }
    process
}

/// Puts a process into a table sorted by key.
pub(crate) fn insert(rows: &mut Vec<ProcessUse>, process: ProcessUse) {
    let key: ProcessKey = process.key;
    let at = rows.partition_point(|row| row.key < key);
    rows.insert(at, process);
}
