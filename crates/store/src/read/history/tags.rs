//! Tags over time: which of them are wanted, and their series.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use poolwatch_model::{
    Pool, PoolTag,
    history::{MISSING, Moment, NowAndLeast, TagFigures, TagSeries, WantedSeries, unwrapped},
    tag::{AllocCounting, TagTable},
};

use super::axis::Part;
use crate::{
    chunk::{
        BLOCK_ROWS, Blocks, Extreme, Malformed, Numbers, TAG_FIGURES,
        head::{BlockOf, Head},
    },
    chunks::Packed,
    read::past::Taken,
};

/// Both pools, in the order of the figures of a tag.
const POOLS: [Pool; 2] = [Pool::Paged, Pool::Nonpaged];
/// Where the bytes and the outstanding allocations of each pool stand among the figures of a tag.
const GAUGES: [[usize; 2]; 2] = [[0, 1], [3, 4]];

/// Bytes and outstanding allocations of a tag in each pool.
type Used = [[NowAndLeast; 2]; 2];

/// What all tags used.
#[derive(Debug, Default)]
pub(super) struct TagLook {
    used: Vec<(PoolTag, Used)>,
    places: HashMap<PoolTag, usize>,
    /// The list of tags of the chunk before, and the place of each: neighbours share it nearly always.
    listed: (Vec<u8>, Vec<usize>),
    /// The latest moment that tells tags: it says how much of each there is now.
    now_at: Option<Timestamp>,
}

impl TagLook {
    /// Begins with the latest snapshot, if there is one.
    pub(super) fn new(latest: Option<&Taken>) -> Self {
        let mut look = Self::default();
        let Some((latest, table)) =
            latest.and_then(|latest| Some((latest, latest.last.snapshot.tags.as_ref()?)))
        else {
            return look;
        };
        look.now_at = Some(latest.at);
        for row in &table.rows {
            let at = look.place(row.tag);
            look.used[at].1 = POOLS.map(|pool| {
                let of = row.of(pool);
                [of.bytes, of.outstanding].map(|used| NowAndLeast::of_values([used].into_iter()))
            });
        }
        look
    }

    fn place(&mut self, tag: PoolTag) -> usize {
        let tag = tag.unprotected();
        *self.places.entry(tag).or_insert_with(|| {
            self.used.push((tag, Used::default()));
            self.used.len() - 1
        })
    }

    /// Takes in a chunk.
    pub(super) fn add(&mut self, part: &Part, packed: &Packed) -> Result<(), Malformed> {
        if self.listed.0 != packed.tags {
            let places = packed.tags().into_iter().map(|tag| self.place(tag)).collect();
            self.listed = (packed.tags.clone(), places);
        }
        let last = part.groups.iter().rposition(|group| group.coverage.is_some());
        let last_at = last.map(|last| part.groups[last].at);
        let is_newest = last_at > self.now_at;
        if is_newest {
            self.now_at = last_at;
            let all = self.used.iter_mut().flat_map(|(_, used)| used).flatten();
            all.for_each(|used| used.now = 0);
        }
        let (used, places) = (&mut self.used, &self.listed.1);
        let mut values = Vec::new();
        for_rows(
            part,
            packed,
            |_| true,
            |at, block, row| {
                let (_, used) = &mut used[places[at]];
                for (used, figures) in used.iter_mut().zip(GAUGES) {
                    for (used, figure) in used.iter_mut().zip(figures) {
                        block.values(row, figure, Extreme::Least, &mut values)?;
                        let told = part.groups.iter().filter(|group| group.coverage.is_some());
                        let found = NowAndLeast::of_values(told.map(|group| group.least(&values)));
                        used.least = used.least.min(found.least);
                        if is_newest {
                            used.now = used.now.max(found.now);
                        }
                    }
                }
                Ok(())
            },
        )
    }

    /// The tags whose series are wanted, by pool.
    pub(super) fn choose(&self, wanted: &WantedSeries) -> BTreeMap<PoolTag, [bool; 2]> {
        let mut all: Vec<&(PoolTag, Used)> = self.used.iter().collect();
        all.sort_unstable_by_key(|(tag, _)| *tag);
        let figures = all.into_iter().flat_map(|(tag, used)| {
            let of = |at: usize| TagFigures::new(*tag, POOLS[at], used[at][0], used[at][1]);
            [of(0), of(1)]
        });
        let figures: Vec<TagFigures> = figures.collect();
        let mut chosen: BTreeMap<PoolTag, [bool; 2]> = BTreeMap::new();
        for at in wanted.choose_tags(&figures) {
            chosen.entry(figures[at].tag).or_default()[at % 2] = true;
        }
        chosen
    }
}

/// The series of some tags in the making.
#[derive(Debug)]
pub(super) struct TagColumns {
    chosen: BTreeMap<PoolTag, [Option<TagSeries>; 2]>,
}

