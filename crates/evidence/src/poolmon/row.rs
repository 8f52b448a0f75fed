//! The rows of poolmon.

use poolwatch_model::tag::{TagCounters, TagPattern};
use poolwatch_model::{Pool, PoolTag};

use crate::content::{IgnoredReason, PooltagEntry};
use crate::tag_counts::{agree, plausible};
use crate::{quantities, tag_text};

/// A row: its tag, pool and counters. `None` when the line is no row at all.
pub(crate) fn row(line: &str) -> Option<Result<(PoolTag, Pool, TagCounters), IgnoredReason>> {
    let (before, pool, numbers) = split_at_type(line)?;
    Some(read_row(before, pool, numbers))
}

fn read_row(
    before: &str,
    pool: Pool,
    numbers: &str,
) -> Result<(PoolTag, Pool, TagCounters), IgnoredReason> {
    let tag = tag_text::tag(tag_column(before)).ok_or(IgnoredReason::BadTag)?;
    let is_number = |word: &str| starts_number(word) && quantities::wrapped(word).is_some();
    let words = number_words(numbers, is_number);
    let fits = |n: &[u64]| {
        let [allocs, frees, outstanding, ref rest @ ..] = *n else { return true };
        if !agree(allocs, frees, outstanding) {
            return false;
        }
        let [bytes, each] = *rest else { return true };
        // Above 4 GB some versions print a wrapped quotient.
        let each_fits = bytes.checked_div(outstanding).is_none_or(|quotient| quotient == each)
            || bytes > u64::from(u32::MAX);
        plausible(bytes, outstanding) && each_fits
    };
    let numbers = first_numbers(&words)
        .filter(|numbers| fits(numbers))
        .or_else(|| quantities::regroup(&words, COLUMNS, &fits))
        .or_else(|| misread_numbers(numbers).filter(|numbers| fits(numbers)))
        .ok_or(match words.len() < COLUMNS {
            true => IgnoredReason::CutOff,
            false => IgnoredReason::Contradiction,
        })?;
    Ok((tag, pool, TagCounters { bytes: numbers[3], outstanding: numbers[2], allocs: numbers[0] }))
}

/// Allocations, frees, difference, bytes, bytes per allocation.
const COLUMNS: usize = 5;

fn first_numbers(words: &[&str]) -> Option<Vec<u64>> {
    words.get(..COLUMNS)?.iter().map(|word| quantities::wrapped(word)).collect()
}

/// The numbers of a row that was read from a picture, with the letters that are taken for digits
/// there: to be believed only where they confirm each other.
fn misread_numbers(text: &str) -> Option<Vec<u64>> {
    const MISREAD: [(char, char); 9] = [
        ('O', '0'),
        ('o', '0'),
        ('D', '0'),
        ('l', '1'),
        ('I', '1'),
        ('|', '1'),
        ('S', '5'),
        ('B', '8'),
        ('Z', '2'),
    ];
    let digit =
        |c: char| MISREAD.iter().find(|(read, _)| *read == c).map_or(c, |(_, meant)| *meant);
    let is_number = |word: &str| {
        word.chars().all(|c| digit(c).is_ascii_digit() || c == ',' || c == '.')
            && word.chars().any(|c| c.is_ascii_digit())
    };
    let words = number_words(text, is_number);
    let meant: Vec<String> =
        words.iter().take(COLUMNS).map(|word| word.chars().map(digit).collect()).collect();
    first_numbers(&meant.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Who owns the tag of a row, as the tool found it in the administrator's pooltag.txt:
/// `[nt!ps - Thread objects]`.
pub(super) fn owner(tag: PoolTag, line: &str) -> Option<PooltagEntry> {
    let (_, mapped) = line.split_once('[')?;
    let (owner, description) = mapped.trim_end().strip_suffix(']')?.split_once(" - ")?;
    let owner = owner.rsplit('[').next()?.trim();
    (!owner.is_empty() && owner != "<unknown>").then(|| PooltagEntry {
        pattern: TagPattern::of(tag),
        owner: Some(owner.to_owned()),
        description: description.trim().to_owned(),
    })
}

/// What stands before the type, the type, and what follows it, if a number does.
fn split_at_type(line: &str) -> Option<(&str, Pool, &str)> {
    // The tag's four letters and an indent; no row has its type further right.
    const LATEST: usize = 40;
    let head = &line[..line.floor_char_boundary(LATEST)];
    TYPES.into_iter().find_map(|(word, pool)| {
        head.match_indices(word).find_map(|(at, _)| {
            let (before, after) = (&line[..at], &line[at + word.len()..]);
            let apart = before.ends_with([' ', '\t']) && after.starts_with([' ', '\t']);
            let starts = after.trim_start();
            let is_misread = starts.starts_with(['O', 'l', 'I', 'S', 'B'])
                && starts
                    .split_ascii_whitespace()
                    .next()
                    .is_some_and(|word| word.chars().any(|c| c.is_ascii_digit()));
            (apart && (starts_number(starts) || is_misread)).then_some((before, pool, after))
        })
    })
}

/// Whether a number begins, of a counter that may have wrapped.
fn starts_number(text: &str) -> bool {
    text.strip_prefix('-').unwrap_or(text).starts_with(|c: char| c.is_ascii_digit())
}

/// The words for a pool in the column of types; tools other than poolmon write the last two.
const TYPES: [(&str, Pool); 5] = [
    ("Nonp", Pool::Nonpaged),
    ("N0np", Pool::Nonpaged),
    ("Paged", Pool::Paged),
    ("NonPaged", Pool::Nonpaged),
    ("Nonpaged", Pool::Nonpaged),
];

/// The tag in the text before the type. In the tool's own layout it has a column of its own, so
/// that spaces inside and before it are kept.
fn tag_column(before: &str) -> &str {
    match before.strip_prefix(' ').and_then(|rest| rest.strip_suffix(' ')) {
        Some(column) if column.chars().count() == 4 && column.trim() != "" => column,
        _ => before.trim(),
    }
}

/// The words of the numbers of a row, as far as they are such, without the changes in parentheses.
fn number_words(text: &str, is_number: impl Fn(&str) -> bool) -> Vec<&str> {
    const MAX_WORDS: usize = 24;
    let (mut words, mut rest) = (Vec::new(), text.trim_start());
    while words.len() < MAX_WORDS {
        while let Some(change) = rest.strip_prefix('(') {
            let Some(end) = change.find(')') else { return words };
            rest = change[end + 1..].trim_start();
        }
        let end = rest.find([' ', '\t', '(']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if !is_number(word) {
            break;
        }
        words.push(word);
        rest = after.trim_start();
    }
    words
}
