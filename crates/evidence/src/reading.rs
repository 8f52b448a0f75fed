//! Reading a text of any of the known formats.

use crate::content::{IgnoredReason, Reading};
use crate::event_text::{self, Part};
use crate::prefixes::without_prefixes;
use crate::prose::Prose;
use crate::reading_builder::{ReadingBuilder, UsedLines};
use crate::section::{Section, Verdict};
use crate::text::{Line, clean, decode, newlines, split_breaks, with_events};
use crate::{
    bug_check, event_log, event_words, flattened_rows, handle_types, hosts, layouts, pool_trace,
    pool_words, poolmon, pooltag, poolused, process, sentences, times, verifier, vm, zombies,
};

/// The most bytes of one text that are read.
pub const MAX_TEXT_BYTES: usize = 100 << 20;

/// Reads a text. What it holds is recognised by content; `name` only names it.
///
/// Takes time in proportion to the text, and never fails: what is not understood is listed.
#[must_use]
pub fn read(name: &str, bytes: &[u8]) -> Reading {
    let mut reader = Reader::default();
    let (kept, rest) = bytes.split_at(bytes.len().min(MAX_TEXT_BYTES));
    if is_archive(bytes) {
        reader.out.ignore(1, "", IgnoredReason::Archive);
        return reader.out.finish(name);
    }
    if bytes.starts_with(event_log::MAGIC) {
        event_log::read(kept, &mut reader.out);
        return reader.out.finish(name);
    }
    let text = with_events(without_prefixes(decode(kept)));
    reader.out.hosts = hosts::hosts(&text);
    reader.out.heading = pool_words::pool_word(&name.replace(['.', '/', '\\'], " "));
    if layouts::read_json(&text, &mut reader.out) {
        return reader.out.finish(name);
    }
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
    let Reader { mut out, prose, .. } = reader;
    prose.read(&mut out);
    out.finish(name)
}

/// Whether a file is packed, by the bytes it begins with.
fn is_archive(bytes: &[u8]) -> bool {
    const ARCHIVES: [&[u8]; 4] = [b"PK\x03\x04", b"\x1F\x8B\x08", b"7z\xBC\xAF", b"MSCF"];
    ARCHIVES.iter().any(|start| bytes.starts_with(start))
}

/// The section that is being read, and its lines.
struct OpenSection {
    section: Box<dyn Section>,
    lines: Option<(u32, u32)>,
    used: UsedLines,
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
    fn ignore(&self, out: &mut ReadingBuilder) {
        for number in self.number..=self.last {
            out.ignore(number, &self.text, IgnoredReason::CutOff);
        }
    }
}

/// Longer lines are not put together.
const MAX_BEGUN: usize = 4096;

#[derive(Default)]
struct Reader {
    out: ReadingBuilder,
    /// The lines that no format takes.
    prose: Prose,
    open: Option<OpenSection>,
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
                let mut rows = flattened_rows::rows(&cleaned).into_iter().peekable();
                while let Some(text) = rows.next() {
                    // Only the very end of a text may be cut off.
                    let cut = !ended && parts.peek().is_none() && rows.peek().is_none();
                    self.read_line(Line { number: self.line, text, cut });
                }
            }
            self.line = self.line.saturating_add(ended.into());
        }
    }

    fn read_line(&mut self, line: Line<'_>) {
        if line.text.trim().is_empty() {
            self.give_up_begun();
            // A table ends at an empty line.
            if self.open.as_mut().is_some_and(|open| open.section.ends_at_blank()) {
                self.close();
            }
            return;
        }
        if let Some(at_s) = times::stamp(line.text) {
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
        if !layouts::cells::is_row(line.text) && sentences::read(line, &mut self.out) {
            return;
        }
        if line.text.starts_with('#') {
            self.out.heading = None;
        }
        let markup = event_text::wraps_events(line.text);
        let reason = if markup { IgnoredReason::Markup } else { IgnoredReason::NotUnderstood };
        if markup || !self.prose.keep_line(line.number, line.text, reason) {
            self.out.ignore(line.number, line.text, reason);
        }
    }

    /// Takes a line as the rest of the one that was begun, unless it is a line of its own.
    fn go_on(&mut self, line: Line<'_>) -> bool {
        let (Some(begun), Some(current)) = (self.begun.take(), &mut self.open) else {
            return false;
        };
        if current.read_line(line, &mut self.out) == Verdict::Used {
            current.is_torn = true;
            begun.ignore(&mut self.out);
            return true;
        }
        let text = format!("{} {}", begun.text, line.text.trim_start());
        let whole = Line { number: begun.number, text: &text, cut: line.cut };
        match current.read_line(whole, &mut self.out) {
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
        let is_figure = || layouts::start_figures(line.text).is_some();
        if let Some(current) = &mut self.open
            && !(current.section.yields_to_figures() && is_figure())
        {
            let verdict = current.read_line(line, &mut self.out);
            if verdict != Verdict::Foreign {
                return self.settle(line, verdict);
            }
        }
        let Some(section) = start_section(line.text) else { return false };
        self.close();
        let mut opened =
            OpenSection { section, lines: None, used: UsedLines::default(), is_torn: false };
        let verdict = opened.read_line(line, &mut self.out);
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
                    current.is_torn |= reason.leaves_hole();
                }
                self.out.ignore(line.number, line.text, reason);
                true
            }
            Verdict::Foreign => false,
        }
    }

    fn close(&mut self) {
        self.give_up_begun();
        let Some(OpenSection { section, lines, used, is_torn }) = self.open.take() else { return };
        let lines = lines.unwrap_or((self.line, self.line));
        let before = self.out.pieces.len();
        if let Err(reason) = section.finish(lines, &mut self.out) {
            // What made no table may be sentences.
            let used = match reason.may_be_prose() {
                true => used.give(|line, text| self.prose.keep_line(line, text, reason)),
                false => used,
            };
            self.out.ignore_lines(used, reason);
        }
        self.out.forget_noted();
        let is_torn = std::mem::take(&mut self.out.is_torn) || is_torn;
        for piece in self.out.pieces.iter_mut().skip(before) {
            piece.is_torn |= is_torn;
            piece.at_s = piece.at_s.or(self.at_s);
        }
    }
}

impl OpenSection {
    fn read_line(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict {
        let verdict = self.section.read_line(line, out);
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

/// The section that a line opens, if it opens one.
fn start_section(line: &str) -> Option<Box<dyn Section>> {
    type Start = fn(&str) -> Option<Box<dyn Section>>;
    const FORMATS: [Start; 13] = [
        poolmon::start_section,
        poolused::start_section,
        vm::start_section,
        process::start_section,
        handle_types::start_section,
        verifier::start_section,
        bug_check::start_section,
        zombies::start_section,
        event_words::start_section,
        pool_trace::start_section,
        layouts::start_table,
        layouts::start_figures,
        pooltag::start_section,
    ];
    FORMATS.iter().find_map(|start| start(line))
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
