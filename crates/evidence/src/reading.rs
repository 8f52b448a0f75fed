//! Reading a text of any of the known formats.

use std::fmt;

use poolwatch_model::event::{Event, MemoryExhaustion};
use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::TagTable;

use crate::event_text::{self, Part};
use crate::pooltag::PooltagEntry;
use crate::section::{Gathered, Held, Section, Verdict, open};
use crate::text::{Line, clean, decode, split_breaks};
use crate::{markdown, prose};

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
    /// A table of processes with their handles (`Get-Process`).
    HandleTable,
    /// `pooltag.txt`.
    Pooltag,
    /// Event XML.
    Event,
    /// A table in Markdown, made by a person.
    MarkdownTable,
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
            Self::Pooltag => "pooltag.txt",
            Self::Event => "event",
            Self::MarkdownTable => "Markdown table",
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
    /// Processes. A table that tells no ids gives them the id 0; an output that is cut off may
    /// leave the image name empty.
    Processes(Vec<ProcessUse>),
    /// What tags mean.
    Catalogue(Vec<PooltagEntry>),
    /// An event.
    Event(Box<Event>),
    /// What a torn event 2004 still tells; its time is lost.
    Exhaustion(Box<MemoryExhaustion>),
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
    let text = decode(kept);
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
}

#[derive(Default)]
struct Reader {
    out: Gathered,
    open: Option<Open>,
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
            for part in split_breaks(raw.trim_end_matches(['\r', '\n'])) {
                let cleaned = clean(part);
                self.take(Line { number: self.line, text: &cleaned, cut: !ended });
            }
            self.line = self.line.saturating_add(ended.into());
        }
    }

    fn take(&mut self, line: Line<'_>) {
        if line.text.trim().is_empty() {
            // A table in Markdown ends at an empty line.
            if matches!(&self.open, Some(open) if open.section.ends_at_blank()) {
                self.close();
            }
            return;
        }
        if let Some(command) = command(line.text) {
            self.close();
            if !self.offer(Line { text: command, ..line }) {
                self.out.ignore(line.number, line.text, IgnoredReason::Command);
            }
            return;
        }
        if self.offer(line) {
            return;
        }
        if !markdown::is_row(line.text) && prose::read(line, &mut self.out) {
            return;
        }
        let markup = event_text::wraps_events(line.text);
        let reason = if markup { IgnoredReason::Markup } else { IgnoredReason::NotUnderstood };
        self.out.ignore(line.number, line.text, reason);
    }

    /// Offers a line to the open section, or to the one that it opens.
    fn offer(&mut self, line: Line<'_>) -> bool {
        if let Some(current) = &mut self.open
            && current.take(line, &mut self.out)
        {
            return true;
        }
        let Some(section) = open(line.text) else { return false };
        self.close();
        let mut opened = Open { section, lines: None, used: Held::default() };
        let taken = opened.take(line, &mut self.out);
        self.open = Some(opened);
        taken
    }

    fn close(&mut self) {
        let Some(Open { section, lines, used }) = self.open.take() else { return };
        let lines = lines.unwrap_or((self.line, self.line));
        if let Err(reason) = section.finish(lines, &mut self.out) {
            self.out.ignore_held(used, reason);
        }
    }
}

impl Open {
    fn take(&mut self, line: Line<'_>, out: &mut Gathered) -> bool {
        match self.section.take(line, out) {
            Verdict::Used => {
                let (first, _) = self.lines.unwrap_or((line.number, line.number));
                self.lines = Some((first, line.number));
                self.used.push(line);
                true
            }
            Verdict::Ignored(reason) => {
                out.ignore(line.number, line.text, reason);
                true
            }
            Verdict::Foreign => false,
        }
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
