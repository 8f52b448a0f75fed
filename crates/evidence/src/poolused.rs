//! `!poolused` of a debugger, with any of its flags.
//!
//! A row has two columns for each pool (allocations outstanding, bytes used), or, verbose, four
//! (allocations, frees, their difference, bytes used). Some versions print the nonpaged half alone.
//! People also copy the rows without the heads. What a tag means may follow the last number without a space.

use poolwatch_model::tag::{AllocCounting, TagCounters, TagPattern, TagTable, TagUse};
use poolwatch_model::{Pool, PoolTag};

use crate::content::{IgnoredReason, PieceContent, PieceKind, PooltagEntry};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::tag_counts::{agree, plausible};
use crate::text::Line;
use crate::{quantities, tag_text, well_known_tags};
use columns::{Columns, columns};

pub(crate) mod columns;

/// The most rows of one table.
const MAX_ROWS: usize = 65_536;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    let opens = title(line).is_some() || columns(line).is_some();
    let columns = if opens { None } else { Some(columns_of_row(line)?) };
    Some(Box::new(Table { columns, ..Table::default() }))
}

/// The columns of a row without heads above it. The description that a debugger puts behind its
/// numbers shows whose row it is, and how many numbers fit together shows the form.
fn columns_of_row(line: &str) -> Option<Columns> {
    if !line.contains("UNKNOWN pooltag") && !line.contains(", Binary:") {
        return None;
    }
    [true, false].into_iter().map(|verbose| Columns { verbose, both: true }).find(|columns| {
        cells(line, *columns).is_some_and(|(tag, numbers)| {
            tag_text::tag(tag).is_some() && are_sensible(&numbers, *columns)
        })
    })
}

#[derive(Default)]
struct Table {
    columns: Option<Columns>,
    /// The pool of a table that tells of one alone.
    half: Option<Pool>,
    rows: Vec<TagUse>,
    owners: Vec<PooltagEntry>,
    total: Option<TagUse>,
    has_gaps: bool,
}

/// A line above the columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Title {
    SortedBy(Option<Pool>),
    PoolUsed,
    Half(Pool),
    Halves,
}

