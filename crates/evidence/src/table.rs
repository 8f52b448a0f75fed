//! Tables in which people sum up what they measured: in Markdown, or with tabs, semicolons or commas
//! between the cells, as spreadsheets save them.
//!
//! Four shapes are read, by the words of their header: a row per tag, a row per process, a row per
//! moment, and a row per tag with its growth. Columns whose words are not known are passed over.

use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{AllocCounting, TagCounters, TagTable, TagUse};
use poolwatch_model::{Bytes, Pool, PoolTag};

use crate::reading::{Content, IgnoredReason, Kind, Piece};
use crate::section::{Gathered, Section, Verdict};
use crate::text::Line;
use crate::{get_process, numbers, poolmon, prose, reading, tag_text};
use cells::Delimiter;
use column::Column;

mod cells;
mod column;
mod growth;
pub(crate) mod time;

const MAX_ROWS: usize = 10_000;

pub(crate) fn open(line: &str) -> Option<Box<dyn Section>> {
    let delimiter = Delimiter::of(line)?;
    let header: Vec<String> = delimiter.cells(line).map(Into::into).collect();
    let columns: Vec<_> = header.iter().map(|header| column::column(header)).collect();
    // Bars alone make a table; other signs stand in sentences as well.
    let opens = delimiter == Delimiter::Bar || column::make_a_table(&columns);
    opens.then(|| {
        let is_ruled = delimiter != Delimiter::Bar || column::make_a_table(&columns);
        Box::new(Table {
            delimiter,
            header,
            columns,
            rows: Vec::new(),
            is_ruled,
            has_header: false,
            has_rule: false,
            is_spaced: false,
        }) as Box<dyn Section>
    })
}

/// Whether a line is a row of a table with bars.
pub(crate) fn is_row(line: &str) -> bool {
    let line = line.trim();
    line.starts_with('|') && line.len() > 1
}

/// A row: its line and cells.
struct Row {
    line: u32,
    cells: Vec<String>,
}

/// Rows that tell nothing, and why.
struct BadRows<'a>(Vec<(&'a Row, IgnoredReason)>);

impl BadRows<'_> {
    fn note(self, out: &mut Gathered) {
        for (row, reason) in self.0 {
            out.is_torn |= reading::tears(reason);
            out.ignore(row.line, &row.cells.join(" | "), reason);
        }
    }
}

struct Table {
    delimiter: Delimiter,
    header: Vec<String>,
    columns: Vec<Column>,
    rows: Vec<Row>,
    /// Whether a rule, or the words of the header, showed that it is one.
    is_ruled: bool,
    has_header: bool,
    has_rule: bool,
    /// Whether empty lines stand between its rows.
    is_spaced: bool,
}

