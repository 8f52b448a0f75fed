//! Sentences that tell all by themselves: a row of poolmon that is quoted, allocations and frees of a
//! tag, the message of event 2004, a process that has ended.

use poolwatch_model::PoolTag;
use poolwatch_model::event::EventKind;
use poolwatch_model::tag::{AllocCounting, TagCounters, TagTable};
use poolwatch_model::{Pool, tag::TagUse};

use crate::content::{PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::statements::{EndedProcesses, UndatedEvent};
use crate::text::Line;
use crate::well_known_tags::well_known;
use crate::{pool_words, poolmon, process, prose, quantities, tag_text};
use words::words;

pub(crate) mod commit;
mod words;

/// Longer lines are no sentences.
const MAX_SENTENCE: usize = 4096;

/// Reads a line; false when it tells nothing.
pub(crate) fn read(line: Line<'_>, out: &mut ReadingBuilder) -> bool {
    if line.text.len() > MAX_SENTENCE {
        return false;
    }
    let lines = (line.number, line.number);
    let joined = quantities::joined(line.text);
    if let Some(row) = quoted_row(line.text).or_else(|| counts(&joined)) {
        let table = TagTable::new(AllocCounting::Full64, false, vec![row]);
        out.piece(PieceKind::Sentence, lines, PieceContent::Tags(table));
        return true;
    }
    if process::tells_end(line.text) {
        out.piece(
            PieceKind::Sentence,
            lines,
            PieceContent::Ended(EndedProcesses { processes: 1, most: None }),
        );
        return true;
    }
    let holders = commit::holders(line.text);
    if holders.len() > 1 {
        // Only the message of event 2004 lists programs so.
        let event = UndatedEvent::new(EventKind::CommitExhausted, 2004);
        out.piece(PieceKind::Event, lines, PieceContent::UndatedEvent(event));
    }
    if !holders.is_empty() {
        out.piece(PieceKind::Sentence, lines, PieceContent::Processes(holders));
        return true;
    }
    false
}

/// `… of mdl tag is allocated 2492040 times, but it is only freed 176 times`.
fn counts(line: &str) -> Option<TagUse> {
    let words = words(line);
    let (allocs, frees) = (counted(&words, &ALLOCATED)?, counted(&words, &FREED)?);
    let outstanding = allocs.checked_sub(frees)?;
    let (tag, known) = named_tag(&words)?;
    let pool =
        pool_words::pool_words(&words.iter().map(|word| word.to_lowercase()).collect::<Vec<_>>());
    let mut row = TagUse::empty(tag);
    *row.of_mut(pool.or(known)?) = TagCounters { bytes: 0, outstanding, allocs };
    Some(row)
}

/// How words that mean allocating begin, in some languages.
const ALLOCATED: [&str; 9] =
    ["alloc", "allok", "zugewies", "zugeteil", "belegt", "asigna", "assegna", "aloca", "выдел"];
/// How words that mean freeing begin.
const FREED: [&str; 8] =
    ["free", "freig", "dealloc", "libér", "liber", "libera", "освоб", "releas"];

/// Whether a word begins so.
fn begins_so(word: &str, beginnings: &[&str]) -> bool {
    let lower = word.to_lowercase();
    beginnings.iter().any(|beginning| lower.starts_with(beginning))
}

/// The number beside the only word that begins so.
fn counted(words: &[&str], beginnings: &[&str]) -> Option<u64> {
    let mut found = words.iter().enumerate().filter(|(_, word)| begins_so(word, beginnings));
    let (at, _) = found.next().filter(|_| found.next().is_none())?;
    let number = |at: usize| quantities::count(words.get(at)?);
    let before = |back: usize| number(at.checked_sub(back)?);
    number(at + 1).or_else(|| before(1)).or_else(|| number(at + 2)).or_else(|| before(2))
}

/// The one tag that the words name, by `xyz tag` or `tag xyz`.
fn named_tag(words: &[&str]) -> Option<(PoolTag, Option<Pool>)> {
    let at = words.iter().position(|word| word.eq_ignore_ascii_case("tag"))?;
    let before = at.checked_sub(1).and_then(|at| words.get(at)).copied();
    let after = words.get(at + 1).copied();
    let around = [before, after].into_iter().flatten();
    if let Some((tag, pool)) = around.clone().find_map(well_known) {
        return Some((tag, Some(pool)));
    }
    // Words of three or four lower-case letters are mostly words.
    let looks_like_a_tag = |word: &&str| {
        (3..=4).contains(&word.len()) && word.chars().skip(1).any(|c| !c.is_lowercase())
            || prose::is_unspeakable(word)
    };
    Some((around.filter(looks_like_a_tag).find_map(tag_text::tag)?, None))
}

/// A row of poolmon inside a sentence.
fn quoted_row(line: &str) -> Option<TagUse> {
    let at = [" Nonp ", " Paged "].iter().find_map(|word| line.find(word))?;
    let before = line[..at].split_whitespace().next_back()?;
    let start = before.as_ptr().addr() - line.as_ptr().addr();
    let (tag, pool, counters) = poolmon::row::row(&line[start..])?.ok()?;
    let mut row = TagUse::empty(tag);
    *row.of_mut(pool) = counters;
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    fn told(text: &str) -> Option<(String, u64, u64, u64)> {
        let mut reading = read("", text.as_bytes());
        reading.pieces.retain(|piece| matches!(piece.content, PieceContent::Tags(_)));
        let PieceContent::Tags(tags) = reading.pieces.pop()?.content else { panic!() };
        let [row] = tags.rows[..] else { panic!("{tags:?}") };
        let counters = row.nonpaged;
        Some((row.tag.to_string(), counters.allocs, counters.outstanding, counters.bytes))
    }

    #[test]
    fn counts_in_a_sentence_belong_to_the_tag_it_names() {
        let mdl = Some(("Mdl".to_owned(), 2_492_040, 2_491_864, 0));
        for text in [
            "memory of mdl tag is allocated 2492040 times, but it is only freed 176 times",
            "Nonpaged: tag “Mdl” was allocated 2,492,040 times and freed 176 times.",
            "pool tag Mdl: allocs=2492040 frees=176",
            "mdl tag: 2 492 040 allocations and 176 frees",
            "Das Tag Mdl wurde 2.492.040 mal zugewiesen, aber nur 176 mal freigegeben",
            "tag Mdl has 2492040 allocations and 176 frees",
        ] {
            assert_eq!(told(text), mdl, "{text}");
        }
        for text in [
            "the pool was allocated 5 times and freed 3 times",
            "the tag was allocated 5 times and freed 3 times",
            "XyzW tag allocated 5 times and freed 3 times",
            "mdl tag allocated many times and freed 3 times",
            "mdl tag allocated 5 times and freed 7 times",
        ] {
            assert_eq!(told(text), None, "{text}");
        }
    }

    #[test]
    fn a_poolmon_row_inside_a_sentence_is_read() {
        let text = "in poolmon: Per Alloc Mapped_Driver Thre Nonp 378580 24692 353888 220826112 \
                    624 [nt!ps – Thread objects] My question";
        assert_eq!(told(text), Some(("Thre".into(), 378_580, 353_888, 220_826_112)));
        assert_eq!(told("say Thre Nonp 378580 24692 353889 220826112 624 x"), None);
    }
}
