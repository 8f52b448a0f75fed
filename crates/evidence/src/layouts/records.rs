//! Figures with their names: one record for each process, tag or moment.

use super::grid::{CellGrid, Row};
use super::heads::{self, Column};
use crate::quantities;

/// The most records of one text.
const MAX_RECORDS: usize = 100_000;
/// The most figures of one record.
const MAX_FIGURES: usize = 256;

/// A figure: its name, what that means, and what the text says.
struct Figure {
    name: String,
    column: Column,
    value: String,
}

/// Records in the order of a text. The last one is open for more figures.
#[derive(Default)]
pub(super) struct Records {
    records: Vec<(u32, Vec<Figure>)>,
    is_open: bool,
}

impl Records {
    pub(super) fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// Whether what has this name is itself the name of a figure, whose value stands beside it.
    pub(super) fn names_figure(name: &str) -> bool {
        const NAMES: [&str; 4] = ["path", "metric", "counter", "item"];
        NAMES.iter().any(|one| name.eq_ignore_ascii_case(one))
    }

    /// The next figure begins another record.
    pub(super) fn end_record(&mut self) {
        self.is_open = false;
    }

    /// The next figure begins another record, if this one is of a tag.
    pub(super) fn end_record_of_tag(&mut self) {
        let is_of_tag = |(_, figures): &(u32, Vec<Figure>)| {
            figures.iter().any(|figure| figure.column == Column::Tag)
        };
        self.is_open &= !self.records.last().is_some_and(is_of_tag);
    }

    /// Adds a figure; a name that is there already begins another record. `A/B` of commit charge tells
    /// its limit as well.
    pub(super) fn push(&mut self, name: &str, value: &str, line: u32) {
        let column = heads::column(name);
        if let (Column::Committed(unit), Some((charge, limit))) = (&column, value.split_once('/')) {
            let of_both = limit.trim_start_matches(|c: char| !c.is_alphabetic());
            let unit = *unit;
            self.add(name, column, format!("{charge} {of_both}"), line);
            self.add("commit limit", Column::CommitLimit(unit), limit.to_owned(), line);
            return;
        }
        self.add(name, column, value.to_owned(), line);
    }

    pub(super) fn add(&mut self, name: &str, column: Column, value: String, line: u32) {
        if matches!(column, Column::Other | Column::Passed) && !Self::names_figure(name) {
            return;
        }
        let is_known = |known: &Vec<Figure>| known.iter().any(|figure| figure.column == column);
        let last = self.records.last().filter(|_| self.is_open);
        if last.is_none_or(|(_, known)| is_known(known)) {
            if self.records.len() == MAX_RECORDS {
                return;
            }
            self.records.push((line, Vec::new()));
            self.is_open = true;
        }
        let Some((_, figures)) = self.records.last_mut() else { return };
        if figures.len() < MAX_FIGURES {
            figures.push(Figure { name: name.to_owned(), column, value });
        }
    }

    /// The tables of the records, those about the same things as one.
    pub(super) fn into_tables(self) -> Vec<CellGrid> {
        let about = |figures: &[Figure]| {
            let has = |column| figures.iter().any(|figure| figure.column == column);
            [Column::Tag, Column::Image].into_iter().position(has)
        };
        let mut tables = Vec::new();
        let mut rest = self.records;
        while let Some(subject) = rest.first().map(|(_, figures)| about(figures)) {
            let (same, others) =
                rest.into_iter().partition(|(_, figures)| about(figures) == subject);
            rest = others;
            tables.push(grid(same));
        }
        tables
    }
}

/// The table of records about the same.
fn grid(records: Vec<(u32, Vec<Figure>)>) -> CellGrid {
    let mut grid = CellGrid { header: Vec::new(), columns: Vec::new(), rows: Vec::new() };
    for (line, figures) in records {
        let mut cells = vec![String::new(); grid.columns.len()];
        for figure in figures {
            let at = grid.columns.iter().position(|known| *known == figure.column);
            if let Some(at) = at {
                cells[at] = figure.value;
            } else if grid.columns.len() < MAX_FIGURES {
                grid.header.push(figure.name);
                grid.columns.push(figure.column);
                cells.push(figure.value);
            }
        }
        grid.rows.push(Row { line, cells });
    }
    let columns = grid.columns.len();
    grid.rows.iter_mut().for_each(|row| row.cells.resize(columns, String::new()));
    // Handles that no record of a process tells are those of the host.
    if !grid.columns.contains(&Column::Image) {
        for column in grid.columns.iter_mut().filter(|column| **column == Column::Handles) {
            *column = Column::SystemHandles;
        }
    }
    grid
}

/// Whether a text is a number with or without a unit, or two of them.
pub(super) fn is_value(text: &str) -> bool {
    let text = heads::bare(text);
    let first = text.split('/').next().unwrap_or_default();
    quantities::size(text).is_some() || quantities::about(first).is_some()
}
