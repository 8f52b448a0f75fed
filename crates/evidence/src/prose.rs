//! What people write in sentences. Only counts that name their tag are taken.

use poolwatch_model::PoolTag;
use poolwatch_model::tag::{AllocCounting, TagCounters, TagTable};
use poolwatch_model::{Pool, tag::TagUse};

use crate::reading::{Content, Kind};
use crate::section::Gathered;
use crate::text::Line;
use crate::{numbers, poolmon, tag_text};

/// Longer lines are no sentences.
const MAX_SENTENCE: usize = 4096;

/// Tags that people name without their pool. Objects that threads wait for must stay resident, and
/// so must I/O requests and their memory lists: all are in nonpaged pool.
const NONPAGED: [&[u8; 4]; 12] = [
    b"Proc", b"Thre", b"File", b"Even", b"Muta", b"Sema", b"Time", b"IoCo", b"Mdl ", b"Irp ",
    b"Job ", b"ALPC",
];

/// Reads a line; false when it tells nothing.
pub(crate) fn read(line: Line<'_>, out: &mut Gathered) -> bool {
    if line.text.len() > MAX_SENTENCE {
        return false;
    }
    let Some(row) = counts(line.text).or_else(|| quoted_row(line.text)) else { return false };
    let table = TagTable::new(AllocCounting::Full64, false, vec![row]);
    out.piece(Kind::Sentence, (line.number, line.number), Content::Tags(table));
    true
}

/// The tag, as it is spelled if it is one of those that everybody knows, and its pool.
pub(crate) fn well_known(word: &str) -> Option<(PoolTag, Pool)> {
    NONPAGED
        .iter()
        .map(|tag| PoolTag::new(**tag))
        .find(|tag| tag.to_string().eq_ignore_ascii_case(word))
        .map(|tag| (tag, Pool::Nonpaged))
}

/// `… of mdl tag is allocated 2492040 times, but it is only freed 176 times`.
fn counts(line: &str) -> Option<TagUse> {
    let words: Vec<_> = line.split_whitespace().map(bare).collect();
    let times = |verb: &str| {
        let at = words.iter().position(|word| word.eq_ignore_ascii_case(verb))?;
        let count = numbers::count(words.get(at + 1)?)?;
        words.get(at + 2)?.eq_ignore_ascii_case("times").then_some(count)
    };
    let (allocs, frees) = (times("allocated")?, times("freed")?);
    let outstanding = allocs.checked_sub(frees)?;
    let (tag, known) = named_tag(&words)?;
    let said = words.iter().find_map(|word| pool_word(word));
    let pool = said.or(known)?;
    let mut row = poolmon::empty(tag);
    *row.of_mut(pool) = TagCounters { bytes: 0, outstanding, allocs };
    Some(row)
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
    };
    Some((around.filter(looks_like_a_tag).find_map(tag_text::tag)?, None))
}

/// A row of poolmon inside a sentence.
fn quoted_row(line: &str) -> Option<TagUse> {
    let at = [" Nonp ", " Paged "].iter().find_map(|word| line.find(word))?;
    let before = line[..at].split_whitespace().next_back()?;
    let start = before.as_ptr().addr() - line.as_ptr().addr();
    let (tag, pool, counters) = poolmon::row(&line[start..])?.ok()?;
    let mut row = poolmon::empty(tag);
    *row.of_mut(pool) = counters;
    Some(row)
}

/// The pool that a word names.
pub(crate) fn pool_word(word: &str) -> Option<Pool> {
    match word.to_ascii_lowercase().as_str() {
        "nonpaged" | "non-paged" | "nonp" | "np" => Some(Pool::Nonpaged),
        "paged" => Some(Pool::Paged),
        _ => None,
    }
}

/// A word without its quotes and the marks that end sentences.
fn bare(word: &str) -> &str {
    word.trim_matches(|c: char| !c.is_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading;

    fn told(text: &str) -> Option<(String, u64, u64, u64)> {
        let mut reading = reading::read("", text.as_bytes());
        let Content::Tags(tags) = reading.pieces.pop()?.content else { panic!() };
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
