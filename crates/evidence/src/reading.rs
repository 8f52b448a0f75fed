//! Reading a text of any of the known formats.

use std::fmt;

use poolwatch_model::event::Event;
use poolwatch_model::host::Arch;
use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::TagTable;

use crate::event_text::{self, Part};
use crate::pooltag::PooltagEntry;
use crate::section::{Gathered, Held, Section, Verdict, open};
use crate::text::{Line, clean, decode, split_breaks, with_events};
use crate::told::{Ended, Growth, HandleSummary, ToldEvent, VerifiedDriver};
use crate::{flat, prose, table};

/// The most bytes of one text that are read.
pub const MAX_TEXT_BYTES: usize = 100 << 20;

/// What a text told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// Name of the text, as it was given.
    pub name: String,
    /// What was understood, in order.
    pub pieces: Vec<Piece>,
    /// What was not, in order. Beyond a bound the last entry tells how many more.
    pub ignored: Vec<Ignored>,
}

/// One output of a tool, or a part of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// What printed it.
    pub kind: Kind,
    /// Its first and last line, from 1.
    pub lines: (u32, u32),
    /// Seconds since a moment that the pieces of its text share (boot, midnight), where a table
    /// tells times. Only differences mean something.
    pub at_s: Option<u64>,
    /// The circumstance, where a table tells that in place of a time (`after the driver update`).
    pub remark: Option<String>,
    /// Whether lines among its own were cut off or contradicted themselves: what it lacks may be
    /// what matters.
    pub is_torn: bool,
    /// What it tells.
    pub content: Content,
}

/// What printed a piece.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// `poolmon`, its screen or its `-n` file.
    Poolmon,
    /// `!poolused` of a debugger.
    PoolUsed,
    /// `!vm` of a debugger.
    Vm,
    /// `!process 0 0` of a debugger.
    ProcessList,
    /// A table of processes with their handles (`Get-Process`, `wmic process`).
    HandleTable,
    /// Handles by type (`!handle` of a user-mode debugger, Handle of Sysinternals).
    HandleTypes,
    /// Driver Verifier, or `!verifier` of a debugger.
    Verifier,
    /// `pooltag.txt`.
    Pooltag,
    /// An event, in XML or in words.
    Event,
    /// A table made by a person, in Markdown or with other signs between its cells.
    Table,
    /// A sentence by a person.
    Sentence,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Poolmon => "poolmon",
            Self::PoolUsed => "!poolused",
            Self::Vm => "!vm",
            Self::ProcessList => "!process",
            Self::HandleTable => "process table",
            Self::HandleTypes => "handles by type",
            Self::Verifier => "Driver Verifier",
            Self::Pooltag => "pooltag.txt",
            Self::Event => "event",
            Self::Table => "table",
            Self::Sentence => "sentence",
        })
    }
}

/// What a piece tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// System-wide figures.
    Memory(Box<Memory>),
    /// Pool tags. People often tell counts alone: then the bytes are 0 and mean nothing.
    Tags(TagTable),
    /// Processes. A table that tells no ids gives them the id 0. A process whose image was cut off
    /// is called as debuggers call it (`PROCESS 88b75020 (Cid 172e4)`).
    Processes(Vec<ProcessUse>),
    /// What tags mean.
    Catalogue(Vec<PooltagEntry>),
    /// An event.
    Event(Box<Event>),
    /// An event whose time is lost, or told by the host's own clock alone.
    Told(ToldEvent),
    /// How much tags grew.
    Growth(Growth),
    /// Handles by type.
    Handles(HandleSummary),
    /// What Driver Verifier counted.
    Drivers(Vec<VerifiedDriver>),
    /// Processes that have ended and are still there.
    Ended(Ended),
    /// The architecture of the machine, as its addresses show it.
    Arch(Arch),
}

/// A line that was not understood, or not believed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ignored {
    /// Its number, from 1.
    pub line: u32,
    /// Its beginning.
    pub text: String,
    /// Why.
    pub reason: IgnoredReason,
}

/// Why a line was ignored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IgnoredReason {
    /// No known format.
    NotUnderstood,
    /// The command whose output follows.
    Command,
    /// The time at which what follows was measured.
    Stamp,
    /// XML around events.
    Markup,
    /// The line or its table is cut off.
    CutOff,
    /// Its numbers contradict each other.
    Contradiction,
    /// Its tag has not one to four characters.
    BadTag,
    /// More pool in use than the host has memory, or than the pool's limit.
    UseAboveMemory,
    /// A limit that no host reaches.
    AbsurdLimit,
    /// It does not tell which pool it is about.
    UnknownPool,
    /// It tells differences, not states.
    Difference,
    /// A row whose moment is not told, among rows with moments.
    UnknownMoment,
    /// A table whose columns mean nothing known.
    UnknownColumns,
    /// It does not tell which process it is about.
    UnknownProcess,
    /// It is about a session's pool, not the system's.
    SessionPool,
    /// There is more than is read.
    TooMany,
    /// So many more lines were ignored.
    More(u32),
}

