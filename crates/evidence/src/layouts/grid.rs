//! The cells of a table under columns whose meaning is known.

use poolwatch_model::Pool;

use super::cells::Delimiter;
use super::heads::{self, Column, Unit};
use crate::content::IgnoredReason;
use crate::reading_builder::ReadingBuilder;
use crate::statements::Remediation;
use crate::{hosts, pool_words, times};

/// A table by rows.
pub(super) struct CellGrid {
    pub(super) header: Vec<String>,
    /// What each column of the header means.
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
}

/// A row: its line and cells.
pub(super) struct Row {
    pub(super) line: u32,
    pub(super) cells: Vec<String>,
}

/// Rows that tell nothing, and why.
pub(super) struct BadRows<'a>(Vec<(&'a Row, IgnoredReason)>);

impl BadRows<'_> {
    pub(super) fn note(self, out: &mut ReadingBuilder) {
        for (row, reason) in self.0 {
            out.is_torn |= reason.leaves_hole();
            out.ignore(row.line, &row.cells.join(" | "), reason);
        }
    }
}

impl CellGrid {
    /// What the table tells.
    ///
    /// # Errors
    /// Why it tells nothing.
    pub(super) fn read(
        &self,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        self.note_hosts(out);
        if self.lists_tags() {
            self.tags(lines, out)
        } else if self.lists_processes() {
            self.processes(lines, out)
        } else if self.lists_moments() {
            self.moments(lines, out)
        } else if let Some(transposed) = self.transposed() {
            transposed.moments(lines, out)
        } else if self.has(&Column::Difference) {
            self.growth(lines, out)
        } else {
            Err(IgnoredReason::UnknownColumns)
        }
    }

    /// Whether its columns say what its rows are.
    pub(super) fn has_known_rows(&self) -> bool {
        self.lists_tags() || self.lists_processes() || self.lists_moments()
    }

    fn lists_tags(&self) -> bool {
        self.has(&Column::Tag) && (self.has_bytes() || self.has_counts())
    }

    fn lists_processes(&self) -> bool {
        self.has(&Column::Image) && self.has(&Column::Handles)
    }

    fn lists_moments(&self) -> bool {
        self.columns.iter().any(Column::is_measured) && !self.has(&Column::Image)
    }

    /// Takes note of the hosts that a column names.
    pub(super) fn note_hosts(&self, out: &mut ReadingBuilder) {
        if let Some(at) = self.columns.iter().position(|column| *column == Column::Host) {
            let names = self.rows.iter().filter_map(|row| row.cells.get(at));
            names.for_each(|name| hosts::add(&mut out.hosts, name));
        }
    }

    /// The mark of decimals, where the numbers show one: what groups counts is none, and what has not
    /// three digits behind it is one.
    pub(super) fn decimal_mark(&self) -> Option<char> {
        use Column::{Allocs, Frees, Handles, HandlesOf, Outstanding, TagOutstanding};
        let mut shown = None;
        for row in &self.rows {
            for (column, cell) in self.columns.iter().zip(&row.cells).filter(|(c, _)| c.is_number())
            {
                let number = cell.trim_end_matches(|c: char| !c.is_ascii_digit());
                let Some(at) = number.rfind(['.', ',']) else { continue };
                let (whole, digits) = (&number[..at], number.len() - at - 1);
                let [mark, other] =
                    if number[at..].starts_with('.') { ['.', ','] } else { [',', '.'] };
                let is_count = matches!(column, Allocs | Frees | Handles | Outstanding)
                    || matches!(column, HandlesOf(_) | TagOutstanding(_));
                let decimal = match (whole.contains(mark), digits) {
                    (true, _) => other,
                    (false, 3) if whole.contains(other) || whole == "0" => mark,
                    (false, 3) if is_count => other,
                    (false, 3) => continue,
                    (false, _) => mark,
                };
                if shown.replace(decimal).is_some_and(|known| known != decimal) {
                    return None;
                }
            }
        }
        shown
    }

