//! What the words of a header mean.

use std::collections::HashSet;

use poolwatch_model::{Bytes, Pool, PoolTag};

use crate::{pool_words, quantities, tag_text, well_known_tags};

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
    /// Processor time, which is empty for processes that may not be looked at.
    CpuTime,
    Session,
    NonpagedQuota(Unit),
    PrivateBytes(Unit),
    /// All physical memory.
    Physical(Unit),
    /// Physical memory in use.
    InUse(Unit),
    Available(Unit),
    Committed(Unit),
    CommitLimit(Unit),
    /// All handles of the host.
    SystemHandles,
    /// The machine that a row is of.
    Host,
    /// The value of the figure that a row names.
    Value,
    /// Known, and of no use here.
    Passed,
    /// A change, a ratio or a rate: no state.
    Difference,
    Other,
}

impl Column {
    /// Whether each row of the column was measured at a moment.
    pub(super) fn is_measured(&self) -> bool {
        use Column::{HandlesOf, PoolUse, Processes, TagBytes, TagOutstanding};
        matches!(self, TagOutstanding(_) | TagBytes(..) | HandlesOf(_) | PoolUse(..) | Processes)
            || self.is_of_memory()
    }

    /// Whether the column tells a figure of the whole host.
    pub(super) fn is_of_memory(&self) -> bool {
        use Column::{
            Available, CommitLimit, Committed, InUse, Physical, PoolUse, Processes, SystemHandles,
        };
        matches!(self, Available(_) | CommitLimit(_) | Committed(_) | InUse(_) | PoolUse(..))
            || matches!(self, Processes | SystemHandles | Physical(_))
    }

    /// Whether cells are numbers.
    pub(super) fn is_number(&self) -> bool {
        use Column::{Allocs, Bytes, Frees, Handles, Outstanding, Pid, PrivateBytes, Session};
        matches!(self, Allocs | Bytes(_) | Frees | Handles | Outstanding | Pid | Session)
            || matches!(self, PrivateBytes(_) | Self::NonpagedQuota(_) | Self::CpuTime)
            || self.is_measured()
    }
}

/// Whether columns are those of a table that is read, whatever stands between its cells.
pub(super) fn make_a_table(columns: &[Column]) -> bool {
    let has = |wanted: fn(&Column) -> bool| columns.iter().any(wanted);
    let of_tags = has(|c| *c == Column::Tag)
        && has(|c| {
            use Column::{Bytes, Difference, Outstanding, PoolUse};
            matches!(c, Outstanding | Bytes(_) | Difference | PoolUse(..) | Column::Frees)
        });
    let of_processes = has(|c| *c == Column::Image) && has(|c| *c == Column::Handles);
    let of_moments = has(|c| *c == Column::Time) && has(Column::is_measured);
    let of_values = columns.len() > 1 && has(|c| *c == Column::Value);
    of_tags || of_processes || of_moments || of_values || are_of_memory(columns)
}

/// Whether all columns are figures of the host: names beside each other, and below them the figures.
pub(super) fn are_of_memory(columns: &[Column]) -> bool {
    columns.len() > 1 && columns.iter().all(Column::is_of_memory)
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
    pub(super) fn find_in(header: &str) -> Option<Self> {
        words(header).iter().find_map(|word| Self::from_word(word))
    }

    /// The unit that a word in lower case is.
    fn from_word(word: &str) -> Option<Self> {
        Some(match word {
            "bytes" | "b" | "octets" | "байт" => Self::OfCell,
            "k" | "kb" | "kib" | "ko" | "kbytes" => Self::Kb,
            "mb" | "mib" | "mo" | "mbytes" | "mégaoctets" | "мбайт" => Self::Mb,
            "gb" | "gib" | "go" | "gbytes" => Self::Gb,
            _ => return None,
        })
    }

    /// The bytes of a cell; `decimal` is the mark of its decimals, where its table shows it.
    pub(super) fn read(self, cell: &str, decimal: Option<char>) -> Option<Bytes> {
        let unit = match self {
            Self::OfCell => {
                let size = quantities::size_with(cell, decimal);
                return size.or_else(|| quantities::about(cell).map(Bytes));
            }
            Self::Kb => "KB",
            Self::Mb => "MB",
            Self::Gb => "GB",
        };
        quantities::size_with(&format!("{cell} {unit}"), decimal)
    }
}

