//! Putting together what the texts of one machine tell.

use std::collections::HashMap;
use std::sync::Arc;

use poolwatch_model::Snapshot;
use poolwatch_model::event::Event;
use poolwatch_model::host::Arch;
use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{AllocCounting, TagTable, TagUse};
use poolwatch_model::{Pool, PoolTag};

use crate::content::facts_of_piece;
use crate::content::{EvidencePiece, PieceContent, PieceKind, PooltagEntry, Reading};
use crate::hosts;
use crate::image_names::is_nameless;
use crate::source::{Fact, Numbers, Source, Sources};
use crate::statements::{
    EndedProcesses, GrowthTable, HandleSummary, Remediation, ToldTag, UndatedEvent, UndatedState,
    UnplacedTag, VerifiedDriver,
};

mod exhaustion;

/// The most pieces of one moment, so that comparing each with all stays cheap.
const MAX_PARTS: usize = 256;

/// What the texts of one machine tell together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CombinedEvidence {
    /// The machine's moments, in the order of the texts. What event 2004 tells is among them.
    pub snapshots: Vec<MachineSnapshot>,
    /// States beside them, of which a text tells the circumstance and not the time.
    pub undated_states: Vec<UndatedState>,
    /// Events, in the order of the texts.
    pub events: Vec<Event>,
    /// Events whose times are lost.
    pub undated_events: Vec<UndatedEvent>,
    /// How much tags grew, where a text tells no states.
    pub growths: Vec<GrowthTable>,
    /// Tags of which no text tells the pool.
    pub unplaced: Vec<UnplacedTag>,
    /// What sentences say of tags and pools.
    pub told: Vec<ToldTag>,
    /// Handles by type.
    pub handles: Vec<HandleSummary>,
    /// What Driver Verifier counted.
    pub verified: Vec<VerifiedDriver>,
    /// Processes that have ended and are still there.
    pub ended: Vec<EndedProcesses>,
    /// The architecture of the machine, as its addresses show it.
    pub arch: Option<Arch>,
    /// The machines that the texts name as theirs, in small letters, without domain. They should be
    /// one.
    pub hosts: Vec<String>,
    /// What tags mean, as far as texts tell.
    pub catalogue: Vec<PooltagEntry>,
    /// Where the numbers of all this stand, but those of snapshots.
    pub sources: Sources,
}

/// A machine at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MachineSnapshot {
    /// Seconds since a moment that the moments of a series share, where a text tells times.
    pub at_s: Option<u64>,
    /// Whether one of its texts was cut off or contradicted itself, so that what matters may be
    /// missing.
    pub is_torn: bool,
    /// Whether the agent recorded it: then its time is that of the machine's clock.
    pub is_recorded: bool,
    /// What was measured.
    pub snapshot: Snapshot,
    /// Where the numbers stand.
    pub sources: Sources,
}

/// Puts the readings of one machine together, in their order, but those that tell times first: what
/// tells none is of the last moment.
///
/// Pieces are of one moment until one contradicts what the same tool told before, tells of another
/// time, or is another capture of poolmon. Where two tools tell the same at one moment, the one
/// that tells more is kept.
#[must_use]
pub fn combine(readings: impl IntoIterator<Item = Reading>) -> CombinedEvidence {
    let mut combined = CombinedEvidence::default();
    let mut current = Current::default();
    let mut said: Vec<(EvidencePiece, Arc<str>)> = Vec::new();
    let mut readings: Vec<Reading> = readings.into_iter().collect();
    readings.sort_by_key(|reading| !reading.pieces.iter().any(|piece| piece.at_s.is_some()));
    for reading in readings {
        reading.hosts.iter().for_each(|name| hosts::add(&mut combined.hosts, name));
        let file: Arc<str> = reading.name.into();
        let mut undated: Option<(String, Current)> = None;
        for mut piece in reading.pieces {
            if let Some(remark) = piece.remark.take() {
                match &mut undated {
                    Some((known, state)) if *known == remark => state.add(piece, &file),
                    _ => {
                        combined.undated_states.extend(undated.take().and_then(into_undated_state));
                        let mut state = Current::default();
                        state.add(piece, &file);
                        undated = Some((remark, state));
                    }
                }
                continue;
            }
            if is_said_of_last(&piece) {
                said.push((piece, Arc::clone(&file)));
            } else {
                combined.add(piece, &file, &mut current);
            }
        }
        combined.undated_states.extend(undated.and_then(into_undated_state));
    }
    said.into_iter().for_each(|(piece, file)| current.add(piece, &file));
    combined.snapshots.extend(current.into_snapshot());
    combined
}

