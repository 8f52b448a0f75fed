//! `pooltag.txt`: what tags mean.
//!
//! A line is `tag - owner - description`, split at the first two hyphens between spaces. Tags have
//! one to four characters; case and inner spaces matter; `?` stands for any one character, `*` for
//! any number of them, neither of them first. `rem` and `//` begin comments. Lines with two fields
//! tell no owner, nor does `<unknown>`.

use poolwatch_model::tag::TagPattern;

use crate::content::{IgnoredReason, PieceContent, PieceKind, PooltagEntry};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::tag_text;
use crate::text::Line;

/// The most entries of one text. The vendor's has about 5,000.
const MAX_ENTRIES: usize = 100_000;
/// Fewer are no list: a sentence may look like an entry.
const MIN_ENTRIES: usize = 3;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    (is_comment(line) || entry(line).is_some())
        .then(|| Box::new(Catalogue::default()) as Box<dyn Section>)
}

#[derive(Default)]
struct Catalogue {
    entries: Vec<PooltagEntry>,
}

impl Section for Catalogue {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if is_comment(line.text) {
            return Verdict::Used;
        }
        let Some(entry) = entry(line.text) else { return Verdict::Foreign };
        if self.entries.len() == MAX_ENTRIES {
            return Verdict::Ignored(IgnoredReason::TooMany);
        }
        self.entries.push(entry);
        Verdict::Used
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        if self.entries.len() < MIN_ENTRIES {
            return Err(IgnoredReason::NotUnderstood);
        }
        out.piece(PieceKind::Pooltag, lines, PieceContent::Catalogue(self.entries));
        Ok(())
    }
}

fn is_comment(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("//")
        || line.get(..3).is_some_and(|word| word.eq_ignore_ascii_case("rem"))
            && line[3..].starts_with(|c: char| c.is_whitespace())
        || line.eq_ignore_ascii_case("rem")
}

fn entry(line: &str) -> Option<PooltagEntry> {
    let (tag, rest) = split_at_hyphen(line, 8)?;
    let tag = tag.trim_end();
    let pattern = |text: &str| TagPattern::new(tag_text::tag(text)?);
    let pattern = pattern(tag).or_else(|| pattern(tag.trim_start()))?;
    let (owner, description) = match split_at_hyphen(rest, rest.len()) {
        Some((owner, description)) => (Some(owner.trim()), description.trim()),
        None => (None, rest.trim()),
    };
    let owner = owner.filter(|owner| !owner.is_empty() && *owner != "<unknown>");
    if owner.is_none() && description.is_empty() {
        return None;
    }
    Some(PooltagEntry {
        pattern,
        owner: owner.map(str::to_owned),
        description: description.to_owned(),
    })
}

/// Splits at the first hyphen between spaces that is among the first `within` bytes.
fn split_at_hyphen(text: &str, within: usize) -> Option<(&str, &str)> {
    let head = &text[..text.floor_char_boundary(within)];
    head.match_indices('-').map(|(at, _)| (&text[..at], &text[at + 1..])).find(|(before, after)| {
        let spaced = |c: char| c.is_whitespace();
        before.ends_with(spaced) && (after.is_empty() || after.starts_with(spaced))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    const TEXT: &str = "\
//
rem  what follows is made up
REM
Abc? - a.sys        - all of Abc
Ab*  - b.sys        - more of Ab
Abcd - <unknown>    - one of them - and the only one
Abcd - c.sys        -   again
Dh 1 - nt!x or y.sys - inner space
ABcd - two fields only
G    - d.sys  -
        <unknown>
Tags of g.sys are Gc00 through GcFF
-bad - e.sys - x
?bad - e.sys - x
\u{1A}";

    fn catalogue() -> (Vec<PooltagEntry>, Vec<u32>) {
        let mut reading = read("pooltag.txt", TEXT.as_bytes());
        assert_eq!(reading.pieces.len(), 1, "{reading:?}");
        let PieceContent::Catalogue(entries) = reading.pieces.remove(0).content else { panic!() };
        (entries, reading.ignored.iter().map(|ignored| ignored.line).collect())
    }

    #[test]
    fn every_line_is_an_entry_a_comment_or_accounted_for() {
        let (entries, ignored) = catalogue();
        assert_eq!(ignored, [11, 12, 14]);
        let told: Vec<_> =
            entries.iter().map(|e| (e.owner.as_deref(), e.description.as_str())).collect();
        assert_eq!(
            told,
            [
                (Some("a.sys"), "all of Abc"),
                (Some("b.sys"), "more of Ab"),
                (None, "one of them - and the only one"),
                (Some("c.sys"), "again"),
                (Some("nt!x or y.sys"), "inner space"),
                (None, "two fields only"),
                (Some("d.sys"), ""),
                (Some("e.sys"), "x"),
            ]
        );
    }

    #[test]
    fn one_sentence_with_hyphens_is_no_catalogue() {
        assert!(read("", b"Thre - nt!ps - Thread objects").pieces.is_empty());
    }
}
