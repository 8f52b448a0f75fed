//! Tables in which people sum up what they measured: in Markdown, or with tabs, semicolons or commas
//! between the cells,
//! as spreadsheets and Performance Monitor save them, or in columns, as PowerShell prints objects.
//!
//! Four shapes are read, by the words of their header and by what their columns hold: a row per tag, a
//! row per process, a row per moment, and a row per tag with its growth. Columns that mean nothing
//! known are passed over.

use crate::content::IgnoredReason;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::text::Line;
use cells::Delimiter;
use grid::{CellGrid, Row};
use heads::Column;

pub(crate) use figures::start_figures;
pub(crate) use json::read_json;

pub(crate) mod cells;
mod figures;
mod grid;
mod growth;
mod heads;
mod json;
mod records;
mod states;
mod tables;

/// A month of minutes.
const MAX_ROWS: usize = 50_000;

pub(crate) fn start_table(line: &str) -> Option<Box<dyn Section>> {
    let delimiter = Delimiter::find_in(line);
    let is_spaced = matches!(delimiter, None | Some(Delimiter::Gap));
    let in_words = if is_spaced { heads_in_words(line) } else { None };
    let (delimiter, grid) = match in_words {
        Some(grid) => (Delimiter::Word, grid),
        None => (delimiter?, grid(delimiter?, line)),
    };
    // Bars alone make a table; other signs stand in sentences as well.
    let is_known = heads::make_a_table(&grid.columns);
    (delimiter == Delimiter::Bar || is_known).then(|| {
        Box::new(Table {
            delimiter,
            grid,
            is_ruled: delimiter != Delimiter::Bar || is_known,
            has_header: false,
            has_rule: false,
            is_spaced: false,
        }) as Box<dyn Section>
    })
}

/// The table below a header.
fn grid(delimiter: Delimiter, line: &str) -> CellGrid {
    let header: Vec<String> = delimiter.cells(line).map(Into::into).collect();
    let columns = heads::columns(&header);
    CellGrid { header, columns, rows: Vec::new() }
}

/// The table below words that stand apart, if they are heads and no sentence: all are known, or the
/// first is that of `Get-Process`.
fn heads_in_words(line: &str) -> Option<CellGrid> {
    const LONGEST: usize = 400;
    let is_sentence = line.ends_with(['.', '?', '!', ':', ',']) || !line.trim().contains(' ');
    if line.len() > LONGEST || is_sentence || line.contains(|c: char| c.is_ascii_digit()) {
        return None;
    }
    let header: Vec<String> = Delimiter::Word.cells(line).map(Into::into).collect();
    let mut columns = Vec::with_capacity(header.len());
    for head in &header {
        let column = heads::column(head);
        if column == Column::Other && columns.first() != Some(&Column::Handles) {
            return None;
        }
        columns.push(column);
    }
    let is_written_so =
        columns.len() > 2 || header.iter().all(|head| head.starts_with(char::is_uppercase));
    (is_written_so && heads::make_a_table(&columns)).then_some(CellGrid {
        header,
        columns,
        rows: Vec::new(),
    })
}

struct Table {
    delimiter: Delimiter,
    grid: CellGrid,
    /// Whether a rule, or the words of the header, showed that it is one.
    is_ruled: bool,
    has_header: bool,
    has_rule: bool,
    /// Whether empty lines stand between its rows.
    is_spaced: bool,
}