    /// The table whose heads stand in its first column, turned: a row for each of its columns, which is a
    /// moment by its time, beside the others by a remark, or the one that is meant.
    fn transposed(&self) -> Option<Self> {
        /// More are rows.
        const MOST_HEADS: usize = 64;
        const MEANT: [&str; 8] =
            ["total", "value", "now", "current", "wert", "valeur", "valor", "значение"];
        let heads = || {
            let header = std::iter::once((0, &self.header));
            header.chain(self.rows.iter().map(|row| (row.line, &row.cells)))
        };
        if self.header.len() < 2 || self.rows.len() > MOST_HEADS {
            return None;
        }
        let told: Vec<(&Vec<String>, Column, u32)> = heads()
            .filter_map(|(line, cells)| {
                let column = heads::column(cells.first()?);
                (column.is_measured() && heads::is_figure(cells.get(1)?))
                    .then_some((cells, column, line))
            })
            .collect();
        let line = told.iter().map(|(.., line)| *line).max().filter(|line| *line > 0)?;
        let label = |at: usize| self.header[at].trim();
        let is_meant =
            |at: &usize| MEANT.iter().any(|meant| label(*at).eq_ignore_ascii_case(meant));
        let all = 1..self.header.len();
        let meant = all.clone().find(is_meant);
        let mut is_first = true;
        let columns: Vec<(usize, String)> = match meant {
            Some(at) => vec![(at, String::new())],
            None => all
                .filter_map(|at| {
                    let is_time = times::seconds(label(at), None).is_some()
                        || Remediation::from_remark(label(at)).is_some();
                    if is_time {
                        return Some((at, label(at).to_owned()));
                    }
                    std::mem::take(&mut is_first).then(|| (at, String::new()))
                })
                .collect(),
        };
        let mut header = vec![String::new()];
        header.extend(told.iter().map(|(cells, ..)| cells[0].clone()));
        let rows = columns.into_iter().map(|(at, label)| {
            let mut cells = vec![label];
            let cell = |cells: &Vec<String>| cells.get(at).cloned().unwrap_or_default();
            cells.extend(told.iter().map(|(cells, ..)| cell(cells)));
            Row { line, cells }
        });
        let rows = rows.collect();
        let mut columns = vec![Column::Time];
        columns.extend(told.into_iter().map(|(_, column, _)| column));
        Some(Self { header, columns, rows })
    }

    fn has(&self, column: &Column) -> bool {
        self.columns.contains(column)
    }

    fn has_bytes(&self) -> bool {
        self.columns.iter().any(|column| matches!(column, Column::Bytes(_)))
            || self.pool_of_header().is_some()
    }

    pub(super) fn has_counts(&self) -> bool {
        self.has(&Column::Outstanding) || self.has(&Column::Allocs) && self.has(&Column::Frees)
    }

    /// Takes columns whose heads are not understood for what their cells show: short names that are no
    /// words for tags, numbers with units for bytes, and the only counts beside these for allocations.
    pub(super) fn infer_columns(&mut self) {
        // A column `Paged` whose cells are words tells the pool of each row.
        for at in 0..self.columns.len() {
            let mut cells = self.rows.iter().filter_map(|row| row.cells.get(at));
            let are_pools =
                !self.rows.is_empty() && cells.all(|cell| pool_words::pool_word(cell).is_some());
            if are_pools && matches!(self.columns[at], Column::PoolUse(..)) {
                self.columns[at] = Column::Type;
            }
        }
        let is_understood = self.has(&Column::Tag) && self.has_bytes() && self.has_counts()
            || self.has(&Column::Image)
            || self.columns.iter().any(Column::is_measured)
            || self.has(&Column::Difference);
        if is_understood {
            return;
        }
        let unknown = |grid: &Self, holds: fn(&str) -> bool| -> Vec<usize> {
            let others = grid.columns.iter().enumerate();
            let is_open = |column: &Column| matches!(column, Column::Other | Column::Value);
            let others = others.filter(|(_, column)| is_open(column));
            let all =
                |at: usize| grid.rows.iter().all(|row| row.cells.get(at).is_some_and(|c| holds(c)));
            others.map(|(at, _)| at).filter(|at| all(*at)).collect()
        };
        if !self.has(&Column::Tag) {
            let Some(at) = unknown(self, heads::is_tag).first().copied() else { return };
            self.columns[at] = Column::Tag;
        }
        if let ([at], false) = (unknown(self, heads::is_size).as_slice(), self.has_bytes()) {
            self.columns[*at] = Column::Bytes(Unit::OfCell);
        }
        if let ([at], false) = (unknown(self, heads::is_count).as_slice(), self.has_counts())
            && self.has_bytes()
        {
            self.columns[*at] = Column::Outstanding;
        }
    }

