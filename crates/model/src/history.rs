//! A host over time as columns: what was measured at each moment of one axis that all share.

mod build;

use std::{cmp::Reverse, collections::BTreeSet};

pub use build::{MANY_PROCESSES, unwrapped};

use crate::{
    Pool, PoolTag, Snapshot,
    memory::Memory,
    process::{ProcessKey, ProcessUse},
};

/// A value that was not measured.
pub const MISSING: u64 = u64::MAX;

/// One moment of the axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Seconds since 1970, or since any moment that all share.
    pub at_s: i64,
    /// Which run of Windows: a number that rises with each restart.
    pub boot: u32,
    /// How long that had run, seconds, where it is known.
    pub uptime_s: Option<u64>,
}

/// A tag's use of one pool over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagSeries {
    /// The tag, without the protection bit of old kernels.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes. All zero where only counts are told.
    pub bytes: Vec<u64>,
    /// Allocations minus frees.
    pub outstanding: Vec<u64>,
    /// Allocations since boot, unwrapped; all missing where they are not told.
    pub allocs: Vec<u64>,
}

impl TagSeries {
    /// Whether bytes are told, not counts alone.
    #[must_use]
    pub fn has_bytes(&self) -> bool {
        self.bytes.iter().any(|bytes| *bytes != MISSING && *bytes > 0)
    }
}

/// A process over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProcessSeries {
    /// Who it is.
    pub key: ProcessKey,
    /// Image name.
    pub image: String,
    /// Services that live in it.
    pub services: Vec<String>,
    /// Open handles.
    pub handles: Vec<u64>,
    /// Threads.
    pub threads: Vec<u64>,
    /// Private memory, which is charged to commit.
    pub private_bytes: Vec<u64>,
    /// Paged and nonpaged pool charged to its quota; empty where no more than the latest is kept.
    pub quota: [Vec<u64>; 2],
}

impl ProcessSeries {
    /// A process of which nothing is known yet at so many moments.
    #[must_use]
    pub fn unmeasured(process: &ProcessUse, moments: usize) -> Self {
        Self {
            key: process.key,
            image: process.image.clone(),
            services: process.services.clone(),
            handles: vec![MISSING; moments],
            threads: vec![MISSING; moments],
            private_bytes: vec![MISSING; moments],
            quota: [vec![MISSING; moments], vec![MISSING; moments]],
        }
    }

    /// Pool charged to its quota.
    #[must_use]
    pub fn quota(&self, pool: Pool) -> &[u64] {
        match pool {
            Pool::Paged => &self.quota[0],
            Pool::Nonpaged => &self.quota[1],
        }
    }
}

/// What the processes of a program did over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProgramSeries {
    /// Image name.
    pub image: String,
    /// Operations beside reads and writes (opening, asking, waiting for changes) in the time that each
    /// moment stands for; of a single snapshot since the one before.
    pub operations: Vec<u64>,
}

impl ProgramSeries {
    /// All of its operations that are known.
    #[must_use]
    pub fn total(&self) -> u64 {
        let known = self.operations.iter().filter(|count| **count != MISSING);
        known.fold(0, |sum, count| sum.saturating_add(*count))
    }
}

/// Objects of one type over the whole host, by the kernel's own count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectTypeSeries {
    /// Type name (`Event`).
    pub name: String,
    /// Objects that exist.
    pub objects: Vec<u64>,
    /// Handles to them.
    pub handles: Vec<u64>,
}

/// Everything that was measured of a host over a period.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HostHistory {
    /// When it was measured, oldest first. All series have a value for each of these moments.
    pub axis: Vec<Moment>,
    /// System-wide figures, the latest known of each.
    pub memory: Memory,
    /// Tags.
    pub tags: Vec<TagSeries>,
    /// Processes.
    pub processes: Vec<ProcessSeries>,
    /// Programs by their operations, by name. One that did nothing while others were counted has 0.
    pub programs: Vec<ProgramSeries>,
    /// Kernel objects by type.
    pub object_types: Vec<ObjectTypeSeries>,
    /// Use of paged and nonpaged pool, bytes.
    pub pools: [Vec<u64>; 2],
    /// Commit charge, bytes; empty where nothing is known of it.
    pub committed: Vec<u64>,
    /// Live processes, a count.
    pub live_processes: Vec<u64>,
    /// Whether `processes` holds every process of the host.
    pub all_processes: bool,
}

