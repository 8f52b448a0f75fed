//! Rows of figures under construction: what was seen in the open slot, and the slots before.

use std::cmp::Ordering;

use poolwatch_model::{PoolTag, process::ProcessUse};

use super::super::{Column, ProcessName, Stat, Table};

/// Rows times slots at most: bounds the memory that one host takes.
const MAX_CELLS: usize = 1 << 17;

/// One value of one figure.
#[derive(Debug, Clone, Copy)]
pub(super) enum Sample {
    /// Not known.
    None,
    /// To be summed up.
    Value(u64),
    /// A counter, of which the last value of a slot counts.
    Last(u64),
    /// A part of what is told of the slot as a whole.
    Sum(u64),
}

impl Sample {
    pub(super) fn of(value: Option<u64>) -> Self {
        value.map_or(Self::None, Self::Value)
    }

    pub(super) fn last(value: Option<u64>) -> Self {
        value.map_or(Self::None, Self::Last)
    }
}

/// How a row of a snapshot names the row that is built.
pub(super) trait Key<K> {
    fn compare(&self, key: &K) -> Ordering;
    fn make(&self) -> K;
    /// Takes over what may change about a row's name.
    fn renew(&self, _key: &mut K) {}
}

impl Key<()> for () {
    fn compare(&self, _key: &()) -> Ordering {
        Ordering::Equal
    }

    fn make(&self) {}
}

impl Key<Self> for PoolTag {
    fn compare(&self, key: &Self) -> Ordering {
        self.cmp(key)
    }

    fn make(&self) -> Self {
        *self
    }
}

impl Key<String> for &str {
    fn compare(&self, key: &String) -> Ordering {
        (**self).cmp(key)
    }

    fn make(&self) -> String {
        (*self).to_owned()
    }
}

impl Key<ProcessName> for &ProcessUse {
    fn compare(&self, key: &ProcessName) -> Ordering {
        self.key.cmp(&key.key)
    }

    fn make(&self) -> ProcessName {
        ProcessName { key: self.key, image: self.image.clone(), services: self.services.clone() }
    }

    fn renew(&self, name: &mut ProcessName) {
        if name.image != self.image {
            name.image.clone_from(&self.image);
        }
        if name.services != self.services {
            name.services.clone_from(&self.services);
        }
    }
}

/// What was seen of a figure in the open slot.
#[derive(Debug, Clone, Copy)]
struct Seen {
    min: u64,
    max: u64,
    sum: u128,
    count: u32,
    /// Whether its value tells of the slot, however many snapshots told it.
    is_whole: bool,
}

impl Seen {
    const NOTHING: Self = Self { min: u64::MAX, max: 0, sum: 0, count: 0, is_whole: false };

    fn whole(value: u64) -> Self {
        Self { min: value, max: value, sum: value.into(), count: 1, is_whole: true }
    }

    fn add(&mut self, sample: Sample) {
        match sample {
            Sample::None => {}
            Sample::Value(value) => {
                self.min = self.min.min(value);
                self.max = self.max.max(value);
                self.sum += u128::from(value);
                self.count += 1;
            }
            Sample::Last(value) => *self = Self::whole(value),
            Sample::Sum(value) => *self = Self::whole(self.max.saturating_add(value)),
        }
    }

    /// The figure in the slot. `of` snapshots looked for it: it was 0 where it was not listed.
    fn close(self, of: Option<u32>) -> Option<Stat> {
        let of = of.unwrap_or(0);
        if self.count == 0 {
            return (of > 0).then_some(Stat::constant(0));
        }
        let mean = |count: u32| u64::try_from(self.sum / u128::from(count)).unwrap_or(u64::MAX);
        Some(if of > self.count && !self.is_whole {
            Stat { min: 0, mean: mean(of), max: self.max }
        } else {
            Stat { min: self.min, mean: mean(self.count), max: self.max }
        })
    }
}

/// Rows with `M` figures each, sorted by key.
#[derive(Debug)]
pub(super) struct Rows<K, const M: usize> {
    keys: Vec<K>,
    open: Vec<[Seen; M]>,
    closed: Vec<Vec<[Option<Stat>; M]>>,
    /// What a row without entry was in each closed slot.
    missing: Vec<Option<Stat>>,
    most: usize,
}

