//! Whose turn it is, in fleets that begin to be watched.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use poolwatch_analysis::case::Peer;
use poolwatch_detection::{
    HostDiagnosis, Schedule,
    bounds::{AGAIN_AFTER, DIAGNOSED_EVERY, DIAGNOSES, HIGH_USE_EVERY, SCREENED_EVERY, TURN_EVERY},
    schedule::{HostLook, TurnHost},
};
use poolwatch_model::{
    Bytes, HostId, Pool, PoolTag,
    diagnosis::{Diagnosis, Verdict},
    memory::Memory,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};

const MB: u64 = 1 << 20;
const DAY_S: u64 = 86_400;
const BLOCK: i32 = 1000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + second).unwrap()
}

fn table(rows: &[(&[u8; 4], u64)]) -> TagTable {
    let rows = rows.iter().map(|(tag, bytes)| TagUse {
        tag: PoolTag::new(**tag),
        paged: TagCounters::default(),
        nonpaged: TagCounters { bytes: *bytes, outstanding: bytes / 100, allocs: 1 },
    });
    TagTable::new(AllocCounting::Wrapping32, true, rows.collect())
}

fn host(id: i32, has_tags: bool) -> TurnHost {
    TurnHost { id: HostId(id), has_tags, has_incident: false, has_news: false }
}

fn nothing(_: PoolTag, _: Pool) -> Option<Peer> {
    None
}

/// A fleet with a schedule; `leaking` use 100 MB more than a day ago.
struct Watch {
    schedule: Schedule,
    hosts: Vec<TurnHost>,
    leaking: BTreeSet<HostId>,
    memory: Memory,
    uptime_s: u64,
    screened: BTreeMap<HostId, Timestamp>,
    diagnosed: Vec<(HostId, Timestamp)>,
    verdict: Verdict,
}

impl Watch {
    fn new(hosts: Vec<TurnHost>, leaking: &[i32]) -> Self {
        Self {
            schedule: Schedule::default(),
            hosts,
            leaking: leaking.iter().copied().map(HostId).collect(),
            memory: Memory::default(),
            uptime_s: 10 * DAY_S,
            screened: BTreeMap::new(),
            diagnosed: Vec::new(),
            verdict: Verdict::NoLeakShown,
        }
    }

    fn tags(&self, host: HostId) -> TagTable {
        let more = if self.leaking.contains(&host) { 100 * MB } else { 0 };
        table(&[(b"Base", 300 * MB), (b"Leak", 50 * MB + more)])
    }

    fn turn(&mut self, now: Timestamp) {
        for id in self.schedule.begin_turn(&self.hosts, now) {
            let tags = self.tags(id);
            let look = HostLook {
                id,
                uptime_s: self.uptime_s,
                tags: &tags,
                memory: &self.memory,
                most_handles: None,
            };
            self.schedule.screen_host(&look, nothing, now);
            self.screened.entry(id).or_insert(now);
        }
        let before = table(&[(b"Base", 300 * MB), (b"Leak", 50 * MB)]);
        let ran = (now - SignedDuration::from_hours(200), now - SignedDuration::from_hours(24));
        let earlier = |tag, pool| Some(before.get(tag)?.of(pool).bytes);
        for (_, hosts) in self.schedule.blocks_to_seed(|id| id.0 / BLOCK) {
            hosts.into_iter().for_each(|id| self.schedule.seed_host(id, ran, earlier));
        }
        for id in self.schedule.hosts_to_seed(now) {
            self.schedule.seed_host(id, ran, earlier);
        }
        for (id, look) in self.schedule.hosts_to_diagnose(now) {
            let diagnosis = Diagnosis { verdict: self.verdict, ..Diagnosis::default() };
            let found = HostDiagnosis {
                host: id,
                at: now,
                uptime_s: self.uptime_s,
                diagnoses: vec![diagnosis],
                is_glance: look.is_glance,
                outcomes: Vec::new(),
            };
            self.schedule.note_diagnosed(id, Some(&found), now);
            self.diagnosed.push((id, now));
        }
    }

    /// Takes turns for so many seconds, from `from` on.
    fn turns(&mut self, from: i64, seconds: i64) {
        for second in (from..from + seconds).step_by(TURN_EVERY.as_secs() as usize) {
            self.turn(at(second));
        }
    }
}

#[test]
fn a_leaking_host_behind_silent_ones_is_diagnosed_within_a_minute() {
    let silent = (1..=5000).map(|id| host(id, false));
    let mut watch = Watch::new(silent.chain([host(5001, true)]).collect(), &[5001]);
    watch.turns(0, 60);
    assert_eq!(watch.diagnosed.first().map(|(id, _)| *id), Some(HostId(5001)));
}

#[test]
fn all_of_a_hundred_thousand_hosts_are_screened_from_a_day_ago_within_ten_minutes() {
    let leaking: Vec<i32> = (1..=100_000).step_by(999).collect();
    let mut watch = Watch::new((1..=100_000).map(|id| host(id, true)).collect(), &leaking);
    watch.turns(0, 600);
    assert_eq!(watch.screened.len(), 100_000);
    let diagnosed: BTreeSet<i32> = watch.diagnosed.iter().map(|(id, _)| id.0).collect();
    assert_eq!(diagnosed.into_iter().collect::<Vec<_>>(), leaking);
}

