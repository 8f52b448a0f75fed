//! Tables that tell states: a row per tag, per process or per moment.

use poolwatch_model::memory::Memory;
use poolwatch_model::process::ProcessUse;
use poolwatch_model::tag::{AllocCounting, TagCounters, TagTable, TagUse};
use poolwatch_model::{Bytes, Pool, PoolTag};

use super::grid::{CellGrid, Row};
use super::heads::{self, Column, Unit};
use crate::content::facts_of_piece;
use crate::content::{EvidencePiece, IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::source::Fact;
use crate::statements::UnplacedTag;
use crate::tag_counts::agree;
use crate::{image_names, pool_words, quantities, tag_text, times, well_known_tags};

impl CellGrid {
    /// A row per tag.
    pub(super) fn tags(
        &self,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        let counting = if self.columns.contains(&Column::Allocs) {
            AllocCounting::Full64
        } else {
            AllocCounting::OutstandingOnly
        };
        let heading = out.heading;
        let (mut rows, mut unplaced) = (Vec::new(), Vec::new());
        let decimal = self.decimal_mark();
        let (told, bad) = self.each_row(|row| Ok((row, self.tag_row(row, decimal)?)))?;
        bad.note(out);
        for (row, (tag, pool, counters)) in told {
            if let Some(pool) = pool.or(heading).or_else(|| known_pool(tag)) {
                let mut used = TagUse::empty(tag);
                *used.of_mut(pool) = counters;
                out.note_tag(&used, row.line);
                rows.push(used);
            } else {
                out.ignore(row.line, &row.cells.join(" | "), IgnoredReason::UnknownPool);
                out.note(Fact::Unplaced(unplaced.len()), row.line);
                let TagCounters { bytes, outstanding, .. } = counters;
                unplaced.push(UnplacedTag { tag, bytes: Bytes(bytes), outstanding });
            }
        }
        if !rows.is_empty() {
            let table = TagTable::new(counting, false, rows);
            out.piece(PieceKind::Table, lines, PieceContent::Tags(table));
        }
        if !unplaced.is_empty() {
            out.piece(PieceKind::Table, lines, PieceContent::Unplaced(unplaced));
        }
        Ok(())
    }

    fn tag_row(
        &self,
        row: &Row,
        decimal: Option<char>,
    ) -> Result<(PoolTag, Option<Pool>, TagCounters), IgnoredReason> {
        let text = |column: Column| self.cell(row, &column).unwrap_or_default();
        let count = |column: Column| {
            let cell = self.cell(row, &column).filter(|cell| !cell.is_empty())?;
            Some(quantities::about(cell).ok_or(IgnoredReason::NotUnderstood))
        };
        let tag = tag_text::tag(text(Column::Tag)).ok_or(IgnoredReason::BadTag)?;
        let types = || {
            let cells = self.columns.iter().zip(&row.cells);
            cells.filter(|(column, _)| **column == Column::Type).map(|(_, cell)| cell.as_str())
        };
        // Of a trace: what was freed within it.
        if types().any(|told| matches!(told.trim(), "AIFI" | "AOFI")) {
            return Err(IgnoredReason::Difference);
        }
        let pool = types().find_map(pool_words::pool_word).or_else(|| self.pool_of_header());
        let mut counters = TagCounters::default();
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            let (Column::Bytes(unit) | Column::PoolUse(_, unit)) = column else { continue };
            let cell = heads::bare(cell);
            match unit.read(cell, decimal) {
                Some(bytes) => counters.bytes = bytes.0,
                // Counts tell enough where nobody knows what a mark in the bytes means.
                None if cell.is_empty() || self.has_counts() => {}
                None => return Err(IgnoredReason::NotUnderstood),
            }
        }
        let frees = count(Column::Frees).transpose()?;
        counters.allocs = count(Column::Allocs).transpose()?.unwrap_or(0);
        counters.outstanding = match count(Column::Outstanding).transpose()? {
            Some(outstanding) => outstanding,
            None => counters.allocs.saturating_sub(frees.unwrap_or(counters.allocs)),
        };
        let is_whole = self.columns.contains(&Column::Allocs);
        if frees
            .filter(|_| is_whole)
            .is_some_and(|frees| !agree(counters.allocs, frees, counters.outstanding))
        {
            return Err(IgnoredReason::Contradiction);
        }
        if counters == TagCounters::default() && frees.is_none() {
            return Err(IgnoredReason::NotUnderstood);
        }
        Ok((tag, pool, counters))
    }

    /// A row per process.
    pub(super) fn processes(
        &self,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        let decimal = self.decimal_mark();
        let (mut processes, bad) = self.each_row(|row| {
            let name = self.cell(row, &Column::Image).filter(|name| !name.is_empty());
            let handles = self.cell(row, &Column::Handles).and_then(quantities::about);
            let handles = handles.and_then(|handles| u32::try_from(handles).ok());
            let (name, handles) = name.zip(handles).ok_or(IgnoredReason::NotUnderstood)?;
            let pid = self.cell(row, &Column::Pid).and_then(|pid| pid.parse().ok()).unwrap_or(0);
            let mut told = process(pid, name, handles);
            for (column, cell) in self.columns.iter().zip(&row.cells) {
                let bytes = |unit: &Unit| Some(unit.read(cell, decimal)?.0);
                match column {
                    Column::Session => told.session = cell.parse().ok(),
                    Column::NonpagedQuota(unit) => told.nonpaged_quota = bytes(unit),
                    Column::PrivateBytes(unit) => told.private_bytes = bytes(unit),
                    _ => {}
                }
            }
            out.note(Fact::of_process(&told), row.line);
            Ok(told)
        })?;
        bad.note(out);
        processes.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.image.cmp(&b.image)));
        processes.dedup_by(|a, b| (a.key, &a.image) == (b.key, &b.image));
        out.piece(PieceKind::HandleTable, lines, PieceContent::Processes(processes));
        Ok(())
    }

    /// A row per moment, each a snapshot of its own. A row that tells a circumstance in place of its
    /// time stands beside them.
    pub(super) fn moments(
        &self,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        let (mut before, decimal) = (None, self.decimal_mark());
        let time = |row: &Row| self.cell(row, &Column::Time).unwrap_or_default().to_owned();
        let without_time = self.rows.iter().filter(|row| time(row).is_empty()).count();
        let (mut told, bad) = self.each_row(|row| {
            let told = self.cell(row, &Column::Time);
            // An interval begins at its first time.
            let at_s = told.and_then(|time| {
                let begin = time.split_once(" - ").map(|(begin, _)| begin);
                times::seconds(time, before).or_else(|| times::seconds(begin?, before))
            });
            let remark =
                told.filter(|told| at_s.is_none() && told.chars().any(char::is_alphabetic));
            let is_alone = told.is_some_and(str::is_empty) && without_time == 1;
            if at_s.is_none() && remark.is_none() && self.rows.len() > 1 && !is_alone {
                return Err(IgnoredReason::UnknownMoment);
            }
            before = at_s.or(before);
            Ok((row.line, at_s, remark.map(str::to_owned), self.moment(row, decimal)?))
        })?;
        bad.note(out);
        // Exports may tell the latest first.
        if told.iter().all(|(_, at_s, ..)| at_s.is_some()) {
            told.sort_by_key(|(_, at_s, ..)| *at_s);
        }
        // The header belongs to the first.
        let head = told.iter().map(|(line, ..)| *line).min();
        for (line, at_s, remark, contents) in told {
            let first = if Some(line) == head { lines.0 } else { line };
            for content in contents {
                let (kind, lines, remark) = (PieceKind::Table, (first, line), remark.clone());
                let sources = facts_of_piece(&content).into_iter();
                let sources = sources.map(|(fact, _)| (fact, line)).collect();
                let is_torn = false;
                out.push(EvidencePiece { kind, lines, at_s, remark, is_torn, sources, content });
            }
        }
        Ok(())
    }

    /// What a row tells of its moment.
    fn moment(&self, row: &Row, decimal: Option<char>) -> Result<Vec<PieceContent>, IgnoredReason> {
        let (mut memory, mut tags, mut processes) = (Memory::default(), Vec::new(), Vec::new());
        let (mut names_tag, mut in_use) = (false, None);
        let mut pools: Vec<Pool> =
            self.header.iter().filter_map(|head| pool_words::pool_word(head)).collect();
        pools.dedup();
        let pool = if let [only] = pools[..] { Some(only) } else { None };
        for (column, cell) in self.columns.iter().zip(&row.cells) {
            let cell = heads::bare(cell);
            match column {
                Column::TagOutstanding(tag) => {
                    names_tag = true;
                    tags.extend(measured(*tag, pool, quantities::about(cell), None));
                }
                Column::TagBytes(tag, unit) => {
                    names_tag = true;
                    tags.extend(measured(*tag, pool, None, unit.read(cell, decimal)));
                }
                Column::HandlesOf(name) => {
                    let handles =
                        quantities::about(cell).and_then(|count| u32::try_from(count).ok());
                    processes.extend(handles.map(|handles| process(0, name, handles)));
                }
                Column::PoolUse(Pool::Paged, unit) => memory.paged = unit.read(cell, decimal),
                Column::PoolUse(Pool::Nonpaged, unit) => memory.nonpaged = unit.read(cell, decimal),
                Column::Processes => memory.processes = quantities::count(cell),
                Column::SystemHandles => memory.handles = quantities::about(cell),
                Column::Physical(unit) => memory.physical = unit.read(cell, decimal),
                Column::InUse(unit) => in_use = unit.read(cell, decimal),
                Column::Available(unit) => memory.available = unit.read(cell, decimal),
                Column::Committed(unit) => memory.committed = unit.read(cell, decimal),
                Column::CommitLimit(unit) => memory.commit_limit = unit.read(cell, decimal),
                _ => {}
            }
        }
        // What is in use and what is available are all that there is.
        let both =
            in_use.zip(memory.available).map(|(used, free)| Bytes(used.0.saturating_add(free.0)));
        memory.physical = memory.physical.or(both);
        let mut contents = Vec::new();
        if memory != Memory::default() {
            contents.push(PieceContent::Memory(Box::new(memory)));
        }
        if !tags.is_empty() {
            let table = TagTable::new(AllocCounting::OutstandingOnly, false, tags);
            contents.push(PieceContent::Tags(table));
        }
        if !processes.is_empty() {
            contents.push(PieceContent::Processes(processes));
        }
        if !contents.is_empty() {
            return Ok(contents);
        }
        Err(if names_tag { IgnoredReason::UnknownPool } else { IgnoredReason::NotUnderstood })
    }
}

/// A tag that the header names, in the pool that its fame or the heads tell.
fn measured(
    tag: PoolTag,
    pool: Option<Pool>,
    outstanding: Option<u64>,
    bytes: Option<Bytes>,
) -> Option<TagUse> {
    if outstanding.is_none() && bytes.is_none() {
        return None;
    }
    let known = well_known_tags::well_known(&tag.to_string());
    let (tag, pool) = known.or_else(|| Some((tag, pool?)))?;
    let mut row = TagUse::empty(tag);
    row.of_mut(pool).outstanding = outstanding.unwrap_or(0);
    row.of_mut(pool).bytes = bytes.map_or(0, |bytes| bytes.0);
    Some(row)
}

/// The pool of a tag that everybody knows.
fn known_pool(tag: PoolTag) -> Option<Pool> {
    well_known_tags::well_known(&tag.to_string()).map(|(_, pool)| pool)
}

fn process(pid: u32, name: &str, handles: u32) -> ProcessUse {
    let mut process = ProcessUse::new(pid, None, image_names::image(name));
    process.handles = Some(handles);
    process
}
