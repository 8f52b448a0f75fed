//! No fact without its source: every number of an answer stands in the input, or follows from numbers of
//! it by a rule that is named here; and the places that are told for it hold what it is about.

use std::path::Path;

use poolwatch_analysis::catalogue::Catalogue;
use poolwatch_detection::texts::{diagnose_texts, places_of_fact};
use poolwatch_evaluation::{
    cases::{self, Case},
    generated::generated_cases,
};
use poolwatch_evidence::{CombinedEvidence, MachineSnapshot};
use poolwatch_model::{
    Bytes, Pool, PoolTag, Snapshot,
    diagnosis::{Diagnosis, Evidence},
    memory::CeilingSource,
    process::ProcessUse,
    tag::TagCounters,
};

/// Lines of a record at most.
const RECORD_LINES: usize = 4;

/// What texts tell, to look numbers up in.
struct ToldNumbers<'a>(&'a CombinedEvidence);

impl ToldNumbers<'_> {
    fn snapshots(&self) -> impl DoubleEndedIterator<Item = &Snapshot> {
        self.0.snapshots.iter().map(|moment: &MachineSnapshot| &moment.snapshot)
    }

    fn processes(&self) -> impl Iterator<Item = &ProcessUse> {
        self.snapshots().flat_map(|snapshot| snapshot.processes.iter().flatten())
    }

    fn counters(&self, tag: PoolTag, pool: Option<Pool>) -> Vec<TagCounters> {
        let rows = self.snapshots().filter_map(|snapshot| snapshot.tags.as_ref());
        let rows = rows.flat_map(|table| &table.rows).filter(|row| row.tag.unprotected() == tag);
        let of = |pool: &Pool| pool.to_owned();
        let pools: Vec<Pool> =
            Pool::ALL.iter().map(of).filter(|one| pool.is_none_or(|p| p == *one)).collect();
        rows.flat_map(|row| pools.iter().map(|pool| *row.of(*pool)).collect::<Vec<_>>()).collect()
    }

    fn is_outstanding(&self, tag: PoolTag, pool: Option<Pool>, count: u64) -> bool {
        let of_states = self.counters(tag, pool).iter().any(|of| of.outstanding == count);
        of_states || self.is_grown(tag, count) || self.is_ended(count)
    }

    /// Objects of processes that a list shows, ended ones among them.
    fn is_ended(&self, count: u64) -> bool {
        let ended: u64 = self.0.ended.iter().map(|one| one.processes).sum();
        let live = |snapshot: &Snapshot| {
            let list = snapshot.processes.as_ref().map_or(0, Vec::len) as u64;
            snapshot.memory.processes.unwrap_or(list)
        };
        ended > 0 && self.snapshots().any(|snapshot| live(snapshot) + ended == count)
    }

    /// A number of a table of growth.
    fn is_grown(&self, tag: PoolTag, number: u64) -> bool {
        let grown = self.0.growths.iter().flat_map(|table| &table.tags);
        grown
            .filter(|one| one.tag == tag)
            .any(|one| one.outstanding == Some(number) || one.bytes == Some(Bytes(number)))
    }

    fn is_memory(&self, of: impl Fn(&Snapshot) -> Option<Bytes>, bytes: Bytes) -> bool {
        self.snapshots().any(|snapshot| of(snapshot) == Some(bytes))
    }

    /// Whether a number is what some figure gained between two moments. A single picture shows no growth.
    fn is_gain(&self, of: impl Fn(&Snapshot) -> u64, gained: u64) -> bool {
        let values: Vec<u64> = self.snapshots().map(of).collect();
        let later = |at: usize| values[at + 1..].iter().map(move |later| (at, later));
        (0..values.len())
            .flat_map(later)
            .any(|(at, later)| later.saturating_sub(values[at]) == gained)
    }

    fn handles_of(&self, image: &str) -> Vec<u64> {
        self.snapshots()
            .map(|snapshot| {
                let of_image = snapshot.processes.iter().flatten();
                let of_image = of_image.filter(|one| one.image.eq_ignore_ascii_case(image));
                of_image.map(|one| u64::from(one.handles.unwrap_or(0))).sum()
            })
            .collect()
    }
}

fn bytes_of(tag: PoolTag, pool: Pool) -> impl Fn(&Snapshot) -> u64 {
    move |snapshot| {
        let row = snapshot.tags.as_ref().and_then(|table| table.get(tag));
        row.map_or(0, |row| row.of(pool).bytes)
    }
}