impl<K: Ord, const M: usize> Rows<K, M> {
    /// No rows yet, and never more than `most`.
    pub(super) fn new(most: usize) -> Self {
        Self { keys: Vec::new(), open: Vec::new(), closed: Vec::new(), missing: Vec::new(), most }
    }

    /// Adds the rows of a snapshot, sorted by key. Returns false when some found no room.
    pub(super) fn add<N: Key<K>>(&mut self, rows: impl Iterator<Item = (N, [Sample; M])>) -> bool {
        let room = self.room().saturating_sub(self.keys.len());
        // Rows that are new, each with the place it goes to.
        let mut new: Vec<(usize, K, [Seen; M])> = Vec::new();
        let mut all_fit = true;
        let mut at = 0;
        for (name, samples) in rows {
            while self.keys.get(at).is_some_and(|key| name.compare(key) == Ordering::Greater) {
                at += 1;
            }
            let seen = match self.keys.get_mut(at) {
                Some(key) if name.compare(key) == Ordering::Equal => {
                    name.renew(key);
                    &mut self.open[at]
                }
                _ if new.len() == room => {
                    all_fit = false;
                    continue;
                }
                _ => {
                    new.push((at, name.make(), [Seen::NOTHING; M]));
                    let last = new.len() - 1;
                    &mut new[last].2
                }
            };
            for (seen, sample) in seen.iter_mut().zip(samples) {
                seen.add(sample);
            }
        }
        if !new.is_empty() {
            self.insert(new);
        }
        all_fit
    }

    /// Whether another slot may be opened.
    pub(super) fn has_room_for_slot(&self) -> bool {
        self.keys.len() <= self.room()
    }

    /// Rows that there may be with one more slot.
    fn room(&self) -> usize {
        self.most.min(MAX_CELLS / (self.missing.len() + 1))
    }

    fn insert(&mut self, new: Vec<(usize, K, [Seen; M])>) {
        let count = self.keys.len() + new.len();
        let old_keys = std::mem::replace(&mut self.keys, Vec::with_capacity(count));
        let old_open = std::mem::replace(&mut self.open, Vec::with_capacity(count));
        let old_closed = std::mem::replace(&mut self.closed, Vec::with_capacity(count));
        let before: Vec<[Option<Stat>; M]> = self.missing.iter().map(|stat| [*stat; M]).collect();
        let mut new = new.into_iter().peekable();
        let old = old_keys.into_iter().zip(old_open).zip(old_closed);
        for (place, ((key, open), closed)) in old.enumerate() {
            while let Some((_, key, seen)) = new.next_if(|(at, ..)| *at <= place) {
                self.push(key, seen, before.clone());
            }
            self.push(key, open, closed);
        }
        for (_, key, seen) in new {
            self.push(key, seen, before.clone());
        }
    }

    fn push(&mut self, key: K, open: [Seen; M], closed: Vec<[Option<Stat>; M]>) {
        self.keys.push(key);
        self.open.push(open);
        self.closed.push(closed);
    }

    /// Ends a slot. With `of`, so many snapshots listed everything that is not 0.
    pub(super) fn close(&mut self, of: Option<u32>) {
        for (seen, closed) in self.open.iter_mut().zip(&mut self.closed) {
            let listed = seen.iter().any(|seen| seen.count > 0);
            // A figure that a listed row lacks is unknown, not 0.
            let figure = |seen: Seen| (seen.count > 0 || !listed).then(|| seen.close(of)).flatten();
            closed.push(seen.map(figure));
            *seen = [Seen::NOTHING; M];
        }
        self.missing.push(of.filter(|of| *of > 0).map(|_| Stat::constant(0)));
    }

    /// The table, with the slots in this order.
    pub(super) fn finish(self, order: &[usize]) -> Table<K> {
        let columns = |slots: Vec<[Option<Stat>; M]>| {
            (0..M)
                .map(|figure| Column::new(order.iter().map(|at| slots[*at][figure]).collect()))
                .collect()
        };
        Table { keys: self.keys, rows: self.closed.into_iter().map(columns).collect() }
    }
}