impl Section for Table {
    fn read_line(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict {
        if let Some(title) = title(line.text) {
            if !self.rows.is_empty() {
                return Verdict::Foreign;
            }
            match title {
                Title::SortedBy(pool) => self.half = pool,
                Title::Half(pool) => self.half = Some(pool),
                Title::PoolUsed | Title::Halves => {}
            }
            return Verdict::Used;
        }
        if let Some(columns) = columns(line.text) {
            if !self.rows.is_empty() {
                return Verdict::Foreign;
            }
            self.columns = Some(columns);
            return Verdict::Used;
        }
        let Some(columns) = self.columns else { return Verdict::Foreign };
        let verdict = self.row(columns, line);
        if let (Verdict::Used, Some(row)) = (verdict, self.rows.last()) {
            out.note_tag(row, line.number);
        }
        self.has_gaps |= verdict != Verdict::Used && self.total.is_none();
        verdict
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        if self.rows.is_empty() {
            return Err(IgnoredReason::CutOff);
        }
        let counting = match self.columns {
            Some(columns) if columns.verbose => AllocCounting::Full64,
            _ => AllocCounting::OutstandingOnly,
        };
        let mut table = TagTable::new(counting, false, well_known_tags::straightened(self.rows));
        table.complete = !self.has_gaps
            && self.columns.is_some_and(|columns| columns.both)
            && self.total.is_some_and(|total| {
                Pool::ALL.iter().all(|pool| table.total(*pool) == total.of(*pool).bytes)
            });
        out.piece(PieceKind::PoolUsed, lines, PieceContent::Tags(table));
        if !self.owners.is_empty() {
            out.piece(PieceKind::PoolUsed, lines, PieceContent::Catalogue(self.owners));
        }
        Ok(())
    }
}

impl Table {
    fn row(&mut self, columns: Columns, line: Line<'_>) -> Verdict {
        let Line { text: line, cut, .. } = line;
        let Some((tag, cells)) = cells(line, columns) else {
            let numbers = line.split_ascii_whitespace().skip(1).take(2);
            let numbers = numbers.filter(|n| quantities::count(n).is_some()).count();
            // The last line of a text may be cut off behind its first number.
            let is_row = numbers == 2 || cut && numbers == 1;
            return if is_row { Verdict::GoesOn } else { Verdict::Foreign };
        };
        let pools = match (columns.both, self.half) {
            (true, _) => [Pool::Nonpaged, Pool::Paged].to_vec(),
            (false, Some(pool)) => vec![pool],
            (false, None) => return Verdict::Ignored(IgnoredReason::UnknownPool),
        };
        // The total is no tag; nor can it be one, with five letters.
        let is_total = tag == "TOTAL";
        let name = if is_total { "TOTA" } else { tag };
        let Some(tag) = tag_text::tag(name) else { return Verdict::Ignored(IgnoredReason::BadTag) };
        let mut row = TagUse::empty(tag);
        for (pool, cells) in pools.into_iter().zip(cells.chunks(columns.per_pool())) {
            let Some(counters) = counters(cells) else {
                return Verdict::Ignored(IgnoredReason::Contradiction);
            };
            *row.of_mut(pool) = counters;
        }
        if is_total {
            self.total = Some(row);
        } else if self.rows.len() == MAX_ROWS {
            return Verdict::Ignored(IgnoredReason::TooMany);
        } else {
            self.rows.push(row);
            self.owners.extend(owner(row.tag, line));
        }
        Verdict::Used
    }
}

fn counters(cells: &[u64]) -> Option<TagCounters> {
    let counters = match *cells {
        [outstanding, bytes] => TagCounters { bytes, outstanding, allocs: 0 },
        [allocs, frees, outstanding, bytes] if agree(allocs, frees, outstanding) => {
            TagCounters { bytes, outstanding, allocs }
        }
        _ => return None,
    };
    plausible(counters.bytes, counters.outstanding).then_some(counters)
}

/// Who owns the tag of a row, as the debugger found it in the administrator's pooltag.txt:
/// `Thread objects , Binary: nt!ps`.
fn owner(tag: PoolTag, line: &str) -> Option<PooltagEntry> {
    let (before, owner) = line.split_once(", Binary:")?;
    let described = before.trim_start().trim_start_matches(|c: char| !c.is_whitespace());
    let of_numbers = |c: char| c.is_whitespace() || c.is_ascii_digit() || quantities::is_mark(c);
    let description = described.trim_start_matches(of_numbers);
    let owner = owner.trim();
    (!owner.is_empty() && owner != "<unknown>").then(|| PooltagEntry {
        pattern: TagPattern::of(tag),
        owner: Some(owner.to_owned()),
        description: description.trim().to_owned(),
    })
}

/// The tag of a row and its numbers.
fn cells(line: &str, columns: Columns) -> Option<(&str, Vec<u64>)> {
    let line = line.trim_start();
    // The column of the tag has four letters, spaces among them. In a table whose spaces were
    // squeezed the tag is the first word.
    let column = line.char_indices().nth(4).map(|(end, _)| line.split_at(end));
    let word = line.find([' ', '\t']).map(|end| line.split_at(end));
    let column = column.filter(|(_, rest)| rest.starts_with([' ', '\t']));
    let mut ways = column.into_iter().chain(word);
    let apart = ways.clone().find_map(|(tag, rest)| Some((tag, wide_cells(rest, columns)?)));
    if let Some((tag, numbers)) = apart {
        return Some((tag.trim_end(), numbers));
    }
    let plain = ways
        .clone()
        .find_map(|(tag, rest)| Some((tag.trim_end(), plain_cells(rest, columns.count())?)));
    // Spaces may stand between thousands: then the plain numbers make no sense, or leave some over.
    let sensible = |numbers: &[u64]| are_sensible(numbers, columns);
    match plain {
        Some((tag, (numbers, left))) if sensible(&numbers) && !goes_on_in_numbers(left) => {
            Some((tag, numbers))
        }
        plain => ways
            .find_map(|(tag, rest)| {
                let words: Vec<_> = rest
                    .split_ascii_whitespace()
                    .take(25)
                    .take_while(|word| quantities::count(word).is_some())
                    .collect();
                let numbers = quantities::regroup(&words, columns.count(), &sensible)?;
                Some((tag.trim_end(), numbers))
            })
            .or_else(|| {
                let (tag, (numbers, left)) = plain?;
                (!goes_on_in_numbers(left)).then_some((tag, numbers))
            }),
    }
}

/// Whether the numbers of a row, or the first of them, can be true.
fn are_sensible(numbers: &[u64], columns: Columns) -> bool {
    numbers.chunks_exact(columns.per_pool()).all(|cells| counters(cells).is_some())
}

/// The numbers of a row whose columns stand further apart than the thousands in them.
fn wide_cells(text: &str, columns: Columns) -> Option<Vec<u64>> {
    let parts = text.split(['\t']).flat_map(|part| part.split("  ")).map(str::trim);
    let cells: Vec<&str> = parts.filter(|cell| !cell.is_empty()).take(columns.count()).collect();
    if cells.len() < columns.count() || !cells.iter().any(|cell| cell.contains(' ')) {
        return None;
    }
    let numbers: Option<Vec<u64>> = cells.into_iter().map(quantities::count).collect();
    numbers.filter(|numbers| are_sensible(numbers, columns))
}

/// As many plain numbers as there are columns, and what follows them.
fn plain_cells(text: &str, count: usize) -> Option<(Vec<u64>, &str)> {
    let mut cells = Vec::with_capacity(count);
    let mut rest = text;
    while cells.len() < count {
        let (number, after) = quantities::leading(rest.trim_start())?;
        let last = cells.len() + 1 == count;
        if !last && !after.starts_with([' ', '\t']) {
            return None;
        }
        cells.push(number);
        rest = after;
    }
    Some((cells, rest))
}

/// Whether a group of thousands follows.
fn goes_on_in_numbers(rest: &str) -> bool {
    let Some(word) = rest.split_ascii_whitespace().next() else { return false };
    rest.starts_with(' ') && word.len() == 3 && word.bytes().all(|b| b.is_ascii_digit())
}

fn title(line: &str) -> Option<Title> {
    // Titles are short; descriptions in other texts may hold the same words.
    if line.len() > 80 {
        return None;
    }
    let squeezed = line.to_ascii_lowercase().replace([' ', '\t'], "");
    match squeezed.as_str() {
        "poolused:" => Some(Title::PoolUsed),
        "nonpagedpaged" => Some(Title::Halves),
        "nonpaged" => Some(Title::Half(Pool::Nonpaged)),
        "paged" => Some(Title::Half(Pool::Paged)),
        // Titles that were put on one line.
        flattened if flattened.contains("poolused:") => {
            Some(match flattened.split_once("poolused:").map_or("", |(_, halves)| halves) {
                "nonpaged" => Title::Half(Pool::Nonpaged),
                "paged" => Title::Half(Pool::Paged),
                _ => Title::PoolUsed,
            })
        }
        _ => {
            let by = squeezed.strip_prefix("sortingby")?;
            Some(Title::SortedBy(if by.starts_with("nonpagedpool") {
                Some(Pool::Nonpaged)
            } else if by.starts_with("pagedpool") {
                Some(Pool::Paged)
            } else {
                None
            }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UnreadLine, read};

    fn table(text: &str) -> (TagTable, Vec<UnreadLine>) {
        let mut reading = read("poolused.txt", text.as_bytes());
        reading.pieces.retain(|piece| matches!(piece.content, PieceContent::Tags(_)));
        assert_eq!(reading.pieces.len(), 1, "{reading:?}");
        let PieceContent::Tags(tags) = reading.pieces.remove(0).content else { panic!() };
        (tags, reading.ignored)
    }

    fn tag(text: &[u8; 4]) -> PoolTag {
        PoolTag::new(*text)
    }

    #[test]
    fn four_columns_tell_what_is_outstanding() {
        let (tags, ignored) = table(
            "   Sorting by NonPaged Pool Consumed
  Pool Used:
            NonPaged            Paged
Tag    Allocs     Used    Allocs     Used
Thre   120145 76892800         0        0
 1394        1      520         0        0UNKNOWN pooltag '1394', please update pooltag.txt
 AGP         1      344         2      384UNKNOWN pooltag 'AGP ', please update pooltag.txt
Dh 1        2       96         0        0
Io 1 16 0 0
[...]
AfdE    89683 2582
AfdC   909640 17465088 909640
",
        );
        assert_eq!(tags.counting, AllocCounting::OutstandingOnly);
        assert!(!tags.complete);
        assert_eq!(tags.get(tag(b"Thre")).unwrap().nonpaged.bytes, 76_892_800);
        assert_eq!(tags.get(tag(b"AGP ")).unwrap().paged.bytes, 384);
        assert_eq!(tags.get(tag(b"Dh 1")).unwrap().nonpaged.outstanding, 2);
        assert_eq!(tags.get(tag(b"Io  ")).unwrap().nonpaged.bytes, 16);
        let reasons: Vec<_> = ignored.iter().map(|i| (i.line, i.reason)).collect();
        assert_eq!(
            reasons,
            [
                (10, IgnoredReason::NotUnderstood),
                (11, IgnoredReason::CutOff),
                (12, IgnoredReason::CutOff)
            ]
        );
    }

    #[test]
    fn eight_columns_with_their_total_are_complete() {
        let text = " Sorting by Tag
               NonPaged                                         Paged
 Tag       Allocs       Frees      Diff         Used       Allocs       Frees      Diff         Used
 Hack           3           1         2          112            0           0         0            0\tUNKNOWN pooltag 'Hack'
 Even           5           0         5          400            9           8         1           64\tEvent objects
TOTAL           8           1         7          512            9           8         1           64
";
        let (tags, ignored) = table(text);
        assert!(tags.complete && ignored.is_empty());
        assert_eq!(tags.counting, AllocCounting::Full64);
        assert_eq!(tags.get(tag(b"Even")).unwrap().paged.allocs, 9);
        assert_eq!(tags.frees(&tags.get(tag(b"Hack")).unwrap().nonpaged), Some(1));
        let (tags, ignored) =
            table(&text.replace("5           0         5", "5           1         5"));
        assert!(!tags.complete);
        assert_eq!(ignored[0].reason, IgnoredReason::Contradiction);
    }

    #[test]
    fn half_a_table_belongs_to_the_pool_that_its_title_names() {
        let rows = "Tag Allocs Frees Diff Used\nThre 772672 463590 309082 192867168 Thread objects";
        let (tags, _) = table(&format!("Pool Used:\nNonPaged\n{rows}"));
        assert_eq!(tags.get(tag(b"Thre")).unwrap().nonpaged.bytes, 192_867_168);
        let (tags, _) = table(&format!("Sorting by Paged Pool Consumed\n{rows}"));
        assert_eq!(tags.get(tag(b"Thre")).unwrap().paged.outstanding, 309_082);
        let reading = read("", rows.as_bytes());
        assert!(reading.pieces.is_empty());
        assert_eq!(reading.ignored[1].reason, IgnoredReason::UnknownPool);
    }

    #[test]
    fn rows_without_heads_tell_their_form() {
        let text = " Qvfz   8388410   2147483648          0            0\tUNKNOWN pooltag 'Qvfz', please \
                    update pooltag.txt\n File    142104     54567936          0            0\tFile objects\n";
        let reading = read("", text.as_bytes());
        assert_eq!(reading.ignored, []);
        let PieceContent::Tags(table) = &reading.pieces[0].content else { panic!() };
        let told: Vec<_> =
            table.rows.iter().map(|row| (row.nonpaged.outstanding, row.nonpaged.bytes)).collect();
        assert_eq!(told, [(142_104, 54_567_936), (8_388_410, 2_147_483_648)]);
        assert!(read("", b"Qvfz 1 2 3 4 is UNKNOWN pooltag").pieces.is_empty());
    }
}