impl HostHistory {
    /// What snapshots tell, given in their order.
    #[must_use]
    pub fn from_snapshots(snapshots: &[(Moment, &Snapshot)]) -> Self {
        build::from_snapshots(snapshots)
    }

    /// The same with no other series of tags and processes than are wanted, sorted by their names.
    #[must_use]
    pub fn keep_wanted(mut self, wanted: &WantedSeries) -> Self {
        self.tags.sort_by_key(|series| (series.tag, series.pool as usize));
        self.processes.sort_by(|a, b| (a.key, &a.image).cmp(&(b.key, &b.image)));
        self.object_types.sort_by(|a, b| a.name.cmp(&b.name));
        let last_told = |one: &TagSeries| {
            one.bytes.iter().rposition(|bytes| *bytes != MISSING).map(|at| at + 1)
        };
        let told = self.tags.iter().filter_map(last_told).max().unwrap_or(0);
        let figures: Vec<TagFigures> =
            self.tags.iter().map(|one| TagFigures::of_series(one, told)).collect();
        self.tags = keep_places(self.tags, &wanted.choose_tags(&figures));
        let figures: Vec<ProcessFigures> =
            self.processes.iter().map(ProcessFigures::of_series).collect();
        self.processes = keep_places(self.processes, &wanted.choose_processes(&figures));
        let totals: Vec<u64> = self.programs.iter().map(ProgramSeries::total).collect();
        self.programs = keep_places(self.programs, &wanted.choose_programs(&totals));
        self
    }
}

fn keep_places<T>(all: Vec<T>, places: &[usize]) -> Vec<T> {
    let is_kept = |at: &usize| places.binary_search(at).is_ok();
    all.into_iter().enumerate().filter(|(at, _)| is_kept(at)).map(|(_, one)| one).collect()
}

/// Which series of a host are wanted: what is named, and what stands out. Others are not read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedSeries {
    /// Tags that are wanted in both pools whatever they use, without the protection bit of old
    /// kernels.
    pub tags: BTreeSet<PoolTag>,
    /// So many tags of each pool by each ranking of [`TagFigures`].
    pub most_tags: usize,
    /// So many processes by each ranking of [`ProcessFigures`], and as many programs by their
    /// operations.
    pub most_processes: usize,
}

/// What decides whether the series of a tag is wanted: figures now, and gained over the period.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagFigures {
    /// The tag, without the protection bit of old kernels.
    pub tag: PoolTag,
    /// Which pool.
    pub pool: Pool,
    /// Bytes, allocations that are outstanding, bytes gained, allocations gained: above the least
    /// that there was of it.
    pub ranked: [u64; 4],
}

impl TagFigures {
    /// Those of a tag whose bytes and allocations are so many now and were no fewer than so many.
    #[must_use]
    pub fn new(tag: PoolTag, pool: Pool, bytes: NowAndLeast, outstanding: NowAndLeast) -> Self {
        let ranked = [bytes.now, outstanding.now, bytes.gained(), outstanding.gained()];
        Self { tag, pool, ranked }
    }

    /// Those of a tag by its first values, the last of which tells what there is now.
    fn of_series(series: &TagSeries, told: usize) -> Self {
        let of = |values: &[u64]| NowAndLeast::of_values(values[..told].iter().copied());
        Self::new(series.tag, series.pool, of(&series.bytes), of(&series.outstanding))
    }
}

/// How much there is of something at the latest moment that tells it, and the least that there was of
/// it when there was any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NowAndLeast {
    /// At the latest moment; 0 where it was not listed then.
    pub now: u64,
    /// The least; [`MISSING`] when there never was any.
    pub least: u64,
}

impl Default for NowAndLeast {
    fn default() -> Self {
        Self { now: 0, least: MISSING }
    }
}

impl NowAndLeast {
    /// Those of values in their order.
    #[must_use]
    pub fn of_values(values: impl Iterator<Item = u64>) -> Self {
        values.fold(Self::default(), Self::and)
    }

    /// The same with a later value.
    #[must_use]
    pub fn and(self, value: u64) -> Self {
        Self {
            now: if value == MISSING { 0 } else { value },
            least: if value > 0 { self.least.min(value) } else { self.least },
        }
    }

    /// So many times as much; `None` where that is too much.
    #[must_use]
    pub fn times(self, factor: u64) -> Option<Self> {
        let least = if self.least == MISSING { MISSING } else { self.least.checked_mul(factor)? };
        Some(Self { now: self.now.checked_mul(factor)?, least })
    }

