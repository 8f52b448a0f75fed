//! Where the numbers of facts stand: file and line of each.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::TagCounters;
use poolwatch_model::{Pool, PoolTag, Snapshot};

/// A line of a file.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Source {
    /// The name of the file, as it was given.
    pub file: Arc<str>,
    /// The line, from 1.
    pub line: u32,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.file, self.line)
    }
}

/// What numbers are about. All numbers of one fact stand on one line.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fact {
    /// A system-wide figure, by the name of its field in [`Memory`].
    Memory(&'static str),
    /// What a tag uses of a pool.
    Tag(PoolTag, Pool),
    /// A process with its id and image; the id is 0 where none is told.
    Process(u32, String),
    /// The event at this place of [`crate::CombinedEvidence::events`].
    Event(usize),
    /// The event at this place of [`crate::CombinedEvidence::undated_events`].
    UndatedEvent(usize),
    /// The table at this place of [`crate::CombinedEvidence::growths`], and one of its tags.
    Growth(usize, PoolTag),
    /// The tag at this place of [`crate::CombinedEvidence::unplaced`].
    Unplaced(usize),
    /// What is said at this place of [`crate::CombinedEvidence::told`].
    Told(usize),
    /// The summary at this place of [`crate::CombinedEvidence::handles`].
    Handles(usize),
    /// The driver at this place of [`crate::CombinedEvidence::verified`].
    Driver(usize),
    /// The count at this place of [`crate::CombinedEvidence::ended`].
    Ended(usize),
}

impl Fact {
    /// The fact that a process's row is.
    #[must_use]
    pub fn of_process(process: &ProcessUse) -> Self {
        Self::Process(process.key.pid, process.image.clone())
    }
}

/// Facts with their places.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources(BTreeMap<Fact, Source>);

impl Sources {
    /// Where the numbers of a fact stand.
    #[must_use]
    pub fn get(&self, fact: &Fact) -> Option<&Source> {
        self.0.get(fact)
    }

    /// All facts and their places.
    pub fn iter(&self) -> impl Iterator<Item = (&Fact, &Source)> {
        self.0.iter()
    }

    pub(crate) fn insert(&mut self, fact: Fact, source: Source) {
        self.0.entry(fact).or_insert(source);
    }

    /// The places of what a snapshot holds that is one record of a file.
    pub(crate) fn of_record(snapshot: &Snapshot, place: &Source) -> Self {
        Self(facts(snapshot).into_iter().map(|(fact, _)| (fact, place.clone())).collect())
    }

    /// The places of what a snapshot holds, each where the same numbers are `told` first. Which
    /// tool is believed is not asked again here.
    pub(crate) fn of_snapshot(snapshot: &Snapshot, told: &[(Fact, Numbers, Source)]) -> Self {
        let mut by_fact: BTreeMap<&Fact, Vec<(&Numbers, &Source)>> = BTreeMap::new();
        for (fact, numbers, source) in told {
            by_fact.entry(fact).or_default().push((numbers, source));
        }
        // Of a fact that is told twice the first stands.
        let facts = facts(snapshot).into_iter().rev();
        let placed = facts.filter_map(|(fact, numbers)| {
            let places = by_fact.get(&fact)?;
            let same = places.iter().find(|(told, _)| **told == numbers).or(places.first());
            Some((fact, same?.1.clone()))
        });
        Self(placed.collect())
    }
}

/// The numbers of a fact; those that are not told are 0.
pub(crate) type Numbers = [u64; 2];

/// The facts of a snapshot, with their numbers.
pub(crate) fn facts(snapshot: &Snapshot) -> Vec<(Fact, Numbers)> {
    let mut facts = of_memory(&snapshot.memory);
    let tags = snapshot.tags.iter().flat_map(|table| &table.rows);
    facts.extend(tags.flat_map(|row| {
        let used = Pool::ALL.into_iter().filter(|pool| !row.of(*pool).is_empty());
        used.map(|pool| (Fact::Tag(row.tag, pool), of_counters(row.of(pool))))
    }));
    facts.extend(snapshot.processes.iter().flatten().map(of_process));
    facts
}

fn of_memory(memory: &Memory) -> Vec<(Fact, Numbers)> {
    let bytes = [
        ("paged", memory.paged),
        ("nonpaged", memory.nonpaged),
        ("paged_limit", memory.paged_limit),
        ("nonpaged_limit", memory.nonpaged_limit),
        ("paged_resident", memory.paged_resident),
        ("physical", memory.physical),
        ("available", memory.available),
        ("resident_available", memory.resident_available),
        ("committed", memory.committed),
        ("commit_limit", memory.commit_limit),
        ("commit_peak", memory.commit_peak),
    ];
    let counts = [
        ("free_system_ptes", memory.free_system_ptes),
        ("handles", memory.handles),
        ("threads", memory.threads),
        ("processes", memory.processes),
    ];
    let bytes = bytes.into_iter().map(|(name, told)| (name, told.map(|bytes| bytes.0)));
    let told = bytes.chain(counts).filter_map(|(name, told)| Some((name, told?)));
    told.map(|(name, number)| (Fact::Memory(name), [number, 0])).collect()
}

fn of_counters(counters: &TagCounters) -> Numbers {
    [counters.bytes, counters.outstanding]
}

fn of_process(process: &ProcessUse) -> (Fact, Numbers) {
    let handles = process.handles.map_or(0, u64::from);
    (Fact::of_process(process), [handles, process.private_bytes.unwrap_or(0)])
}