/// The words of a header, without signs.
fn spelled(header: &str) -> impl Iterator<Item = &str> {
    let signs = [' ', '\t', '`', '(', ')', '[', ']', '_', '"', '“', '”', '/', ':'];
    header.split(signs).filter(|word| !word.is_empty())
}

/// The words of a header in lower case.
fn words(header: &str) -> Vec<String> {
    spelled(header).map(str::to_lowercase).collect()
}

/// The columns under the heads of a table. PRTG exports each channel twice, the second time as a mere
/// number: that is the figure, but for the time.
pub(super) fn columns(header: &[String]) -> Vec<Column> {
    let raw = |name: &str| name.trim().strip_suffix("(RAW)").map(|name| column(name.trim_end()));
    let raws: HashSet<&str> = header
        .iter()
        .filter_map(|other| other.trim().strip_suffix("(RAW)"))
        .map(str::trim_end)
        .collect();
    let has_raw = |name: &str| raws.contains(name.trim());
    let of = |name: &String| match raw(name) {
        Some(Column::Time) => Column::Passed,
        Some(raw) => raw,
        None => match column(name) {
            column if column != Column::Time && has_raw(name) => Column::Passed,
            column => column,
        },
    };
    header.iter().map(of).collect()
}

/// The column under a header: by its words, by the words that a name of a property is made of, or
/// by what people call such columns in words of their own.
pub(super) fn column(header: &str) -> Column {
    if header.starts_with("(PDH-") {
        return Column::Time;
    }
    if let Some(column) = of_tag(header) {
        return column;
    }
    if let Some(counter) = header.trim().strip_prefix("\\\\") {
        return counter.split_once('\\').map_or(Column::Other, |(_, path)| counter_column(path));
    }
    /// A longer header is a sentence.
    const LONGEST: usize = 120;
    if header.len() > LONGEST {
        return Column::Other;
    }
    let known = |header: &str| {
        let spelled: Vec<&str> = spelled(header).collect();
        let named: Vec<String> = spelled.iter().map(|word| word.to_lowercase()).collect();
        match by_words(header, &spelled, &named) {
            Column::Other => in_own_words(header, &named),
            column => column,
        }
    };
    match (known(header), words_apart(header)) {
        (Column::Other, Some(apart)) => known(&apart),
        (column, _) => column,
    }
}

/// A figure of the tag that the header begins with, written as code: `` `QvFz` nonpaged pool ``.
fn of_tag(header: &str) -> Option<Column> {
    let (name, rest) = header.trim().strip_prefix('`')?.split_once('`')?;
    let tag = tag_text::tag(name)?;
    let words = words(rest);
    let counts = ["allocations", "allocs", "outstanding", "count", "objects", "diff", "live"];
    let is = |known: &[&str]| words.iter().any(|word| known.contains(&word.as_str()));
    if is_difference(rest, &words) {
        return None;
    }
    let is_bytes = pool_words::pool_words(&words).is_some() || is(&["bytes", "size", "memory"]);
    match () {
        () if is(&counts) => Some(Column::TagOutstanding(tag)),
        () if is_bytes => Some(Column::TagBytes(tag, Unit::find_in(rest).unwrap_or_default())),
        () => None,
    }
}

/// A counter of Performance Monitor: `Memory\Pool Nonpaged Bytes`, `Process(lsass)\Handle Count`.
fn counter_column(path: &str) -> Column {
    let Some((object, counter)) = path.rsplit_once('\\') else { return Column::Other };
    let spelled: Vec<&str> = spelled(counter).collect();
    let column = by_words(counter, &spelled, &words(counter));
    match object.split_once('(').map(|(_, instance)| instance.trim_end_matches(')')) {
        Some(instance) if column == Column::Handles => match instance {
            "_Total" | "_total" => Column::SystemHandles,
            "Idle" | "idle" => Column::Other,
            image => Column::HandlesOf(image.to_owned()),
        },
        Some(_) => Column::Other,
        None if column.is_of_memory() => column,
        None => Column::Other,
    }
}

/// `PoolNonpagedMB` as `Pool Nonpaged MB`; `None` where no word is made of several.
fn words_apart(header: &str) -> Option<String> {
    let mut apart = String::with_capacity(header.len() + 4);
    let mut before = [' ', ' '];
    for letter in header.chars() {
        if letter.is_uppercase() && before[1].is_lowercase() {
            apart.push(' ');
        }
        apart.push(letter);
        before = [before[1], letter];
    }
    (apart.len() > header.len()).then_some(apart)
}

