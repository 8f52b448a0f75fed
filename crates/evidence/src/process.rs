//! `!process 0 0` of a debugger: three lines for each process, whole, wrapped, cut off or on one.

use std::collections::{BTreeMap, HashMap, HashSet};

use poolwatch_model::host::Arch;
use poolwatch_model::process::ProcessUse;

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::image_names::{is_nameless, nameless};
use crate::quantities;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::source::Fact;
use crate::statements::EndedProcesses;
use crate::text::Line;

/// The most processes of one list.
const MAX_PROCESSES: usize = 100_000;
const MAX_IMAGE: usize = 260;
/// The kernel's own process, which some versions show without an object table.
const SYSTEM_PID: u32 = 4;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    (parts(line).any(is_process) || is_address_alone(line))
        .then(|| Box::new(List::default()) as Box<dyn Section>)
}

#[derive(Default)]
struct List {
    processes: Vec<ProcessUse>,
    /// The line of the handles of each of them, or its first.
    lines: Vec<u32>,
    /// Where the debugger found each of them.
    addresses: Vec<String>,
    /// Where the process with an id is in `processes`.
    by_pid: HashMap<u32, usize>,
    current: Option<usize>,
    /// Those without an object table: they have ended, unless they have handles.
    tableless: HashSet<u32>,
    /// The line before ended inside a field.
    is_wrapped: bool,
    /// The number of handles of this process was the end of the text.
    cut: Option<(usize, u32)>,
}

impl Section for List {
    fn read_line(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict {
        const WRAPPED: [&str; 4] = [" Cid:", "HandleCount:", "Image:", "SessionId:"];
        let goes_on = WRAPPED.iter().any(|label| line.text.ends_with(label));
        if (goes_on || is_address_alone(line.text)) && !line.cut {
            return Verdict::GoesOn;
        }
        let mut verdict = Verdict::Foreign;
        for part in parts(line.text) {
            match self.part(part, line) {
                Verdict::Used => verdict = Verdict::Used,
                Verdict::Ignored(reason) if verdict == Verdict::Used => {
                    out.ignore(line.number, part, reason);
                }
                Verdict::Ignored(reason) => verdict = Verdict::Ignored(reason),
                Verdict::GoesOn | Verdict::Foreign => {}
            }
        }
        self.is_wrapped = line.text.ends_with("ParentCid:");
        verdict
    }

    fn finish(mut self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        if let Some((at, line)) = self.cut {
            self.processes[at].handles = None;
            out.ignore(line, "HandleCount", IgnoredReason::CutOff);
        }
        if self.processes.is_empty() {
            return Err(IgnoredReason::CutOff);
        }
        if let Some(arch) = arch(&self.addresses) {
            out.piece(PieceKind::ProcessList, lines, PieceContent::Arch(arch));
        }
        for (process, address) in self.processes.iter_mut().zip(self.addresses) {
            if process.image.is_empty() {
                process.image = nameless(&address, process.key.pid);
            }
        }
        for (process, line) in self.processes.iter().zip(self.lines) {
            out.note(Fact::of_process(process), line);
        }
        let has_ended = |process: &ProcessUse| {
            self.tableless.contains(&process.key.pid)
                && process.key.pid > SYSTEM_PID
                && process.handles.is_none_or(|handles| handles == 0)
        };
        let (ended, mut live): (Vec<_>, Vec<_>) =
            self.processes.into_iter().partition(|process| has_ended(process));
        if !ended.is_empty() {
            out.piece(PieceKind::ProcessList, lines, PieceContent::Ended(counted(&ended)));
        }
        if !live.is_empty() {
            live.sort_by_key(|process| process.key);
            out.piece(PieceKind::ProcessList, lines, PieceContent::Processes(live));
        }
        Ok(())
    }
}

impl List {
    /// Takes a line, or the part of one that is about one process.
    fn part(&mut self, part: &str, line: Line<'_>) -> Verdict {
        if is_process(part) {
            let Some(pid) = cid(part).and_then(quantities::hex) else {
                self.current = None;
                return Verdict::Ignored(IgnoredReason::CutOff);
            };
            let Ok(pid) = u32::try_from(pid) else {
                self.current = None;
                return Verdict::Ignored(IgnoredReason::Contradiction);
            };
            if !self.select(pid, part, line.number) {
                return Verdict::Ignored(IgnoredReason::TooMany);
            }
        }
        let Some(at) = self.current else { return Verdict::Foreign };
        let is_mine = is_process(part) || self.is_wrapped && quantities::hex(part.trim()).is_some();
        let told = self.tell(at, part, line);
        if is_mine || told || belongs(part) { Verdict::Used } else { Verdict::Foreign }
    }

