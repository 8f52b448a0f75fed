//! What all hosts together use, by tag and pool: kept up by the differences that uploads make, so
//! that a tag that does not change costs nothing.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use poolwatch_model::{Pool, PoolTag};

use super::{
    baselines::WINDOWS, quantile_sketch::QuantileSketch, rounded::Rounded, tag_texts::TagTexts,
};

/// Growth of a tag on one host below this is none.
pub const NOTABLE_BYTES: i64 = 10 << 20;

/// Numbers that one host may hold alone. A Windows with everything on it has some thousand tags, and
/// shares them with others.
const ALONE: usize = 4096;
/// It may hold no more of what is left than one part of so many, so that others find some for ever.
const SHARE_OF_LEFT: usize = 8;

/// A tag's number over the fleet. Numbers are used again when no host has the tag any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(u16);

impl TagId {
    /// The number of tags that are not counted: a host has more that no other has than it may, or
    /// there are more tags than numbers.
    pub const UNCOUNTED: Self = Self(u16::MAX);

    /// Its number; `None` when it is not counted.
    #[must_use]
    pub fn index(self) -> Option<usize> {
        (self != Self::UNCOUNTED).then_some(self.0.into())
    }
}

/// One tag's bytes on one host, with those of earlier moments.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct TagAmount {
    bytes: u64,
    then: [Rounded; WINDOWS],
}

/// What changes in the fleet when a tag changes on a host.
#[derive(Debug, Clone, Copy)]
pub struct TotalsDelta {
    id: TagId,
    pool: Pool,
    from: TagAmount,
    to: TagAmount,
    gives_back: bool,
}

impl TotalsDelta {
    /// Nothing yet, of this tag and pool.
    #[must_use]
    pub fn of(id: TagId, pool: Pool) -> Self {
        Self { id, pool, from: TagAmount::default(), to: TagAmount::default(), gives_back: false }
    }

    /// What the host had.
    #[must_use]
    pub fn from(self, bytes: u64, then: [Rounded; WINDOWS]) -> Self {
        Self { from: TagAmount { bytes, then }, ..self }
    }

    /// What the host has.
    #[must_use]
    pub fn to(self, bytes: u64, then: [Rounded; WINDOWS]) -> Self {
        Self { to: TagAmount { bytes, then }, ..self }
    }

    /// Whether it changes anything.
    #[must_use]
    pub fn changes(&self) -> bool {
        self.from != self.to
    }

    /// The host has the tag no more: the last shift of it.
    #[must_use]
    pub fn give_back(id: TagId) -> Self {
        Self { gives_back: true, ..Self::of(id, Pool::Paged) }
    }
}

/// One tag's use of one pool over all hosts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Total {
    /// Hosts on which it uses anything.
    pub hosts: u32,
    /// Bytes, all hosts together.
    pub sum: u64,
    /// How they are spread over hosts.
    pub spread: QuantileSketch,
    /// Growth over each window.
    pub growth: [GrowthTotal; WINDOWS],
}

/// Growth of one tag over all hosts of which an earlier moment is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct GrowthTotal {
    /// Those hosts.
    pub hosts: u32,
    /// Bytes more, or less, all of them together.
    pub bytes: i64,
    /// Hosts on which it grew by [`NOTABLE_BYTES`] or more.
    pub grown_hosts: u32,
    /// Bytes more on those hosts.
    pub grown_bytes: i64,
}

impl Total {
    pub(super) fn shift(&mut self, shift: &TotalsDelta) {
        let (from, to) = (&shift.from, &shift.to);
        self.hosts = self.hosts + u32::from(to.bytes > 0) - u32::from(from.bytes > 0);
        self.sum = self.sum.wrapping_add(to.bytes).wrapping_sub(from.bytes);
        self.spread.shift(from.bytes, to.bytes);
        for (window, growth) in self.growth.iter_mut().enumerate() {
            growth.count(from.then[window].growth_to(from.bytes), false);
            growth.count(to.then[window].growth_to(to.bytes), true);
        }
    }

    fn is_empty(&self) -> bool {
        self.hosts == 0 && self.growth.iter().all(|growth| growth.hosts == 0)
    }
}

impl GrowthTotal {
    fn count(&mut self, growth: Option<i64>, comes: bool) {
        let Some(bytes) = growth else { return };
        let notable = bytes >= NOTABLE_BYTES;
        if comes {
            self.hosts += 1;
            self.bytes = self.bytes.wrapping_add(bytes);
            self.grown_hosts += u32::from(notable);
            self.grown_bytes = self.grown_bytes.wrapping_add(if notable { bytes } else { 0 });
        } else {
            self.hosts -= 1;
            self.bytes = self.bytes.wrapping_sub(bytes);
            self.grown_hosts -= u32::from(notable);
            self.grown_bytes = self.grown_bytes.wrapping_sub(if notable { bytes } else { 0 });
        }
    }
}

/// Every tag of the fleet. Its lock is held for the differences of one upload, some microseconds,
/// never while anything is decoded or waited for.
#[derive(Debug, Default)]
pub struct Totals {
    texts: Arc<TagTexts>,
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    ids: HashMap<PoolTag, u16>,
    rows: Vec<TagRow>,
    /// Numbers that may be given out.
    free: Vec<u16>,
    /// Numbers that nobody uses any more, but a sweep under way may still have in its hands.
    resting: Vec<u16>,
}

#[derive(Debug)]
struct TagRow {
    tag: PoolTag,
    /// Hosts that have it.
    holders: u32,
    /// In the order of [`Pool`].
    pools: [Total; 2],
}