/// Behind `In use`: what Task Manager compresses is in use as well.
const COMPRESSED: [&str; 11] = [
    "compressed",
    "komprimiert",
    "compressé",
    "compressée",
    "comprimido",
    "compressa",
    "compactada",
    "сжатая",
    "сжато",
    "圧縮",
    "已压缩",
];
/// Words of heads of bytes, of what is held, and beside both.
const BYTES: [&str; 7] =
    ["memory", "usage", "size", "bytes", "footprint", "consumption", "consumed"];
const HELD: [&str; 11] = [
    "live",
    "outstanding",
    "freed",
    "unfreed",
    "leaked",
    "alive",
    "remaining",
    "held",
    "objects",
    "blocks",
    "unreleased",
];
const BESIDE: [&str; 16] = [
    "current",
    "currently",
    "now",
    "total",
    "in",
    "use",
    "used",
    "not",
    "allocations",
    "allocs",
    "count",
    "number",
    "of",
    "still",
    "yet",
    "pool",
];

/// What people call columns: `Current size`, `Live objects (allocs minus frees)`.
fn in_own_words(header: &str, named: &[String]) -> Column {
    let unit = || named.iter().find_map(|word| Unit::from_word(word));
    let explained = header.split_once(" (").filter(|(_, inside)| Unit::find_in(inside).is_none());
    let all = &named[..explained.map_or(named.len(), |(before, _)| spelled(before).count())];
    let is = |known: &[&str]| all.iter().any(|word| known.contains(&word.as_str()));
    let only = |known: &[&str], or: &[&str]| {
        let mut words = all.iter().map(String::as_str);
        words.all(|word| {
            let is_known = known.contains(&word) || or.contains(&word);
            is_known || BESIDE.contains(&word) || Unit::from_word(word).is_some()
        })
    };
    match () {
        () if is(&HELD) && only(&HELD, &[]) => match unit() {
            None => Column::Outstanding,
            Some(unit) => Column::Bytes(unit),
        },
        () if is(&BYTES) && only(&BYTES, &HELD) => Column::Bytes(unit().unwrap_or_default()),
        () => Column::Other,
    }
}

