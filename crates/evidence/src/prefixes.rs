//! Numbers and times that `cat -n`, editors and logs of terminals put before every line.

use std::borrow::Cow;

/// Fewer lines show no habit.
const LEAST: usize = 4;
/// Lines that are looked at.
const SAMPLE: usize = 400;

/// The text without what every line begins with. Its lines stay as many.
pub(crate) fn without_prefixes(text: Cow<'_, str>) -> Cow<'_, str> {
    let Some(prefix) = [numbered as Prefix, timed].into_iter().find(|prefix| fits(&text, *prefix))
    else {
        return text;
    };
    let mut stripped = String::with_capacity(text.len());
    for line in text.split_inclusive('\n') {
        let length = prefix(line).map_or(0, |(length, _)| length);
        stripped.push_str(&line[length..]);
    }
    Cow::Owned(stripped)
}

/// Length of what a line begins with, and its number, where it has to follow that of the line before.
type Prefix = fn(&str) -> Option<(usize, Option<u64>)>;

/// Whether all lines begin so, the first among them.
fn fits(text: &str, prefix: Prefix) -> bool {
    let (mut seen, mut before) = (0, None);
    for line in text.lines().filter(|line| !line.trim().is_empty()).take(SAMPLE) {
        let Some((_, number)) = prefix(line) else { return false };
        let follows = match (before, number) {
            (Some(before), Some(number)) => number > before && number - before <= 8,
            _ => true,
        };
        if !follows {
            return false;
        }
        (seen, before) = (seen + 1, number);
    }
    seen >= LEAST
}

/// `   17  text`, `17: text`, `17| text`.
fn numbered(line: &str) -> Option<(usize, Option<u64>)> {
    let indent = line.len() - line.trim_start_matches([' ', '\t']).len();
    let digits = line[indent..].find(|c: char| !c.is_ascii_digit())?;
    let number = line[indent..indent + digits].parse().ok()?;
    let end = indent + digits;
    let sign = line[end..].chars().next().filter(|c| matches!(c, '\t' | ':' | '|' | ' '))?;
    // A space alone parts words; `cat -n` sets a tab, editors two.
    let is_apart = sign != ' ' || line[end..].starts_with("  ");
    is_apart.then_some((end + 1, Some(number)))
}

/// `[2026-09-18 10:20:30] text`, `10:20:30.123 text`.
fn timed(line: &str) -> Option<(usize, Option<u64>)> {
    let is_bracketed = line.starts_with('[');
    let rest = &line[usize::from(is_bracketed)..];
    let is_part =
        |c: char| c.is_ascii_digit() || matches!(c, '-' | ':' | '.' | ',' | '/' | 'T' | 'Z' | '+');
    let mut end = rest.find(|c| !is_part(c))?;
    if !rest[..end].contains(':') {
        let more = rest[end..].strip_prefix(' ')?;
        end += 1 + more.find(|c| !is_part(c))?;
    }
    let is_time =
        rest[..end].matches(':').count() >= 2 && rest.starts_with(|c: char| c.is_ascii_digit());
    let after = &rest[end..];
    let closing = if is_bracketed { after.strip_prefix(']')? } else { after };
    (is_time && closing.starts_with([' ', '\t'])).then(|| (line.len() - closing.len() + 1, None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_every_line_begins_with_is_taken_away() {
        let plain = "Tag Type\nAbcd Nonp 1\n\nEfgh Nonp 2\nIjkl Nonp 3\n";
        let with = |prefix: &dyn Fn(usize) -> String| -> String {
            plain
                .lines()
                .enumerate()
                .map(|(at, line)| format!("{}{line}\n", prefix(at + 1)))
                .collect()
        };
        for text in [
            with(&|at| format!("{at:6}\t")),
            with(&|at| format!("{at}: ")),
            with(&|at| format!("[2026-09-18 10:20:3{at}] ")),
            with(&|at| format!("10:20:3{at}.123 ")),
        ] {
            let stripped: Vec<String> = without_prefixes(text.as_str().into())
                .lines()
                .map(|line| line.trim().to_owned())
                .collect();
            assert_eq!(stripped.join("\n") + "\n", plain, "{text}");
        }
        let table = "1  a\n3  b\n2  c\n4  d\n5  e\n";
        assert_eq!(without_prefixes(table.into()), table, "these are no numbers of lines");
    }
}
