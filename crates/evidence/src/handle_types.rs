//! Handles by type: `!handle` of a user-mode debugger (`273020 Handles`, then a column of types and
//! one of counts) and `handle -s` of Sysinternals (`Event : 222742`, then `Total handles: 273020`), of
//! the process that the command above them or their title names.

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::statements::HandleSummary;
use crate::text::Line;
use crate::{image_names, quantities};

/// More types than any Windows has.
const MAX_TYPES: usize = 256;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    let opens = total(line).is_some() || title(line).is_some() || command(line).is_some();
    opens.then(|| Box::new(Summary::default()) as Box<dyn Section>)
}

#[derive(Default)]
struct Summary {
    told: HandleSummary,
    ended: bool,
}

impl Section for Summary {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if self.ended {
            return Verdict::Foreign;
        }
        if let Some(total) = total(line.text) {
            if self.told.total.is_some() {
                return Verdict::Foreign;
            }
            self.told.total = Some(total);
            self.ended = !self.told.by_type.is_empty();
            return Verdict::Used;
        }
        if let Some((image, pid)) = title(line.text).or_else(|| command(line.text)) {
            if !self.told.by_type.is_empty() {
                return Verdict::Foreign;
            }
            self.told.image = image.map(image_names::image).or(self.told.image.take());
            self.told.pid = pid.or(self.told.pid);
            return Verdict::Used;
        }
        if is_heads(line.text) || self.told.by_type.is_empty() && is_banner(line.text) {
            return Verdict::Used;
        }
        match row(line.text) {
            Some(_) if self.told.by_type.len() == MAX_TYPES => {
                Verdict::Ignored(IgnoredReason::TooMany)
            }
            // Digits at the very end of a text may be only the first ones.
            Some(_) if line.cut => Verdict::Ignored(IgnoredReason::CutOff),
            Some(row) => {
                self.told.by_type.push(row);
                Verdict::Used
            }
            None => Verdict::Foreign,
        }
    }

    fn finish(mut self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        if self.told.by_type.is_empty() {
            let is_asked = self.told.total.is_none();
            return Err(if is_asked { IgnoredReason::Command } else { IgnoredReason::CutOff });
        }
        self.told.by_type.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        out.piece(PieceKind::HandleTypes, lines, PieceContent::Handles(self.told));
        Ok(())
    }
}

/// `273020 Handles` or `Total handles: 273020`.
fn total(line: &str) -> Option<u64> {
    let line = line.trim();
    if let Some(number) = line.strip_suffix("Handles") {
        return quantities::count(number);
    }
    quantities::count(line.strip_prefix("Total handles:")?)
}

/// The process of a title, as far as it names one: `Handle type summary for a.exe (pid 4108):`.
fn title(line: &str) -> Option<(Option<&str>, Option<u32>)> {
    let rest = line.trim().strip_prefix("Handle type summary")?.strip_suffix(':')?;
    let Some(who) = rest.trim_start().strip_prefix("for ") else {
        return rest.is_empty().then_some((None, None));
    };
    let (image, behind) = who.split_once(['(', ',']).unwrap_or((who, ""));
    let pid = behind.split(|c: char| !c.is_ascii_digit()).find_map(|word| word.parse().ok());
    Some((Some(image.trim()).filter(|image| !image.is_empty()), pid))
}

/// The process of a command: `handle64.exe -s -p 4108`, or its name in place of the number.
fn command(line: &str) -> Option<(Option<&str>, Option<u32>)> {
    const LONGEST: usize = 200;
    if line.len() > LONGEST || !line.contains("andle") {
        return None;
    }
    let mut words = line.split([' ', '>', '\\']).skip_while(|word| {
        let lower = word.to_ascii_lowercase();
        !["handle", "handle64"].contains(&lower.trim_end_matches(".exe"))
    });
    words.next()?;
    let options: Vec<&str> = words.filter(|word| !word.is_empty()).collect();
    let at = options.iter().position(|word| word.eq_ignore_ascii_case("-p"))?;
    let who = options.get(at + 1).filter(|_| options.contains(&"-s"))?;
    Some(match who.parse() {
        Ok(pid) => (None, Some(pid)),
        Err(_) => (Some(*who), None),
    })
}

/// What Sysinternals' tools print first.
fn is_banner(line: &str) -> bool {
    ["Nthandle v", "Copyright (C)", "Sysinternals - "].iter().any(|start| line.starts_with(start))
}

fn is_heads(line: &str) -> bool {
    let mut words = line.split_whitespace();
    (words.next(), words.next(), words.next()) == (Some("Type"), Some("Count"), None)
}

/// A type, of one or several words, and its count.
fn row(line: &str) -> Option<(String, u64)> {
    let line = line.trim();
    let (name, count) = line.rsplit_once([':', ' ', '\t'])?;
    let count = quantities::count(count)?;
    let name = name.trim_end_matches([':', ' ', '\t']);
    let is_type = (1..=40).contains(&name.len())
        && name.split(' ').count() <= 4
        && name.chars().all(|c| c.is_alphanumeric() || " _-<>".contains(c));
    is_type.then(|| (name.to_owned(), count))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    #[test]
    fn both_tools_tell_handles_by_type() {
        for text in [
            "273020 Handles\nType           \tCount\nNone           \t93\nEvent          \t222742\n\
             ALPC Port      \t12\n",
            "Handle type summary:\n  ALPC Port       : 12\n  Event           : 222,742\n  None : 93\n\
             Total handles: 273020\n",
        ] {
            let reading = read("", text.as_bytes());
            assert_eq!(reading.ignored, [], "{text}");
            let [piece] = &reading.pieces[..] else { panic!("{text}") };
            let PieceContent::Handles(told) = &piece.content else { panic!("{text}") };
            assert_eq!(told.total, Some(273_020));
            assert_eq!(told.by_type[0], ("Event".to_owned(), 222_742));
            assert_eq!(told.by_type.len(), 3);
        }
    }

    #[test]
    fn the_process_is_that_of_the_title_or_of_the_command() {
        let rows = "  Event           : 1311902\n  File            : 210\nTotal handles: 1312240\n";
        let banner = "\nNthandle v5.0 - Handle viewer\nSysinternals - www.sysinternals.com\n\n";
        for (head, image, pid) in [
            ("Handle type summary for relay.exe (pid 4108):\n", Some("relay.exe"), Some(4108)),
            ("C:\\tools>handle64.exe -s -p 4108\nHandle type summary:\n", None, Some(4108)),
            ("PS C:\\> handle -s -p relay\nHandle type summary:\n", Some("relay.exe"), None),
            ("Handle type summary:\n", None, None),
        ] {
            let reading = read("", [banner, head, rows].concat().as_bytes());
            let told = reading.pieces.iter().find_map(|piece| match &piece.content {
                PieceContent::Handles(told) => Some((told.image.as_deref(), told.pid)),
                _ => None,
            });
            assert_eq!(told, Some((image, pid)), "{head}");
        }
    }

    #[test]
    fn a_count_that_may_be_cut_off_is_not_told() {
        let reading = read("", b"273020 Handles\nType Count\nNone 93\nEvent 2227");
        let PieceContent::Handles(told) = &reading.pieces[0].content else { panic!() };
        assert_eq!(told.by_type, [("None".to_owned(), 93)]);
        assert_eq!(reading.ignored[0].reason, IgnoredReason::CutOff);
        assert!(reading.pieces[0].is_torn);
    }
}