impl TagColumns {
    pub(super) fn new(chosen: BTreeMap<PoolTag, [bool; 2]>, moments: usize) -> Self {
        let blank = || vec![MISSING; moments];
        let of = |tag: PoolTag, pool: Pool| {
            let (bytes, outstanding, allocs) = (blank(), blank(), blank());
            TagSeries { tag, pool, bytes, outstanding, allocs }
        };
        let both = |(tag, wanted): (PoolTag, [bool; 2])| {
            let series = [0, 1].map(|at| wanted[at].then(|| of(tag, POOLS[at])));
            (tag, series)
        };
        Self { chosen: chosen.into_iter().map(both).collect() }
    }

    /// Takes in what a chunk tells of them.
    pub(super) fn add(&mut self, part: &Part, packed: &Packed) -> Result<(), Malformed> {
        let mut values = Vec::new();
        let mut columns: [Vec<u64>; TAG_FIGURES] = Default::default();
        let chosen = &mut self.chosen;
        let tags = packed.tags();
        let is_wanted: Vec<bool> =
            tags.iter().map(|tag| chosen.contains_key(&tag.unprotected())).collect();
        for_rows(
            part,
            packed,
            |at| is_wanted[at],
            |at, block, row| {
                for (figure, column) in columns.iter_mut().enumerate() {
                    column.clear();
                    let is_counter = figure % 3 == 2;
                    let of = if is_counter { Extreme::Greatest } else { Extreme::Least };
                    block.values(row, figure, of, &mut values)?;
                    column.extend(part.groups.iter().map(|group| {
                        if is_counter { group.last(&values) } else { group.least(&values) }
                    }));
                }
                let tag = tags[at];
                let Some(series) = chosen.get_mut(&tag.unprotected()) else { return Ok(()) };
                for (group, at) in
                    part.places().filter(|(group, _)| part.groups[*group].coverage.is_some())
                {
                    let value = |figure: usize| match columns[figure][group] {
                        MISSING => 0,
                        value => value,
                    };
                    let counters =
                        [0, 3].map(|first| [0, 1, 2].map(|figure| value(first + figure)));
                    // One that used nothing was not listed: nothing is known of it then.
                    if counters != [[0; 3]; 2] {
                        write(series, at, counters);
                    }
                }
                Ok(())
            },
        )
    }

    /// Takes in what the latest snapshot tells of them.
    pub(super) fn add_table(&mut self, table: &TagTable, at: usize) {
        for row in &table.rows {
            if let Some(series) = self.chosen.get_mut(&row.tag.unprotected()) {
                let counters = POOLS.map(|pool| {
                    let of = row.of(pool);
                    [of.bytes, of.outstanding, of.allocs]
                });
                write(series, at, counters);
            }
        }
    }

    /// The series of those that used anything: before they first did, nothing is known of them.
    pub(super) fn finish(self, axis: &[Moment], counting: &[AllocCounting]) -> Vec<TagSeries> {
        let all = self.chosen.into_values().flatten().flatten();
        all.filter_map(|mut series| {
            let is_used = |at: &usize| {
                [&series.bytes, &series.outstanding, &series.allocs]
                    .iter()
                    .any(|values| values[*at] != 0 && values[*at] != MISSING)
            };
            let first = (0..axis.len()).find(is_used)?;
            for values in [&mut series.bytes, &mut series.outstanding, &mut series.allocs] {
                values[..first].fill(MISSING);
            }
            for at in first..axis.len() {
                let before = at.checked_sub(1).filter(|before| axis[*before].boot == axis[at].boot);
                let before = before.map(|before| series.allocs[before]);
                let told = series.allocs[at];
                series.allocs[at] = match counting[at] {
                    _ if told == MISSING => MISSING,
                    AllocCounting::OutstandingOnly => MISSING,
                    AllocCounting::Full64 => told,
                    AllocCounting::Wrapping32 => {
                        unwrapped(before.filter(|before| *before != MISSING), told)
                    }
                };
            }
            Some(series)
        })
        .collect()
    }
}

/// Writes what a tag used at a moment.
fn write(series: &mut [Option<TagSeries>; 2], at: usize, counters: [[u64; 3]; 2]) {
    for (series, [bytes, outstanding, allocs]) in series.iter_mut().zip(counters) {
        if let Some(series) = series {
            (series.bytes[at], series.outstanding[at], series.allocs[at]) =
                (bytes, outstanding, allocs);
        }
    }
}

/// Calls back for the rows that are wanted: the place in the chunk's list of tags, the block, and the
/// row within it.
fn for_rows(
    part: &Part,
    packed: &Packed,
    is_wanted: impl Fn(usize) -> bool,
    mut take: impl FnMut(usize, &Numbers, usize) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let blocks = Blocks { head: &part.head, bytes: &packed.encoded.blocks };
    let count = part.head.tags;
    if count * 4 != packed.tags.len() {
        return Err(Malformed);
    }
    let slots = part.head.slots.len();
    for first in (0..count).step_by(BLOCK_ROWS) {
        let beside = Head::rows_beside(count, first);
        if !(first..first + beside).any(&is_wanted) {
            continue;
        }
        let block = Numbers::read(blocks.bytes(BlockOf::Tag(first))?, beside, TAG_FIGURES, slots)?;
        for row in (0..beside).filter(|row| is_wanted(first + row)) {
            take(first + row, &block, row)?;
        }
    }
    Ok(())
}
