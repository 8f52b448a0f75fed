//! The processes of one host by columns, their names kept once for the fleet.

use jiff::Timestamp;
use poolwatch_model::process::{ProcessKey, ProcessUse};
use poolwatch_protocol::v1::{
    Malformed,
    parts::{Base, CounterTable, Delta, Moved},
};

use super::{
    column::Column,
    interner::{HostNames, NameId, StringInterner},
};

/// Counters of a process, in the order of the wire: handles, threads, paged quota, nonpaged quota,
/// private bytes.
const COUNTERS: usize = 5;
/// How many of them count something; the others are bytes.
const COUNTS: usize = 2;
/// Processes of a host whose names are kept. A terminal server has some thousand.
const NAMED: u32 = 16_384;
/// Stands between the names of a process's services, which none of them holds.
const SEPARATOR: char = '\0';

/// The latest processes of one host, sorted by key.
#[derive(Debug, Default)]
pub struct HostProcesses {
    pids: Vec<u32>,
    /// 100 ns since 1970, or [`UNKNOWN`].
    created: Vec<i64>,
    images: Vec<NameId>,
    sessions: Column<u8>,
    /// Row and services of the processes that hold any, by row.
    services: Vec<(u32, NameId)>,
    /// Bit i set: counter i is known; then the session.
    known: Vec<u8>,
    /// Handles and threads.
    counts: [Column<u16>; COUNTS],
    /// Quotas and private bytes.
    bytes: [Column; COUNTERS - COUNTS],
}

/// A creation time that is not known: before all others.
const UNKNOWN: i64 = i64::MIN;
/// The bit of `known` for the session.
const SESSION: u8 = 1 << COUNTERS;

/// A process in short.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProcessCell {
    /// Process id.
    pub pid: u32,
    /// Its image's name.
    pub image: NameId,
    /// Open handles.
    pub handles: Option<u32>,
    /// Threads.
    pub threads: Option<u32>,
}

impl HostProcesses {
    /// The columns of processes that are sorted by key.
    #[must_use]
    pub fn new(processes: &[ProcessUse], names: &mut HostNames<'_>) -> Self {
        let mut new = Self::with_capacity(processes.len());
        for process in processes {
            new.push(process, names);
        }
        new
    }

    /// Whether a delta can be applied: no added process is one that stays.
    ///
    /// # Errors
    /// When one is.
    pub fn check(&self, delta: &Delta<'_, ProcessUse>) -> Result<(), Malformed> {
        let twice = |new: &ProcessUse| {
            let key = (new.key.pid, from_time(new.key.created));
            let at = self.pids.partition_point(|pid| *pid < new.key.pid);
            (at..self.pids.len())
                .take_while(|row| self.pids[*row] == key.0)
                .any(|row| self.created[row] == key.1 && delta.keeps(row))
        };
        if delta.added.iter().any(twice) { Err(Malformed) } else { Ok(()) }
    }

    /// Applies a delta that was read against these columns and checked.
    pub fn apply(&mut self, delta: &Delta<'_, ProcessUse>, names: &mut HostNames<'_>) {
        delta.move_counters(self);
        if !delta.is_of_counters() {
            self.merge(&delta.gone, &delta.added, names);
        }
    }