fn outstanding_of(tag: PoolTag, pool: Pool) -> impl Fn(&Snapshot) -> u64 {
    move |snapshot| {
        let row = snapshot.tags.as_ref().and_then(|table| table.get(tag));
        row.map_or(0, |row| row.of(pool).outstanding)
    }
}

/// Whether all numbers of a fact are told, or follow from such by the rule of its kind.
fn is_told(told: &ToldNumbers<'_>, fact: &Evidence) -> bool {
    let used = |pool: Pool| move |snapshot: &Snapshot| snapshot.memory.of(pool);
    match fact {
        Evidence::PoolUse { pool, used: bytes, ceiling } => {
            let limit = |snapshot: &Snapshot| snapshot.memory.limit_of(*pool);
            told.is_memory(used(*pool), *bytes)
                && ceiling.is_none_or(|ceiling| {
                    ceiling.source == CeilingSource::Documented
                        || told.is_memory(limit, ceiling.bytes)
                })
        }
        // The sum of all rows of the pool.
        Evidence::TagsExplain { pool, explained, used: bytes } => {
            let sum = |snapshot: &Snapshot| {
                let rows = snapshot.tags.iter().flat_map(|table| &table.rows);
                Some(Bytes(rows.map(|row| row.of(*pool).bytes).sum()))
            };
            told.is_memory(used(*pool), *bytes) && told.is_memory(sum, *explained)
        }
        Evidence::PoolHasRoom { pool, used: bytes, physical } => {
            told.is_memory(used(*pool), *bytes)
                && told.is_memory(|snapshot| snapshot.memory.physical, *physical)
        }
        Evidence::PoolGrowth { pool, grown, .. } => {
            told.is_gain(|snapshot| snapshot.memory.of(*pool).map_or(0, |bytes| bytes.0), grown.0)
        }
        Evidence::TagUse { tag, pool, bytes, outstanding } => told
            .counters(*tag, Some(*pool))
            .iter()
            .any(|of| (of.bytes, of.outstanding) == (bytes.0, *outstanding)),
        Evidence::TagGrowth { tag, pool, grown, .. } => {
            told.is_gain(bytes_of(*tag, *pool), grown.0) || told.is_grown(*tag, grown.0)
        }
        Evidence::ObjectGrowth { tag, pool, grown, .. } => {
            told.is_gain(outstanding_of(*tag, *pool), *grown) || told.is_grown(*tag, *grown)
        }
        // What was allocated and is not outstanding was freed.
        Evidence::HardlyFreed { tag, pool, allocs, frees } => told
            .counters(*tag, Some(*pool))
            .iter()
            .any(|of| of.allocs == *allocs && of.allocs.wrapping_sub(of.outstanding) == *frees),
        Evidence::ProcessHandles { image, pid, handles } => told
            .processes()
            .any(|one| (one.key.pid, one.handles) == (*pid, Some(*handles)) && one.image == *image),
        // The processes of one program, together.
        Evidence::ProgramHandles { image, processes, handles } => {
            let count = |snapshot: &Snapshot| {
                let list = snapshot.processes.iter().flatten();
                list.filter(|one| one.image.eq_ignore_ascii_case(image)).count()
            };
            told.handles_of(image).contains(handles)
                && told.snapshots().any(|snapshot| count(snapshot) == *processes as usize)
        }
        Evidence::HandlesMatchObjects { image, tag, handles, outstanding } => {
            told.handles_of(image).contains(&u64::from(*handles))
                && told.is_outstanding(*tag, None, *outstanding)
        }
        Evidence::HandlesSumToObjects { holders, tag, outstanding } => {
            let each = |one: &poolwatch_model::diagnosis::Holding| {
                told.processes().any(|process| {
                    process.key.pid == one.pid && process.handles.map(u64::from) == Some(one.count)
                })
            };
            holders.iter().all(each) && told.is_outstanding(*tag, None, *outstanding)
        }
        // Follows from how many were compared; the chance itself from how near they are.
        Evidence::ChanceMatch { chance, tags, programs } => {
            let most = told.snapshots().filter_map(|snapshot| snapshot.tags.as_ref());
            let most = most.map(|table| 2 * table.rows.len()).max().unwrap_or(0);
            (0.0..=1.0).contains(chance)
                && *tags as usize <= most
                && *programs as usize <= told.processes().count()
        }
        Evidence::HeldByKernel { handles, grown } => {
            told.handles_of("System").contains(&u64::from(*handles))
                && (*grown == 0 || told.0.snapshots.len() > 1)
        }
        Evidence::ProcessGrowth { image, grown, .. } => told.is_gain(
            |snapshot| {
                let list = snapshot.processes.iter().flatten();
                let of_image = list.filter(|one| one.image == *image);
                of_image.map(|one| u64::from(one.handles.unwrap_or(0))).sum()
            },
            *grown,
        ),
        Evidence::MoreObjectsThanLive { tag, outstanding, live } => {
            let lives = |snapshot: &Snapshot| {
                let list = snapshot.processes.as_ref().map_or(0, Vec::len) as u64;
                snapshot.memory.processes == Some(*live) || list == *live
            };
            told.is_outstanding(*tag, None, *outstanding) && told.snapshots().any(lives)
        }
        // All handles of all processes, or what they gained.
        Evidence::NoHandlesFor { tag, objects, .. } => {
            told.is_outstanding(*tag, None, *objects)
                || Pool::ALL.iter().any(|pool| told.is_gain(outstanding_of(*tag, *pool), *objects))
        }
        Evidence::GrowsWithObjects { image, grown, tag, objects, .. } => {
            let handles = |snapshot: &Snapshot| {
                let list = snapshot.processes.iter().flatten();
                let of_image = list.filter(|one| one.image == *image);
                of_image.map(|one| u64::from(one.handles.unwrap_or(0))).sum()
            };
            told.is_gain(handles, *grown)
                && Pool::ALL.iter().any(|pool| told.is_gain(outstanding_of(*tag, *pool), *objects))
        }
        Evidence::CommitHolder { image, pid, commit, handles } => {
            let of_events = told.0.events.iter().filter_map(|event| event.exhaustion.as_ref());
            let of_torn =
                told.0.undated_events.iter().filter_map(|event| event.exhaustion.as_deref());
            let listed = of_events.chain(of_torn).flat_map(|facts| &facts.top_processes);
            let mut of_image = listed.filter(|one| one.image == *image);
            of_image.any(|one| one.commit == *commit)
                || told.processes().any(|one| {
                    one.key.pid == *pid
                        && one.private_bytes == Some(commit.0)
                        && one.handles.unwrap_or(0) == *handles
                })
        }
        Evidence::CommitUse { committed, limit } => {
            told.is_memory(|snapshot| snapshot.memory.committed, *committed)
                && told.is_memory(|snapshot| snapshot.memory.commit_limit, *limit)
        }
        Evidence::ResidentAvailable { left, physical } => {
            told.is_memory(|snapshot| snapshot.memory.resident_available, *left)
                && physical.is_none_or(|physical| {
                    told.is_memory(|snapshot| snapshot.memory.physical, physical)
                })
        }
        Evidence::TextSays { tag, bytes, outstanding, .. } => {
            let unplaced = told.0.unplaced.iter().any(|one| {
                Some(one.tag) == *tag
                    && bytes.is_none_or(|bytes| bytes == one.bytes)
                    && outstanding.is_none_or(|count| count == one.outstanding)
            });
            let is_it = |one: &poolwatch_evidence::statements::ToldTag| {
                (one.tag, one.bytes, one.outstanding) == (*tag, *bytes, *outstanding)
            };
            unplaced || told.0.told.iter().any(is_it)
        }
        Evidence::HandlesOfType { image, pid, object_type, handles } => {
            let listed = (object_type.clone(), u64::from(*handles));
            let mut of_process = told.0.handles.iter().filter(|one| one.is_of(*pid, image));
            of_process.any(|one| one.by_type.contains(&listed))
        }
        Evidence::VerifierCount { pool, bytes, outstanding, .. } => {
            told.0.verified.iter().any(|driver| {
                let of_pool = if *pool == Pool::Paged { driver.paged } else { driver.nonpaged };
                of_pool.is_some_and(|one| (one.bytes, one.outstanding) == (bytes.0, *outstanding))
            })
        }
        Evidence::LeftAtUnload { allocations, .. } => {
            told.0.verified.iter().any(|driver| driver.left_at_unload == Some(*allocations))
        }
        Evidence::LeftLockedPages { pages, .. } => {
            told.0.verified.iter().any(|driver| driver.left_locked_pages == Some(*pages))
        }
        Evidence::SeveralMachines { hosts } => told.0.hosts == *hosts,
        // No numbers of the machine.
        Evidence::PoolEmptyEvent { .. }
        | Evidence::PoolLimitEvent { .. }
        | Evidence::CommitExhaustedEvent { .. }
        | Evidence::NeverFell { .. }
        | Evidence::TagMeaning { .. }
        | Evidence::TagOwner { .. }
        | Evidence::KnownLeak { .. }
        | Evidence::PoolTotalUnknown { .. }
        | Evidence::TornTable
        | Evidence::BeforeRestart { .. }
        | Evidence::LockStep { .. }
        | Evidence::Broker { .. } => true,
        // What texts do not lead to so far: a new one needs its rule here.
        _ => false,
    }
}

