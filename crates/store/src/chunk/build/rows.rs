//! Rows of figures under construction. What does not change costs nothing: a figure is counted when it
//! changes, for all the snapshots that told it until then.

use std::cmp::Ordering;

use poolwatch_model::{PoolTag, process::ProcessUse};

use super::super::{Column, ProcessName, Stat, Table};

/// Rows times slots at most: bounds the memory that one host takes.
const MAX_CELLS: usize = 1 << 17;
/// The place of a row that found no room.
const NO_ROOM: u32 = u32::MAX;
/// The place of a row of which nothing changed in the open slot.
const UNCHANGED: u32 = u32::MAX;

/// How a figure of a slot is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FigureKind {
    /// By its least, mean and greatest value.
    Spread,
    /// By its last value: a counter.
    Last,
    /// By the sum of what its snapshots tell.
    Sum,
}

/// The figures of a row in one snapshot; `None` where they are not known.
pub(super) type Values<const M: usize> = [Option<u64>; M];

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

impl Key<String> for &String {
    fn compare(&self, key: &String) -> Ordering {
        (**self).cmp(key)
    }

    fn make(&self) -> String {
        (*self).clone()
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
    /// Snapshots that told it.
    count: u32,
    /// Snapshots of the slot that came before it had the value that it has.
    since: u32,
}

impl Seen {
    const NOTHING: Self = Self { min: u64::MAX, max: 0, sum: 0, count: 0, since: 0 };

    /// Counts the value that the figure had until the slot's snapshot `until`.
    fn count(&mut self, figure: FigureKind, value: Option<u64>, until: u32) {
        let times = until - self.since;
        self.since = until;
        let Some(value) = value.filter(|_| times > 0) else { return };
        match figure {
            FigureKind::Spread | FigureKind::Sum => {
                self.min = self.min.min(value);
                self.max = self.max.max(value);
                self.sum += u128::from(value) * u128::from(times);
                self.count += times;
            }
            FigureKind::Last => {
                *self = Self { min: value, max: value, sum: value.into(), count: 1, ..*self };
            }
        }
    }

    /// The figure in the slot, where it is known. `of` snapshots looked for it: it was 0 where it was
    /// not listed.
    fn close(self, figure: FigureKind, of: Option<u32>) -> Option<Stat> {
        let of = of.unwrap_or(0);
        if self.count == 0 {
            return (of > 0).then_some(Stat::constant(0));
        }
        let told = u64::try_from(self.sum).unwrap_or(u64::MAX);
        Some(if figure == FigureKind::Sum {
            Stat::constant(told)
        } else if of > self.count && figure == FigureKind::Spread {
            Stat { min: 0, mean: self.mean(of), max: self.max }
        } else if self.min == self.max {
            Stat::constant(self.min)
        } else {
            Stat { min: self.min, mean: self.mean(self.count), max: self.max }
        })
    }

    fn mean(self, count: u32) -> u64 {
        match u64::try_from(self.sum) {
            Ok(sum) => sum / u64::from(count),
            Err(_) => u64::try_from(self.sum / u128::from(count)).unwrap_or(u64::MAX),
        }
    }
}

/// A slot that has ended.
#[derive(Debug, Clone, Copy)]
struct ClosedSlot {
    /// Snapshots of it that had the table.
    samples: u32,
    /// What a row was that none of them listed.
    missing: Option<Stat>,
}

/// A row under construction.
#[derive(Debug)]
struct BuiltRow<K, const M: usize> {
    key: K,
    /// As the latest snapshot told it; nothing where it was not listed.
    now: Values<M>,
    /// The slots until it changed last; in those after, it was as it is now.
    closed: Vec<[Option<Stat>; M]>,
    /// Its place among those that changed in the open slot, or [`UNCHANGED`].
    open: u32,
}

/// Rows with `M` figures each.
#[derive(Debug)]
pub(super) struct Rows<K, const M: usize> {
    figures: [FigureKind; M],
    rows: Vec<BuiltRow<K, M>>,
    /// Places of rows, sorted by key.
    order: Vec<u32>,
    /// Places of the rows of the latest table, in its order; [`NO_ROOM`] for some.
    listed: Vec<u32>,
    /// How many of these found no room.
    left_out: usize,
    /// Rows that changed in the open slot, by their place.
    open: Vec<(u32, [Seen; M])>,
    /// Snapshots of the open slot that had the table.
    samples: u32,
    slots: Vec<ClosedSlot>,
    most: usize,
}

impl<K: Ord, const M: usize> Rows<K, M> {
    /// No rows yet, and never more than `most`.
    pub(super) fn new(figures: [FigureKind; M], most: usize) -> Self {
        Self {
            figures,
            rows: Vec::new(),
            order: Vec::new(),
            listed: Vec::new(),
            left_out: 0,
            open: Vec::new(),
            samples: 0,
            slots: Vec::new(),
            most,
        }
    }

