//! What the words of a header mean.

use poolwatch_model::{Bytes, Pool, PoolTag};

use crate::{numbers, pool_words, tag_text, well_known_tags};

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Column {
    Tag,
    /// The pool of a row's tag.
    Type,
    Allocs,
    Frees,
    Outstanding,
    Bytes(Unit),
    Image,
    Pid,
    Handles,
    /// When a row was measured.
    Time,
    TagOutstanding(PoolTag),
    TagBytes(PoolTag, Unit),
    HandlesOf(String),
    PoolUse(Pool, Unit),
    /// How many processes run.
    Processes,
    /// A change, a ratio or a rate: no state.
    Difference,
    Other,
}

impl Column {
    /// Whether each row of the column was measured at a moment.
    pub(super) fn is_measured(&self) -> bool {
        use Column::{HandlesOf, PoolUse, Processes, TagBytes, TagOutstanding};
        matches!(self, TagOutstanding(_) | TagBytes(..) | HandlesOf(_) | PoolUse(..) | Processes)
    }
}

/// Whether columns are those of a table that is read, whatever stands between its cells.
pub(super) fn make_a_table(columns: &[Column]) -> bool {
    let has = |wanted: fn(&Column) -> bool| columns.iter().any(wanted);
    let of_tags = has(|c| *c == Column::Tag)
        && has(|c| {
            use Column::{Bytes, Difference, Outstanding, PoolUse};
            matches!(c, Outstanding | Bytes(_) | Difference | PoolUse(..))
        });
    let of_processes = has(|c| *c == Column::Image) && has(|c| *c == Column::Handles);
    let of_moments = has(|c| *c == Column::Time) && has(Column::is_measured);
    of_tags || of_processes || of_moments
}

/// The unit that a header names for all its cells.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Unit {
    /// Each cell has its own, or means bytes.
    #[default]
    OfCell,
    Kb,
    Mb,
    Gb,
}

impl Unit {
    /// The unit among the words of a header.
    pub(super) fn of(header: &str) -> Option<Self> {
        words(header).iter().find_map(|word| match word.as_str() {
            "bytes" | "octets" | "байт" => Some(Self::OfCell),
            "k" | "kb" | "kib" | "ko" => Some(Self::Kb),
            "mb" | "mib" | "mo" => Some(Self::Mb),
            "gb" | "gib" | "go" => Some(Self::Gb),
            _ => None,
        })
    }

    /// The bytes of a cell.
    pub(super) fn read(self, cell: &str) -> Option<Bytes> {
        let unit = match self {
            Self::OfCell => {
                return numbers::size(cell).or_else(|| numbers::count(cell).map(Bytes));
            }
            Self::Kb => "KB",
            Self::Mb => "MB",
            Self::Gb => "GB",
        };
        numbers::size(&format!("{cell} {unit}"))
    }
}