    /// The cells of a row between which there are only spaces: two or more of them, or so that numbers
    /// come under heads of numbers and the name, which may have spaces itself, takes the rest.
    pub(super) fn fit_words(&self, line: &str) -> Option<Vec<String>> {
        let count = self.columns.len();
        let gaps: Vec<String> = Delimiter::Gap.cells(line).map(Into::into).collect();
        if gaps.len() == count && self.are_fitting(&gaps) {
            return Some(gaps);
        }
        let words: Vec<_> = line.split_ascii_whitespace().take(count + 8).collect();
        let is_name = |column: &Column| matches!(column, Column::Image | Column::Time);
        let at = self.columns.iter().position(is_name).unwrap_or(count - 1);
        let behind = count - 1 - at;
        let (words, last) = words.split_at_checked(words.len().checked_sub(behind)?)?;
        let before = &self.columns[..at];
        let cpu = before.iter().position(|column| *column == Column::CpuTime);
        let starts = |word: &&&str| word.starts_with(|c: char| c.is_ascii_digit());
        let is_text = before.iter().any(|column| !column.is_number() && *column != Column::Passed);
        let first = if is_text { at } else { words.iter().take_while(starts).count().min(at) };
        let (first, name) = words.split_at_checked(first)?;
        let mut cells: Vec<String> = first.iter().map(|word| (*word).to_owned()).collect();
        match at - cells.len() {
            0 => {}
            1 => cells.insert(cpu?, String::new()),
            _ => return None,
        }
        cells.push(name.join(" "));
        cells.extend(last.iter().map(|word| (*word).to_owned()));
        (!name.is_empty() && self.are_fitting(&cells)).then_some(cells)
    }

    /// Whether numbers stand where numbers belong.
    fn are_fitting(&self, cells: &[String]) -> bool {
        self.columns.iter().zip(cells).all(|(column, cell)| {
            let starts =
                cell.trim_start_matches(['~', '-']).starts_with(|c: char| c.is_ascii_digit());
            !column.is_number() || starts || cell.is_empty() && *column == Column::CpuTime
        })
    }

    /// What the rows tell, and the rows that tell nothing.
    ///
    /// # Errors
    /// Why the first tells nothing, if none does.
    pub(super) fn each_row<'a, T>(
        &'a self,
        mut read: impl FnMut(&'a Row) -> Result<T, IgnoredReason>,
    ) -> Result<(Vec<T>, BadRows<'a>), IgnoredReason> {
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

    /// The pool that a column of bytes is about (`NP MB`), where only one is.
    pub(super) fn pool_of_header(&self) -> Option<Pool> {
        let mut pools = self.columns.iter().filter_map(|column| match column {
            Column::PoolUse(pool, _) => Some(*pool),
            _ => None,
        });
        pools.next().filter(|_| pools.next().is_none())
    }

    /// What a row says in the first column of a meaning.
    pub(super) fn cell<'a>(&self, row: &'a Row, column: &Column) -> Option<&'a str> {
        let at = self.columns.iter().position(|known| known == column)?;
        row.cells.get(at).map(|cell| heads::bare(cell))
    }
}
