//! What all hosts together use, by tag and pool: kept up by the differences that uploads make, so
//! that a tag that does not change costs nothing.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use poolwatch_model::{Pool, PoolTag};

use super::{baselines::WINDOWS, quantile_sketch::QuantileSketch, rounded::Rounded};

/// Growth of a tag on one host below this is none.
pub const NOTABLE_BYTES: i64 = 10 << 20;

/// A tag's number over the fleet. Numbers are used again when no host has the tag any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TagId(u16);

impl TagId {
    /// The number of tags that are not counted: there are more tags than numbers, which no fleet
    /// of Windows machines has.
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
pub struct Totals(Mutex<Inner>);

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
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives out numbers for tags.
#[derive(Debug, Clone, Copy)]
pub struct Ids<'a>(&'a Totals);

impl Ids<'_> {
    /// The numbers of tags that a host has from now on, until it gives them back.
    #[must_use]
    pub fn take(&self, tags: &[PoolTag]) -> Vec<TagId> {
        if tags.is_empty() {
            return Vec::new();
        }
        let mut inner = self.0.lock();
        tags.iter().map(|tag| inner.take(*tag)).collect()
    }
}

impl Inner {
    fn take(&mut self, tag: PoolTag) -> TagId {
        if let Some(id) = self.ids.get(&tag) {
            self.rows[usize::from(*id)].holders += 1;
            return TagId(*id);
        }
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