impl Totals {
    /// Where hosts get numbers for their tags.
    #[must_use]
    pub fn ids(&self) -> Ids<'_> {
        Ids(self)
    }

    /// Takes in what an upload changed. Call it while the host's own lock is held.
    pub fn shift(&self, shifts: &[TotalsDelta]) {
        if shifts.is_empty() {
            return;
        }
        let mut inner = self.lock();
        for shift in shifts {
            let Some(id) = shift.id.index() else { continue };
            let row = &mut inner.rows[id];
            if shift.gives_back {
                row.holders -= 1;
                if row.holders == 0 {
                    let tag = row.tag;
                    inner.ids.remove(&tag);
                    inner.resting.push(shift.id.0);
                }
            } else {
                row.pools[shift.pool as usize].shift(shift);
            }
        }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().rows.len()
    }

    /// Whether no tag was ever seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Makes something of every tag and pool that is in use, some at a time.
    pub fn map<T>(&self, mut make: impl FnMut(TagId, PoolTag, Pool, &Total) -> T) -> Vec<T> {
        const AT_ONCE: usize = 256;
        let mut made = Vec::new();
        let mut first = 0;
        loop {
            let inner = self.lock();
            let last = inner.rows.len().min(first + AT_ONCE);
            for (id, row) in (first..last).zip(&inner.rows[first..last]) {
                for pool in Pool::ALL {
                    let total = &row.pools[pool as usize];
                    if !total.is_empty() {
                        made.push(make(TagId(id as u16), row.tag, pool, total));
                    }
                }
            }
            if last == inner.rows.len() {
                return made;
            }
            first = last;
        }
    }

    /// A sweep over all hosts begins, and none is under way: numbers that rested are free.
    pub fn begin_sweep(&self) {
        let mut inner = self.lock();
        let mut rested = std::mem::take(&mut inner.resting);
        inner.free.append(&mut rested);
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives out numbers for tags.
#[derive(Debug, Clone, Copy)]
pub struct Ids<'a>(&'a Totals);

impl Ids<'_> {
    /// The texts of all numbers.
    #[must_use]
    pub fn texts(&self) -> &Arc<TagTexts> {
        &self.0.texts
    }

    /// The numbers of tags that a host has from now on, until it gives them back; `held` are those
    /// that it has already.
    #[must_use]
    pub fn take(&self, tags: &[PoolTag], held: &[TagId]) -> Vec<TagId> {
        if tags.is_empty() {
            return Vec::new();
        }
        let mut inner = self.0.lock();
        let mut alone = None;
        let take = |tag: &PoolTag| {
            if let Some(id) = inner.take_known(*tag) {
                return id;
            }
            let alone = alone.get_or_insert_with(|| inner.held_alone(held));
            if *alone >= ALONE.min(inner.left() / SHARE_OF_LEFT) {
                return TagId::UNCOUNTED;
            }
            *alone += 1;
            let id = inner.take_new(*tag);
            id.index().into_iter().for_each(|index| self.0.texts.set(index, *tag));
            id
        };
        tags.iter().map(take).collect()
    }
}

impl Inner {
    fn take_known(&mut self, tag: PoolTag) -> Option<TagId> {
        let id = *self.ids.get(&tag)?;
        self.rows[usize::from(id)].holders += 1;
        Some(TagId(id))
    }

    /// How many of these one host holds alone.
    fn held_alone(&self, held: &[TagId]) -> usize {
        held.iter().filter_map(|id| id.index()).filter(|id| self.rows[*id].holders == 1).count()
    }

    /// Numbers that can be given out.
    fn left(&self) -> usize {
        usize::from(u16::MAX) - self.rows.len() + self.free.len()
    }

    fn take_new(&mut self, tag: PoolTag) -> TagId {
        let row = TagRow { tag, holders: 1, pools: Default::default() };
        let id = match self.free.pop() {
            Some(id) => {
                self.rows[usize::from(id)] = row;
                id
            }
            None if self.rows.len() >= usize::from(u16::MAX) => return TagId::UNCOUNTED,
            None => {
                self.rows.push(row);
                (self.rows.len() - 1) as u16
            }
        };
        self.ids.insert(tag, id);
        TagId(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(host: u8, count: u16) -> Vec<PoolTag> {
        let tag = |number: u16| {
            let [high, low] = number.to_be_bytes();
            PoolTag::new([host, high, low, b'x'])
        };
        (0..count).map(tag).collect()
    }

    fn counted(ids: &[TagId]) -> usize {
        ids.iter().filter(|id| id.index().is_some()).count()
    }

    #[test]
    fn hosts_that_take_all_they_can_leave_numbers_to_the_others() {
        let totals = Totals::default();
        let greedy: Vec<_> =
            (1..=40).map(|host| totals.ids().take(&tags(host, u16::MAX), &[])).collect();
        assert_eq!(counted(&greedy[0]), ALONE);
        let own = totals.ids().take(&tags(100, 30), &[]);
        assert_eq!(counted(&own), 30, "a driver that is new on an honest host");
        assert_eq!(totals.ids().take(&tags(100, 30), &[]), own, "the next host shares them");
    }

    #[test]
    fn a_host_gets_no_more_by_asking_often_and_gives_back_what_it_has_no_more() {
        let totals = Totals::default();
        let first = totals.ids().take(&tags(1, 4000), &[]);
        let second = totals.ids().take(&tags(2, 4000), &first);
        assert_eq!((counted(&first), counted(&second)), (4000, ALONE - 4000));
        let gone: Vec<TotalsDelta> = first.iter().map(|id| TotalsDelta::give_back(*id)).collect();
        totals.shift(&gone);
        totals.begin_sweep();
        assert_eq!(counted(&totals.ids().take(&tags(3, 4000), &second)), 4000);
    }
}
