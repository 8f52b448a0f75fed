//! The pool tags of one host by columns: what a delta changes is changed in place.

use std::{cmp::Ordering, sync::Arc};

use poolwatch_model::{
    Pool, PoolTag,
    tag::{AllocCounting, TagCounters, TagTable, TagUse},
};
use poolwatch_protocol::v1::{
    Malformed,
    parts::{Base, Change, CounterTable, Delta, Moved},
};

use super::{
    baselines::{Baseline, BytesThen, WINDOWS},
    column::Column,
    earlier_bytes::EarlierBytes,
    rank_bitmap::RankBitmap,
    rounded::Rounded,
    tag_texts::TagTexts,
    totals::{Ids, TagId, TotalsDelta},
};

/// The latest tags of one host.
#[derive(Debug)]
pub struct HostTags {
    counting: AllocCounting,
    complete: bool,
    texts: Arc<TagTexts>,
    /// Each tag's number over the fleet, sorted by tag.
    ids: Vec<TagId>,
    /// Row and text of the tags that have none.
    uncounted: Vec<(u32, PoolTag)>,
    /// In the order of [`Pool`]: paged, nonpaged.
    pools: [PoolCells; 2],
    /// From which earlier moments growth is reckoned.
    earlier: [Option<Baseline>; WINDOWS],
}

/// The tags that use one pool: one cell per tag, in the order of the tags.
#[derive(Debug, Default)]
struct PoolCells {
    places: RankBitmap,
    allocs: Column,
    outstanding: Column<u16>,
    bytes: Column,
    /// The bytes at earlier moments, where these are known.
    then: [Option<EarlierBytes>; WINDOWS],
}

/// One tag's use of one pool on a host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TagCell {
    /// The tag.
    pub tag: PoolTag,
    /// The tag's number over the fleet.
    pub id: TagId,
    /// Which pool.
    pub pool: Pool,
    /// What it uses.
    pub counters: TagCounters,
    /// Its bytes at earlier moments.
    pub then: [Rounded; WINDOWS],
}

/// A row of the table to be, and where its cells come from.
struct NewRow {
    tag: PoolTag,
    /// Its row in the table before.
    old: Option<usize>,
    /// What it uses; taken from the table before where `None`.
    now: Option<TagUse>,
}

const POOLS: [Pool; 2] = [Pool::Paged, Pool::Nonpaged];

impl HostTags {
    /// The columns of a table. Its tags count in the fleet from now on.
    #[must_use]
    pub fn new(table: &TagTable, ids: &Ids<'_>, shifts: &mut Vec<TotalsDelta>) -> Self {
        let mut new = Self {
            counting: table.counting,
            complete: table.complete,
            texts: ids.texts().clone(),
            ids: Vec::new(),
            uncounted: Vec::new(),
            pools: Default::default(),
            earlier: Default::default(),
        };
        new.replace(table, ids, shifts);
        new
    }

    /// Makes a full table the latest. Earlier moments stay known for the tags that stay.
    pub fn replace(&mut self, table: &TagTable, ids: &Ids<'_>, shifts: &mut Vec<TotalsDelta>) {
        self.counting = table.counting;
        self.complete = table.complete;
        let rows = table.rows.iter().map(|row| NewRow {
            tag: row.tag,
            old: self.row_of(row.tag),
            now: Some(*row),
        });
        let rows: Vec<NewRow> = rows.collect();
        self.rebuild(&rows, ids, shifts);
    }

    /// Whether a delta can be applied: no added tag is one that stays.
    ///
    /// # Errors
    /// When one is.
    pub fn check(&self, delta: &Delta<'_, TagUse>) -> Result<(), Malformed> {
        let twice = |new: &TagUse| self.row_of(new.tag).is_some_and(|row| delta.keeps(row));
        if delta.added.iter().any(twice) { Err(Malformed) } else { Ok(()) }
    }