impl fmt::Display for IgnoredReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotUnderstood => "not understood",
            Self::Command => "a command, not its output",
            Self::Stamp => "a time, taken for what follows",
            Self::Markup => "XML around events",
            Self::CutOff => "cut off",
            Self::Contradiction => "its numbers contradict each other",
            Self::BadTag => "not a pool tag",
            Self::UseAboveMemory => "more in use than there can be",
            Self::AbsurdLimit => "a limit that no host reaches",
            Self::UnknownPool => "does not tell which pool it is about",
            Self::Difference => "tells differences, not states",
            Self::UnknownMoment => "does not tell its moment",
            Self::UnknownColumns => "a table whose columns are not known",
            Self::UnknownProcess => "does not tell which process it is about",
            Self::SessionPool => "about a session's pool",
            Self::TooMany => "more than is read",
            Self::More(count) => return write!(f, "{count} more lines were ignored"),
        })
    }
}

/// Reads a text. What it holds is recognised by content; `name` only names it.
///
/// Takes time in proportion to the text, and never fails: what is not understood is listed.
#[must_use]
pub fn read(name: &str, bytes: &[u8]) -> Reading {
    let (kept, rest) = bytes.split_at(bytes.len().min(MAX_TEXT_BYTES));
    let text = with_events(decode(kept));
    let mut reader = Reader::default();
    for part in event_text::parts(&text) {
        match part {
            Part::Event(xml) => reader.event(xml),
            Part::Lines(text) => reader.lines(text),
        }
    }
    reader.close();
    if !rest.is_empty() {
        reader.out.ignore(reader.line, "", IgnoredReason::TooMany);
    }
    let (pieces, ignored) = reader.out.into_parts();
    Reading { name: name.to_owned(), pieces, ignored }
}

/// The section that is being read, and its lines.
struct Open {
    section: Box<dyn Section>,
    lines: Option<(u32, u32)>,
    used: Held,
    is_torn: bool,
}

/// A line that seems to go on in the next one.
struct Begun {
    number: u32,
    last: u32,
    text: String,
}

impl Begun {
    /// Notes that nothing ended it.
    fn ignore(&self, out: &mut Gathered) {
        for number in self.number..=self.last {
            out.ignore(number, &self.text, IgnoredReason::CutOff);
        }
    }
}

/// Longer lines are not put together.
const MAX_BEGUN: usize = 4096;

#[derive(Default)]
struct Reader {
    out: Gathered,
    open: Option<Open>,
    begun: Option<Begun>,
    /// The moment that a line of its own told last.
    at_s: Option<u64>,
    /// End-of-line characters so far, plus one.
    line: u32,
}

impl Reader {
    fn event(&mut self, xml: &str) {
        self.close();
        let first = self.line.max(1);
        self.line = first + newlines(xml);
        event_text::read_event(xml, (first, self.line), &mut self.out);
    }

    fn lines(&mut self, text: &str) {
        self.line = self.line.max(1);
        for raw in text.split_inclusive('\n') {
            let ended = raw.ends_with('\n');
            let lines = raw.trim_end_matches(['\r', '\n']).split('\r');
            let mut parts = lines.flat_map(split_breaks).peekable();
            while let Some(part) = parts.next() {
                let cleaned = clean(part);
                let mut rows = flat::rows(&cleaned).into_iter().peekable();
                while let Some(text) = rows.next() {
                    // Only the very end of a text may be cut off.
                    let cut = !ended && parts.peek().is_none() && rows.peek().is_none();
                    self.take(Line { number: self.line, text, cut });
                }
            }
            self.line = self.line.saturating_add(ended.into());
        }
    }

    fn take(&mut self, line: Line<'_>) {
        if line.text.trim().is_empty() {
            self.give_up_begun();
            // A table ends at an empty line.
            if self.open.as_mut().is_some_and(|open| open.section.ends_at_blank()) {
                self.close();
            }
            return;
        }
        if let Some(at_s) = table::time::stamp(line.text) {
            self.close();
            self.at_s = Some(at_s);
            self.out.ignore(line.number, line.text, IgnoredReason::Stamp);
            return;
        }
        if let Some(command) = command(line.text) {
            self.close();
            if !self.offer(Line { text: command, ..line }) {
                self.out.ignore(line.number, line.text, IgnoredReason::Command);
            }
            return;
        }
        if self.go_on(line) || self.offer(line) {
            return;
        }
        if !table::is_row(line.text) && prose::read(line, &mut self.out) {
            return;
        }
        let markup = event_text::wraps_events(line.text);
        let reason = if markup { IgnoredReason::Markup } else { IgnoredReason::NotUnderstood };
        self.out.ignore(line.number, line.text, reason);
    }