    /// Makes the process with an id the current one. The same may be listed again, with more told.
    fn select(&mut self, pid: u32, part: &str, line: u32) -> bool {
        let next = self.processes.len();
        let at = *self.by_pid.entry(pid).or_insert(next);
        if at == next {
            if next == MAX_PROCESSES {
                self.by_pid.remove(&pid);
                self.current = None;
                return false;
            }
            self.processes.push(ProcessUse::new(pid, None, ""));
            self.lines.push(line);
            self.addresses.push(field(part, "PROCESS ").unwrap_or_default().to_owned());
        }
        self.current = Some(at);
        true
    }

    /// Whether a line told something of the process.
    fn tell(&mut self, at: usize, part: &str, line: Line<'_>) -> bool {
        let process = &mut self.processes[at];
        let mut told = false;
        if let Some(session) = field(part, "SessionId:") {
            process.session = session.parse().ok();
        }
        for label in ["HandleCount:", "TableSize:"] {
            let Some((number, after)) = number(part, label) else { continue };
            told = true;
            self.lines[at] = line.number;
            // `<Data Not Accessible>` is no number.
            process.handles = quantities::count(number).and_then(|count| u32::try_from(count).ok());
            // The tool ends the number with a dot, and the image follows. Digits at the very end
            // of a text may be only the first ones.
            let ends = line.cut && after.is_empty();
            self.cut = ends.then_some((at, line.number));
        }
        if field(part, "ObjectTable:").and_then(quantities::hex) == Some(0) {
            self.tableless.insert(process.key.pid);
        }
        // `!handle`: the number of entries in use is that of handles.
        if let Some(at) = part.find("Handle table at ") {
            let words: Vec<_> = part[at..].split_whitespace().take(8).collect();
            let entries = words.windows(2).find(|pair| pair[1].eq_ignore_ascii_case("entries"));
            if let Some(handles) = entries.and_then(|pair| pair[0].parse().ok()) {
                process.handles = Some(handles);
                told = true;
            }
        }
        for (label, quota) in [
            ("QuotaPoolUsage[PagedPool]", &mut process.paged_quota),
            ("QuotaPoolUsage[NonPagedPool]", &mut process.nonpaged_quota),
        ] {
            if let Some(bytes) = field(part, label).and_then(quantities::count) {
                *quota = Some(bytes);
                told = true;
            }
        }
        if let Some(at) = part.find("Image:") {
            let image = part[at + "Image:".len()..].trim();
            if !image.is_empty() && image.len() <= MAX_IMAGE {
                image.clone_into(&mut process.image);
                told = true;
            }
        }
        told
    }
}

/// Whether a line tells of a process without object table and handles, as those have that ended.
pub(crate) fn tells_end(line: &str) -> bool {
    field(line, "ObjectTable:").and_then(quantities::hex) == Some(0)
        && number(line, "HandleCount:").and_then(|(count, _)| quantities::count(count)) == Some(0)
}

/// How many have ended, and which image most of them ran.
fn counted(ended: &[ProcessUse]) -> EndedProcesses {
    let mut by_image: BTreeMap<&str, u64> = BTreeMap::new();
    for process in ended.iter().filter(|process| !is_nameless(&process.image)) {
        *by_image.entry(&process.image).or_default() += 1;
    }
    let most = by_image.into_iter().max_by_key(|(_, count)| *count);
    EndedProcesses {
        processes: ended.len() as u64,
        most: most.map(|(image, count)| (image.to_owned(), count)),
    }
}

/// The architecture that the addresses of processes show: eight digits have 32 bits.
fn arch(addresses: &[String]) -> Option<Arch> {
    let digits = |address: &String| address.bytes().filter(u8::is_ascii_hexdigit).count();
    let all = |count: usize| addresses.iter().all(|address| digits(address) == count);
    match () {
        () if all(8) => Some(Arch::X86),
        () if all(16) => Some(Arch::X64),
        () => None,
    }
}

/// The parts of a line, each about one process.
fn parts(line: &str) -> impl Iterator<Item = &str> {
    let starts = line.match_indices("PROCESS ").map(|(at, _)| at).filter(|at| *at > 0);
    let mut from = 0;
    starts.chain([line.len()]).filter_map(move |until| {
        let part = &line[from..until];
        from = until;
        (!part.trim().is_empty()).then_some(part)
    })
}

/// Whether a part begins a process: its address and an id follow.
fn is_process(part: &str) -> bool {
    part.trim_start().strip_prefix("PROCESS ").is_some_and(|rest| {
        let rest = rest.trim_start();
        let end = rest.find([' ', '\t']).unwrap_or(rest.len());
        end >= 8 && quantities::hex(&rest[..end]).is_some() && rest.contains("Cid:")
    })
}

/// Whether a line has the address of a process alone: debuggers of 64-bit Windows tell the rest on the
/// next.
fn is_address_alone(line: &str) -> bool {
    let address = line.trim().strip_prefix("PROCESS ").map(str::trim);
    address.is_some_and(|address| address.len() >= 8 && quantities::hex(address).is_some())
}

/// Other lines that the command prints about a process.
fn belongs(part: &str) -> bool {
    let part = part.trim_start();
    ["THREAD ", "DirBase:", "ObjectTable:", "VadRoot ", "DeepFreeze", "Token ", "ElapsedTime "]
        .iter()
        .chain(&["UserTime ", "KernelTime ", "Working Set Sizes", "PeakWorkingSetSize "])
        .chain(&["VirtualSize ", "PeakVirtualSize ", "PageFaultCount ", "MemoryPriority "])
        .chain(&["BasePriority ", "CommitCharge ", "Job ", "**** NT ACTIVE PROCESS DUMP"])
        .any(|start| part.starts_with(start))
}

/// The word after a label.
fn field<'a>(part: &'a str, label: &str) -> Option<&'a str> {
    let at = part.find(label)?;
    part[at + label.len()..].split_whitespace().next()
}

