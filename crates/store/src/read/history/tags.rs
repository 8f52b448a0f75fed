//! Tags over time: which of them are wanted, and their series.

use std::{
    collections::{BTreeMap, HashMap},
    ops::Range,
};

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
    dictionaries,
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

    /// Takes in a chunk. Returns its tags for the second time.
    pub(super) fn add(&mut self, part: &Part, packed: &Packed) -> Result<HeldTags, Malformed> {
        if self.listed.0 != packed.tags {
            let places = packed.tags().into_iter().map(|tag| self.place(tag)).collect();
            self.listed = (packed.tags.clone(), places);
        }
        let mut held = HeldTags { tags: packed.tags.clone(), blocks: Vec::new() };
        let Some(last) = part.groups.iter().rfind(|group| group.coverage.is_some()) else {
            return Ok(held);
        };
        let is_newest = self.now_at.is_none_or(|now_at| last.at > now_at);
        if is_newest {
            self.now_at = Some(last.at);
            let all = self.used.iter_mut().flat_map(|(_, used)| used).flatten();
            all.for_each(|used| used.now = 0);
        }
        let (used, places) = (&mut self.used, &self.listed.1);
        let mut values = Vec::new();
        for_blocks(
            part,
            &packed.tags,
            |_| true,
            read_from(part, packed),
            |rows, block| {
                for (row, at) in rows.enumerate() {
                    let (_, used) = &mut used[places[at]];
                    for (used, [bytes, outstanding]) in used.iter_mut().zip(GAUGES) {
                        let objects = now_and_least(part, block, row, outstanding, &mut values)?;
                        let bytes = match block.factor(row, bytes) {
                            Some(factor) => objects.times(factor).ok_or(Malformed)?,
                            None => now_and_least(part, block, row, bytes, &mut values)?,
                        };
                        for (used, found) in used.iter_mut().zip([bytes, objects]) {
                            used.least = used.least.min(found.least);
                            if is_newest {
                                used.now = used.now.max(found.now);
                            }
                        }
                    }
                }
                held.blocks.push(block.to_thin(extreme_of)?);
                Ok(())
            },
        )?;
        Ok(held)
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

/// The tags of a chunk, thin, for the second time.
#[derive(Debug)]
pub(super) struct HeldTags {
    tags: Vec<u8>,
    /// All of its blocks of tags; none where it tells no tags.
    blocks: Vec<Vec<u8>>,
}

impl HeldTags {
    /// The bytes that it takes.
    pub(super) fn size(&self) -> usize {
        self.tags.len() + self.blocks.iter().map(Vec::len).sum::<usize>()
    }
}

/// Which value of a point is looked at: the least, and of counters the count as it ended.
fn extreme_of(figure: usize) -> Extreme {
    if figure % 3 == 2 { Extreme::Greatest } else { Extreme::Least }
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
        self.add_blocks(part, &packed.tags, read_from(part, packed))
    }

    /// The same of a chunk that was looked at before.
    pub(super) fn add_held(&mut self, part: &Part, held: HeldTags) -> Result<(), Malformed> {
        let (count, slots) = (part.head.tags, part.head.slots.len());
        if held.blocks.is_empty() {
            return Ok(());
        }
        let mut blocks = held.blocks;
        self.add_blocks(part, &held.tags, |first| {
            let thin = blocks.get_mut(first / BLOCK_ROWS).map(std::mem::take).ok_or(Malformed)?;
            Numbers::from_thin(thin, Head::rows_beside(count, first), TAG_FIGURES, slots)
        })
    }

    fn add_blocks(
        &mut self,
        part: &Part,
        tags: &[u8],
        block_at: impl FnMut(usize) -> Result<Numbers, Malformed>,
    ) -> Result<(), Malformed> {
        let mut values = Vec::new();
        let mut columns: [Vec<u64>; TAG_FIGURES] = Default::default();
        let chosen = &mut self.chosen;
        let list = dictionaries::tags(tags);
        let is_wanted: Vec<bool> =
            list.iter().map(|tag| chosen.contains_key(&tag.unprotected())).collect();
        for_blocks(
            part,
            tags,
            |at| is_wanted[at],
            block_at,
            |rows, block| {
                for (row, at) in rows.enumerate().filter(|(_, at)| is_wanted[*at]) {
                    let Some(series) = chosen.get_mut(&list[at].unprotected()) else { continue };
                    for (figure, column) in columns.iter_mut().enumerate() {
                        column.clear();
                        let of = extreme_of(figure);
                        block.values(row, figure, of, &mut values)?;
                        column.extend(part.groups.iter().map(|group| match of {
                            Extreme::Greatest => group.last(&values),
                            Extreme::Least => group.least(&values),
                        }));
                    }
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

/// What a chunk tells of a figure where it tells tags.
fn now_and_least(
    part: &Part,
    block: &Numbers,
    row: usize,
    figure: usize,
    values: &mut Vec<u64>,
) -> Result<NowAndLeast, Malformed> {
    if let Some(value) = block.constant(row, figure) {
        return Ok(NowAndLeast::of_values([value].into_iter()));
    }
    if let Some(found) = part.least_of_column(block, row, figure)? {
        return Ok(found);
    }
    block.values(row, figure, Extreme::Least, values)?;
    Ok(part.least_of_tag(values))
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

/// Calls back for blocks that hold wanted rows: with the places of their rows among all tags of the
/// chunk.
fn for_blocks(
    part: &Part,
    tags: &[u8],
    is_wanted: impl Fn(usize) -> bool,
    mut block_at: impl FnMut(usize) -> Result<Numbers, Malformed>,
    mut take: impl FnMut(Range<usize>, &Numbers) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    let count = part.head.tags;
    if count * 4 != tags.len() {
        return Err(Malformed);
    }
    for first in (0..count).step_by(BLOCK_ROWS) {
        let rows = first..first + Head::rows_beside(count, first);
        if rows.clone().any(&is_wanted) {
            take(rows, &block_at(first)?)?;
        }
    }
    Ok(())
}

/// Reads blocks of tags out of a chunk.
fn read_from<'a>(
    part: &'a Part,
    packed: &'a Packed,
) -> impl FnMut(usize) -> Result<Numbers, Malformed> + 'a {
    let blocks = Blocks { head: &part.head, bytes: &packed.encoded.blocks };
    move |first| {
        let beside = Head::rows_beside(part.head.tags, first);
        let block = blocks.bytes(BlockOf::Tag(first))?;
        Numbers::read(block, beside, TAG_FIGURES, part.head.slots.len())
    }
}