/// Facts that tell growth: never of a single picture.
fn tells_growth(fact: &Evidence) -> bool {
    matches!(
        fact,
        Evidence::PoolGrowth { .. }
            | Evidence::TagGrowth { .. }
            | Evidence::ObjectGrowth { .. }
            | Evidence::TagTrend { .. }
            | Evidence::ProcessGrowth { .. }
            | Evidence::GrowsWithObjects { .. }
            | Evidence::NeverFell { .. }
    )
}

fn facts(diagnosis: &Diagnosis) -> impl Iterator<Item = &Evidence> {
    let of_suspects = diagnosis.suspects.iter().flat_map(|suspect| &suspect.evidence);
    of_suspects.chain(&diagnosis.evidence)
}

/// What the line that a fact refers to has to hold, one of it.
fn marks(fact: &Evidence) -> Vec<String> {
    match fact {
        // Ended processes are told by their count.
        Evidence::TagUse { tag, outstanding, .. } => {
            vec![tag.to_string().trim().to_owned(), outstanding.to_string()]
        }
        Evidence::HardlyFreed { tag, .. } => vec![tag.to_string().trim().to_owned()],
        // Words round (`174k`): two digits stand there.
        Evidence::ProcessHandles { handles, .. } => {
            vec![handles.to_string().chars().take(2).collect()]
        }
        _ => Vec::new(),
    }
}

