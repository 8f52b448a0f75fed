//! The cells of a table under columns whose meaning is known.

use poolwatch_model::Pool;

use super::column::{self, Column};
use crate::content::IgnoredReason;
use crate::reading_builder::ReadingBuilder;

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
    /// What the rows tell, and the rows that tell nothing.
    ///
    /// # Errors
    /// Why the first tells nothing, if none does.
    pub(super) fn each_row<T>(
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
        row.cells.get(at).map(|cell| column::bare(cell))
    }
}