#[test]
fn everybody_gives_cause_and_nobody_is_left_behind() {
    let all: Vec<i32> = (1..=2000).collect();
    let mut watch = Watch::new(all.iter().map(|id| host(*id, true)).collect(), &all);
    watch.verdict = Verdict::Exhausted;
    let turns = 2000 / DIAGNOSES as i64 + 3;
    watch.turns(0, turns * TURN_EVERY.as_secs());
    let diagnosed: BTreeSet<HostId> = watch.diagnosed.iter().map(|(id, _)| *id).collect();
    assert_eq!(diagnosed.len(), 2000, "in order of waiting, however urgent those are that were");
}

fn times_of(watch: &Watch, id: i32) -> Vec<i64> {
    let of = watch.diagnosed.iter().filter(|(host, _)| host.0 == id);
    of.map(|(_, time)| time.duration_since(at(0)).as_secs()).collect()
}

#[test]
fn a_host_without_news_is_diagnosed_every_hour_and_an_urgent_one_every_ten_minutes() {
    for (verdict, pace) in [(Verdict::Leak, AGAIN_AFTER), (Verdict::Exhausted, DIAGNOSED_EVERY)] {
        let mut watch = Watch::new(vec![host(1, true)], &[1]);
        watch.verdict = verdict;
        watch.turns(0, 2 * 3600 + 600);
        let times = times_of(&watch, 1);
        let pauses: Vec<i64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.iter().all(|pause| *pause == pace.as_secs()), "{verdict:?} {times:?}");
        assert_eq!(times.len() as i64, 2 * 3600 / pace.as_secs() + 1, "{times:?}");
    }
}

#[test]
fn what_was_given_back_is_looked_at_within_ten_minutes() {
    let mut watch = Watch::new(vec![host(1, true)], &[1]);
    watch.verdict = Verdict::Leak;
    watch.turns(0, 1200);
    assert_eq!(watch.diagnosed.len(), 1);
    watch.leaking.clear();
    watch.hosts[0].has_incident = true;
    watch.turns(1200, 1200);
    assert_eq!(watch.diagnosed.len(), 2);
}

#[test]
fn commit_and_limits_that_run_out_give_cause_without_growth() {
    let commit =
        Memory { committed: Some(Bytes(80)), commit_limit: Some(Bytes(100)), ..Memory::default() };
    let limit =
        Memory { paged: Some(Bytes(86)), paged_limit: Some(Bytes(100)), ..Memory::default() };
    for (memory, expected) in [(commit, 1), (limit, 1), (Memory::default(), 0)] {
        let mut watch = Watch::new(vec![host(1, true)], &[]);
        watch.memory = memory;
        watch.turns(0, 60);
        assert_eq!(watch.diagnosed.len(), expected, "{:?}", watch.memory);
    }
}

#[test]
fn constant_use_far_above_the_peers_is_diagnosed_once_a_day() {
    let mut schedule = Schedule::default();
    let tags = table(&[(b"High", 600 * MB), (b"Base", 300 * MB)]);
    let usual = |tag: PoolTag, pool| {
        let median = if tag == PoolTag::new(*b"High") { 50 * MB } else { 290 * MB };
        Some(Peer { tag, pool, median, hosts: 40 })
    };
    let mut times = Vec::new();
    let mut longest = SignedDuration::ZERO;
    for second in (0..49 * 3600).step_by(600) {
        let now = at(second);
        for id in schedule.begin_turn(&[host(1, true)], now) {
            let look = HostLook {
                id,
                uptime_s: 9 * DAY_S + second as u64,
                tags: &tags,
                memory: &Memory::default(),
                most_handles: None,
            };
            schedule.screen_host(&look, usual, now);
        }
        longest = longest.max(schedule.longest_wait(now));
        if second == 0 {
            let late = at(90);
            assert_eq!(
                schedule.longest_wait(late),
                late.duration_since(now),
                "it waits as long as nobody comes"
            );
        }
        for (id, look) in schedule.hosts_to_diagnose(now) {
            assert_eq!(look.tags, [PoolTag::new(*b"High")]);
            schedule.note_diagnosed(id, None, now);
            times.push(second);
        }
    }
    let day = HIGH_USE_EVERY.as_secs();
    assert_eq!(times, [0, day, 2 * day]);
    assert_eq!(longest, SignedDuration::ZERO);
    assert!(schedule.state_bytes(HostId(1)) < 1000, "{}", schedule.state_bytes(HostId(1)));
}

#[test]
fn a_host_is_screened_no_more_often_than_its_pace() {
    let mut watch = Watch::new(vec![host(1, true)], &[]);
    // Not seeded: it has run for an hour.
    watch.uptime_s = 3600;
    let mut screened = 0;
    for second in (0..3600).step_by(20) {
        screened += watch.schedule.begin_turn(&watch.hosts, at(second)).len();
        let tags = watch.tags(HostId(1));
        if second % SCREENED_EVERY.as_secs() == 0 {
            let look = HostLook {
                id: HostId(1),
                uptime_s: 3600,
                tags: &tags,
                memory: &watch.memory,
                most_handles: None,
            };
            watch.schedule.screen_host(&look, nothing, at(second));
        }
    }
    assert_eq!(screened, 6);
}