/// Whether a piece is what sentences say of a state whose time they do not tell: that of the last
/// moment, as far as nothing else tells it.
fn is_said_of_last(piece: &EvidencePiece) -> bool {
    let is_state = matches!(
        piece.content,
        PieceContent::Memory(_) | PieceContent::Tags(_) | PieceContent::Processes(_)
    );
    is_state && piece.kind == PieceKind::Sentence && piece.at_s.is_none()
}

impl CombinedEvidence {
    /// Whether nothing was understood.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let nothing = Self { hosts: self.hosts.clone(), ..Self::default() };
        *self == nothing
    }

    /// Whether a table was cut off, contradicted itself or does not tell the pool of its tags: what it lacks may be what matters.
    #[must_use]
    pub fn is_torn(&self) -> bool {
        self.snapshots.iter().any(|moment| moment.is_torn)
            || !self.unplaced.is_empty()
            || self.growths.iter().any(|growth| growth.is_torn)
    }

    fn add(&mut self, piece: EvidencePiece, file: &Arc<str>, current: &mut Current) {
        let source = |line| Source { file: Arc::clone(file), line };
        let first = source(piece.lines.0);
        let lines = piece.lines;
        match piece.content {
            PieceContent::Event(event) => {
                let facts =
                    event.exhaustion.iter().flat_map(|facts| exhaustion::pieces(facts, lines));
                facts.for_each(|piece| self.add_state(piece, file, current));
                self.sources.insert(Fact::Event(self.events.len()), first);
                event.computer.iter().for_each(|name| hosts::add(&mut self.hosts, name));
                self.events.push(*event);
            }
            PieceContent::UndatedEvent(event) => {
                let facts =
                    event.exhaustion.iter().flat_map(|facts| exhaustion::pieces(facts, lines));
                facts.for_each(|piece| self.add_state(piece, file, current));
                self.sources.insert(Fact::UndatedEvent(self.undated_events.len()), first);
                self.undated_events.push(event);
            }
            PieceContent::Catalogue(entries) => self.catalogue.extend(entries),
            PieceContent::Growth(ref growth) => {
                for grown in &growth.tags {
                    let line = piece.line(&Fact::Growth(0, grown.tag));
                    self.sources.insert(Fact::Growth(self.growths.len(), grown.tag), source(line));
                }
                let is_torn = growth.is_torn | piece.is_torn;
                self.growths.push(GrowthTable { is_torn, ..growth.clone() });
            }
            PieceContent::Unplaced(ref tags) => {
                for (at, tag) in tags.iter().enumerate() {
                    let line = piece.line(&Fact::Unplaced(at));
                    self.sources.insert(Fact::Unplaced(self.unplaced.len()), source(line));
                    self.unplaced.push(*tag);
                }
            }
            PieceContent::Handles(summary) => {
                self.sources.insert(Fact::Handles(self.handles.len()), first);
                self.handles.push(summary);
            }
            PieceContent::Drivers(drivers) => {
                for driver in drivers {
                    self.sources.insert(Fact::Driver(self.verified.len()), first.clone());
                    self.verified.push(driver);
                }
            }
            PieceContent::Ended(ended) => {
                self.sources.insert(Fact::Ended(self.ended.len()), first);
                self.ended.push(ended);
            }
            PieceContent::Told(told) => {
                self.sources.insert(Fact::Told(self.told.len()), first);
                self.told.push(told);
            }
            PieceContent::Arch(arch) => self.arch = self.arch.or(Some(arch)),
            PieceContent::Snapshot(snapshot) => {
                self.snapshots.extend(std::mem::take(current).into_snapshot());
                self.snapshots.push(MachineSnapshot {
                    at_s: piece.at_s,
                    is_torn: false,
                    is_recorded: true,
                    sources: Sources::of_record(&snapshot, &first),
                    snapshot: *snapshot,
                });
            }
            PieceContent::Memory(_) | PieceContent::Tags(_) | PieceContent::Processes(_) => {
                self.add_state(piece, file, current);
            }
        }
    }

    fn add_state(&mut self, piece: EvidencePiece, file: &Arc<str>, current: &mut Current) {
        if current.is_before(&piece) {
            self.snapshots.extend(std::mem::take(current).into_snapshot());
        }
        current.add(piece, file);
    }
}

