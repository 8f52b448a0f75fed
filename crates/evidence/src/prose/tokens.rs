//! The words and amounts of a sentence, wherever its language parts them.

use poolwatch_model::Bytes;

use crate::{quantities, times};

/// A word or amount with the line it stands on.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) text: &'a str,
    /// The text in lower case.
    pub(super) lower: String,
    pub(super) line: u32,
    pub(super) kind: Kind,
    /// Whether the sign before it makes it a bound (`<`) or a change (`+`) and no state.
    pub(super) sign: Option<char>,
}

impl Token<'_> {
    /// The amount, where it is one.
    pub(super) fn amount(&self) -> Option<Amount> {
        if let Kind::Amount(amount) = self.kind { Some(amount) } else { None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Kind {
    Word,
    /// One to four characters in quotes or written as code.
    Quoted,
    Amount(Amount),
    /// A time that passes, seconds.
    Span(u64),
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Amount {
    pub(super) value: u64,
    pub(super) is_bytes: bool,
    /// Of a rate, how many seconds it is per.
    pub(super) per_s: Option<u64>,
}

/// More tokens of a sentence are passed over.
const MAX_TOKENS: usize = 600;
/// How far a closing quote may be.
const QUOTED: usize = 16;

/// The tokens of `text`; `line_at` tells the line of an offset.
pub(super) fn tokens<'a>(text: &'a str, line_at: &dyn Fn(usize) -> u32) -> Vec<Token<'a>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < text.len() && found.len() < MAX_TOKENS {
        let rest = &text[at..];
        let Some(first) = rest.chars().next() else { break };
        let (length, kind) = if rest.starts_with("http://") || rest.starts_with("https://") {
            (rest.find([' ', ')', '>', '"']).unwrap_or(rest.len()), None)
        } else if let Some((start, end)) = quoted(rest, first) {
            push(&mut found, &rest[start..end], Kind::Quoted, None, line_at(at));
            let closing = rest[end..].chars().next().map_or(0, char::len_utf8);
            (end + closing, None)
        } else if first.is_ascii_digit() {
            let (length, kind) = number(rest);
            (length, Some(kind))
        } else if is_word(first) {
            (word(rest, first), Some(Kind::Word))
        } else {
            (first.len_utf8(), None)
        };
        if let Some(kind) = kind {
            let sign = text[..at].chars().next_back().filter(|c| "+<≤".contains(*c));
            push(
                &mut found,
                rest[..length].trim_end_matches(['.', '-', '\'']),
                kind,
                sign,
                line_at(at),
            );
        }
        at += length.max(1);
    }
    found
}

fn push<'a>(found: &mut Vec<Token<'a>>, text: &'a str, kind: Kind, sign: Option<char>, line: u32) {
    if !text.is_empty() {
        found.push(Token { text, lower: text.to_lowercase(), line, kind, sign });
    }
}

/// What stands in the quotes that `rest` starts with, if it may be a tag.
fn quoted(rest: &str, first: char) -> Option<(usize, usize)> {
    let closing = match first {
        '`' | '"' | '\'' => first,
        '“' | '„' => '”',
        '‘' => '’',
        '«' => '»',
        _ => return None,
    };
    let start = first.len_utf8();
    let within = &rest[start..rest.floor_char_boundary(rest.len().min(start + QUOTED))];
    let end = within.find(|c| c == closing || first == '„' && c == '“')?;
    let inside = within[..end].trim_end();
    let fits = (1..=4).contains(&inside.chars().count())
        && inside.chars().any(char::is_alphanumeric)
        && !inside.starts_with(' ')
        && !inside.contains(['.', '/', '\\', ':', ',']);
    fits.then_some((start, start + end))
}

