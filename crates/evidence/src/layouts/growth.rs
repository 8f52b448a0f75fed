//! A row per tag with how much it grew.

use poolwatch_model::Bytes;

use super::grid::{CellGrid, Row};
use super::heads::{self, Column};
use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::source::Fact;
use crate::statements::{GrownTag, GrowthTable};
use crate::{pool_words, quantities, tag_text, times, well_known_tags};

impl CellGrid {
    /// Tags and their growth, which is no state.
    pub(super) fn growth(
        &self,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        let differences = || {
            self.columns.iter().zip(&self.header).enumerate().filter_map(
                |(at, (column, header))| {
                    (*column == Column::Difference).then_some((at, header.as_str()))
                },
            )
        };
        // Ratios and rates are of other measures; the first that is neither counts.
        let grown = differences().find(|(_, header)| !heads::is_relative(header));
        let tag_at = self.columns.iter().position(|column| *column == Column::Tag);
        let (Some((grown_at, header)), Some(tag_at)) = (grown, tag_at) else {
            return Err(IgnoredReason::Difference);
        };
        let over_s = times::span(header);
        let (tags, bad) = self.each_row(|row| {
            let grown = self.grown(row, tag_at, grown_at, header)?;
            out.note(Fact::Growth(0, grown.tag), row.line);
            Ok(grown)
        })?;
        bad.note(out);
        out.piece(
            PieceKind::Table,
            lines,
            PieceContent::Growth(GrowthTable { over_s, tags, is_torn: false }),
        );
        Ok(())
    }

    fn grown(
        &self,
        row: &Row,
        tag_at: usize,
        grown_at: usize,
        header: &str,
    ) -> Result<GrownTag, IgnoredReason> {
        let name = heads::bare(&row.cells[tag_at]);
        let tag = tag_text::tag(name).ok_or(IgnoredReason::BadTag)?;
        let told = self.cell(row, &Column::Type).and_then(pool_words::pool_word);
        let pool = told.or_else(|| well_known_tags::well_known(name).map(|(_, pool)| pool));
        let cell = heads::bare(&row.cells[grown_at]).trim_start_matches(['+', ' ']);
        let unit = heads::Unit::find_in(header);
        let (outstanding, bytes) = match (unit, quantities::count(cell)) {
            (None, Some(count)) => (Some(count), None),
            (unit, _) => (None, unit.unwrap_or_default().read(cell, None)),
        };
        let bytes: Option<Bytes> = bytes;
        if outstanding.is_none() && bytes.is_none() {
            return Err(IgnoredReason::NotUnderstood);
        }
        Ok(GrownTag { tag, pool, outstanding, bytes })
    }
}
