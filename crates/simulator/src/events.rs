//! The event log of a host: what was planted, and its restarts.

use jiff::Timestamp;
use poolwatch_model::{
    Bytes, Pool,
    event::{Event, ExhaustionProcess, MemoryExhaustion},
    snapshot::PoolFailures,
};

use crate::{
    boots::Reason,
    hosts::HostPlan,
    memory,
    picture::Picture,
    timeline::{Timeline, after},
};

/// What a log entry tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    /// 2019 or 2020.
    PoolEmpty(Pool),
    /// 2004.
    CommitExhausted,
    /// 1074: a restart was asked for.
    RestartPlanned,
    /// 6008: the host had stopped without being asked to.
    StoppedUnexpectedly,
    /// 6005: the event log started.
    Started,
}

impl Entry {
    /// Event id and provider.
    pub(crate) fn id(self) -> (u32, &'static str) {
        match self {
            Self::PoolEmpty(Pool::Nonpaged) => (2019, "Srv"),
            Self::PoolEmpty(Pool::Paged) => (2020, "Srv"),
            Self::CommitExhausted => (2004, "Microsoft-Windows-Resource-Exhaustion-Detector"),
            Self::RestartPlanned => (1074, "User32"),
            Self::StoppedUnexpectedly => (6008, "EventLog"),
            Self::Started => (6005, "EventLog"),
        }
    }

    fn level(self) -> u8 {
        match self {
            Self::PoolEmpty(_) | Self::StoppedUnexpectedly => 2,
            Self::CommitExhausted => 3,
            Self::RestartPlanned | Self::Started => 4,
        }
    }
}

/// When a planted event happens.
#[derive(Debug, Clone, Copy)]
pub(crate) enum When {
    /// So many seconds after the fleet went live, in true time.
    AfterLive(i64),
    /// At this time of the hosts', in seconds since the epoch.
    Own(i64),
}

impl When {
    /// The true time, known for live events only once the fleet is live.
    pub(crate) fn time(self, timeline: Timeline) -> Option<Timestamp> {
        match self {
            Self::AfterLive(seconds) => timeline.live().map(|live| after(live, seconds)),
            Self::Own(own_s) => Some(timeline.true_time(own_s * 1000)),
        }
    }
}

/// An entry at its true time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PlannedEvent {
    pub(crate) time: Timestamp,
    pub(crate) entry: Entry,
}

/// All entries of a host, those of its causes among them, oldest first.
pub(crate) fn planned(
    plan: &HostPlan,
    of_causes: impl Iterator<Item = (When, Entry)>,
    timeline: Timeline,
) -> Vec<PlannedEvent> {
    let mut planned: Vec<PlannedEvent> = of_causes
        .filter_map(|(when, entry)| Some(PlannedEvent { time: when.time(timeline)?, entry }))
        .collect();
    for boot in plan.boots.all() {
        let at = |own_s: i64| timeline.true_time(own_s * 1000);
        planned.push(match boot.reason {
            Reason::Update => PlannedEvent {
                time: at(boot.start_s - boot.down_s - 5),
                entry: Entry::RestartPlanned,
            },
            Reason::Crash => {
                PlannedEvent { time: at(boot.start_s + 9), entry: Entry::StoppedUnexpectedly }
            }
        });
        planned.push(PlannedEvent { time: at(boot.start_s + 10), entry: Entry::Started });
    }
    planned.sort_by_key(|event| event.time);
    planned
}

/// Allocations that fail before the Server service logs that a pool is empty.
const FAILURES_AN_EVENT: u32 = 12;

/// What the Server service counts of itself at a time, from its start on.
pub(crate) fn pool_failures(
    planned: &[PlannedEvent],
    since: Timestamp,
    time: Timestamp,
) -> PoolFailures {
    let of = |pool| {
        let of_boot = planned.iter().filter(|event| event.time > since && event.time <= time);
        let count = of_boot.filter(|event| event.entry == Entry::PoolEmpty(pool)).count();
        FAILURES_AN_EVENT.saturating_mul(count as u32)
    };
    PoolFailures { nonpaged: of(Pool::Nonpaged), paged: of(Pool::Paged) }
}

/// The record of an entry, as the host's log kept it.
pub(crate) fn record(
    plan: &HostPlan,
    event: &PlannedEvent,
    picture: impl FnOnce() -> Option<Picture>,
) -> Event {
    let (event_id, provider) = event.entry.id();
    let exhaustion = match event.entry {
        Entry::CommitExhausted => picture().map(|picture| exhaustion(plan, &picture)),
        _ => None,
    };
    let data = match event.entry {
        Entry::PoolEmpty(_) => vec![r"\Device\LanmanServer".to_owned()],
        _ => Vec::new(),
    };
    // Numbers rise with time, and entries of one second get different ones.
    let second = event.time.as_second().unsigned_abs() - 1_500_000_000;
    Event {
        channel: "System".into(),
        record_id: second * 8 + u64::from(event_id % 8),
        time: plan.wall(event.time),
        provider: provider.into(),
        event_id,
        level: Some(event.entry.level()),
        computer: Some(plan.facts.fqdn.clone()),
        data,
        exhaustion,
    }
}

fn exhaustion(plan: &HostPlan, picture: &Picture) -> MemoryExhaustion {
    let memory = memory::of(plan, picture);
    let tags = |pool| {
        let largest = picture.largest_tags(pool, 3);
        largest.iter().map(|row| (row.tag, Bytes(row.of(pool).bytes))).collect()
    };
    let mut processes: Vec<_> = picture.processes.iter().collect();
    processes.sort_by_key(|process| std::cmp::Reverse(process.private_bytes));
    let top = processes.iter().take(6).map(|process| ExhaustionProcess {
        image: process.image.clone(),
        pid: process.key.pid,
        created: process.key.created,
        commit: Bytes(process.private_bytes.unwrap_or(0)),
        handles: process.handles.unwrap_or(0),
    });
    let used = |available: Bytes| Bytes(plan.ram.saturating_sub(available.0));
    MemoryExhaustion {
        commit_limit: memory.commit_limit,
        committed: memory.committed,
        paged: memory.paged,
        nonpaged: memory.nonpaged,
        physical: memory.physical,
        physical_used: memory.available.map(used),
        processes: memory.processes,
        paged_tags: tags(Pool::Paged),
        nonpaged_tags: tags(Pool::Nonpaged),
        top_processes: top.collect(),
    }
}
