//! The message of event 2004, in any language: `sqlservr.exe (1234) consumed 3685900288 bytes`.

use poolwatch_model::process::ProcessUse;

use crate::quantities;

/// More programs than the message ever names.
const MAX_PROGRAMS: usize = 16;

/// The programs of a line and the bytes that it says they consumed. Commas part them.
pub(crate) fn holders(line: &str) -> Vec<ProcessUse> {
    let mut found: Vec<ProcessUse> = Vec::new();
    for (open, _) in line.match_indices(" (").take(MAX_PROGRAMS) {
        let image = line[..open].rsplit([' ', ',', ';', ':']).next().unwrap_or_default();
        let Some((pid, rest)) = line[open + 2..].split_once(')') else { continue };
        let Ok(pid) = pid.trim().parse() else { continue };
        let end = rest.find(" (").unwrap_or(rest.len());
        let bytes = bytes(&rest[..end]);
        if let Some(bytes) = bytes.filter(|_| !image.is_empty() && image.len() <= 260) {
            let mut process = ProcessUse::new(pid, None, image);
            process.private_bytes = Some(bytes);
            found.push(process);
        }
    }
    found.sort_by_key(|process| process.key);
    found.dedup_by_key(|process| process.key);
    found
}

/// The number before the word for bytes.
fn bytes(text: &str) -> Option<u64> {
    let lower = text.to_lowercase();
    let unit = ["bytes", "byte", "octets", "байт", "バイト", "字节", "bajt"]
        .iter()
        .filter_map(|unit| lower.find(unit))
        .min()?;
    let before = lower[..unit].trim_end();
    let is_of_number = |c: char| c.is_ascii_digit() || c.is_whitespace() || ",.'’".contains(c);
    let number = before.rsplit(|c| !is_of_number(c)).next()?;
    quantities::count(number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_programs_of_the_message_are_read_in_any_language() {
        for (text, told) in [
            (
                "The following programs consumed the most virtual memory: a.exe (12) consumed \
                 3685900288 bytes, vmmemWSL (8) consumed 941  436 928 bytes, and b.exe (16) consumed 5 bytes.",
                vec![("vmmemWSL", 8, 941_436_928), ("a.exe", 12, 3_685_900_288), ("b.exe", 16, 5)],
            ),
            ("a.exe (12) hat 3.685.900.288 Bytes verbraucht", vec![("a.exe", 12, 3_685_900_288)]),
            ("a.exe (12) a consommé 941 436 928 octets", vec![("a.exe", 12, 941_436_928)]),
            ("a.exe (12) consumed much", vec![]),
            ("a table (see below) of 12 bytes", vec![]),
        ] {
            let found = holders(text);
            let found: Vec<_> = found
                .iter()
                .map(|p| (p.image.as_str(), p.key.pid, p.private_bytes.unwrap()))
                .collect();
            assert_eq!(found, told, "{text}");
        }
    }
}