    /// Applies a delta that was read against these columns and checked.
    pub fn apply(
        &mut self,
        delta: &Delta<'_, TagUse>,
        ids: &Ids<'_>,
        shifts: &mut Vec<TotalsDelta>,
    ) {
        let mut moving = MovingTags { tags: self, shifts, begun: Vec::new() };
        delta.move_counters(&mut moving);
        let begun = moving.begun;
        if begun.is_empty() && delta.is_of_counters() {
            return;
        }
        let mut rows: Vec<NewRow> = (0..self.len())
            .map(|row| NewRow { tag: self.tag(row), old: Some(row), now: None })
            .collect();
        for change in begun {
            let row = change.row as usize;
            let now = rows[row].now.get_or_insert_with(|| self.row(row));
            let pool = POOLS[usize::from(change.counter) / 3];
            let of = now.of_mut(pool);
            *[&mut of.allocs, &mut of.outstanding, &mut of.bytes]
                [usize::from(change.counter) % 3] = change.value;
        }
        let mut at = 0;
        rows.retain(|_| {
            at += 1;
            delta.keeps(at - 1)
        });
        if !delta.added.is_empty() {
            rows.extend(delta.added.iter().map(|row| NewRow {
                tag: row.tag,
                old: self.row_of(row.tag),
                now: Some(*row),
            }));
            rows.sort_by_key(|row| row.tag);
        }
        self.rebuild(&rows, ids, shifts);
    }

    /// Takes the host's tags out of the fleet.
    pub fn remove(mut self, ids: &Ids<'_>, shifts: &mut Vec<TotalsDelta>) {
        self.rebuild(&[], ids, shifts);
    }

    /// Sets from which earlier moment growth over a window is reckoned; `None` forgets it.
    pub fn set_earlier(
        &mut self,
        window: usize,
        earlier: Option<(Baseline, BytesThen<'_>)>,
        shifts: &mut Vec<TotalsDelta>,
    ) {
        for pool in POOLS {
            let cells = &self.pools[pool as usize];
            let bytes_then = |row| {
                let (_, bytes) = earlier?;
                Some(bytes(self.tag(row), pool).map_or(Rounded::UNKNOWN, Rounded::of))
            };
            let mut then = Vec::with_capacity(cells.bytes.len());
            for (place, row) in cells.places.rows().enumerate() {
                let bytes = cells.bytes.get(place);
                let from = cells.then(place, bytes);
                let mut to = from;
                to[window] = bytes_then(row).unwrap_or_default();
                if from != to {
                    let shift = TotalsDelta::of(self.ids[row], pool);
                    shifts.push(shift.from(bytes, from).to(bytes, to));
                }
                then.push(to[window]);
            }
            let cells = &mut self.pools[pool as usize];
            cells.then[window] = earlier.map(|_| EarlierBytes::new(&then, &cells.bytes));
        }
        self.earlier[window] = earlier.map(|(earlier, _)| earlier);
    }

    /// From which earlier moment growth over a window is reckoned.
    #[must_use]
    pub fn earlier(&self, window: usize) -> Option<Baseline> {
        self.earlier[window]
    }

    /// What a tag uses of a pool, with its bytes at earlier moments; `None` when nothing.
    #[must_use]
    pub fn get(&self, tag: PoolTag, pool: Pool) -> Option<TagCell> {
        self.cells_of(tag).find(|cell| cell.pool == pool)
    }

    /// What a tag uses of each pool that it uses, with its bytes at earlier moments.
    pub fn cells_of(&self, tag: PoolTag) -> impl Iterator<Item = TagCell> + '_ {
        let row = self.row_of(tag);
        POOLS.into_iter().filter_map(move |pool| {
            let place = self.pools[pool as usize].places.of(row?)?;
            Some(self.cell(row?, pool, place))
        })
    }

