//! `Tag Qvfz takes 2 GB of nonpaged pool in 8.4 million allocations that were never freed`.

use poolwatch_model::tag::{AllocCounting, TagCounters, TagTable, TagUse};
use poolwatch_model::{Pool, PoolTag};

use super::{FREED, begins_so, named_tag};
use crate::well_known_tags::well_known;
use crate::{pool_words, quantities, tag_text};

/// What is counted of a tag.
const COUNTED: [&str; 8] = [
    "allocation",
    "allocs",
    "object",
    "block",
    "outstanding",
    "zuweisung",
    "asignacion",
    "выделени",
];
/// Words that turn a sentence round, unless freeing is what they deny.
const DENIALS: [&str; 7] = ["not", "no", "never", "than", "without", "nicht", "kein"];

/// The tag of a sentence with its bytes and allocations. One that tells two of the same, and not from
/// where to where, tells nothing.
pub(super) fn table(words: &[&str]) -> Option<TagTable> {
    let lower: Vec<String> = words.iter().map(|word| word.to_lowercase()).collect();
    let denials: Vec<usize> =
        (0..words.len()).filter(|at| DENIALS.contains(&lower[*at].as_str())).collect();
    let is_freeing = |at: &usize| {
        let behind = words.iter().skip(at + 1).take(2);
        behind.copied().any(|word| begins_so(word, &FREED))
    };
    if !denials.iter().all(is_freeing) {
        return None;
    }
    let (tag, known) = named_tag(words).or_else(|| lone_tag(words))?;
    let pool = pool_words::pool_words(&lower).or(known)?;
    let (mut bytes, mut counts) = (Vec::new(), Vec::new());
    let mut at = 0;
    while at < words.len() {
        let (number, taken) = number(words, at);
        let behind = lower.get(at + taken);
        let is_counted = behind.is_some_and(|word| begins_so(word, &COUNTED));
        match number {
            Some(number) if is_counted => counts.push(number),
            _ => {
                // A rate is no state.
                let is_rate = lower.get(at + 2).is_some_and(|word| word == "per" || word == "a");
                let pair = words.get(at..at + 2).map(|pair| pair.join(" "));
                let pair = pair.as_deref().and_then(quantities::size);
                let size =
                    pair.or_else(|| quantities::size(words[at]).filter(|_| number.is_some()));
                bytes.extend(size.filter(|_| !is_rate));
                at += usize::from(pair.is_some());
            }
        }
        at += taken.max(1);
    }
    let from_to = lower.iter().any(|word| word == "from") && lower.iter().any(|word| word == "to");
    let only = |count: usize| count <= 1 || count == 2 && from_to;
    if !only(bytes.len()) || !only(counts.len()) || bytes.is_empty() && counts.is_empty() {
        return None;
    }
    let outstanding = counts.last().copied().unwrap_or(0);
    let is_never_freed = !denials.is_empty() && outstanding > 0;
    let allocs = if is_never_freed { outstanding } else { 0 };
    let mut row = TagUse::empty(tag);
    *row.of_mut(pool) =
        TagCounters { bytes: bytes.last().map_or(0, |bytes| bytes.0), outstanding, allocs };
    let counting =
        if is_never_freed { AllocCounting::Full64 } else { AllocCounting::OutstandingOnly };
    Some(TagTable::new(counting, false, vec![row]))
}

/// The count at a place, of one word or two (`3.4 million`), and how many words it has.
pub(super) fn number(words: &[&str], at: usize) -> (Option<u64>, usize) {
    let pair = words.get(at..at + 2).filter(|pair| !pair[1].starts_with(|c: char| c.is_numeric()));
    let pair = pair.and_then(|pair| quantities::about(&pair.join(" ")));
    match pair {
        Some(number) => (Some(number), 2),
        None => (words.get(at).and_then(|word| quantities::about(word)), 1),
    }
}

/// A word that can be nothing but a tag: everybody knows it, or nobody could speak it.
fn lone_tag(words: &[&str]) -> Option<(PoolTag, Option<Pool>)> {
    let is_exact = |word: &&&str| {
        well_known(word)
            .is_some_and(|(tag, _)| tag == PoolTag::new(*b"Irp ") || tag.to_string() == **word)
    };
    if let Some((tag, pool)) = words.iter().filter(is_exact).find_map(|word| well_known(word)) {
        return Some((tag, Some(pool)));
    }
    let mut odd = words.iter().filter(|word| is_unspeakable(word));
    let tag = tag_text::tag(odd.next()?)?;
    odd.next().is_none().then_some((tag, None))
}

/// Whether four letters or digits have no vowel between them.
pub(super) fn is_unspeakable(word: &str) -> bool {
    word.len() == 4
        && word.starts_with(|c: char| c.is_ascii_uppercase())
        && word.chars().any(|c| c.is_ascii_lowercase())
        && word.chars().all(|c| c.is_ascii_alphanumeric() && !"aeiouyAEIOUY".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sentences::words::words;

    #[test]
    fn a_tag_has_the_numbers_of_its_sentence() {
        for (text, told) in [
            (
                "Tag Qvfz takes 2147483648 bytes of nonpaged pool in 8388410 allocations.",
                Some((2 << 30, 8_388_410, 0)),
            ),
            (
                "Qvfz went up to ~730 MB of nonpaged pool with about 3.4 million allocations that were never freed.",
                Some((730 << 20, 3_400_000, 3_400_000)),
            ),
            ("The tag Qvfz has leaked 318400 allocations (nonpaged).", Some((0, 318_400, 0))),
            ("Qvfz grew from 100 MB to 2 GB in nonpaged pool", Some((2 << 30, 0, 0))),
            ("Qvfz grew by 100 MB per hour in nonpaged pool", None),
            ("Qvfz has no more than 2 GB of nonpaged pool", None),
            ("Qvfz has 2 GB, and 3 GB are left of nonpaged pool", None),
            ("this takes 2 GB of nonpaged pool", None),
            ("Tag Qvfz takes 2 GB", None),
        ] {
            let table = table(&words(text));
            let row = table.map(|table| table.rows[0].nonpaged);
            let row = row.map(|row| (row.bytes, row.outstanding, row.allocs));
            assert_eq!(row, told, "{text}");
        }
    }
}