fn into_undated_state((remark, state): (String, Current)) -> Option<UndatedState> {
    let snapshot = state.into_snapshot()?.snapshot;
    Some(UndatedState { after: Remediation::from_remark(&remark), remark, snapshot })
}

/// The moment that is being put together.
#[derive(Default)]
struct Current {
    at_s: Option<u64>,
    is_torn: bool,
    memory: Vec<(PieceKind, Box<Memory>)>,
    tags: Vec<(PieceKind, TagTable)>,
    processes: Vec<(PieceKind, Vec<ProcessUse>)>,
    told: Vec<(Fact, Numbers, Source)>,
}

impl Current {
    fn is_empty(&self) -> bool {
        self.memory.is_empty() && self.tags.is_empty() && self.processes.is_empty()
    }

    /// Whether a piece is of a later moment.
    fn is_before(&self, piece: &EvidencePiece) -> bool {
        let parts = self.memory.len() + self.tags.len() + self.processes.len();
        if parts > 0 && piece.at_s.is_some() && piece.at_s != self.at_s || parts == MAX_PARTS {
            return true;
        }
        // A capture begins with its header, so a header after rows is the next one's.
        if piece.kind == PieceKind::Poolmon
            && matches!(piece.content, PieceContent::Memory(_))
            && self.tags.iter().any(|(kind, _)| *kind == PieceKind::Poolmon)
        {
            return true;
        }
        let same = |kind: &PieceKind| *kind == piece.kind;
        match &piece.content {
            PieceContent::Memory(new) => {
                self.memory.iter().any(|(kind, old)| same(kind) && contradict(old, new))
            }
            PieceContent::Tags(new) => self.tags.iter().any(|(kind, old)| {
                let mut shared = new.rows.iter().filter_map(|row| Some((row, old.get(row.tag)?)));
                match piece.kind {
                    PieceKind::Poolmon => same(kind) && shared.next().is_some(),
                    // Those that tell their time.
                    PieceKind::Sentence => {
                        shared.any(|(new, old)| outstanding(new) != outstanding(old))
                    }
                    _ => same(kind) && shared.any(|(new, old)| new != old),
                }
            }),
            PieceContent::Processes(new) => {
                self.processes.iter().any(|(kind, old)| same(kind) && have_changed(old, new))
            }
            _ => false,
        }
    }

    fn add(&mut self, piece: EvidencePiece, file: &Arc<str>) {
        for (fact, numbers) in facts_of_piece(&piece.content) {
            let line = piece.line(&fact);
            self.told.push((fact, numbers, Source { file: Arc::clone(file), line }));
        }
        self.at_s = self.at_s.or(piece.at_s);
        self.is_torn |= piece.is_torn;
        match piece.content {
            PieceContent::Memory(memory) => self.memory.push((piece.kind, memory)),
            PieceContent::Tags(tags) => self.tags.push((piece.kind, tags)),
            PieceContent::Processes(processes) => self.processes.push((piece.kind, processes)),
            _ => {}
        }
    }

    fn into_snapshot(self) -> Option<MachineSnapshot> {
        if self.is_empty() {
            return None;
        }
        let memory = self.memory.iter().fold(Memory::default(), |m, (_, told)| filled(&m, told));
        let (said, printed): (Vec<_>, Vec<_>) =
            self.tags.into_iter().partition(|(kind, _)| *kind == PieceKind::Sentence);
        let table = |(_, table): (PieceKind, TagTable)| table;
        let said = said.into_iter().map(table).reduce(with_said);
        let tags = match (printed.into_iter().map(table).reduce(merge_tags), said) {
            (Some(printed), Some(said)) => Some(with_said(printed, said)),
            (printed, said) => printed.or(said),
        };
        let processes = self.processes.into_iter().map(|(_, list)| list).reduce(merge_processes);
        let snapshot = Snapshot { memory, tags, processes, ..Snapshot::default() };
        let sources = Sources::of_snapshot(&snapshot, &self.told);
        let Self { at_s, is_torn, .. } = self;
        Some(MachineSnapshot { at_s, is_torn, is_recorded: false, snapshot, sources })
    }
}