    /// Adds the table of a snapshot, sorted by key. Returns false when some rows found no room.
    pub(super) fn add<N: Key<K>>(&mut self, table: impl Iterator<Item = (N, Values<M>)>) -> bool {
        let room = self.room().saturating_sub(self.rows.len());
        let order = std::mem::take(&mut self.order);
        let before = self.rows.len();
        let mut known = order.iter().copied().peekable();
        self.listed.clear();
        self.left_out = 0;
        for (name, values) in table {
            while let Some(row) = known
                .next_if(|row| name.compare(&self.rows[*row as usize].key) == Ordering::Greater)
            {
                self.set_all(row, [None; M]);
            }
            let is_it = |row: &u32| name.compare(&self.rows[*row as usize].key) == Ordering::Equal;
            let row = match known.next_if(is_it) {
                Some(row) => {
                    name.renew(&mut self.rows[row as usize].key);
                    row
                }
                None if self.rows.len() - before == room => {
                    self.listed.push(NO_ROOM);
                    self.left_out += 1;
                    continue;
                }
                None => {
                    let (key, now, closed) = (name.make(), [None; M], Vec::new());
                    self.rows.push(BuiltRow { key, now, closed, open: UNCHANGED });
                    (self.rows.len() - 1) as u32
                }
            };
            self.set_all(row, values);
            self.listed.push(row);
        }
        for row in known {
            self.set_all(row, [None; M]);
        }
        self.order = order;
        if self.rows.len() > before {
            self.order.extend(before as u32..self.rows.len() as u32);
            let rows = &self.rows;
            self.order.sort_by(|a, b| rows[*a as usize].key.cmp(&rows[*b as usize].key));
        }
        self.samples += 1;
        self.left_out == 0
    }

    /// Adds a table that differs from the one before in nothing but these figures: each with the row's
    /// place in it. Returns false when some rows found no room.
    pub(super) fn change(&mut self, changes: impl Iterator<Item = (u32, usize, u64)>) -> bool {
        for (place, figure, value) in changes {
            match self.listed.get(place as usize) {
                Some(&row) if row != NO_ROOM => self.set(row, figure, Some(value)),
                _ => {}
            }
        }
        self.samples += 1;
        self.left_out == 0
    }

    /// Whether another slot may be opened.
    pub(super) fn has_room_for_slot(&self) -> bool {
        self.rows.len() <= self.room()
    }

    /// Rows that there may be with one more slot.
    fn room(&self) -> usize {
        self.most.min(MAX_CELLS / (self.slots.len() + 1))
    }

    fn set_all(&mut self, row: u32, values: Values<M>) {
        if self.rows[row as usize].now != values {
            for (figure, value) in values.into_iter().enumerate() {
                self.set(row, figure, value);
            }
        }
    }

    fn set(&mut self, at: u32, figure: usize, value: Option<u64>) {
        let row = &mut self.rows[at as usize];
        if row.now[figure] == value {
            return;
        }
        row.tell_until(self.figures, &self.slots);
        if self.samples > 0 {
            if row.open == UNCHANGED {
                row.open = self.open.len() as u32;
                self.open.push((at, [Seen::NOTHING; M]));
            }
            // Of a counter, nothing but its last value counts.
            if value.is_none() || self.figures[figure] != FigureKind::Last {
                let (_, seen) = &mut self.open[row.open as usize];
                seen[figure].count(self.figures[figure], row.now[figure], self.samples);
            }
        }
        row.now[figure] = value;
    }

    /// Ends a slot. With `of`, so many snapshots listed everything that is not 0.
    pub(super) fn close(&mut self, of: Option<u32>) {
        for (at, mut seen) in self.open.drain(..) {
            let row = &mut self.rows[at as usize];
            for ((seen, figure), now) in seen.iter_mut().zip(self.figures).zip(row.now) {
                seen.count(figure, now, self.samples);
            }
            let is_listed = seen.iter().any(|seen| seen.count > 0);
            row.closed.push(std::array::from_fn(|at| {
                // A figure that a listed row lacks is unknown, not 0.
                let is_told = seen[at].count > 0 || !is_listed;
                is_told.then(|| seen[at].close(self.figures[at], of)).flatten()
            }));
            row.open = UNCHANGED;
        }
        let missing = of.filter(|of| *of > 0).map(|_| Stat::constant(0));
        self.slots.push(ClosedSlot { samples: self.samples, missing });
        self.samples = 0;
    }

    /// The table, with the slots in this order.
    pub(super) fn finish(self, order: &[usize]) -> Table<K> {
        let mut rows: Vec<BuiltRow<K, M>> = self.rows;
        rows.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let columns = |row: &BuiltRow<K, M>| {
            (0..M)
                .map(|figure| {
                    Column::new(
                        order
                            .iter()
                            .map(|at| row.told(*at, (figure, self.figures[figure]), &self.slots)),
                    )
                })
                .collect()
        };
        let figures = rows.iter().map(columns).collect();
        Table { keys: rows.into_iter().map(|row| row.key).collect(), rows: figures }
    }
}

impl<K, const M: usize> BuiltRow<K, M> {
    /// A figure in a slot that has ended.
    fn told(
        &self,
        at: usize,
        (figure, kind): (usize, FigureKind),
        slots: &[ClosedSlot],
    ) -> Option<Stat> {
        let ClosedSlot { samples, missing } = slots[at];
        match self.closed.get(at) {
            Some(figures) => figures[figure],
            None if samples > 0 && self.now.iter().any(Option::is_some) => {
                let times = if kind == FigureKind::Sum { samples.into() } else { 1 };
                self.now[figure].map(|value| Stat::constant(value.saturating_mul(times)))
            }
            None => missing,
        }
    }

    /// Writes down what it was in the slots that have ended, before it changes.
    fn tell_until(&mut self, figures: [FigureKind; M], slots: &[ClosedSlot]) {
        while self.closed.len() < slots.len() {
            let at = self.closed.len();
            let told = |figure: usize| self.told(at, (figure, figures[figure]), slots);
            self.closed.push(std::array::from_fn(told));
        }
    }
}