fn check(case: &Case) {
    let combined = case.read();
    let diagnosis = diagnose_texts(&combined, &Catalogue::default());
    let told = ToldNumbers(&combined);
    let is_single = combined.snapshots.len() <= 1 && combined.growths.is_empty();
    for fact in facts(&diagnosis) {
        assert!(is_told(&told, fact), "{}: nothing tells {fact:?}", case.id);
        assert!(!(is_single && tells_growth(fact)), "{}: {fact:?}", case.id);
        let places = places_of_fact(fact, &combined);
        let marks = marks(fact);
        if !marks.is_empty() {
            assert!(!places.is_empty(), "{}: no place of {fact:?}", case.id);
            let line = |place: &poolwatch_evidence::Source| {
                let text = case.texts.iter().find(|(name, _)| **name == *place.file);
                let (_, text) = text.unwrap_or_else(|| panic!("{}: {place}", case.id));
                // A record may take several lines, of which the place is the first.
                let record = text.lines().skip(place.line as usize - 1).take(RECORD_LINES);
                record.collect::<Vec<_>>().join(" ")
            };
            let digits = |text: &str| text.replace([',', '.', '\'', '\u{a0}'], "");
            let holds = |place: &poolwatch_evidence::Source| {
                let line = digits(&line(place));
                marks.iter().any(|mark| line.contains(&digits(mark)))
            };
            let is_there = places.iter().any(holds);
            assert!(is_there, "{}: {marks:?} are not at {places:?}: {fact:?}", case.id);
        }
    }
    for one in &diagnosis.tags {
        let known = told.counters(one.tag, Some(one.pool));
        let is_known =
            known.iter().any(|of| (of.bytes, of.outstanding) == (one.bytes.0, one.outstanding));
        let of_growth =
            told.is_grown(one.tag, one.outstanding) || told.is_grown(one.tag, one.bytes.0);
        let is_only_named = one.bytes.0 == 0 && one.outstanding == 0;
        let is_told = is_known || of_growth || told.is_ended(one.outstanding) || is_only_named;
        assert!(is_told, "{}: nothing tells {one:?}", case.id);
    }
}

#[test]
fn every_number_of_an_answer_stands_in_the_input_or_follows_from_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("cases");
    cases::read_cases(&folder).unwrap().iter().for_each(check);
    generated_cases(5, 300).for_each(|case| check(&case));
}