    /// Takes a line as the rest of the one that was begun, unless it is a line of its own.
    fn go_on(&mut self, line: Line<'_>) -> bool {
        let (Some(begun), Some(current)) = (self.begun.take(), &mut self.open) else {
            return false;
        };
        if current.take(line, &mut self.out) == Verdict::Used {
            current.is_torn = true;
            begun.ignore(&mut self.out);
            return true;
        }
        let text = format!("{} {}", begun.text, line.text.trim_start());
        let whole = Line { number: begun.number, text: &text, cut: line.cut };
        match current.take(whole, &mut self.out) {
            Verdict::Used => {
                current.extend_to(line.number);
                true
            }
            Verdict::GoesOn if text.len() < MAX_BEGUN => {
                self.begun = Some(Begun { number: begun.number, last: line.number, text });
                true
            }
            _ => {
                current.is_torn = true;
                begun.ignore(&mut self.out);
                false
            }
        }
    }

    /// Nothing follows that would end the line that was begun.
    fn give_up_begun(&mut self) {
        let Some(begun) = self.begun.take() else { return };
        begun.ignore(&mut self.out);
        if let Some(current) = &mut self.open {
            current.is_torn = true;
        }
    }

    /// Offers a line to the open section, or to the one that it opens.
    fn offer(&mut self, line: Line<'_>) -> bool {
        if let Some(current) = &mut self.open {
            let verdict = current.take(line, &mut self.out);
            if verdict != Verdict::Foreign {
                return self.settle(line, verdict);
            }
        }
        let Some(section) = open(line.text) else { return false };
        self.close();
        let mut opened = Open { section, lines: None, used: Held::default(), is_torn: false };
        let verdict = opened.take(line, &mut self.out);
        self.open = Some(opened);
        self.settle(line, verdict)
    }

    /// Does what a verdict asks for. Whether the line is dealt with.
    fn settle(&mut self, line: Line<'_>, verdict: Verdict) -> bool {
        match verdict {
            Verdict::Used => true,
            Verdict::GoesOn => {
                let (number, text) = (line.number, line.text.to_owned());
                self.begun = Some(Begun { number, last: number, text });
                true
            }
            Verdict::Ignored(reason) => {
                if let Some(current) = &mut self.open {
                    current.is_torn |= tears(reason);
                }
                self.out.ignore(line.number, line.text, reason);
                true
            }
            Verdict::Foreign => false,
        }
    }

    fn close(&mut self) {
        self.give_up_begun();
        let Some(Open { section, lines, used, is_torn }) = self.open.take() else { return };
        let lines = lines.unwrap_or((self.line, self.line));
        let before = self.out.pieces.len();
        if let Err(reason) = section.finish(lines, &mut self.out) {
            self.out.ignore_held(used, reason);
        }
        let is_torn = std::mem::take(&mut self.out.is_torn) || is_torn;
        for piece in self.out.pieces.iter_mut().skip(before) {
            piece.is_torn |= is_torn;
            piece.at_s = piece.at_s.or(self.at_s);
        }
    }
}

/// Whether a line that was ignored for a reason leaves a hole in its table.
pub(crate) fn tears(reason: IgnoredReason) -> bool {
    matches!(reason, IgnoredReason::CutOff | IgnoredReason::Contradiction | IgnoredReason::TooMany)
}

impl Open {
    fn take(&mut self, line: Line<'_>, out: &mut Gathered) -> Verdict {
        let verdict = self.section.take(line, out);
        if verdict == Verdict::Used {
            self.extend_to(line.number);
            self.used.push(line);
        }
        verdict
    }

    fn extend_to(&mut self, line: u32) {
        let (first, last) = self.lines.unwrap_or((line, line));
        self.lines = Some((first, last.max(line)));
    }
}

fn newlines(text: &str) -> u32 {
    text.bytes().filter(|b| *b == b'\n').count().try_into().unwrap_or(u32::MAX)
}

/// What follows the prompt of a kernel debugger (`2: kd> !vm`, `lkd> !poolused 2`).
fn command(line: &str) -> Option<&str> {
    const LONGEST_PROMPT: usize = 16;
    let at = line.find("kd> ").filter(|at| *at <= LONGEST_PROMPT)?;
    line[..at].chars().all(|c| c.is_ascii_digit() || matches!(c, ':' | ' ' | 'l')).then(|| {
        let command = &line[at + 4..];
        // A flattened output follows its command on the same line.
        command.find(' ').map_or("", |end| &command[end..])
    })
}