impl Section for Table {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if !self.delimiter.parts(line.text) {
            return Verdict::Foreign;
        }
        if !self.has_header {
            self.has_header = true;
            return Verdict::Used;
        }
        if cells::is_rule(line.text) {
            if !self.grid.rows.is_empty() {
                // Among rows with empty lines between, the header of another table was the last.
                return Verdict::Ignored(if self.is_spaced {
                    IgnoredReason::Contradiction
                } else {
                    IgnoredReason::NotUnderstood
                });
            }
            (self.is_ruled, self.has_rule) = (true, true);
            return Verdict::Used;
        }
        if !self.is_ruled {
            return Verdict::Foreign;
        }
        if self.delimiter == Delimiter::Word {
            return self.words(line);
        }
        if self.grid.rows.len() == MAX_ROWS {
            return Verdict::Ignored(IgnoredReason::TooMany);
        }
        let mut cells: Vec<String> = self.delimiter.cells(line.text).map(Into::into).collect();
        let count = self.grid.columns.len();
        if self.delimiter == Delimiter::Gap {
            // Below names that stand beside each other are the next ones.
            if heads::are_of_memory(&self.grid.columns)
                && heads::make_a_table(&heads::columns(&cells))
            {
                return Verdict::Foreign;
            }
            // Remarks may follow the last column.
            cells.truncate(count);
        }
        if matches!(self.delimiter, Delimiter::Tab | Delimiter::Comma | Delimiter::Semicolon) {
            // Empty cells at the end are left out where they tell nothing anyway.
            let lacking = self.grid.columns.iter().skip(cells.len());
            let tells_nothing =
                |column| matches!(column, &(Column::Other | Column::Passed | Column::Difference));
            if !line.cut && cells.len() > 1 && lacking.clone().all(tells_nothing) {
                cells.extend(lacking.map(|_| String::new()));
            }
        }
        let ends = self.delimiter != Delimiter::Bar || line.text.trim_end().ends_with('|');
        if self.delimiter == Delimiter::Bar && cells.len() < count && !line.cut {
            return Verdict::GoesOn;
        }
        if cells.len() != count || (line.cut && !ends) {
            return Verdict::Ignored(IgnoredReason::CutOff);
        }
        self.grid.rows.push(Row { line: line.number, cells });
        Verdict::Used
    }

    fn ends_at_blank(&mut self) -> bool {
        // A table whose rule does not follow its header at once has an empty line after each.
        self.is_spaced |= self.delimiter == Delimiter::Bar && self.has_header && !self.has_rule;
        !self.is_spaced && self.delimiter != Delimiter::Word
    }

    fn finish(mut self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        if self.grid.rows.is_empty() || !self.is_ruled {
            return Err(IgnoredReason::NotUnderstood);
        }
        self.grid.infer_columns();
        tables::read_table(&self.grid, lines, out)
    }
}

