//! Numbers as people and tools write them.

use std::borrow::Cow;

use poolwatch_model::Bytes;

/// A count: plain digits, or groups of three with one kind of separator throughout (comma, dot,
/// apostrophe, any spaces), or the Indian groups of two before the last three. `None` for everything
/// else, so for badly grouped digits.
///
/// Spaces that people set by hand may be doubled, and the first may be missing: of three groups or
/// more the first may have up to six digits.
pub(crate) fn count(text: &str) -> Option<u64> {
    let text = text.trim();
    digits(text).or_else(|| grouped(text))
}

/// A count as people and monitoring systems write it: `~730`, `about 174K`, `3.4 million`, `2 Mio.`,
/// `500,000+`, `1.6e+06`, `612368384.000000`, `0x7c01a`.
///
/// K, M and words are of 1,000. What is not whole is cut off.
pub(crate) fn about(text: &str) -> Option<u64> {
    let text = bare_number(text);
    if let Some(number) = count(text) {
        return Some(number);
    }
    if text.starts_with("0x") {
        return hex(text);
    }
    let end = text.find(char::is_alphabetic).unwrap_or(text.len());
    let (number, word) = (text[..end].trim_end(), text[end..].trim_end_matches('.'));
    let unit = match word.to_lowercase().as_str() {
        "" => 1,
        "k" | "thousand" | "tsd" | "tausend" | "mille" | "mil" | "тыс" | "тысяч" => 1_000,
        "m" | "mio" | "mln" | "million" | "millions" | "millionen" | "millones" | "milioni"
        | "миллион" | "миллиона" | "миллионов" | "млн" => 1_000_000,
        "bn" | "mrd" | "billion" | "billions" | "milliarden" => 1_000_000_000,
        _ => return scientific(text),
    };
    let Some((whole, decimals)) = number.rsplit_once(['.', ',']) else {
        return count(number)?.checked_mul(unit);
    };
    let decimals = decimals.get(..9).unwrap_or(decimals);
    let part = digits(decimals)?.checked_mul(unit)? / 10_u64.pow(decimals.len() as u32);
    count(whole)?.checked_mul(unit)?.checked_add(part)
}

/// `1.604221e+06`, as monitoring systems write numbers: exact up to 2^53.
fn scientific(text: &str) -> Option<u64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !text.starts_with(|c: char| c.is_ascii_digit()) || !text.chars().all(is_number) {
        return None;
    }
    let number: f64 = text.parse().ok()?;
    (0.0..=EXACT).contains(&number).then_some(number as u64)
}

/// The number without the signs and words that say that it is not exact.
fn bare_number(text: &str) -> &str {
    const WORDS: [&str; 16] = [
        "about ",
        "over ",
        "around ",
        "nearly ",
        "almost ",
        "circa ",
        "ca. ",
        "more than ",
        "approximately ",
        "approx. ",
        "roughly ",
        "etwa ",
        "rund ",
        "environ ",
        "около ",
        "unos ",
    ];
    let text = text.trim().trim_start_matches(['~', '≈', '>', ' ']).trim_end_matches('+');
    WORDS.iter().find_map(|word| text.strip_prefix(word)).unwrap_or(text).trim()
}

/// A 32-bit counter, which tools print as a negative number when it has grown past its half.
pub(crate) fn wrapped(text: &str) -> Option<u64> {
    match text.strip_prefix('-') {
        Some(_) => Some(u64::from(text.parse::<i32>().ok()?.cast_unsigned())),
        None => count(text),
    }
}

/// The number that `text` starts with, grouped or not, and what follows it. Spaces do not group
/// here: they part columns.
pub(crate) fn leading(text: &str) -> Option<(u64, &str)> {
    let run = |text: &str| text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let mut end = run(text);
    let mark = text[end..].chars().next().filter(|c| is_mark(*c));
    if let Some(mark) = mark.filter(|_| (1..=3).contains(&end)) {
        while let Some(after) = text[end..].strip_prefix(mark) {
            let length = run(after);
            let is_indian = mark == ',' && length == 2 && after[2..].starts_with(mark);
            if length != 3 && !is_indian {
                break;
            }
            end += mark.len_utf8() + length;
        }
    }
    let (number, rest) = text.split_at(end);
    Some((count(number)?, rest))
}