fn outstanding(row: &TagUse) -> [u64; 2] {
    Pool::ALL.map(|pool| row.of(pool).outstanding)
}

fn contradict(old: &Memory, new: &Memory) -> bool {
    filled(old, new) != filled(new, old)
}

/// What is known, and what is told beyond that.
fn filled(known: &Memory, told: &Memory) -> Memory {
    Memory {
        paged: known.paged.or(told.paged),
        nonpaged: known.nonpaged.or(told.nonpaged),
        paged_limit: known.paged_limit.or(told.paged_limit),
        nonpaged_limit: known.nonpaged_limit.or(told.nonpaged_limit),
        paged_resident: known.paged_resident.or(told.paged_resident),
        physical: known.physical.or(told.physical),
        available: known.available.or(told.available),
        resident_available: known.resident_available.or(told.resident_available),
        committed: known.committed.or(told.committed),
        commit_limit: known.commit_limit.or(told.commit_limit),
        commit_peak: known.commit_peak.or(told.commit_peak),
        free_system_ptes: known.free_system_ptes.or(told.free_system_ptes),
        handles: known.handles.or(told.handles),
        threads: known.threads.or(told.threads),
        processes: known.processes.or(told.processes),
    }
}

/// Both tables as one.
fn merge_tags(first: TagTable, second: TagTable) -> TagTable {
    // Frees are worth more than rows, as long as the rows that go are small.
    let (better, other) = match (first.counting, second.counting) {
        (AllocCounting::OutstandingOnly, AllocCounting::OutstandingOnly) => (first, second),
        (AllocCounting::OutstandingOnly, _) => (second, first),
        _ => (first, second),
    };
    let is_mixed = better.counting != other.counting;
    if is_mixed && covers(&better, &other) {
        return better;
    }
    let complete = better.complete || other.complete;
    let mut counting = better.counting;
    let mut rows: Vec<_> = better.rows.iter().map(|row| filled_row(*row, &other)).collect();
    rows.extend(other.rows.iter().filter(|row| better.get(row.tag).is_none()));
    if is_mixed {
        counting = AllocCounting::OutstandingOnly;
        for row in &mut rows {
            (row.paged.allocs, row.nonpaged.allocs) = (0, 0);
        }
    }
    TagTable::new(counting, complete, rows)
}

/// A table, and the tags of which only sentences tell.
fn with_said(table: TagTable, said: TagTable) -> TagTable {
    if table.complete {
        return table;
    }
    let absent: Vec<TagUse> =
        said.rows.into_iter().filter(|row| table.get(row.tag).is_none()).collect();
    let rows = table.rows.into_iter().chain(absent).collect();
    TagTable::new(table.counting, false, rows)
}

/// The row, and what another table tells of a pool of which it tells nothing.
fn filled_row(mut row: TagUse, other: &TagTable) -> TagUse {
    if let Some(told) = other.get(row.tag) {
        for pool in Pool::ALL {
            if row.of(pool).is_empty() {
                *row.of_mut(pool) = *told.of(pool);
            }
        }
    }
    row
}

/// Whether what `table` lacks of `other` is at most a tenth of it.
fn covers(table: &TagTable, other: &TagTable) -> bool {
    let known = |tag: PoolTag| table.get(tag).copied().unwrap_or_else(|| TagUse::empty(tag));
    let lacking = other.rows.iter().fold([0_u64; 2], |[bytes, objects], row| {
        let known = known(row.tag);
        let lacks = Pool::ALL.iter().filter(|pool| known.of(**pool).is_empty());
        lacks.fold([bytes, objects], |[bytes, objects], pool| {
            let row = row.of(*pool);
            [bytes.saturating_add(row.bytes), objects.saturating_add(row.outstanding)]
        })
    });
    let all = other.rows.iter().flat_map(|row| [row.paged, row.nonpaged]).fold(
        [0_u64; 2],
        |[bytes, objects], row| {
            [bytes.saturating_add(row.bytes), objects.saturating_add(row.outstanding)]
        },
    );
    lacking.iter().zip(all).all(|(lacking, all)| *lacking <= all / 10)
}

