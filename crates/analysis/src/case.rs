//! The case file of one host: everything that a judgement may rest on.
//!
//! All series stand on one axis of moments, so that they can be compared; what was not measured at
//! a moment is [`MISSING`]. Moments may be minima of ten minutes or single snapshots; a gap is a
//! moment that is not there.

use std::collections::BTreeSet;

use jiff::Timestamp;
use poolwatch_model::{
    Bytes, Pool, PoolTag, Snapshot,
    comparison::{AttributeCounts, Change},
    diagnosis::OwnerSource,
    event::{Event, MemoryExhaustion},
    history::{
        HostHistory, MISSING, Moment, ObjectTypeSeries, ProcessSeries, ProgramSeries, TagSeries,
    },
    host::{Arch, OsVersion},
    inventory::Driver,
    memory::Memory,
    process::ProcessHandles,
    tag::{AllocCounting, TagTable, TagUse},
};

use crate::catalogue::Catalogue;

/// The same tag on hosts of the same Windows build and role that hold still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer {
    /// The tag.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Median of their bytes.
    pub median: u64,
    /// Their number.
    pub hosts: u32,
}

/// Whose a tag may be, beyond what the catalogue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// The tag.
    pub tag: PoolTag,
    /// Driver file name.
    pub driver: String,
    /// How that is known.
    pub source: OwnerSource,
}

/// Everything that is known of one host.
#[derive(Debug, Clone, Default)]
pub struct CaseFile {
    /// The moment of the judgement.
    pub now: Timestamp,
    /// Windows version.
    pub os: Option<OsVersion>,
    /// Its architecture, where that alone is known.
    pub arch: Option<Arch>,
    /// System-wide figures, the latest known of each.
    pub memory: Memory,
    /// When the series were measured, oldest first.
    pub axis: Vec<Moment>,
    /// Tags: all of a picture, or the candidates of a long run.
    pub tags: Vec<TagSeries>,
    /// Processes.
    pub processes: Vec<ProcessSeries>,
    /// What programs did: those that did most.
    pub programs: Vec<ProgramSeries>,
    /// Kernel objects by type.
    pub object_types: Vec<ObjectTypeSeries>,
    /// Use of paged and nonpaged pool.
    pub pools: [Vec<u64>; 2],
    /// Commit charge; empty where nothing is known of it.
    pub committed: Vec<u64>,
    /// Live processes, a count.
    pub live_processes: Vec<u64>,
    /// Whether `processes` holds every process of the host.
    pub all_processes: bool,
    /// Events of the host.
    pub events: Vec<Event>,
    /// What torn events 2004 tell; their times are lost.
    pub exhaustions: Vec<MemoryExhaustion>,
    /// What was installed or changed.
    pub changes: Vec<Change>,
    /// Loaded drivers.
    pub drivers: Vec<Driver>,
    /// Handles by type of the processes that were looked into, as they were lately.
    pub handles_by_type: Vec<ProcessHandles>,
    /// Peers' use of the tags.
    pub peers: Vec<Peer>,
    /// Whose tags may be, by scans and lists.
    pub owners: Vec<Owner>,
    /// What tells this host's cause over the fleet, the most telling first.
    pub fleet: Vec<(PoolTag, AttributeCounts)>,
    /// Whether a table was cut off or contradicts itself.
    pub is_torn: bool,
    /// Whether Driver Verifier has counted for drivers already.
    pub is_verified: bool,
    /// Whether an agent goes on measuring the host: its course will tell what a picture would have
    /// to guess from size.
    pub is_watched: bool,
}

impl CaseFile {
    /// Takes in the drivers that the administrator's lists name for its tags.
    pub fn name_owners(&mut self, catalogue: &Catalogue) {
        let tags: BTreeSet<PoolTag> = self.tags.iter().map(|series| series.tag).collect();
        self.owners.extend(tags.into_iter().filter_map(|tag| {
            let driver = catalogue.named_driver(tag)?.to_owned();
            Some(Owner { tag, driver, source: OwnerSource::Pooltag })
        }));
    }

    /// The architecture of the host.
    #[must_use]
    pub fn arch(&self) -> Option<Arch> {
        self.os.as_ref().map(|os| os.arch).or(self.arch)
    }

    /// The series of a tag.
    #[must_use]
    pub fn tag(&self, tag: PoolTag, pool: Pool) -> Option<&TagSeries> {
        self.tags.iter().find(|one| one.tag == tag && one.pool == pool)
    }

    /// Use of a pool over time.
    #[must_use]
    pub fn pool(&self, pool: Pool) -> &[u64] {
        match pool {
            Pool::Paged => &self.pools[0],
            Pool::Nonpaged => &self.pools[1],
        }
    }

    /// The first moment of the latest run of Windows.
    #[must_use]
    pub fn run_start(&self) -> usize {
        let Some(last) = self.axis.last() else { return 0 };
        self.axis.iter().rposition(|moment| moment.boot != last.boot).map_or(0, |at| at + 1)
    }