/// Letters of writings that set no spaces between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{30FF}' | '\u{3400}'..='\u{9FFF}' | '\u{F900}'..='\u{FAFF}')
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Length of the word that `rest` starts with: its letters, and signs between them.
fn word(rest: &str, first: char) -> usize {
    let is_unspaced_word = is_unspaced(first);
    let mut end = 0;
    let mut letters = rest.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        let joins = matches!(c, '.' | '-' | '\'' | '’')
            && !is_unspaced_word
            && letters.peek().is_some_and(|(_, next)| is_word(*next) && !is_unspaced(*next));
        if !(joins || is_word(c) && is_unspaced(c) == is_unspaced_word) {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// The amount, time or mere word that `rest`, which starts with a digit, begins with.
fn number(rest: &str) -> (usize, Kind) {
    let first = run(rest);
    let after = &rest[first..];
    let next = after.chars().next().unwrap_or(' ');
    let is_digit_behind = |text: &str| text.chars().nth(1).is_some_and(|c| c.is_ascii_digit());
    // Dates, times of day and versions.
    if matches!(next, ':' | '/' | '.') && is_digit_behind(after) {
        return (mere(rest), Kind::Word);
    }
    // `12–16.5 GB`: the upper end.
    if matches!(next, '-' | '–' | '—' | '~' | '〜' | '～') && is_digit_behind(after) {
        let start = first + next.len_utf8();
        let second = run(&rest[start..]);
        if let Some((kind, unit)) = with_unit(&rest[start..start + second], &rest[start + second..])
            && unit > 0
        {
            return (start + second + unit, kind);
        }
        return (mere(rest), Kind::Word);
    }
    match with_unit(&rest[..first], after) {
        Some((kind, unit)) => (first + unit, kind),
        None => (mere(rest), Kind::Word),
    }
}

/// Length of the digits and the signs that group them.
fn run(text: &str) -> usize {
    let mut end = 0;
    for (at, c) in text.char_indices() {
        let groups = c == '.' || c == ',' || quantities::is_mark(c);
        let is_between =
            groups && text[at + c.len_utf8()..].starts_with(|next: char| next.is_ascii_digit());
        if !c.is_ascii_digit() && !is_between {
            break;
        }
        end = at + c.len_utf8();
    }
    end
}

/// Length of what is no amount: a date, a version, an ordinal.
fn mere(rest: &str) -> usize {
    let is_part = |c: char| (is_word(c) && !is_unspaced(c)) || "./:-,–".contains(c);
    rest.find(|c| !is_part(c)).unwrap_or(rest.len()).max(1)
}

/// A number with the unit behind it, and the unit's length.
fn with_unit(number: &str, after: &str) -> Option<(Kind, usize)> {
    let gap = after.len() - after.trim_start_matches([' ', '\u{A0}', '\u{202F}']).len();
    let dash = usize::from(gap == 0 && after.starts_with('-'));
    let skipped = gap + dash;
    let rest = &after[skipped..];
    let first = rest.chars().next().unwrap_or(' ');
    if gap <= 3
        && let Some(unit) = ['万', '萬', '亿', '億'].iter().position(|sign| *sign == first)
    {
        let times = if unit < 2 { 10_000 } else { 100_000_000 };
        let value = scaled(number, times)?;
        return Some((amount(value, false, None), skipped + first.len_utf8()));
    }
    // Korean sets its counters right behind numbers and units.
    let is_end =
        |c: char| !c.is_alphabetic() || is_unspaced(c) || matches!(c, '\u{AC00}'..='\u{D7AF}');
    let length = rest.find(is_end).unwrap_or(rest.len());
    let unit = &rest[..length];
    let is_attached = skipped == 0 && length > 0;
    let end = skipped + length;
    if length == 0 {
        return plain(number, after).map(|kind| (kind, rate(after).1));
    }
    if gap > 3 {
        return plain(number, "").map(|kind| (kind, 0));
    }
    // `38 mil.` are millions, `38 mil` thousands.
    let unit = if unit == "mil" && after[end..].starts_with('.') { "mio" } else { unit };
    let is_letter = length == 1;
    // `148K` counts; `3388 K` is a size.
    if !(is_letter && is_attached)
        && unit != "b"
        && let Some(Bytes(bytes)) = quantities::size(&format!("{number} {unit}"))
    {
        let (per_s, more) = rate(&after[end..]);
        return Some((amount(bytes, true, per_s), end + more));
    }
    if quantities::is_size_unit(unit) && !is_letter {
        // Decimals or thousands, nobody knows.
        return Some((Kind::Word, end));
    }
    if let Some(value) = quantities::about(&format!("{number} {unit}")) {
        let (per_s, more) = rate(&after[end..]);
        return Some((amount(value, false, per_s), end + more));
    }
    if let Some(seconds) = times::unit_s(unit)
        && (!is_letter || is_attached)
    {
        let value = quantities::about(number).or_else(|| scaled(number, 1))?;
        return Some((Kind::Span(value.saturating_mul(seconds)), end));
    }
    if is_attached || dash > 0 {
        return None;
    }
    plain(number, after).map(|kind| (kind, 0))
}

/// A count without unit; a share is none.
fn plain(number: &str, after: &str) -> Option<Kind> {
    if after.trim_start().starts_with(['%', '×', '°']) {
        return None;
    }
    Some(amount(quantities::about(number)?, false, rate(after).0))
}

fn amount(value: u64, is_bytes: bool, per_s: Option<u64>) -> Kind {
    Kind::Amount(Amount { value, is_bytes, per_s })
}

/// A number with decimals, times a power of ten.
fn scaled(number: &str, times: u64) -> Option<u64> {
    match number.rsplit_once(['.', ',']) {
        Some((whole, decimals)) if decimals.len() < 3 => {
            let part: u64 = decimals.parse().ok()?;
            let of = 10_u64.pow(u32::try_from(decimals.len()).ok()?);
            quantities::count(whole)?.checked_mul(times)?.checked_add(part * times / of)
        }
        _ => quantities::count(number)?.checked_mul(times),
    }
}

/// How many seconds a rate is per, and the length of the words that say so.
fn rate(after: &str) -> (Option<u64>, usize) {
    const PER: &[&str] = &[
        "per ",
        "pro ",
        "par ",
        "por ",
        "a ",
        "an ",
        "je ",
        "every ",
        "each ",
        "al ",
        "в ",
        "за ",
        "jeden ",
        "jede ",
        "cada ",
        "chaque ",
        "ogni ",
        "каждый ",
        "каждую ",
    ];
    let gap = after.len() - after.trim_start_matches(' ').len();
    let rest = &after[gap..];
    let word =
        |text: &str| -> usize { text.find(|c: char| !c.is_alphabetic()).unwrap_or(text.len()) };
    let unit = |text: &str| times::unit_s(&text[..word(text)]);
    if let Some(behind) = rest.strip_prefix('/')
        && gap <= 1
    {
        return (unit(behind).or(Some(1)).filter(|_| word(behind) > 0), gap + 1 + word(behind));
    }
    let per = PER.iter().find_map(|per| {
        let behind = rest.get(..per.len()).filter(|found| found.eq_ignore_ascii_case(per))?;
        let behind = &rest[behind.len()..];
        Some((unit(behind)?, gap + per.len() + word(behind)))
    });
    match per {
        Some((seconds, length)) => (Some(seconds), length),
        None => (None, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amounts(text: &str) -> Vec<(u64, bool, Option<u64>)> {
        let tokens = tokens(text, &|_| 1);
        let amounts = tokens.iter().filter_map(Token::amount);
        amounts.map(|one| (one.value, one.is_bytes, one.per_s)).collect()
    }

    #[test]
    fn amounts_are_read_where_they_stand() {
        const GB: u64 = 1 << 30;
        for (text, expected) in [
            ("about 7.5 GB of it", vec![(15 * GB / 2, true, None)]),
            ("leaks at 12–16 GB/h", vec![(16 * GB, true, Some(3600))]),
            ("128-155 MB/minute", vec![(155 << 20, true, Some(60))]),
            ("grows 2 GB per hour", vec![(2 * GB, true, Some(3600))]),
            ("has 148K handles", vec![(148_000, false, None)]),
            ("~1,549,964 K now", vec![(1_549_964 << 10, true, None)]),
            ("5.1 million blocks", vec![(5_100_000, false, None)]),
            ("占用12GB内存", vec![(12 * GB, true, None)]),
            ("有300万个句柄", vec![(3_000_000, false, None)]),
            (">1.500.000 handles", vec![(1_500_000, false, None)]),
            ("on 2026-09-18 at 15:39, build 10.0.26200.1, v1.2.3, i7-13700K, x64", vec![]),
            ("96-byte blocks for 9 hours, 65.5% of it", vec![(96, true, None)]),
            ("занимает 6 ГБ", vec![(6 * GB, true, None)]),
        ] {
            assert_eq!(amounts(text), expected, "{text}");
        }
    }

    #[test]
    fn what_is_quoted_and_short_stands_alone() {
        let text = "the “acrl” tag, `NtFC` and 'Pp  ' at https://a.b/`x` in `git.exe`";
        let tokens = tokens(text, &|_| 1);
        let quoted: Vec<_> =
            tokens.iter().filter(|one| one.kind == Kind::Quoted).map(|one| one.text).collect();
        assert_eq!(quoted, ["acrl", "NtFC", "Pp  "]);
        assert!(tokens.iter().any(|one| one.text == "git.exe"));
    }
}
