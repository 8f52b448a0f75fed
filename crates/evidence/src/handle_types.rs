//! Handles by type: `!handle` of a user-mode debugger (`273020 Handles`, then a column of types and
//! one of counts) and `handle -s` of Sysinternals (`Event : 222742`, then `Total handles: 273020`).

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::quantities;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Section, Verdict};
use crate::statements::HandleSummary;
use crate::text::Line;

/// More types than any Windows has.
const MAX_TYPES: usize = 256;

pub(crate) fn open(line: &str) -> Option<Box<dyn Section>> {
    let opens = total(line).is_some() || is_summary(line);
    opens.then(|| Box::new(Summary::default()) as Box<dyn Section>)
}

#[derive(Default)]
struct Summary {
    told: HandleSummary,
    ended: bool,
}

impl Section for Summary {
    fn take(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
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
        if is_summary(line.text) || is_heads(line.text) {
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

    fn finish(
        mut self: Box<Self>,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        if self.told.by_type.is_empty() {
            return Err(IgnoredReason::CutOff);
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

fn is_summary(line: &str) -> bool {
    line.trim().eq_ignore_ascii_case("Handle type summary:")
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
    fn a_count_that_may_be_cut_off_is_not_told() {
        let reading = read("", b"273020 Handles\nType Count\nNone 93\nEvent 2227");
        let PieceContent::Handles(told) = &reading.pieces[0].content else { panic!() };
        assert_eq!(told.by_type, [("None".to_owned(), 93)]);
        assert_eq!(reading.ignored[0].reason, IgnoredReason::CutOff);
        assert!(reading.pieces[0].is_torn);
    }
}
