//! Events inside a text: where they are, and what becomes of torn ones.

use poolwatch_model::event::EventKind;

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::event;
use crate::reading_builder::ReadingBuilder;
use crate::statements::UndatedEvent;

/// A part of a text.
pub(crate) enum Part<'a> {
    /// An `<Event>`, with or without its end.
    Event(&'a str),
    /// Anything else.
    Lines(&'a str),
}

/// The parts of a text, in order, read once from front to back.
///
/// The facts of an event 2004 that has lost its `<Event>` are a part of their own.
pub(crate) fn parts(text: &str) -> impl Iterator<Item = Part<'_>> {
    let mut rest = text;
    let mut queued = None;
    std::iter::from_fn(move || {
        if let Some(event) = queued.take() {
            return Some(Part::Event(event));
        }
        if rest.is_empty() {
            return None;
        }
        let Some(start) = first_start(rest) else {
            return Some(Part::Lines(std::mem::take(&mut rest)));
        };
        let (before, from_start) = rest.split_at(start);
        let (event, after) = from_start.split_at(length(from_start));
        rest = after;
        if before.is_empty() {
            return Some(Part::Event(event));
        }
        queued = Some(event);
        Some(Part::Lines(before))
    })
}

/// Reads an event, and what a torn one still tells.
pub(crate) fn read_event(xml: &str, lines: (u32, u32), out: &mut ReadingBuilder) {
    match event::read_event(xml) {
        Ok(event) => out.piece(PieceKind::Event, lines, PieceContent::Event(Box::new(event))),
        Err(_) => match event::read_exhaustion(xml) {
            Some(facts) => {
                let mut event = UndatedEvent::new(EventKind::CommitExhausted, 2004);
                event.exhaustion = Some(Box::new(facts));
                out.piece(PieceKind::Event, lines, PieceContent::UndatedEvent(event));
            }
            None => {
                for (line, text) in (lines.0..).zip(xml.lines()) {
                    out.ignore(line, text, IgnoredReason::CutOff);
                }
            }
        },
    }
}

/// Whether a line is XML around events.
pub(crate) fn wraps_events(line: &str) -> bool {
    let line = line.trim_start();
    ["<Events", "</Events", "<?xml"].iter().any(|start| line.starts_with(start))
}

/// Elements of event 2004 that nothing else has.
const EXHAUSTION_ELEMENTS: [&str; 6] = [
    "<MemoryExhaustionInfo",
    "<SystemCommitLimit>",
    "<SystemCommitCharge>",
    "<PagedPoolInfo>",
    "<NonPagedPoolInfo>",
    "<ProcessInfo>",
];

fn starts_event(text: &str) -> bool {
    text.strip_prefix("<Event")
        .is_some_and(|rest| rest.starts_with(|c: char| c == '>' || c.is_whitespace()))
}

fn first_start(text: &str) -> Option<usize> {
    text.match_indices('<').map(|(at, _)| at).find(|at| {
        let here = &text[*at..];
        starts_event(here) || EXHAUSTION_ELEMENTS.iter().any(|name| here.starts_with(name))
    })
}

/// Length of the event, or of the part of one, that `text` starts with.
fn length(text: &str) -> usize {
    const END: &str = "</Event>";
    let whole = starts_event(text);
    let mut torn_at = text.len();
    // A part of an event has no end to look for: what follows would be read again and again.
    for (at, _) in text.match_indices('<').skip(1).take_while(|_| whole) {
        if text[at..].starts_with(END) {
            return at + END.len();
        }
        if starts_event(&text[at..]) || at > event::MAX_EVENT_BYTES {
            torn_at = at;
            break;
        }
    }
    // A torn event ends before the first line without markup.
    let mut end = 0;
    for line in text[..torn_at].split_inclusive('\n') {
        let other = !line.trim().is_empty() && !line.contains('<');
        if other || (end > 0 && line.trim_start().starts_with("<Event")) {
            break;
        }
        end += line.len();
    }
    end.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(text: &str) -> Vec<(bool, &str)> {
        parts(text)
            .map(|part| match part {
                Part::Event(xml) => (true, xml),
                Part::Lines(lines) => (false, lines),
            })
            .collect()
    }

    #[test]
    fn events_are_found_among_other_text() {
        assert_eq!(
            split("<Events><Event a='b'>1</Event><Event>2</Event></Events>\nend"),
            [
                (false, "<Events>"),
                (true, "<Event a='b'>1</Event>"),
                (true, "<Event>2</Event>"),
                (false, "</Events>\nend"),
            ]
        );
        assert_eq!(split("<EventID>7</EventID>"), [(false, "<EventID>7</EventID>")]);
    }

    #[test]
    fn a_torn_event_takes_no_other_text_along() {
        assert_eq!(
            split("<Event>\n<System>\n text\n<Event>2</Event>"),
            [(true, "<Event>\n<System>\n"), (false, " text\n"), (true, "<Event>2</Event>")]
        );
        assert_eq!(
            split("said:\n  <PagedPoolInfo>\n</Tag_1>\n  </x>\nThre Nonp"),
            [
                (false, "said:\n  "),
                (true, "<PagedPoolInfo>\n</Tag_1>\n  </x>\n"),
                (false, "Thre Nonp")
            ]
        );
    }
}