/// The id of the process that a part begins; its parent's stands there as well.
fn cid(part: &str) -> Option<&str> {
    let labels = part.match_indices("Cid:");
    let (at, label) = labels.into_iter().find(|(at, _)| part[..*at].ends_with([' ', '\t']))?;
    part[at + label.len()..].split_whitespace().next()
}

/// The number behind a label, its thousands grouped or not, and what follows it: the dot that ends
/// it, if it is whole.
fn number<'a>(part: &'a str, label: &str) -> Option<(&'a str, &'a str)> {
    let text = part[part.find(label)? + label.len()..].trim_start();
    let of_number = |c: char| c.is_ascii_digit() || c == ' ' || quantities::is_mark(c);
    let end = text.find(|c| !of_number(c)).unwrap_or(text.len());
    let number = text[..end].trim_end().trim_end_matches('.').trim_end();
    (!text.is_empty()).then(|| text.split_at(number.len()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UnreadLine, read};

    fn list(text: &str) -> (Vec<ProcessUse>, Vec<UnreadLine>) {
        let mut reading = read("process.txt", text.as_bytes());
        let Some(PieceContent::Processes(list)) = reading.pieces.pop().map(|piece| piece.content)
        else {
            panic!("{reading:?}")
        };
        (list, reading.ignored)
    }

    #[test]
    fn processes_are_told_by_three_lines_each() {
        let (list, ignored) = list(
            "\
PROCESS 884e6520  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  ParentCid: 0124
DirBase: 110f6000  ObjectTable: 88584448  TableSize: 90472
Image: mybadapp.exe

PROCESS d2b85360  SessionId: 2  Cid: 1bf4    Peb: 7ffdf000  ParentCid:
1688
DirBase: 0acc0040 ObjectTable: e1648628 HandleCount: 21 .
Image: App A.exe
PROCESS ffffcb843b87aff0  SessionId: none  Cid: 0004    Peb: 00000000  ParentCid: 0000
    DirBase: 00187000  ObjectTable: 00000000  HandleCount:   0.
    Image: System
PROCESS 884e6520  SessionId: 0  Cid: 01a0    Peb: 7ffdf000  ParentCid: 0124
DirBase: 110f6000  ObjectTable: 88584448  TableSize: 90472.
        THREAD 884d8560  Cid 1a0.19c  Teb: 7ffde000  Win32Thread: a208f648 WAIT
PROCESS 99999999  SessionId: 1  Cid: 0020    Peb: 00000000  ParentCid: 0000
DirBase: 00187000  ObjectTable: e1648629  HandleCount: <Data Not Accessible>
Image: x.exe
",
        );
        assert_eq!(ignored, []);
        let told: Vec<_> =
            list.iter().map(|p| (p.key.pid, p.image.as_str(), p.session, p.handles)).collect();
        assert_eq!(
            told,
            [
                (4, "System", None, Some(0)),
                (0x20, "x.exe", Some(1), None),
                (0x1a0, "mybadapp.exe", Some(0), Some(90_472)),
                (0x1bf4, "App A.exe", Some(2), Some(21)),
            ]
        );
    }

    #[test]
    fn a_list_on_one_line_is_split_at_its_processes() {
        let (list, _) = list(
            "PROCESS 884e6520 SessionId: 0 Cid: 1a0 Peb: 0 HandleCount: 7. Image: a.exe \
             PROCESS 884e6540 SessionId: 0 Cid: 1a4 Peb: 0 HandleCount: 8. Image: b.exe",
        );
        assert_eq!(list.len(), 2);
        assert_eq!((list[0].image.as_str(), list[1].handles), ("a.exe", Some(8)));
    }

    #[test]
    fn a_list_that_is_cut_off_tells_no_half_number() {
        let (cut, ignored) = list(
            "PROCESS 88b75020 SessionId: 7 Cid: 172e4 Peb: 7ffdf000 ParentCid: 17238
DirBase: 0acc0040 ObjectTable: e1648628 HandleCount: 30",
        );
        assert_eq!((cut[0].key.pid, cut[0].handles), (0x172e4, None));
        assert_eq!(ignored[0].reason, IgnoredReason::CutOff);
        for number in ["90,472.", "90.472.", "90'472.", "90\u{202f}472."] {
            let (grouped, _) = list(&format!("PROCESS 88b75020 Cid: 172e4\nHandleCount: {number}"));
            assert_eq!(grouped[0].handles, Some(90_472), "{number}");
        }
        let (whole, _) = list("PROCESS 88b75020 Cid: 172e4\nHandleCount: 30.");
        assert_eq!(whole[0].handles, Some(30));
    }

    #[test]
    fn processes_without_table_and_handles_have_ended() {
        let of = |pid: u32, table: &str, handles: u32, image: &str| {
            format!(
                "PROCESS ffffcb843b87a{pid:03x}\n    SessionId: 0  Cid: {pid:04x}    Peb: 0  \
                 ParentCid: 0\n    DirBase: 1  ObjectTable: {table}  HandleCount: {handles}.\n    \
                 Image: {image}\n\n"
            )
        };
        let text = [
            of(4, "00000000", 0, "System"),
            of(0x20, "ffff8d8a12345678", 12, "live.exe"),
            of(0x24, "00000000", 0, "gone.exe"),
            of(0x28, "00000000", 0, "gone.exe"),
            of(0x2c, "00000000", 0, "other.exe"),
        ]
        .concat();
        let pieces = read("", text.as_bytes()).pieces;
        let contents: Vec<_> = pieces.into_iter().map(|piece| piece.content).collect();
        let [
            PieceContent::Arch(Arch::X64),
            PieceContent::Ended(ended),
            PieceContent::Processes(live),
        ] = &contents[..]
        else {
            panic!("{contents:?}")
        };
        assert_eq!((ended.processes, ended.most.clone()), (3, Some(("gone.exe".into(), 2))));
        assert_eq!(live.iter().map(|one| one.key.pid).collect::<Vec<_>>(), [4, 0x20]);
    }

    #[test]
    fn a_line_about_a_process_that_ended_tells_so_alone() {
        let reading = read("", b"ObjectTable: 00000000 and HandleCount: 0");
        assert_eq!(reading.ignored, []);
        let [piece] = &reading.pieces[..] else { panic!("{reading:?}") };
        assert_eq!(piece.content, PieceContent::Ended(EndedProcesses { processes: 1, most: None }));
        for other in ["ObjectTable: e1648628 and HandleCount: 0", "ObjectTable: 00000000", ""] {
            assert!(read("", other.as_bytes()).pieces.is_empty(), "{other}");
        }
    }
}
