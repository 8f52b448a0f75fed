//! What the words of a header mean.

use poolwatch_model::{Pool, PoolTag};

use crate::{prose, tag_text};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Tag,
    /// The pool of a row's tag.
    Type,
    Allocs,
    Frees,
    Outstanding,
    Bytes,
    Image,
    Pid,
    Handles,
    /// When a row was measured.
    Time,
    TagOutstanding(PoolTag),
    HandlesOf(String),
    PoolUse(Pool),
    /// How many processes run.
    Processes,
    /// A change, a ratio or a rate: no state.
    Difference,
    Other,
}

impl Column {
    /// Whether each row of the column was measured at a moment.
    pub(super) fn is_measured(&self) -> bool {
        use Column::{HandlesOf, PoolUse, Processes, TagOutstanding};
        matches!(self, TagOutstanding(_) | HandlesOf(_) | PoolUse(_) | Processes)
    }
}

/// The column under a header.
pub(super) fn column(header: &str) -> Column {
    let words: Vec<_> = header
        .split([' ', '`', '(', ')', '_', '"', '“', '”'])
        .filter(|word| !word.is_empty())
        .collect();
    let lower: Vec<_> = words.iter().map(|word| word.to_ascii_lowercase()).collect();
    let lower: Vec<_> = lower.iter().map(String::as_str).collect();
    if lower.iter().any(|word| is_difference(word)) {
        return Column::Difference;
    }
    match lower.as_slice() {
        ["tag"] | ["pool", "tag"] | ["tag", "name"] => Column::Tag,
        ["type"] | ["pool"] | ["pool", "type"] => Column::Type,
        ["allocs" | "allocations"] => Column::Allocs,
        ["frees"] => Column::Frees,
        ["diff" | "outstanding"] => Column::Outstanding,
        ["bytes"] | ["bytes", "used"] | ["used"] | ["size"] => Column::Bytes,
        ["process" | "image" | "processname"] | ["process" | "image", "name"] => Column::Image,
        ["pid"] | ["process", "id"] => Column::Pid,
        ["handles" | "handlecount"] | ["handle", "count"] => Column::Handles,
        ["time" | "uptime"] => Column::Time,
        ["processes"] | ["live" | "running", "processes"] => Column::Processes,
        [pool] | [pool, "pool"] | [pool, "pool", "bytes" | "usage"] => {
            prose::pool_word(pool).map_or(Column::Other, Column::PoolUse)
        }
        [_, "outstanding"] => tag_text::tag(words[0]).map_or(Column::Other, Column::TagOutstanding),
        [_, "handles" | "handlecount"] | [_, "handle", "count"] if lower[0] != "total" => {
            Column::HandlesOf(words[0].to_owned())
        }
        _ => Column::Other,
    }
}

/// A cell without backticks, quotes and the remark in parentheses after it.
pub(super) fn bare(cell: &str) -> &str {
    let cell = cell.trim();
    if let Some((quoted, _)) = cell.strip_prefix('`').and_then(|rest| rest.split_once('`')) {
        return quoted;
    }
    let end = cell.find(" (").unwrap_or(cell.len());
    cell[..end].trim_matches(['*', '_', ' '])
}

fn is_difference(word: &str) -> bool {
    ["delta", "growth", "grown", "change", "ratio", "gap", "rate", "per", "increase"]
        .contains(&word)
        || word.starts_with(['Δ', '+'])
        || word.ends_with("/s")
        || word.ends_with("/min")
        || word.ends_with("/h")
        || word.ends_with("/day")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_mean_what_their_words_say() {
        for (header, meaning) in [
            ("Tag", Column::Tag),
            ("`Proc` outstanding", Column::TagOutstanding(PoolTag::new(*b"Proc"))),
            ("wslservice HandleCount", Column::HandlesOf("wslservice".into())),
            ("Total handles", Column::Other),
            ("NP pool", Column::PoolUse(Pool::Nonpaged)),
            ("Paged pool", Column::PoolUse(Pool::Paged)),
            ("Live processes", Column::Processes),
            ("Gap", Column::Difference),
            ("delta over 4.91 days", Column::Difference),
            ("MB/h", Column::Difference),
            ("", Column::Other),
        ] {
            assert_eq!(column(header), meaning, "{header}");
        }
    }

    #[test]
    fn cells_are_read_without_their_remarks() {
        for (cell, text) in [
            ("`WCsc` (a stream context)", "WCsc"),
            ("18h 05m (leaking)", "18h 05m"),
            ("_312_", "312"),
            ("`x", "`x"),
        ] {
            assert_eq!(bare(cell), text);
        }
    }
}