    /// Every tag's use of every pool that it uses: the paged ones first, each by tag.
    pub fn cells(&self) -> impl Iterator<Item = TagCell> + '_ {
        POOLS.into_iter().flat_map(move |pool| {
            let places = self.pools[pool as usize].places.rows().enumerate();
            places.map(move |(place, row)| self.cell(row, pool, place))
        })
    }

    /// The bytes of every tag of a pool, by the tag's number.
    pub fn bytes(&self, pool: Pool) -> impl Iterator<Item = (TagId, u64)> + '_ {
        let cells = &self.pools[pool as usize];
        let places = cells.places.rows().enumerate();
        places.map(|(place, row)| (self.ids[row], cells.bytes.get(place)))
    }

    /// The table again.
    #[must_use]
    pub fn table(&self) -> TagTable {
        let rows = (0..self.len()).map(|row| self.row(row)).collect();
        TagTable { counting: self.counting, complete: self.complete, rows }
    }

    /// Tags that have no number over the fleet.
    #[must_use]
    pub fn uncounted(&self) -> usize {
        self.uncounted.len()
    }

    /// How many tags it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ids.len()
    }

    /// Whether it has none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let cells: usize = self.pools.iter().map(PoolCells::heap_bytes).sum();
        self.ids.capacity() * 2 + self.uncounted.capacity() * 8 + cells
    }

    fn tag(&self, row: usize) -> PoolTag {
        let own = || self.uncounted.binary_search_by_key(&(row as u32), |(row, _)| *row);
        match self.ids[row].index() {
            Some(index) => self.texts.get(index),
            None => own().map_or(PoolTag::new([0; 4]), |place| self.uncounted[place].1),
        }
    }

    fn row_of(&self, tag: PoolTag) -> Option<usize> {
        let (mut from, mut to) = (0, self.len());
        while from < to {
            let middle = (from + to) / 2;
            match self.tag(middle).cmp(&tag) {
                Ordering::Less => from = middle + 1,
                Ordering::Equal => return Some(middle),
                Ordering::Greater => to = middle,
            }
        }
        None
    }

    fn cell(&self, row: usize, pool: Pool, place: usize) -> TagCell {
        let cells = &self.pools[pool as usize];
        let counters = cells.counters(place);
        let then = cells.then(place, counters.bytes);
        TagCell { tag: self.tag(row), id: self.ids[row], pool, counters, then }
    }

    fn row(&self, row: usize) -> TagUse {
        let [paged, nonpaged] = POOLS.map(|pool| self.counters(row, pool));
        TagUse { tag: self.tag(row), paged, nonpaged }
    }

    fn counters(&self, row: usize, pool: Pool) -> TagCounters {
        let cells = &self.pools[pool as usize];
        cells.places.of(row).map(|place| cells.counters(place)).unwrap_or_default()
    }

    /// Makes the columns anew for other rows, and tells the fleet what that changes.
    fn rebuild(&mut self, rows: &[NewRow], ids: &Ids<'_>, shifts: &mut Vec<TotalsDelta>) {
        let mut new_ids = Vec::with_capacity(rows.len());
        let mut kept = vec![false; self.len()];
        // A tag that found no number may find one now.
        let counted = |row: &NewRow| row.old.filter(|old| self.ids[*old] != TagId::UNCOUNTED);
        let unknown: Vec<PoolTag> =
            rows.iter().filter(|row| counted(row).is_none()).map(|row| row.tag).collect();
        let mut unknown_ids = ids.take(&unknown, &self.ids).into_iter();
        for row in rows {
            if let Some(old) = row.old {
                kept[old] = true;
            }
            new_ids.push(match counted(row) {
                Some(old) => self.ids[old],
                None => unknown_ids.next().unwrap_or(TagId::UNCOUNTED),
            });
        }
        let pools = POOLS.map(|pool| {
            let now = |row: &NewRow| match (row.now, row.old) {
                (Some(now), _) => *now.of(pool),
                (None, Some(old)) => self.counters(old, pool),
                (None, None) => TagCounters::default(),
            };
            let before = &self.pools[pool as usize];
            for old in before.places.rows().filter(|row| !kept[*row]) {
                let cell = self.cell(old, pool, before.places.of(old).unwrap_or_default());
                let shift = TotalsDelta::of(cell.id, pool);
                shifts.push(shift.from(cell.counters.bytes, cell.then));
            }
            let places = RankBitmap::new(rows.len(), |row| !now(&rows[row]).is_empty());
            let count = places.rows().count();
            let mut cells = PoolCells::with_capacity(count);
            let mut thens: Vec<[Rounded; WINDOWS]> = Vec::with_capacity(count);
            for (at, row) in rows.iter().enumerate() {
                let old = row.old.and_then(|old| Some((old, before.places.of(old)?)));
                let old = old.map(|(old, place)| self.cell(old, pool, place));
                let then = match old {
                    Some(old) => old.then,
                    None => std::array::from_fn(|window| self.then_of_new(window)),
                };
                let counters = now(row);
                let is_used = places.of(at).is_some();
                let shift = match old.filter(|old| old.id == new_ids[at]) {
                    Some(old) => {
                        TotalsDelta::of(new_ids[at], pool).from(old.counters.bytes, old.then)
                    }
                    None => TotalsDelta::of(new_ids[at], pool),
                };
                let shift = if is_used { shift.to(counters.bytes, then) } else { shift };
                if shift.changes() {
                    shifts.push(shift);
                }
                if is_used {
                    cells.push(counters);
                    thens.push(then);
                }
            }
            cells.places = places;
            cells.then = std::array::from_fn(|window| {
                self.earlier[window]?;
                let then: Vec<Rounded> = thens.iter().map(|then| then[window]).collect();
                Some(EarlierBytes::new(&then, &cells.bytes))
            });
            cells
        });
        let given_back = (0..self.len()).filter(|row| !kept[*row]).map(|row| self.ids[row]);
        shifts.extend(given_back.map(TotalsDelta::give_back));
        let uncounted = (0..).zip(rows).zip(&new_ids).filter(|(_, id)| **id == TagId::UNCOUNTED);
        self.uncounted = uncounted.map(|((at, row), _)| (at, row.tag)).collect();
        self.ids = new_ids;
        self.pools = pools;
    }

    /// What a tag that was not there used at an earlier moment.
    fn then_of_new(&self, window: usize) -> Rounded {
        match self.earlier[window] {
            Some(Baseline { complete: true, .. }) => Rounded::ZERO,
            _ => Rounded::UNKNOWN,
        }
    }
}