/// What tells processes apart. Some texts tell no ids.
fn identity(process: &ProcessUse) -> (u32, String) {
    let pid = process.key.pid;
    (pid, if pid == 0 { process.image.clone() } else { String::new() })
}

/// Whether a process of one list is another, or has other handles, in the other list.
fn have_changed(old: &[ProcessUse], new: &[ProcessUse]) -> bool {
    let known: HashMap<_, _> = old.iter().map(|old| (identity(old), old)).collect();
    new.iter().any(|new| {
        known.get(&identity(new)).is_some_and(|old| {
            let named = !is_nameless(&old.image) && !is_nameless(&new.image);
            let is_other = named && old.image != new.image;
            is_other || old.handles.zip(new.handles).is_some_and(|(old, new)| old != new)
        })
    })
}

/// Both lists as one, sorted by key.
fn merge_processes(mut first: Vec<ProcessUse>, second: Vec<ProcessUse>) -> Vec<ProcessUse> {
    let mut told: HashMap<_, _> = second.into_iter().map(|new| (identity(&new), new)).collect();
    for known in &mut first {
        let Some(new) = told.remove(&identity(known)) else { continue };
        if is_nameless(&known.image) {
            known.image = new.image;
        }
        known.key.created = known.key.created.or(new.key.created);
        known.session = known.session.or(new.session);
        known.handles = known.handles.or(new.handles);
        known.threads = known.threads.or(new.threads);
        known.paged_quota = known.paged_quota.or(new.paged_quota);
        known.nonpaged_quota = known.nonpaged_quota.or(new.nonpaged_quota);
        known.private_bytes = known.private_bytes.or(new.private_bytes);
    }
    first.extend(told.into_values());
    settle_without_ids(&mut first);
    first.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.image.cmp(&b.image)));
    first
}