    /// What was known before the latest restart; `None` without one.
    #[must_use]
    pub fn before_restart(&self) -> Option<Self> {
        let end = self.run_start();
        if end == 0 {
            return None;
        }
        let mut before = self.clone();
        before.axis.truncate(end);
        let [paged, nonpaged] = &mut before.pools;
        let mut columns: Vec<&mut Vec<u64>> =
            vec![paged, nonpaged, &mut before.committed, &mut before.live_processes];
        for tag in &mut before.tags {
            columns.extend([&mut tag.bytes, &mut tag.outstanding, &mut tag.allocs]);
        }
        for process in &mut before.processes {
            let ProcessSeries { handles, threads, private_bytes, quota, .. } = process;
            columns.extend([handles, threads, private_bytes]);
            columns.extend(quota);
        }
        columns.extend(before.programs.iter_mut().map(|program| &mut program.operations));
        for kind in &mut before.object_types {
            columns.extend([&mut kind.objects, &mut kind.handles]);
        }
        columns.into_iter().for_each(|column| column.truncate(end));
        (before.memory.paged, before.memory.nonpaged) =
            (last(&before.pools[0]).map(Bytes), last(&before.pools[1]).map(Bytes));
        before.memory.committed = last(&before.committed).map(Bytes);
        Some(before)
    }

    /// Seconds between two moments of the axis.
    #[must_use]
    pub fn span_s(&self, from: usize, to: usize) -> u64 {
        self.axis[to].at_s.saturating_sub(self.axis[from].at_s).max(0).unsigned_abs()
    }

    /// A case of pictures of one machine in their order, each with seconds since a moment that all
    /// share, where that is known. A time that goes back, or is suddenly not told, is another run.
    #[must_use]
    pub fn from_pictures(
        now: Timestamp,
        os: Option<&OsVersion>,
        pictures: &[(Option<u64>, &Snapshot)],
        events: &[Event],
    ) -> Self {
        let (mut boot, mut before) = (0, None);
        let mut counted: Option<&TagTable> = None;
        let moments: Vec<(Moment, &Snapshot)> = pictures
            .iter()
            .enumerate()
            .map(|(at, (at_s, snapshot))| {
                let at_s = at_s.map_or(0, |s| i64::try_from(s).unwrap_or(i64::MAX));
                let told = pictures[at].0.is_some();
                let tags = snapshot.tags.as_ref();
                let fell = counted.zip(tags).is_some_and(|(old, new)| counts_fell(old, new));
                if before.is_some_and(|(was_told, was)| was_told != told || at_s < was) || fell {
                    boot += 1;
                }
                counted = tags.or(counted);
                before = Some((told, at_s));
                (Moment { at_s, boot, uptime_s: None }, *snapshot)
            })
            .collect();
        let history = HostHistory::from_snapshots(&moments);
        let events = events.to_vec();
        Self { os: os.cloned(), events, ..Self::from_history(now, history) }
    }

    /// A case of what was measured of a host, and nothing else.
    #[must_use]
    pub fn from_history(now: Timestamp, history: HostHistory) -> Self {
        let HostHistory {
            axis,
            memory,
            tags,
            processes,
            programs,
            object_types,
            pools,
            committed,
            live_processes,
            all_processes,
        } = history;
        Self {
            now,
            memory,
            axis,
            tags,
            processes,
            programs,
            object_types,
            pools,
            committed,
            live_processes,
            all_processes,
            ..Self::default()
        }
    }
}

/// Whether fewer allocations are counted since the start of Windows than before: it restarted. What
/// may have passed 32 bits tells nothing.
fn counts_fell(old: &TagTable, new: &TagTable) -> bool {
    const MAY_HAVE_WRAPPED: u64 = 1 << 31;
    let is_told = |table: &TagTable| table.counting != AllocCounting::OutstandingOnly;
    is_told(old)
        && is_told(new)
        && new.rows.iter().any(|row| {
            let before = old.get(row.tag).copied().unwrap_or_else(|| TagUse::empty(row.tag));
            Pool::ALL.into_iter().any(|pool| {
                let (was, is) = (before.of(pool).allocs, row.of(pool).allocs);
                is < was && was < MAY_HAVE_WRAPPED && is > 0
            })
        })
}

/// The latest value of a series, with its place.
#[must_use]
pub fn latest(values: &[u64]) -> Option<(usize, u64)> {
    let at = values.iter().rposition(|value| *value != MISSING)?;
    Some((at, values[at]))
}

/// The latest value.
#[must_use]
pub fn last(values: &[u64]) -> Option<u64> {
    latest(values).map(|(_, value)| value)
}

/// The first value at or after a place, and the last at or before another.
#[must_use]
pub fn ends(values: &[u64], from: usize, to: usize) -> Option<(u64, u64)> {
    let part = values.get(from..=to.min(values.len().checked_sub(1)?))?;
    let first = *part.iter().find(|value| **value != MISSING)?;
    let last = *part.iter().rfind(|value| **value != MISSING)?;
    Some((first, last))
}

/// By how much a series grew between two places; 0 when it fell or is not known.
#[must_use]
pub fn growth(values: &[u64], from: usize, to: usize) -> u64 {
    ends(values, from, to).map_or(0, |(first, last)| last.saturating_sub(first))
}