    /// By how much it is more than the least.
    #[must_use]
    pub fn gained(self) -> u64 {
        self.now.saturating_sub(self.least)
    }
}

/// What decides whether the series of a process is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ProcessFigures {
    /// Most handles, most threads, most private bytes, handles gained, private bytes gained.
    pub ranked: [u64; 5],
}

impl ProcessFigures {
    /// Those of a process.
    #[must_use]
    pub fn of_series(series: &ProcessSeries) -> Self {
        let known = |values: &'_ [u64]| {
            let mut found: Option<(u64, u64, u64)> = None;
            for value in values.iter().copied().filter(|value| *value != MISSING) {
                let (least, most, _) = found.unwrap_or((value, value, value));
                found = Some((least.min(value), most.max(value), value));
            }
            found.unwrap_or_default()
        };
        let (least_handles, handles, last_handles) = known(&series.handles);
        let (_, threads, _) = known(&series.threads);
        let (least_private, private, last_private) = known(&series.private_bytes);
        let gained = [last_handles - least_handles, last_private - least_private];
        Self { ranked: [handles, threads, private, gained[0], gained[1]] }
    }
}

impl WantedSeries {
    /// The places of the tags that are wanted, in their order.
    #[must_use]
    pub fn choose_tags(&self, figures: &[TagFigures]) -> Vec<usize> {
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        let is_named = |at: &usize| self.tags.contains(&figures[*at].tag);
        chosen.extend((0..figures.len()).filter(is_named));
        for pool in Pool::ALL {
            let of_pool = (0..figures.len()).filter(|at| figures[*at].pool == pool);
            let of_pool: Vec<usize> = of_pool.collect();
            extend_by_ranking(&mut chosen, &of_pool, self.most_tags, |at| figures[at].ranked);
        }
        chosen.into_iter().collect()
    }

    /// The places of the processes that are wanted, in their order.
    #[must_use]
    pub fn choose_processes(&self, figures: &[ProcessFigures]) -> Vec<usize> {
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        let all: Vec<usize> = (0..figures.len()).collect();
        extend_by_ranking(&mut chosen, &all, self.most_processes, |at| figures[at].ranked);
        chosen.into_iter().collect()
    }

    /// The places of the programs that are wanted, in their order, by all of their operations.
    #[must_use]
    pub fn choose_programs(&self, totals: &[u64]) -> Vec<usize> {
        let mut chosen: BTreeSet<usize> = BTreeSet::new();
        let all: Vec<usize> = (0..totals.len()).collect();
        extend_by_ranking(&mut chosen, &all, self.most_processes, |at| [totals[at]]);
        chosen.into_iter().collect()
    }
}

/// Adds those that stand first by each ranking; nobody stands anywhere by nothing.
fn extend_by_ranking<const N: usize>(
    chosen: &mut BTreeSet<usize>,
    places: &[usize],
    most: usize,
    ranked: impl Fn(usize) -> [u64; N],
) {
    for ranking in 0..N {
        let value = |at: usize| ranked(at)[ranking];
        let mut order: Vec<usize> = places.iter().copied().filter(|at| value(*at) > 0).collect();
        if order.len() > most {
            order.select_nth_unstable_by_key(most, |at| (Reverse(value(*at)), *at));
            order.truncate(most);
        }
        chosen.extend(order);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn named_tags_and_those_that_stand_out_are_wanted() {
        let figures =
            |tag: &[u8; 4], pool, ranked| TagFigures { tag: PoolTag::new(*tag), pool, ranked };
        let all = [
            figures(b"Nmd1", Pool::Paged, [0; 4]),
            figures(b"Larg", Pool::Paged, [900, 1, 0, 0]),
            figures(b"Many", Pool::Paged, [10, 800, 0, 0]),
            figures(b"Grew", Pool::Paged, [10, 2, 7, 0]),
            figures(b"None", Pool::Paged, [8, 2, 0, 0]),
            figures(b"None", Pool::Nonpaged, [8, 2, 0, 9]),
        ];
        let wanted = WantedSeries {
            tags: BTreeSet::from([PoolTag::new(*b"Nmd1")]),
            most_tags: 1,
            most_processes: 1,
        };
        assert_eq!(wanted.choose_tags(&all), [0, 1, 2, 3, 5]);
        let process = |ranked| ProcessFigures { ranked };
        let all = [process([1, 9, 0, 0, 0]), process([5, 1, 0, 0, 0]), process([4, 4, 0, 0, 0])];
        assert_eq!(wanted.choose_processes(&all), [0, 1]);
    }
}