/// The column whose words are all known.
fn by_words(header: &str, spelled: &[&str], named: &[String]) -> Column {
    if is_difference(header, named) {
        return Column::Difference;
    }
    let told_unit = named.iter().find_map(|word| Unit::from_word(word));
    // `NP pool (MB)` is `NP pool`.
    let lower: Vec<_> =
        named.iter().map(String::as_str).filter(|word| Unit::from_word(word).is_none()).collect();
    let unit = told_unit.unwrap_or_default();
    // Names of monitoring systems tell first whose they are.
    let lower = match lower.as_slice() {
        ["windows" | "wmi" | "win", "memory" | "mem" | "os", rest @ ..] => rest,
        [rest @ .., last] if COMPRESSED.contains(last) => rest,
        all => all,
    };
    match lower {
        ["pool", "n"] => return Column::PoolUse(Pool::Nonpaged, unit),
        // Of a tag, in the pool that the other heads name.
        ["paged" | "nonpaged", "allocs" | "allocations"] => return Column::Allocs,
        ["paged" | "nonpaged", "frees"] => return Column::Frees,
        ["date", "time" | "heure"]
        | ["datum", "uhrzeit"]
        | ["fecha", "hora"]
        | ["data", "ora" | "hora"] => {
            return Column::Time;
        }
        ["cpu"] | ["cpu", "s"] => return Column::CpuTime,
        ["si"] | ["session", "id"] | ["sessionid"] => return Column::Session,
        ["npm"] => return Column::NonpagedQuota(unit),
        ["pm"] | ["private", "memory"] | ["private"] => return Column::PrivateBytes(unit),
        ["ws"] | ["vm"] | ["vm", "m"] | ["working", "set"] => return Column::Passed,
        ["ram"]
        | ["installed" | "total" | "physical", "ram"]
        | ["physical" | "total", "memory"]
        | ["memory" | "physical", "total"]
        | ["total", "physical", "memory"]
        | ["gesamter", "physischer", "speicher"] => return Column::Physical(unit),
        ["in", "use" | "verwendung" | "uso"]
        | ["en" | "em", "uso"]
        | ["utilisée" | "используется" | "使用中"] => {
            return Column::InUse(unit);
        }
        ["available", "memory"]
        | [
            "available" | "verfügbar" | "verfügbare" | "disponible" | "disponibles" | "disponibile",
        ]
        | ["disponibili" | "disponível" | "доступно" | "利用可能" | "可用"] => {
            return Column::Available(unit);
        }
        ["commit", "charge"]
        | ["committed" | "zugesichert" | "validée" | "コミット済み" | "已提交" | "выделено"] =>
        {
            return Column::Committed(unit);
        }
        ["commit", "limit"] => return Column::CommitLimit(unit),
        ["host" | "hostname" | "computer" | "computername" | "machine" | "machinename"]
        | ["host", "name"]
        | ["pscomputername"] => return Column::Host,
        [.., "value"] | ["cookedvalue" | "wert" | "valeur" | "valor" | "valore" | "значение"] =>
        {
            return Column::Value;
        }
        // Of a process: its pagefile, not its pool.
        ["paged" | "nonpaged", .., "size" | "size64"] => return Column::Passed,
        _ => {}
    }
    match lower {
        [
            "tag" | "pooltag" | "kennung" | "étiquette" | "etiqueta" | "etichetta" | "тег"
            | "znacznik",
        ]
        | ["pool", "tag"]
        | ["tag", "name"] => Column::Tag,
        ["type" | "typ" | "tipo" | "тип" | "pool"] | ["pool", "type"] => Column::Type,
        ["allocs" | "allocations" | "allocated" | "requests" | "zuweisungen" | "allokationen"]
        | ["asignaciones" | "allocazioni" | "zuordnungen" | "belegungen" | "reservierungen"]
        | ["выделения" | "alocações" | "alokacje"]
        | ["alloc" | "allocation", "count"] => Column::Allocs,
        ["frees" | "freed" | "releases" | "released" | "freigaben" | "libérations"]
        | ["liberaciones" | "rilasci" | "liberações" | "освобождения" | "zwolnienia"]
        | ["free", "count"] => Column::Frees,
        // `Outstanding Bytes`.
        ["outstanding"] if told_unit.is_some() => Column::Bytes(unit),
        [
            "diff" | "outstanding" | "differenz" | "différence" | "diferencia" | "count" | "anzahl",
        ]
        | ["still", "in", "use"]
        | ["still", "in", "use", "count"]
        | ["in", "use", "count"] => Column::Outstanding,
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
        ["pid" | "id" | "processid"] | ["process", "id"] => Column::Pid,
        ["handles" | "handlecount" | "descripteurs" | "identificadores" | "дескрипторы"]
        | ["handleanzahl" | "ハンドル" | "ハンドル数" | "句柄" | "句柄数" | "핸들" | "uchwyty"]
        | ["handle", "count"]
        | ["open", "handles"]
        | ["nombre", "de", "handles" | "descripteurs"]
        | ["número", "de", "identificadores"]
        | ["conteggio" | "numero", "handle"]
        | ["счетчик" | "счётчик", "дескрипторов"] => Column::Handles,
        ["time" | "uptime" | "zeit" | "uhrzeit" | "heure" | "hora" | "ora" | "время" | "when"]
        | ["timestamp" | "stamp" | "date" | "datum" | "laufzeit" | "datetime" | "zeitstempel"]
        | ["zeitpunkt" | "fecha" | "日時" | "时间" | "時間" | "clock"] => Column::Time,
        ["processes"] | ["live" | "running", "processes"] => Column::Processes,
        [first, "outstanding" | "count" | "objects" | "diff"]
            if !HELD.contains(first) && !BESIDE.contains(first) =>
        {
            tag_text::tag(spelled[0]).map_or(Column::Other, Column::TagOutstanding)
        }
        [_, "handles" | "handlecount"] | [_, "handle", "count"]
            if !matches!(lower[0], "total" | "all") =>
        {
            Column::HandlesOf(spelled[0].to_owned())
        }
        // `Process edgeproxy: Handle count`.
        ["process", _, "handles" | "handlecount"] | ["process", _, "handle", "count"] => {
            Column::HandlesOf(spelled[1].to_owned())
        }
        ["handles" | "handlecount", _] if spelled[1].contains('.') => {
            Column::HandlesOf(spelled[1].to_owned())
        }
        _ => match pool_words::pool_words(lower) {
            Some(_) if lower.iter().any(|word| NO_USE.contains(word)) => Column::Other,
            Some(pool) => Column::PoolUse(pool, unit),
            None => tag_column(lower, spelled[0], unit),
        },
    }
}