impl Section for Table {
    fn take(&mut self, line: Line<'_>, _out: &mut Gathered) -> Verdict {
        if !self.delimiter.parts(line.text) {
            return Verdict::Foreign;
        }
        if !self.has_header {
            self.has_header = true;
            return Verdict::Used;
        }
        if cells::is_rule(line.text) {
            if !self.rows.is_empty() {
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
        if self.rows.len() == MAX_ROWS {
            return Verdict::Ignored(IgnoredReason::TooMany);
        }
        let mut cells: Vec<String> = self.delimiter.cells(line.text).map(Into::into).collect();
        if self.delimiter == Delimiter::Gap {
            // Remarks may follow the last column.
            cells.truncate(self.columns.len());
        }
        let ends = self.delimiter != Delimiter::Bar || line.text.trim_end().ends_with('|');
        if self.delimiter == Delimiter::Bar && cells.len() < self.columns.len() && !line.cut {
            return Verdict::GoesOn;
        }
        if cells.len() != self.columns.len() || (line.cut && !ends) {
            return Verdict::Ignored(IgnoredReason::CutOff);
        }
        self.rows.push(Row { line: line.number, cells });
        Verdict::Used
    }

    fn ends_at_blank(&mut self) -> bool {
        // A table whose rule does not follow its header at once has an empty line after each.
        self.is_spaced |= self.delimiter == Delimiter::Bar && self.has_header && !self.has_rule;
        !self.is_spaced
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut Gathered) -> Result<(), IgnoredReason> {
        if self.rows.is_empty() || !self.is_ruled {
            return Err(IgnoredReason::NotUnderstood);
        }
        let has = |column: Column| self.columns.contains(&column);
        let has_bytes = self.columns.iter().any(|column| matches!(column, Column::Bytes(_)))
            || self.pool_of_header().is_some();
        let has_counts = has(Column::Outstanding) || has_bytes;
        if has(Column::Tag) && has_counts {
            self.tags(lines, out)
        } else if has(Column::Image) && has(Column::Handles) {
            self.processes(lines, out)
        } else if self.columns.iter().any(Column::is_measured) {
            self.moments(lines, out)
        } else if has(Column::Difference) {
            self.growth(lines, out)
        } else {
            Err(IgnoredReason::UnknownColumns)
        }
    }
}

impl Table {
    fn tags(&self, lines: (u32, u32), out: &mut Gathered) -> Result<(), IgnoredReason> {
        let counted = self.columns.contains(&Column::Allocs);
        let (rows, bad) = self.each_row(|row| self.tag_row(row))?;
        bad.note(out);
        let counting = if counted { AllocCounting::Full64 } else { AllocCounting::OutstandingOnly };
        let table = TagTable::new(counting, false, rows);
        out.piece(Kind::Table, lines, Content::Tags(table));
        Ok(())
    }

    /// What the rows tell, and the rows that tell nothing.
    ///
    /// # Errors
    /// Why the first tells nothing, if none does.
    fn each_row<T>(
        &self,
        mut read: impl FnMut(&Row) -> Result<T, IgnoredReason>,
    ) -> Result<(Vec<T>, BadRows<'_>), IgnoredReason> {
        let (mut told, mut bad) = (Vec::new(), Vec::new());
        for row in &self.rows {
            match read(row) {
                Ok(row) => told.push(row),
                Err(reason) => bad.push((row, reason)),
            }
        }
        match bad.first() {
            Some((_, reason)) if told.is_empty() => Err(*reason),
            _ => Ok((told, BadRows(bad))),
        }
    }

    fn tag_row(&self, row: &Row) -> Result<TagUse, IgnoredReason> {
        let text = |column: Column| self.cell(row, &column).unwrap_or_default();
        let count = |column: Column| self.cell(row, &column).map(numbers::count);
        let tag = tag_text::tag(text(Column::Tag)).ok_or(IgnoredReason::BadTag)?;
        let pool = prose::pool_word(text(Column::Type))
            .or_else(|| self.pool_of_header())
            .or_else(|| prose::well_known(text(Column::Tag)).map(|(_, pool)| pool))
            .ok_or(IgnoredReason::UnknownPool)?;
        let mut counters = TagCounters::default();
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            let (Column::Bytes(unit) | Column::PoolUse(_, unit)) = column else { continue };
            let bytes = unit.read(column::bare(cell)).ok_or(IgnoredReason::NotUnderstood)?;
            counters.bytes = bytes.0;
        }
        if let Some(outstanding) = count(Column::Outstanding) {
            counters.outstanding = outstanding.ok_or(IgnoredReason::NotUnderstood)?;
        }
        if let Some(allocs) = count(Column::Allocs) {
            counters.allocs = allocs.ok_or(IgnoredReason::NotUnderstood)?;
        }
        if let Some(frees) = count(Column::Frees) {
            let frees = frees.ok_or(IgnoredReason::NotUnderstood)?;
            if !poolmon::agree(counters.allocs, frees, counters.outstanding) {
                return Err(IgnoredReason::Contradiction);
            }
        }
        let mut row = poolmon::empty(tag);
        *row.of_mut(pool) = counters;
        Ok(row)
    }

    /// The pool that a column of bytes is about (`NP MB`), where only one is.
    fn pool_of_header(&self) -> Option<Pool> {
        let mut pools = self.columns.iter().filter_map(|column| match column {
            Column::PoolUse(pool, _) => Some(*pool),
            _ => None,
        });
        pools.next().filter(|_| pools.next().is_none())
    }

    fn processes(&self, lines: (u32, u32), out: &mut Gathered) -> Result<(), IgnoredReason> {
        let (mut processes, bad) = self.each_row(|row| {
            let name = self.cell(row, &Column::Image).filter(|name| !name.is_empty());
            let handles = self.cell(row, &Column::Handles).and_then(numbers::count);
            let handles = handles.and_then(|handles| u32::try_from(handles).ok());
            let (name, handles) = name.zip(handles).ok_or(IgnoredReason::NotUnderstood)?;
            let pid = self.cell(row, &Column::Pid).and_then(|pid| pid.parse().ok()).unwrap_or(0);
            Ok(process(pid, name, handles))
        })?;
        bad.note(out);
        processes.sort_by_key(|process| process.key);
        out.piece(Kind::Table, lines, Content::Processes(processes));
        Ok(())
    }

    /// A row per moment, each a snapshot of its own. A row that tells a circumstance in place of its
    /// time stands beside them.
    fn moments(&self, lines: (u32, u32), out: &mut Gathered) -> Result<(), IgnoredReason> {
        let mut before = None;
        let (told, bad) = self.each_row(|row| {
            let told = self.cell(row, &Column::Time);
            let at_s = told.and_then(|time| time::seconds(time, before));
            let remark =
                told.filter(|told| at_s.is_none() && told.chars().any(char::is_alphabetic));
            if at_s.is_none() && remark.is_none() && self.rows.len() > 1 {
                return Err(IgnoredReason::UnknownMoment);
            }
            before = at_s.or(before);
            Ok((row.line, at_s, remark.map(str::to_owned), self.moment(row)?))
        })?;
        bad.note(out);
        // The header belongs to the first.
        let mut first = lines.0;
        for (line, at_s, remark, contents) in told {
            for content in contents {
                let (kind, lines, remark) = (Kind::Table, (first, line), remark.clone());
                out.push(Piece { kind, lines, at_s, remark, is_torn: false, content });
            }
            first = line + 1;
        }
        Ok(())
    }

    /// What a row tells of its moment.
    fn moment(&self, row: &Row) -> Result<Vec<Content>, IgnoredReason> {
        let (mut memory, mut tags, mut processes) = (Memory::default(), Vec::new(), Vec::new());
        let mut names_tag = false;
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            let cell = column::bare(cell);
            match column {
                Column::TagOutstanding(tag) => {
                    names_tag = true;
                    tags.extend(self.measured(*tag, numbers::count(cell), None));
                }
                Column::TagBytes(tag, unit) => {
                    names_tag = true;
                    tags.extend(self.measured(*tag, None, unit.read(cell)));
                }
                Column::HandlesOf(name) => {
                    let handles = numbers::count(cell).and_then(|count| u32::try_from(count).ok());
                    processes.extend(handles.map(|handles| process(0, name, handles)));
                }
                Column::PoolUse(Pool::Paged, unit) => memory.paged = unit.read(cell),
                Column::PoolUse(Pool::Nonpaged, unit) => memory.nonpaged = unit.read(cell),
                Column::Processes => memory.processes = numbers::count(cell),
                _ => {}
            }
        }
        let mut contents = Vec::new();
        if memory != Memory::default() {
            contents.push(Content::Memory(Box::new(memory)));
        }
        if !tags.is_empty() {
            let table = TagTable::new(AllocCounting::OutstandingOnly, false, tags);
            contents.push(Content::Tags(table));
        }
        if !processes.is_empty() {
            contents.push(Content::Processes(processes));
        }
        if !contents.is_empty() {
            return Ok(contents);
        }
        Err(if names_tag { IgnoredReason::UnknownPool } else { IgnoredReason::NotUnderstood })
    }

