//! Putting together what the texts of one machine tell.

use std::sync::Arc;

use poolwatch_model::event::Event;
use poolwatch_model::host::Arch;
use poolwatch_model::process::ProcessUse;

use crate::content::{EvidencePiece, PieceContent, PieceKind, PooltagEntry, Reading};
use crate::hosts;
use crate::source::{Fact, Source, Sources};
use crate::statements::{
    EndedProcesses, GrowthTable, HandleSummary, Remediation, ToldTag, UndatedEvent, UndatedState,
    UnplacedTag, VerifiedDriver,
};
use moment::CurrentMoment;
pub use moment::MachineSnapshot;

mod exhaustion;
mod moment;

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

/// Puts the readings of one machine together, in their order, but those that tell times first: what
/// tells none is of the last moment.
///
/// Pieces are of one moment until one contradicts what the same tool told before, tells of another
/// time, or is another capture of poolmon. Where two tools tell the same at one moment, the one
/// that tells more is kept.
#[must_use]
pub fn combine(readings: impl IntoIterator<Item = Reading>) -> CombinedEvidence {
    let mut combined = CombinedEvidence::default();
    let mut current = CurrentMoment::default();
    let mut said: Vec<(EvidencePiece, Arc<str>)> = Vec::new();
    let mut readings: Vec<Reading> = readings.into_iter().collect();
    readings.sort_by_key(|reading| !reading.pieces.iter().any(|piece| piece.at_s.is_some()));
    for reading in readings {
        reading.hosts.iter().for_each(|name| hosts::add(&mut combined.hosts, name));
        let file: Arc<str> = reading.name.into();
        let mut undated: Option<(String, CurrentMoment)> = None;
        for mut piece in reading.pieces {
            if let Some(remark) = piece.remark.take() {
                match &mut undated {
                    Some((known, state)) if *known == remark => state.add(piece, &file),
                    _ => {
                        combined.undated_states.extend(undated.take().and_then(into_undated_state));
                        let mut state = CurrentMoment::default();
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

    fn add(&mut self, piece: EvidencePiece, file: &Arc<str>, current: &mut CurrentMoment) {
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
                if let Some((image, total)) = summary.image.clone().zip(summary.total) {
                    let mut process = ProcessUse::new(summary.pid.unwrap_or(0), None, image);
                    process.handles = u32::try_from(total).ok();
                    let content = PieceContent::Processes(vec![process]);
                    self.add_state(EvidencePiece::new(piece.kind, lines, content), file, current);
                }
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

    fn add_state(&mut self, piece: EvidencePiece, file: &Arc<str>, current: &mut CurrentMoment) {
        if current.is_before(&piece) {
            self.snapshots.extend(std::mem::take(current).into_snapshot());
        }
        current.add(piece, file);
    }
}

fn into_undated_state((remark, state): (String, CurrentMoment)) -> Option<UndatedState> {
    let snapshot = state.into_snapshot()?.snapshot;
    Some(UndatedState { after: Remediation::from_remark(&remark), remark, snapshot })
}

#[cfg(test)]
mod tests {
    use poolwatch_model::PoolTag;
    use poolwatch_model::tag::AllocCounting;

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