/// The line with the spaces taken out that group thousands in it (`2 492 040 times`).
pub(crate) fn joined(line: &str) -> Cow<'_, str> {
    let is_digit = |at: usize| line.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let is_group = |at: usize| (at..at + 3).all(is_digit) && !is_digit(at + 3);
    let (mut kept, mut from, mut start) = (String::new(), 0, None);
    for (at, byte) in line.bytes().enumerate() {
        match (byte, start) {
            (b'0'..=b'9', None) => start = Some(at),
            (b'0'..=b'9', Some(_)) => {}
            // The first group is short; those that follow have three digits each.
            (b' ', Some(first)) if from > first || at - first <= 3 => {
                if is_group(at + 1) {
                    kept.push_str(&line[from..at]);
                    from = at + 1;
                } else {
                    start = None;
                }
            }
            _ => start = None,
        }
    }
    if from == 0 {
        return Cow::Borrowed(line);
    }
    kept.push_str(&line[from..]);
    Cow::Owned(kept)
}

/// The one way to read words of digits, in which spaces may group thousands, as `into` numbers that
/// `fit` together; so do the first of them. `None` when there is none, or more than one.
pub(crate) fn regroup(
    words: &[&str],
    into: usize,
    fit: &impl Fn(&[u64]) -> bool,
) -> Option<Vec<u64>> {
    // A row of a table has no more words; nor are there many ways to read one.
    const MAX_WORDS: usize = 24;
    const MAX_STEPS: u32 = 2000;
    fn search(
        words: &[&str],
        into: usize,
        read: &mut Vec<u64>,
        steps: &mut u32,
        fit: &impl Fn(&[u64]) -> bool,
        found: &mut dyn FnMut(&[u64]),
    ) {
        *steps += 1;
        if *steps > MAX_STEPS || read.len() + words.len() < into || !fit(read) {
            return;
        }
        if read.len() == into {
            if words.is_empty() {
                found(read);
            }
            return;
        }
        for taken in 1..=words.len() {
            let Some(number) = value(&words[..taken]) else { break };
            read.push(number);
            search(&words[taken..], into, read, steps, fit, found);
            read.pop();
        }
    }
    if words.len() > MAX_WORDS {
        return None;
    }
    let (mut only, mut ways, mut steps) = (None, 0, 0);
    search(words, into, &mut Vec::new(), &mut steps, fit, &mut |numbers| {
        ways += 1;
        only = Some(numbers.to_vec());
    });
    only.filter(|_| ways == 1 && steps <= MAX_STEPS)
}

/// A hexadecimal number, with or without `0x`, with or without the back-tick of 64-bit debuggers.
pub(crate) fn hex(text: &str) -> Option<u64> {
    let text = text.strip_prefix("0x").unwrap_or(text);
    if !(1..=17).contains(&text.len()) {
        return None;
    }
    let mut value: u64 = 0;
    for digit in text.chars().filter(|c| *c != '`') {
        value = value.checked_mul(16)?.checked_add(digit.to_digit(16)?.into())?;
    }
    text.starts_with(|c: char| c.is_ascii_hexdigit()).then_some(value)
}

/// An amount with its unit (`2.681 GB`, `260620K`, `1,024 Kb`, `17 bytes`). Units are of 1,024.
///
/// Where a separator could be a decimal one or one of thousands, the unit decides as far as it
/// can: gigabytes have decimals. What stays ambiguous (`2.681 MB`) is `None`.
pub(crate) fn size(text: &str) -> Option<Bytes> {
    size_with(text, None)
}

/// An amount with its unit, where `decimal` is the mark of decimals if that is known.
pub(crate) fn size_with(text: &str, decimal: Option<char>) -> Option<Bytes> {
    let text = bare_number(text);
    let end = text.find(char::is_alphabetic)?;
    let (number, unit) = (text[..end].trim_end(), &text[end..]);
    let power = unit_power(unit)?;
    let unit = 1_u128 << (10 * power);
    let marks = number.matches(['.', ',']).count();
    // Of two different marks the last is the decimal one.
    let mixed = number.contains('.') && number.contains(',');
    // Three digits after the only mark: decimals, or thousands?
    let three = |decimals: &str| !mixed && decimals.len() == 3;
    let bytes = match number.rsplit_once(['.', ',']).filter(|_| marks == 1 || mixed) {
        Some((_, decimals)) if three(decimals) && decimal.is_none() && power == 2 => return None,
        Some((_, decimals)) if three(decimals) && decimal.is_none() && power == 1 => {
            if number.contains('.') {
                return None;
            }
            u128::from(count(number)?) * unit
        }
        Some((_, decimals))
            if three(decimals)
                && (power == 0 || decimal.is_some_and(|mark| !number.contains(mark))) =>
        {
            u128::from(count(number)?) * unit
        }
        Some((whole, decimals)) => {
            if decimals.len() > 9 {
                return None;
            }
            let scale = 10_u128.pow(decimals.len() as u32);
            let scaled = u128::from(count(whole)?) * scale + u128::from(digits(decimals)?);
            scaled * unit / scale
        }
        None => u128::from(count(number)?) * unit,
    };
    u64::try_from(bytes).ok().map(Bytes)
}

