//! What a table tells: by what its columns mean, or by rows of which each names a figure, with its value
//! beside it and perhaps its time.

use super::{
    grid::CellGrid,
    heads::{self, Column},
    records::{Records, is_value},
};
use crate::{content::IgnoredReason, reading_builder::ReadingBuilder};

/// What a table tells: by its rows where its columns do not say what these are.
///
/// # Errors
/// Why it tells nothing.
pub(super) fn read_table(
    grid: &CellGrid,
    lines: (u32, u32),
    out: &mut ReadingBuilder,
) -> Result<(), IgnoredReason> {
    let by_row = if grid.has_known_rows() { None } else { figures_by_row(grid) };
    match by_row {
        Some(records) => {
            grid.note_hosts(out);
            read_records(records, lines, out)
        }
        None => grid.read(lines, out),
    }
}

/// What records tell, those about the same things as one table.
///
/// # Errors
/// Why they tell nothing.
pub(super) fn read_records(
    records: Records,
    lines: (u32, u32),
    out: &mut ReadingBuilder,
) -> Result<(), IgnoredReason> {
    let mut result = Err(IgnoredReason::UnknownColumns);
    for table in records.into_tables() {
        result = result.or(read_table(&table, lines, out));
    }
    result
}

/// The figures of a table of which each row names one, with its value beside it and perhaps its time.
fn figures_by_row(grid: &CellGrid) -> Option<Records> {
    let value = grid.columns.iter().position(|column| *column == Column::Value)?;
    let names_figure = |cell: &String| heads::column(cell).is_measured();
    let names = (0..grid.columns.len()).filter(|at| *at != value).find(|at| {
        let mut cells = grid.rows.iter().filter_map(|row| row.cells.get(*at));
        cells.any(names_figure)
    })?;
    let (mut records, mut moment) = (Records::default(), None);
    for row in &grid.rows {
        let (name, told) = (row.cells.get(names)?, row.cells.get(value)?);
        if !names_figure(name) || !is_value(told) {
            continue;
        }
        let time = grid.cell(row, &Column::Time);
        if let Some(time) = time.filter(|_| time != moment) {
            records.end_record();
            records.push("time", time, row.line);
            moment = Some(time);
        }
        records.push(name, heads::bare(told), row.line);
    }
    (!records.is_empty()).then_some(records)
}