    /// Every process in short, by key.
    pub fn cells(&self) -> impl Iterator<Item = ProcessCell> + '_ {
        (0..self.pids.len()).map(|row| ProcessCell {
            pid: self.pids[row],
            image: self.images[row],
            handles: self.known(row, 0).then(|| self.counts[0].get(row) as u32),
            threads: self.known(row, 1).then(|| self.counts[1].get(row) as u32),
        })
    }

    /// The images of processes that hold services, with these services' joined names, see
    /// [`split`].
    pub fn services(&self) -> impl Iterator<Item = (NameId, NameId)> + '_ {
        self.services.iter().map(|(row, services)| (self.images[*row as usize], *services))
    }

    /// The processes again.
    #[must_use]
    pub fn list(&self, names: &StringInterner) -> Vec<ProcessUse> {
        (0..self.pids.len()).map(|row| self.process(row, names)).collect()
    }

    /// The numbers of all names that it holds.
    pub fn names(&self) -> impl Iterator<Item = NameId> + '_ {
        self.images.iter().copied().chain(self.services.iter().map(|(_, name)| *name))
    }

    /// Bytes that it takes on the heap.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        let counts: usize = self.counts.iter().map(Column::heap_bytes).sum();
        let bytes: usize = self.bytes.iter().map(Column::heap_bytes).sum();
        let rows = self.pids.capacity() + self.images.capacity();
        let others = self.created.capacity() * 8 + self.known.capacity();
        let sessions = self.sessions.heap_bytes();
        rows * 4 + others + self.services.capacity() * 8 + sessions + counts + bytes
    }

    fn with_capacity(count: usize) -> Self {
        Self {
            pids: Vec::with_capacity(count),
            created: Vec::with_capacity(count),
            images: Vec::with_capacity(count),
            sessions: Column::with_capacity(count),
            services: Vec::new(),
            known: Vec::with_capacity(count),
            counts: std::array::from_fn(|_| Column::with_capacity(count)),
            bytes: std::array::from_fn(|_| Column::with_capacity(count)),
        }
    }

    fn push(&mut self, process: &ProcessUse, names: &mut HostNames<'_>) {
        let row = self.pids.len() as u32;
        let mut id = |name: &str| match row < NAMED {
            true => names.id(name),
            false => names.overflow(),
        };
        self.pids.push(process.key.pid);
        self.created.push(from_time(process.key.created));
        self.images.push(id(&process.image));
        self.sessions.push(process.session.unwrap_or_default().into());
        if !process.services.is_empty() {
            self.services.push((row, id(&joined(&process.services))));
        }
        let mut known = if process.session.is_some() { SESSION } else { 0 };
        let counts = [process.handles, process.threads];
        for (at, (column, value)) in self.counts.iter_mut().zip(counts).enumerate() {
            known |= u8::from(value.is_some()) << at;
            column.push(value.unwrap_or_default().into());
        }
        let bytes = [process.paged_quota, process.nonpaged_quota, process.private_bytes];
        for (at, (column, value)) in (COUNTS..).zip(self.bytes.iter_mut().zip(bytes)) {
            known |= u8::from(value.is_some()) << at;
            column.push(value.unwrap_or_default());
        }
        self.known.push(known);
    }

    fn push_from(&mut self, other: &Self, row: usize) {
        let new_row = self.pids.len() as u32;
        self.pids.push(other.pids[row]);
        self.created.push(other.created[row]);
        self.images.push(other.images[row]);
        self.sessions.push(other.sessions.get(row));
        self.services.extend(other.services_of(row).map(|name| (new_row, name)));
        self.known.push(other.known[row]);
        for (column, from) in self.counts.iter_mut().zip(&other.counts) {
            column.push(from.get(row));
        }
        for (column, from) in self.bytes.iter_mut().zip(&other.bytes) {
            column.push(from.get(row));
        }
    }

    /// Takes rows out and puts others in; both are sorted.
    fn merge(&mut self, gone: &[u32], added: &[ProcessUse], names: &mut HostNames<'_>) {
        let count = self.pids.len() - gone.len() + added.len();
        let old = std::mem::replace(self, Self::with_capacity(count));
        let mut added = added.iter().peekable();
        let mut gone = gone.iter().peekable();
        for row in 0..old.pids.len() {
            let key = (old.pids[row], old.created[row]);
            let is_before = |new: &&ProcessUse| (new.key.pid, from_time(new.key.created)) < key;
            while let Some(new) = added.next_if(is_before) {
                self.push(new, names);
            }
            if gone.next_if_eq(&&(row as u32)).is_none() {
                self.push_from(&old, row);
            }
        }
        for new in added {
            self.push(new, names);
        }
    }

    fn process(&self, row: usize, names: &StringInterner) -> ProcessUse {
        let large = |at: usize| self.known(row, at).then(|| self.counter(row, at));
        let small = |at: usize| large(at).map(|value| value as u32);
        let created = (self.created[row] != UNKNOWN).then(|| to_time(self.created[row])).flatten();
        let services = self.services_of(row).map(|id| names.get(id));
        ProcessUse {
            key: ProcessKey { pid: self.pids[row], created },
            image: (*names.get(self.images[row])).to_owned(),
            session: (self.known[row] & SESSION != 0).then(|| self.sessions.get(row) as u32),
            services: services.map(|text| split(&text)).unwrap_or_default(),
            handles: small(0),
            threads: small(1),
            paged_quota: large(2),
            nonpaged_quota: large(3),
            private_bytes: large(4),
        }
    }

    fn services_of(&self, row: usize) -> Option<NameId> {
        let place = self.services.binary_search_by_key(&(row as u32), |(row, _)| *row).ok()?;
        Some(self.services[place].1)
    }

    fn known(&self, row: usize, counter: usize) -> bool {
        self.known[row] >> counter & 1 == 1
    }
}

impl Base for HostProcesses {
    fn rows(&self) -> usize {
        self.pids.len()
    }

    fn counter(&self, row: usize, counter: usize) -> u64 {
        match counter.checked_sub(COUNTS) {
            None => self.counts[counter].get(row),
            Some(of_bytes) => self.bytes[of_bytes].get(row),
        }
    }
}

impl CounterTable for HostProcesses {
    fn move_counter(&mut self, row: usize, counter: usize, moved: Moved) {
        match counter.checked_sub(COUNTS) {
            None => self.counts[counter].set(row, moved.to),
            Some(of_bytes) => self.bytes[of_bytes].set(row, moved.to),
        }
        self.known[row] |= 1 << counter;
    }
}

fn from_time(time: Option<Timestamp>) -> i64 {
    let steps = time.map(|time| time.as_nanosecond().div_euclid(100));
    steps.and_then(|steps| i64::try_from(steps).ok()).unwrap_or(UNKNOWN)
}

fn to_time(steps: i64) -> Option<Timestamp> {
    Timestamp::from_nanosecond(i128::from(steps) * 100).ok()
}

fn joined(services: &[String]) -> String {
    let mut text = String::new();
    for service in services {
        text.extend(service.chars().map(|letter| match letter {
            SEPARATOR => char::REPLACEMENT_CHARACTER,
            other => other,
        }));
        text.push(SEPARATOR);
    }
    text
}

/// The names of a process's services.
pub(super) fn split(text: &str) -> Vec<String> {
    text.split_terminator(SEPARATOR).map(str::to_owned).collect()
}