/// Which power of 1,024 a unit of bytes is, in the usual languages.
fn unit_power(unit: &str) -> Option<u32> {
    Some(match unit.to_lowercase().as_str() {
        "b" | "byte" | "bytes" | "o" | "octets" | "байт" | "байта" | "байтов" => 0,
        "k" | "kb" | "kib" | "ko" | "kio" | "кб" | "kbyte" | "kbytes" => 1,
        "m" | "mb" | "mib" | "mo" | "мб" | "mbyte" | "mbytes" | "megabytes" => 2,
        "g" | "gb" | "gib" | "go" | "gio" | "гб" | "gig" | "gigs" | "gbyte" | "gbytes"
        | "gigabyte" | "gigabytes" => 3,
        "t" | "tb" | "tib" | "to" | "tio" | "тб" => 4,
        _ => return None,
    })
}

/// Whether a word is a unit of bytes.
pub(crate) fn is_size_unit(word: &str) -> bool {
    unit_power(word).is_some()
}

/// Plain digits that fit.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// The number that groups of digits make, the first one to three digits long, the others three.
fn value(groups: &[&str]) -> Option<u64> {
    let (first, rest) = groups.split_first()?;
    if rest.is_empty() {
        return digits(first);
    }
    if first.len() > 3 {
        return None;
    }
    rest.iter().try_fold(digits(first)?, |value, group| {
        let group_value = digits(group).filter(|_| group.len() == 3)?;
        value.checked_mul(1000)?.checked_add(group_value)
    })
}

/// A number with separators.
fn grouped(text: &str) -> Option<u64> {
    let separator = text.chars().find(|c| !c.is_ascii_digit())?;
    if separator.is_whitespace() {
        let groups: Vec<_> = text.split_whitespace().collect();
        // Hand-set: `3685 900 288`.
        let first = groups[0];
        if groups.len() >= 3 && (4..=6).contains(&first.len()) && first.is_ascii() {
            let (head, tail) = first.split_at(first.len() - 3);
            return value(&[&[head, tail], &groups[1..]].concat());
        }
        return value(&groups);
    }
    if !is_mark(separator) {
        return None;
    }
    let groups: Vec<_> = text.split(separator).collect();
    value(&groups).or_else(|| indian(&groups).filter(|_| separator == ','))
}

/// `1,23,45,678`: groups of two before the last three.
fn indian(groups: &[&str]) -> Option<u64> {
    let [first, middle @ .., last] = groups else { return None };
    let regular = first.len() <= 2
        && !middle.is_empty()
        && middle.iter().all(|group| group.len() == 2)
        && last.len() == 3;
    if regular { digits(&groups.concat()) } else { None }
}