/// Counters in the order of the wire: paged allocations, outstanding, bytes, then nonpaged.
impl Base for HostTags {
    fn rows(&self) -> usize {
        self.len()
    }

    #[inline]
    fn counter(&self, row: usize, counter: usize) -> u64 {
        let cells = &self.pools[counter / 3];
        let Some(place) = cells.places.of(row) else { return 0 };
        match counter % 3 {
            0 => cells.allocs.get(place),
            1 => cells.outstanding.get(place),
            _ => cells.bytes.get(place),
        }
    }
}

/// Tags whose counters move, and what that changes in the fleet.
struct MovingTags<'a> {
    tags: &'a mut HostTags,
    shifts: &'a mut Vec<TotalsDelta>,
    /// Counters of a pool that the tag did not use before.
    begun: Vec<Change>,
}

impl Base for MovingTags<'_> {
    fn rows(&self) -> usize {
        self.tags.rows()
    }

    #[inline]
    fn counter(&self, row: usize, counter: usize) -> u64 {
        self.tags.counter(row, counter)
    }
}

impl CounterTable for MovingTags<'_> {
    #[inline]
    fn move_counter(&mut self, row: usize, counter: usize, moved: Moved) {
        let cells = &mut self.tags.pools[counter / 3];
        let Some(place) = cells.places.of(row) else {
            let (row, counter) = (row as u32, counter as u8);
            self.begun.push(Change { row, counter, value: moved.to });
            return;
        };
        match counter % 3 {
            0 => cells.allocs.set(place, moved.to),
            1 => cells.outstanding.set(place, moved.to),
            _ => {
                let then = cells.then(place, moved.from);
                let shift = TotalsDelta::of(self.tags.ids[row], POOLS[counter / 3]);
                self.shifts.push(shift.from(moved.from, then).to(moved.to, then));
                for (earlier, then) in cells.then.iter_mut().zip(then) {
                    let earlier = earlier.iter_mut();
                    earlier.for_each(|earlier| earlier.note_change(place, then, moved.to));
                }
                cells.bytes.set(place, moved.to);
            }
        }
    }
}

impl PoolCells {
    fn with_capacity(count: usize) -> Self {
        Self {
            allocs: Column::with_capacity(count),
            outstanding: Column::with_capacity(count),
            bytes: Column::with_capacity(count),
            ..Self::default()
        }
    }

    fn push(&mut self, counters: TagCounters) {
        self.allocs.push(counters.allocs);
        self.outstanding.push(counters.outstanding);
        self.bytes.push(counters.bytes);
    }

    fn counters(&self, place: usize) -> TagCounters {
        TagCounters {
            bytes: self.bytes.get(place),
            outstanding: self.outstanding.get(place),
            allocs: self.allocs.get(place),
        }
    }

    /// The bytes at earlier moments of a cell that has so many now.
    fn then(&self, place: usize, bytes: u64) -> [Rounded; WINDOWS] {
        let then = |earlier: &EarlierBytes| earlier.get(place, bytes);
        self.then.each_ref().map(|earlier| earlier.as_ref().map(then).unwrap_or_default())
    }

    fn heap_bytes(&self) -> usize {
        let then: usize = self.then.iter().flatten().map(EarlierBytes::heap_bytes).sum();
        let columns = self.allocs.heap_bytes() + self.bytes.heap_bytes();
        self.places.heap_bytes() + columns + self.outstanding.heap_bytes() + then
    }
}