    /// A tag that the header names, in the pool that the header or the tag's fame tells.
    fn measured(
        &self,
        tag: PoolTag,
        outstanding: Option<u64>,
        bytes: Option<Bytes>,
    ) -> Option<TagUse> {
        if outstanding.is_none() && bytes.is_none() {
            return None;
        }
        let known = prose::well_known(&tag.to_string());
        let (tag, pool) = known.or_else(|| Some((tag, self.pool_of_header()?)))?;
        let mut row = poolmon::empty(tag);
        row.of_mut(pool).outstanding = outstanding.unwrap_or(0);
        row.of_mut(pool).bytes = bytes.map_or(0, |bytes| bytes.0);
        Some(row)
    }

    fn cell<'a>(&self, row: &'a Row, column: &Column) -> Option<&'a str> {
        let at = self.columns.iter().position(|known| known == column)?;
        row.cells.get(at).map(|cell| column::bare(cell))
    }
}

fn process(pid: u32, name: &str, handles: u32) -> ProcessUse {
    let mut process = ProcessUse::new(pid, None, get_process::image(name));
    process.handles = Some(handles);
    process
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reading::{Piece, read};

    fn pieces(text: &str) -> (Vec<Piece>, Vec<(u32, IgnoredReason)>) {
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
        let Content::Memory(memory) = &pieces[2].content else { panic!() };
        assert_eq!(memory.processes, Some(284));
        let Content::Tags(tags) = &pieces[3].content else { panic!() };
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
        let Content::Tags(tags) = &pieces[1].content else { panic!() };
        assert_eq!(tags.rows[0].nonpaged.outstanding, 17_335_136);
        let Content::Processes(list) = &pieces[5].content else { panic!() };
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
        let Content::Growth(growth) = &pieces[0].content else { panic!() };
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
            let Content::Tags(tags) = &pieces[0].content else { panic!("{text}") };
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
        let Content::Tags(tags) = &pieces[0].content else { panic!() };
        assert_eq!(tags.counting, AllocCounting::Full64);
        assert_eq!(tags.rows[0].nonpaged.bytes, 3 << 29);
    }

    #[test]
    fn a_row_per_process_tells_handles() {
        let (pieces, _) =
            pieces("| Process | PID | Handles |\n|-|-|-|\n| lsass.exe | 700 | 90,472 |");
        let Content::Processes(list) = &pieces[0].content else { panic!() };
        assert_eq!((list[0].key.pid, list[0].handles), (700, Some(90_472)));
    }
}