/// Words with which a header that names a pool tells something else than its use.
const NO_USE: [&str; 11] = [
    "allocs",
    "allocations",
    "frees",
    "failures",
    "resident",
    "limit",
    "max",
    "maximum",
    "peak",
    "reads",
    "ws",
];

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

/// Whether a cell is a tag by its looks: not a word, and written as code or with signs of a tag.
pub(super) fn is_tag(cell: &str) -> bool {
    let name = bare(cell);
    let is_code = cell.trim_start().starts_with('`');
    let is_odd = |name: &str| name.chars().skip(1).any(|c| c.is_ascii_digit() || c.is_uppercase());
    tag_text::tag(name).is_some()
        && (is_code || well_known_tags::well_known(name).is_some() || is_odd(name))
}

/// Whether a cell is a number with a unit of bytes.
pub(super) fn is_size(cell: &str) -> bool {
    quantities::size(bare(cell)).is_some()
}

/// Whether a cell begins as a figure does.
pub(super) fn is_figure(cell: &str) -> bool {
    is_size(cell) || is_count(cell)
}

/// Whether a cell is a count.
pub(super) fn is_count(cell: &str) -> bool {
    quantities::about(bare(cell)).is_some()
}

/// Whether a column tells changes, ratios or rates.
fn is_difference(header: &str, words: &[String]) -> bool {
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
    words.iter().any(|word| WORDS.contains(&word.as_str()) || word.starts_with(['Δ', 'δ', '+']))
        || is_rate(header, words)
}

/// Whether a column of differences tells them against something else than an earlier moment.
pub(super) fn is_relative(header: &str) -> bool {
    let words = words(header);
    is_rate(header, &words)
        || words.iter().any(|word| ["ratio", "gap", "rate", "%"].contains(&word.as_str()))
}

fn is_rate(header: &str, words: &[String]) -> bool {
    if words.iter().any(|word| word == "per" || word == "pro" || word == "par") {
        return true;
    }
    if !header.contains('/') {
        return false;
    }
    let lower = header.to_lowercase();
    let per = ["/s", "/sec", "/min", "/h", "/hour", "/day", "/d", "/tag", "/jour"];
    lower.split([' ', ')', '|']).any(|word| per.iter().any(|unit| word.ends_with(unit)))
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
            ("PoolNonpagedMB", Column::PoolUse(Pool::Nonpaged, Unit::Mb)),
            (r"\\FS07\Memory\Pool Paged Bytes", Column::PoolUse(Pool::Paged, Unit::OfCell)),
            (r"\\FS07\Memory\Pool Paged Allocs", Column::Other),
            (r"\\FS07\Process(labelsvc)\Handle Count", Column::HandlesOf("labelsvc".into())),
            (r"\\FS07\Process(labelsvc)\Pool Paged Bytes", Column::Other),
            ("Memory now", Column::Bytes(Unit::OfCell)),
            ("Current size", Column::Bytes(Unit::OfCell)),
            ("Live objects (allocs minus frees)", Column::Outstanding),
            ("windows_memory_pool_nonpaged_bytes", Column::PoolUse(Pool::Nonpaged, Unit::OfCell)),
            ("NPM(K)", Column::NonpagedQuota(Unit::Kb)),
            (
                r"\\DB2\Arbeitsspeicher\Nicht-Auslagerungsseiten (Bytes)",
                Column::PoolUse(Pool::Nonpaged, Unit::OfCell),
            ),
            (r"\\DB2\Prozess(WatchSvc)\Handleanzahl", Column::HandlesOf("WatchSvc".into())),
            ("Memory: Pool nonpaged bytes", Column::PoolUse(Pool::Nonpaged, Unit::OfCell)),
            ("Process edgeproxy: Handle count", Column::HandlesOf("edgeproxy".into())),
            ("Outstanding Bytes", Column::Bytes(Unit::OfCell)),
            ("Memory [MiB]", Column::Bytes(Unit::Mb)),
            ("Outstanding Size (B)", Column::Bytes(Unit::OfCell)),
            ("Alloc Count", Column::Allocs),
            ("Free Count", Column::Frees),
            ("Outstanding Count", Column::Outstanding),
            ("freed", Column::Frees),
            ("not freed", Column::Outstanding),
            ("In use (Compressed)", Column::InUse(Unit::OfCell)),
            ("Last value", Column::Value),
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
