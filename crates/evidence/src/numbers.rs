//! Numbers as people and tools write them.

use poolwatch_model::Bytes;

/// A count: plain digits, or groups of three with one kind of separator throughout (comma, dot,
/// apostrophe, any space). `None` for everything else, so for badly grouped digits.
pub(crate) fn count(text: &str) -> Option<u64> {
    let text = text.trim();
    if let Some(plain) = digits(text) {
        return Some(plain);
    }
    let separator = text.chars().find(|c| !c.is_ascii_digit()).filter(|c| separates(*c))?;
    let mut groups = text.split(separator);
    let mut value = digits(groups.next().filter(|first| first.len() <= 3)?)?;
    for group in groups {
        let group = digits(group).filter(|_| group.len() == 3)?;
        value = value.checked_mul(1000)?.checked_add(group)?;
    }
    Some(value)
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

/// The plain digits that `text` starts with, and what follows them.
pub(crate) fn leading(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((digits(number)?, rest))
}

/// An amount with its unit (`2.681 GB`, `260620K`, `1,024 Kb`, `17 bytes`). Units are of 1,024.
///
/// Where a separator could be a decimal one or one of thousands, the unit decides as far as it
/// can: gigabytes have decimals. What stays ambiguous (`2.681 MB`) is `None`.
pub(crate) fn size(text: &str) -> Option<Bytes> {
    let text = text.trim();
    let end = text.find(char::is_alphabetic)?;
    let (number, unit) = (text[..end].trim_end(), &text[end..]);
    let power = match unit.to_ascii_lowercase().as_str() {
        "b" | "byte" | "bytes" => 0,
        "k" | "kb" | "kib" => 1,
        "m" | "mb" | "mib" => 2,
        "g" | "gb" | "gib" => 3,
        "t" | "tb" | "tib" => 4,
        _ => return None,
    };
    let unit = 1_u128 << (10 * power);
    let marks = number.matches(['.', ',']).count();
    let bytes = match number.split_once(['.', ',']).filter(|_| marks == 1) {
        // Three digits after the only mark: decimals of something large, or thousands of bytes.
        Some((_, decimals)) if decimals.len() == 3 && power == 2 => return None,
        Some((_, decimals)) if decimals.len() == 3 && power < 2 => {
            if power == 1 && number.contains('.') {
                return None;
            }
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

/// Plain digits that fit.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

fn separates(c: char) -> bool {
    matches!(c, ',' | '.' | '\'' | '’' | ' ' | '\u{A0}' | '\u{2009}' | '\u{202F}')
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
            ("902\u{202F}995\u{A0}968", None),
            ("902\u{202F}995\u{202F}968", Some(902_995_968)),
            ("39’511", Some(39_511)),
            ("3685 900 288", None),
            ("941  436 928", None),
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
    fn sizes_are_read_unless_their_mark_is_ambiguous() {
        const GB: u64 = 1 << 30;
        for (text, bytes) in [
            ("260620K", Some(260_620 * 1024)),
            ("1,024 Kb", Some(1024 * 1024)),
            ("2.681 GB", Some(2_878_701_830)),
            ("2,681 GB", Some(2_878_701_830)),
            ("1.5 GB", Some(GB + GB / 2)),
            ("1,234,567 bytes", Some(1_234_567)),
            ("2.681 MB", None),
            ("2.681 KB", None),
            ("12 parsecs", None),
            ("12", None),
            ("99999999999999999999 TB", None),
            ("18446744073709551615 TB", None),
        ] {
            assert_eq!(size(text), bytes.map(Bytes), "{text}");
        }
    }
}