/// A program that one text tells without an id is among those of its name that have one. What these
/// say of their handles counts; where the only one says nothing, it is what was told without id.
fn settle_without_ids(processes: &mut Vec<ProcessUse>) {
    let (known, told): (Vec<_>, Vec<_>) =
        std::mem::take(processes).into_iter().partition(|process| process.key.pid != 0);
    *processes = known;
    for one in told {
        let mut same: Vec<&mut ProcessUse> = processes
            .iter_mut()
            .filter(|known| known.key.pid != 0 && known.image.eq_ignore_ascii_case(&one.image))
            .collect();
        let is_counted = same.iter().any(|known| known.handles.is_some());
        match same.as_mut_slice() {
            [only] if !is_counted => only.handles = one.handles,
            _ if is_counted => {}
            _ => processes.push(one),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    fn combined(texts: &[&str]) -> Vec<MachineSnapshot> {
        combine(texts.iter().map(|text| read("", text.as_bytes()))).snapshots
    }

    fn used(moment: &MachineSnapshot, tag: &[u8; 4]) -> (u64, u64) {
        let tags = moment.snapshot.tags.as_ref().unwrap();
        let row = tags.get(PoolTag::new(*tag)).unwrap();
        (row.nonpaged.bytes, row.nonpaged.allocs)
    }

    const VM: &str = "NonPagedPool Usage: 25 ( 100 Kb)\nPhysical Memory: 1000 ( 4000 Kb)\n";
    const POOLUSED: &str = "Tag Allocs Used Allocs Used\nThre 10 640 0 0\nFile 1 64 0 0\n";
    const PROCESS: &str = "PROCESS 884e6520 Cid: 01a0\nHandleCount: 12.\nImage: a.exe\n";

    #[test]
    fn what_is_said_of_a_program_without_an_id_is_about_the_one_that_has_one() {
        let handles = |texts: &[&str]| -> Vec<_> {
            let moments = combined(texts);
            let processes = moments[0].snapshot.processes.as_ref().unwrap();
            processes.iter().map(|one| (one.key.pid, one.handles)).collect()
        };
        let said = "a.exe has 100,000 handles";
        assert_eq!(handles(&[PROCESS, said]), [(0x1a0, Some(12))]);
        let uncounted = "PROCESS 884e6520 Cid: 01a0\nImage: a.exe\n";
        assert_eq!(handles(&[uncounted, said]), [(0x1a0, Some(100_000))]);
        assert_eq!(handles(&[PROCESS, "b.exe has 100,000 handles"]).len(), 2);
    }

    #[test]
    fn the_outputs_of_one_dump_are_one_moment() {
        let one = combined(&[&[VM, POOLUSED, PROCESS].concat()]);
        let three = combined(&[VM, POOLUSED, PROCESS]);
        assert_eq!((one.len(), &one[0].snapshot), (three.len(), &three[0].snapshot));
        let [moment] = &one[..] else { panic!("{one:?}") };
        assert_eq!(moment.snapshot.memory.nonpaged, Some(poolwatch_model::Bytes(102_400)));
        assert_eq!(used(moment, b"Thre"), (640, 0));
        assert_eq!(moment.snapshot.processes.as_ref().unwrap()[0].handles, Some(12));
        assert_eq!(combined(&[VM, VM, POOLUSED, POOLUSED]).len(), 1, "the same text twice");
    }

    #[test]
    fn every_number_has_its_file_and_line() {
        let texts = [("vm.txt", VM), ("used.txt", POOLUSED), ("process.txt", PROCESS)];
        let combined = combine(texts.map(|(name, text)| read(name, text.as_bytes())));
        let told: Vec<String> = combined.snapshots[0]
            .sources
            .iter()
            .map(|(fact, source)| format!("{fact:?} {source}"))
            .collect();
        assert_eq!(
            told,
            [
                "Memory(\"nonpaged\") vm.txt:1",
                "Memory(\"physical\") vm.txt:2",
                "Tag(PoolTag(File), Nonpaged) used.txt:3",
                "Tag(PoolTag(Thre), Nonpaged) used.txt:2",
                "Process(416, \"a.exe\") process.txt:2",
            ]
        );
    }

    #[test]
    fn captures_of_poolmon_are_moments_in_their_order() {
        let capture = |diff: u64| format!("File Nonp 20 {} {diff} {} 64\n", 20 - diff, diff * 64);
        let moments = combined(&[&capture(3), &capture(5), &capture(5)]);
        let bytes: Vec<_> = moments.iter().map(|moment| used(moment, b"File").0).collect();
        assert_eq!(bytes, [192, 320, 320]);
    }

    #[test]
    fn poolmon_beats_poolused_unless_much_would_go() {
        let small = "Thre Nonp 30 20 10 640 64\nAbcd Nonp 30 20 10 9000 900\n";
        let [moment] = &combined(&[POOLUSED, small])[..] else { panic!() };
        assert_eq!(used(moment, b"Thre"), (640, 30));
        let tags = moment.snapshot.tags.as_ref().unwrap();
        assert_eq!((tags.counting, tags.rows.len()), (AllocCounting::Full64, 2));

        let most = "Tag Allocs Used Allocs Used\nMmCm 10 99640 0 0\nThre 10 640 0 0\n";
        let [moment] = &combined(&[most, small])[..] else { panic!() };
        let tags = moment.snapshot.tags.as_ref().unwrap();
        assert_eq!((tags.counting, tags.rows.len()), (AllocCounting::OutstandingOnly, 3));
        assert_eq!(used(moment, b"Thre"), (640, 0));
    }

    #[test]
    fn a_sentence_about_another_machine_changes_no_output() {
        let sentence = "I see Tag Thre Nonp 30 19 11 704 64 in poolmon";
        let moments = combined(&[POOLUSED, sentence]);
        assert_eq!(moments.len(), 1);
        assert_eq!(used(&moments[0], b"Thre"), (640, 0));
    }

    #[test]
    fn a_process_with_other_handles_is_of_another_moment() {
        let later = PROCESS.replace("12.", "15.");
        let moments = combined(&[PROCESS, &later]);
        assert_eq!(moments.len(), 2);
        assert_eq!(moments[1].snapshot.processes.as_ref().unwrap()[0].handles, Some(15));
    }

    #[test]
    fn rows_of_a_series_are_moments_with_their_times() {
        let moments =
            combined(&["| Time | NtFC outstanding | x HandleCount | NP pool |\n|-|-|-|-|\n\
             | 22:46:10 | 17,335,136 | 658 | 2.681 GB |\n| 22:48:01 | 22,966,270 | 658 | 3 GB |"]);
        let times: Vec<_> = moments.iter().map(|moment| moment.at_s).collect();
        assert_eq!(times, [Some(81_970), Some(82_081)]);
        assert!(moments.iter().all(|moment| moment.snapshot.processes.is_some()));
    }
}