/// Whether people set a sign between thousands. Of spaces those that do not break.
pub(crate) fn is_mark(c: char) -> bool {
    matches!(
        c,
        ',' | '.' | '\'' | '’' | '´' | '`' | '_' | '٬' | '\u{A0}' | '\u{2007}'
            ..='\u{2009}' | '\u{202F}'
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_with_any_separator_of_thousands() {
        for (text, value) in [
            ("0", Some(0)),
            ("2,655", Some(2655)),
            ("17.335.136", Some(17_335_136)),
            ("500 000", Some(500_000)),
            ("902\u{202F}995\u{A0}968", Some(902_995_968)),
            ("902\u{202F}995\u{202F}968", Some(902_995_968)),
            ("39’511", Some(39_511)),
            ("39'511'000", Some(39_511_000)),
            ("3685 900 288", Some(3_685_900_288)),
            ("941  436 928", Some(941_436_928)),
            ("5123 456", None),
            ("1,23,45,678", Some(12_345_678)),
            ("1,234.567", None),
            ("1,2", None),
            ("18446744073709551615", Some(u64::MAX)),
            ("18446744073709551616", None),
            ("18,446,744,073,709,551,616", None),
            ("", None),
            (",123", None),
            ("12-3", None),
        ] {
            assert_eq!(count(text), value, "{text}");
        }
    }

    #[test]
    fn counts_are_read_as_people_write_them() {
        for (text, value) in [
            ("~730", Some(730)),
            ("about 174K", Some(174_000)),
            ("3.4 million", Some(3_400_000)),
            ("2 Mio.", Some(2_000_000)),
            ("500,000+", Some(500_000)),
            ("over 1,5 Mrd.", Some(1_500_000_000)),
            ("1.604221e+06", Some(1_604_221)),
            ("1.9327352832e+10", Some(19_327_352_832)),
            ("612368384.000000", Some(612_368_384)),
            ("0x7c01a", Some(507_930)),
            ("1,604,221", Some(1_604_221)),
            ("-3", None),
            ("1e99", None),
            ("12 parsecs", None),
            // The ninth decimal ends within a sign.
            ("1.12345678’9", None),
            ("1.12345678²", None),
            ("99999999999999999999 million", None),
            ("e", None),
            ("", None),
        ] {
            assert_eq!(about(text), value, "{text}");
        }
        assert_eq!(wrapped("-1882210192"), Some(2_412_757_104));
        assert_eq!(wrapped("1,882"), Some(1882));
        assert_eq!(wrapped("-9999999999"), None);
    }

    #[test]
    fn hexadecimal_numbers_may_be_split_by_a_back_tick() {
        for (text, value) in [
            ("1bf4", Some(0x1bf4)),
            ("0x172e4", Some(0x172e4)),
            ("ffffcb84`3b87aff0", Some(0xffff_cb84_3b87_aff0)),
            ("", None),
            ("0x", None),
            ("`", None),
            ("xyz", None),
            ("fffffffffffffffff", None),
        ] {
            assert_eq!(hex(text), value, "{text}");
        }
    }

    #[test]
    fn a_row_with_spaces_in_its_numbers_is_read_if_there_is_one_way() {
        let sum = |n: &[u64]| n.len() < 3 || n[0] - n[1].min(n[0]) == n[2];
        let words = |text: &'static str| text.split(' ').collect::<Vec<_>>();
        let row = regroup(&words("378 580 24 692 353 888"), 3, &sum);
        assert_eq!(row, Some(vec![378_580, 24_692, 353_888]));
        assert_eq!(regroup(&words("5 768 754 1 938"), 2, &|_| true), Some(vec![5_768_754, 1_938]));
        assert_eq!(regroup(&words("5 768 754"), 2, &|_| true), None, "two ways");
        assert_eq!(regroup(&words("1 2 3"), 2, &|_| true), None, "no way");
        assert_eq!(regroup(&["111"; 24], 8, &|_| false), None);
    }

    #[test]
    fn groups_of_thousands_in_a_sentence_are_joined() {
        for (line, expected) in [
            ("allocated 2 492 040 times", "allocated 2492040 times"),
            ("has 90 472 handles, 1 500 threads", "has 90472 handles, 1500 threads"),
            ("5 of 12 345", "5 of 12345"),
            ("from 1024 512 on", "from 1024 512 on"),
            ("1 2 3 45 6789", "1 2 3 45 6789"),
            ("no number", "no number"),
        ] {
            assert_eq!(joined(line), expected);
        }
    }

    #[test]
    fn a_number_at_the_start_takes_its_groups_along() {
        for (text, read) in [
            ("1,938,325UNKNOWN", Some((1_938_325, "UNKNOWN"))),
            ("520UNKNOWN", Some((520, "UNKNOWN"))),
            ("12, 13", Some((12, ", 13"))),
            ("1,2345", Some((1, ",2345"))),
            ("7,68,92,800 0", Some((76_892_800, " 0"))),
            ("1,20 2", Some((1, ",20 2"))),
            ("65 244", Some((65, " 244"))),
            ("x", None),
        ] {
            assert_eq!(leading(text), read, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_unless_their_mark_is_ambiguous() {
        const GB: u64 = 1 << 30;
        for (text, bytes) in [
            ("260620K", Some(260_620 * 1024)),
            ("1,024 Kb", Some(1024 * 1024)),
            ("2.681 GB", Some(2_878_701_830)),
            ("2,681 GB", Some(2_878_701_830)),
            ("1.5 GB", Some(GB + GB / 2)),
            ("1,234,567 bytes", Some(1_234_567)),
            ("1,536.5 KB", Some(1_573_376)),
            ("1.536,5 Ko", Some(1_573_376)),
            ("1 234 567 octets", Some(1_234_567)),
            ("2.681 MB", None),
            ("2.681 KB", None),
            ("12 parsecs", None),
            ("12", None),
            ("99999999999999999999 TB", None),
            ("18446744073709551615 TB", None),
        ] {
            assert_eq!(size(text), bytes.map(Bytes), "{text}");
        }
        let known =
            [Some('.'), Some(',')].map(|mark| size_with("103.537 MB", mark).unwrap().0 >> 20);
        assert_eq!(known, [103, 103_537]);
    }
}