/// The words of a header in lower case, without signs.
fn words(header: &str) -> Vec<String> {
    header
        .split([' ', '`', '(', ')', '[', ']', '_', '"', '“', '”', '/', ':'])
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

/// The column under a header.
pub(super) fn column(header: &str) -> Column {
    let spelled: Vec<_> = header
        .split([' ', '`', '(', ')', '[', ']', '_', '"', '“', '”', '/', ':'])
        .filter(|word| !word.is_empty())
        .collect();
    if is_difference(header) {
        return Column::Difference;
    }
    let unit = Unit::of(header);
    let named = words(header);
    // `NP pool (MB)` is `NP pool`.
    let lower: Vec<_> = named
        .iter()
        .map(String::as_str)
        .filter(|word| unit.is_none() || Unit::of(word).is_none())
        .collect();
    let unit = unit.unwrap_or_default();
    match lower.as_slice() {
        ["tag" | "kennung" | "étiquette" | "etiqueta" | "тег"]
        | ["pool", "tag"]
        | ["tag", "name"] => Column::Tag,
        ["type" | "typ" | "tipo" | "тип" | "pool"] | ["pool", "type"] => Column::Type,
        ["allocs" | "allocations" | "zuweisungen" | "asignaciones" | "allocazioni"] => {
            Column::Allocs
        }
        ["frees" | "freigaben" | "libérations" | "liberaciones"] => Column::Frees,
        [
            "diff" | "outstanding" | "differenz" | "différence" | "diferencia" | "count" | "anzahl",
        ] => Column::Outstanding,
        [] | ["used" | "size" | "größe" | "taille" | "tamaño" | "dimensione" | "размер"] => {
            if header.is_empty() {
                Column::Other
            } else {
                Column::Bytes(unit)
            }
        }
        ["process" | "image" | "processname" | "program" | "application" | "prozess"]
        | [
            "processus" | "proceso" | "processo" | "процесс" | "abbildname" | "name" | "executable",
        ]
        | ["process" | "image", "name"] => Column::Image,
        ["pid"] | ["process", "id"] => Column::Pid,
        ["handles" | "handlecount" | "descripteurs" | "identificadores" | "дескрипторы"]
        | ["handle", "count"]
        | ["open", "handles"] => Column::Handles,
        ["time" | "uptime" | "zeit" | "uhrzeit" | "heure" | "hora" | "ora" | "время" | "when"]
        | ["timestamp" | "date" | "datum" | "laufzeit"] => Column::Time,
        ["processes"] | ["live" | "running", "processes"] => Column::Processes,
        [_, "outstanding" | "count" | "objects" | "diff"] => {
            tag_text::tag(spelled[0]).map_or(Column::Other, Column::TagOutstanding)
        }
        [_, "handles" | "handlecount"] | [_, "handle", "count"]
            if !matches!(lower[0], "total" | "all") =>
        {
            Column::HandlesOf(spelled[0].to_owned())
        }
        ["handles" | "handlecount", _] if spelled[1].contains('.') => {
            Column::HandlesOf(spelled[1].to_owned())
        }
        _ => match pool_words::pool_words(&lower) {
            Some(pool) => Column::PoolUse(pool, unit),
            None => tag_column(&lower, spelled[0], unit),
        },
    }
}

/// A header that is a tag that everybody knows, with a unit or `bytes`.
fn tag_column(lower: &[&str], first: &str, unit: Unit) -> Column {
    let is_bytes = matches!(lower, [_] | [_, "used" | "size" | "bytes" | "nonp" | "paged"]);
    match well_known_tags::well_known(first) {
        Some((tag, _)) if is_bytes && unit != Unit::OfCell => Column::TagBytes(tag, unit),
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
    cell[..end].trim_matches(['*', '_', ' ', '~', '≈'])
}

/// Whether a column tells changes, ratios or rates.
fn is_difference(header: &str) -> bool {
    const WORDS: [&str; 16] = [
        "delta",
        "growth",
        "grown",
        "grew",
        "change",
        "ratio",
        "gap",
        "rate",
        "increase",
        "zuwachs",
        "wachstum",
        "änderung",
        "variation",
        "croissance",
        "crecimiento",
        "прирост",
    ];
    words(header)
        .iter()
        .any(|word| WORDS.contains(&word.as_str()) || word.starts_with(['Δ', 'δ', '+']))
        || is_rate(header)
}

/// Whether a column of differences tells them against something else than an earlier moment.
pub(super) fn is_relative(header: &str) -> bool {
    let words = words(header);
    is_rate(header)
        || words.iter().any(|word| ["ratio", "gap", "rate", "%"].contains(&word.as_str()))
}

fn is_rate(header: &str) -> bool {
    let lower = header.to_lowercase();
    let per = ["/s", "/sec", "/min", "/h", "/hour", "/day", "/d", "/tag", "/jour"];
    lower.split([' ', ')', '|']).any(|word| per.iter().any(|unit| word.ends_with(unit)))
        || words(header).iter().any(|word| word == "per" || word == "pro" || word == "par")
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
            ("NP pool", Column::PoolUse(Pool::Nonpaged, Unit::OfCell)),
            ("Paged pool (MB)", Column::PoolUse(Pool::Paged, Unit::Mb)),
            ("Nicht ausgelagerter Pool (KB)", Column::PoolUse(Pool::Nonpaged, Unit::Kb)),
            ("Thre MB", Column::TagBytes(PoolTag::new(*b"Thre"), Unit::Mb)),
            ("File objects", Column::TagOutstanding(PoolTag::new(*b"File"))),
            ("Handles (lsass.exe)", Column::HandlesOf("lsass.exe".into())),
            ("Bytes Used", Column::Bytes(Unit::OfCell)),
            ("Per Alloc", Column::Difference),
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
