//! What stands between the cells of a table.

use std::borrow::Cow;

/// Logs of Performance Monitor have a column for each counter.
const MAX_COLUMNS: usize = 4096;
/// Longer lines are no rows.
const MAX_ROW: usize = 256 << 10;

/// The sign between cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delimiter {
    /// Markdown.
    Bar,
    Tab,
    Semicolon,
    Comma,
    /// Two spaces or more, as between the columns of a plain text.
    Gap,
    /// Any spaces below heads that have none, as PowerShell prints objects.
    Word,
}

impl Delimiter {
    /// The sign that parts a line, if one does.
    pub(super) fn find_in(line: &str) -> Option<Self> {
        if is_row(line) {
            return Some(Self::Bar);
        }
        if line.len() > MAX_ROW {
            return None;
        }
        [Self::Tab, Self::Semicolon, Self::Comma, Self::Bar, Self::Gap]
            .into_iter()
            .find(|delimiter| line.trim().contains(delimiter.sign()))
    }

    /// Whether a line is a row with this sign.
    pub(super) fn parts(self, line: &str) -> bool {
        line.len() <= MAX_ROW && line.trim_start().contains(self.sign())
    }

    /// The cells of a row, without the quotes of spreadsheets.
    pub(super) fn cells(self, line: &str) -> impl Iterator<Item = Cow<'_, str>> {
        let mut rest = Some(match self {
            Self::Bar => {
                let line = line.trim();
                let line = line.strip_prefix('|').unwrap_or(line);
                line.strip_suffix('|').unwrap_or(line)
            }
            Self::Gap | Self::Word => line.trim(),
            _ => line,
        });
        std::iter::from_fn(move || {
            let text = rest?;
            let quoted = text.trim_start().strip_prefix('"').filter(|_| self != Self::Bar);
            let (cell, after) = match quoted.and_then(|quoted| self.quoted(quoted)) {
                Some(found) => found,
                None => match text.split_once(self.sign()) {
                    Some((cell, after)) if matches!(self, Self::Gap | Self::Word) => {
                        (cell.trim().into(), Some(after.trim_start()))
                    }
                    Some((cell, after)) => (cell.trim().into(), Some(after)),
                    None => (text.trim().into(), None),
                },
            };
            rest = after;
            Some(cell)
        })
        .take(MAX_COLUMNS)
    }

    /// The cell after a quote, and what follows its end.
    fn quoted(self, text: &str) -> Option<(Cow<'_, str>, Option<&str>)> {
        let mut end = 0;
        loop {
            end += text[end..].find('"')?;
            match &text[end + 1..] {
                doubled if doubled.starts_with('"') => end += 2,
                after => {
                    let cell = text[..end].trim();
                    let cell = if cell.contains("\"\"") {
                        cell.replace("\"\"", "\"").into()
                    } else {
                        cell.into()
                    };
                    let after = after.trim_start_matches(' ');
                    let next = after.strip_prefix(self.sign());
                    return (next.is_some() || after.is_empty()).then_some((cell, next));
                }
            }
        }
    }

    const fn sign(self) -> &'static str {
        match self {
            Self::Bar => "|",
            Self::Tab => "\t",
            Self::Semicolon => ";",
            Self::Comma => ",",
            Self::Gap => "  ",
            Self::Word => " ",
        }
    }
}

/// Whether a line is a row of a table with bars.
pub(crate) fn is_row(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('|') && line.len() > 1
}

/// Whether a line is the one between a header and its rows.
pub(super) fn is_rule(line: &str) -> bool {
    line.contains('-')
        && line.bytes().all(|b| matches!(b, b'|' | b'-' | b':' | b'+' | b' ' | b'\t'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_parted_as_spreadsheets_part_them() {
        for (delimiter, line, expected) in [
            (Delimiter::Bar, "| a | `b` |", vec!["a", "`b`"]),
            (Delimiter::Comma, "a,\"1,234\",\"say \"\"x\"\"\"", vec!["a", "1,234", "say \"x\""]),
            (Delimiter::Semicolon, "a;;\"b\" ;c", vec!["a", "", "b", "c"]),
            (Delimiter::Comma, "\"never closed, b", vec!["\"never closed", "b"]),
            (Delimiter::Tab, "a\t", vec!["a", ""]),
            (Delimiter::Gap, "  a b   c  d ", vec!["a b", "c", "d"]),
        ] {
            let cells: Vec<_> = delimiter.cells(line).collect();
            assert_eq!(cells, expected, "{line}");
        }
    }
}