impl Table {
    /// A row whose cells have no sign between them.
    fn words(&mut self, line: Line<'_>) -> Verdict {
        if self.grid.header.iter().eq(line.text.split_ascii_whitespace()) {
            return Verdict::Foreign;
        }
        let is_numbered = line.text.trim_start().starts_with(|c: char| c.is_ascii_digit());
        match self.grid.fit_words(line.text) {
            None if !is_numbered => Verdict::Foreign,
            None => Verdict::Ignored(IgnoredReason::CutOff),
            Some(_) if self.grid.rows.len() == MAX_ROWS => Verdict::Ignored(IgnoredReason::TooMany),
            Some(cells) => {
                self.grid.rows.push(Row { line: line.number, cells });
                Verdict::Used
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use poolwatch_model::tag::AllocCounting;
    use poolwatch_model::{Pool, PoolTag};

    use super::*;
    use crate::content::PieceContent;
    use crate::{EvidencePiece, read};

    fn pieces(text: &str) -> (Vec<EvidencePiece>, Vec<(u32, IgnoredReason)>) {
        let reading = read("issue.md", text.as_bytes());
        let ignored = reading.ignored.iter().map(|i| (i.line, i.reason)).collect();
        (reading.pieces, ignored)
    }

    // https://github.com/microsoft/Windows-Dev-Performance/issues/137
    #[test]
    fn rows_with_an_uptime_are_moments_and_one_without_stands_beside() {
        let (pieces, ignored) = pieces(
            "| Uptime | `Proc` outstanding | Live processes | Gap |
|---|---|---|---|
| 1m 15s (leaking) | 2,655 | 228 | 2,427 |
| 18h 05m (leaking) | 39,511 | 284 | **39,227** |
| **after the driver update** | **312** | **285** | **27** |",
        );
        assert_eq!(ignored, []);
        let moments: Vec<_> = pieces.iter().map(|piece| piece.at_s).collect();
        assert_eq!(moments, [Some(75), Some(75), Some(65_100), Some(65_100), None, None]);
        assert_eq!(pieces[4].remark.as_deref(), Some("after the driver update"));
        let PieceContent::Memory(memory) = &pieces[2].content else { panic!() };
        assert_eq!(memory.processes, Some(284));
        let PieceContent::Tags(tags) = &pieces[3].content else { panic!() };
        assert_eq!(tags.rows[0].tag, PoolTag::new(*b"Proc"));
        assert_eq!(tags.rows[0].nonpaged.outstanding, 39_511);
    }

    // https://github.com/microsoft/WSL/issues/40804
    #[test]
    fn a_series_tells_a_tag_a_process_and_a_pool() {
        let (pieces, ignored) = pieces(
            "| Sample | Time | NtFC outstanding | wslservice HandleCount | NP pool |
|--------|------|-----------------|----------------------|---------|
| 1 | 23:59:10 | 17,335,136 | 658 | 2.681 GB |
| 2 | 00:00:10 | 22,966,270 | 648 | 3.359 GB |
| 3 | 00:01",
        );
        assert_eq!(ignored, [(5, IgnoredReason::CutOff)]);
        assert_eq!(pieces.len(), 6);
        assert_eq!(pieces[5].at_s.zip(pieces[0].at_s).map(|(b, a)| b - a), Some(60));
        let PieceContent::Tags(tags) = &pieces[1].content else { panic!() };
        assert_eq!(tags.rows[0].nonpaged.outstanding, 17_335_136);
        let PieceContent::Processes(list) = &pieces[5].content else { panic!() };
        assert_eq!((list[0].image.as_str(), list[0].handles), ("wslservice.exe", Some(648)));
    }

    // https://github.com/microsoft/WSL/issues/40804
    #[test]
    fn growth_is_told_as_growth_and_never_as_a_state() {
        let (pieces, ignored) = pieces(
            "| tag | delta over 4.91 days | ratio vs WCsc |
|---|---|---|
| `WCsc` (a stream context) | 503,677 | 1.000 |
| `File` | 514,826 | 1.022 |
| total pool | 1,018,503 | |",
        );
        assert_eq!(ignored, [(5, IgnoredReason::BadTag)]);
        let PieceContent::Growth(growth) = &pieces[0].content else { panic!() };
        assert_eq!(growth.over_s, Some(424_224));
        let told: Vec<_> = growth.tags.iter().map(|g| (g.tag.to_string(), g.outstanding)).collect();
        assert_eq!(told, [("WCsc".into(), Some(503_677)), ("File".into(), Some(514_826))]);
        assert_eq!((growth.tags[0].pool, growth.tags[1].pool), (None, Some(Pool::Nonpaged)));
    }

    #[test]
    fn unknown_columns_tell_nothing() {
        let (none, ignored) = pieces("| a | b |\n|---|---|\n| c | 9 |");
        assert!(none.is_empty());
        assert_eq!(ignored[2].1, IgnoredReason::UnknownColumns);
        let (none, ignored) = pieces("| process | change in a day |\n|---|---|\n| a.exe | 9 |");
        assert!(none.is_empty());
        assert_eq!(ignored[2].1, IgnoredReason::Difference);
    }

    #[test]
    fn spreadsheets_and_other_languages_are_read() {
        for text in [
            "Tag;Typ;Differenz;Größe (MB)\nAbcD;Nicht ausgelagert;12.345;1.536,5\n",
            "Tag    Diff       NP_MB      share\nAbcD   12345      1536.5     97.1%   <-- much\n",
            "Tag   Type       Diff     Bytes     Source\nAbcD  Non Paged  ~12,345  ~1,536.5 MB  a!b\n",
            "Tag\tPool\tOutstanding\tMB\nAbcD\tnon paginé\t12 345\t1536,5\n",
            "\"Tag\",\"Type\",\"Diff\",\"Bytes\"\n\"AbcD\",\"Nonp\",\"12,345\",\"1611137024\"\n",
            "<table><tr><th>Tag</th><th>Type</th><th>Diff</th><th>Bytes</th></tr>\n\
             <tr><td>AbcD</td><td>Nonp</td><td>12345</td><td>1 611 137 024</td></tr></table>\n",
        ] {
            let (pieces, ignored) = pieces(text);
            assert_eq!(ignored, [], "{text}");
            let PieceContent::Tags(tags) = &pieces[0].content else { panic!("{text}") };
            let told = tags.rows[0].nonpaged;
            assert_eq!((told.outstanding, told.bytes), (12_345, 1_611_137_024), "{text}");
        }
    }

    #[test]
    fn a_row_per_tag_tells_bytes_and_counts() {
        let (pieces, ignored) = pieces(
            "| Tag | Type | Allocs | Frees | Diff | Bytes |
|:--|---|--:|--:|--:|--:|
| `AbcD` (a driver) | Nonp | 1,000 | 1 | 999 | 1.5 GB |
| Efgh | | 3 | 1 | 2 | 64 |
| Ijkl | Paged | 3 | 1 | 3 | 64 |",
        );
        assert_eq!(ignored, [(4, IgnoredReason::UnknownPool), (5, IgnoredReason::Contradiction)]);
        let PieceContent::Tags(tags) = &pieces[0].content else { panic!() };
        assert_eq!(tags.counting, AllocCounting::Full64);
        assert_eq!(tags.rows[0].nonpaged.bytes, 3 << 29);
    }

    #[test]
    fn a_row_per_process_tells_handles() {
        let (pieces, _) =
            pieces("| Process | PID | Handles |\n|-|-|-|\n| lsass.exe | 700 | 90,472 |");
        let PieceContent::Processes(list) = &pieces[0].content else { panic!() };
        assert_eq!((list[0].key.pid, list[0].handles), (700, Some(90_472)));
    }
}
