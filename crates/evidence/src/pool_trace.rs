//! Allocations and frees of a trace, as `xperf -a dumper` prints them: a header declares the columns of
//! each event (`PoolAlloc, TimeStamp, Process Name ( PID), …, Type, Tag, Size, Address`), a row is an event.
//!
//! What was allocated within the trace and not freed by its end is growth, and no state.

use std::collections::{BTreeMap, HashMap};

use poolwatch_model::{Bytes, Pool, PoolTag};

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::source::Fact;
use crate::statements::{GrownTag, GrowthTable};
use crate::text::Line;
use crate::{pool_words, quantities, tag_text};

/// Allocations that are remembered until they are freed.
const MAX_HELD: usize = 1_000_000;
/// Events that a header may declare.
const MAX_EVENTS: usize = 16;
const TIME: usize = 1;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    if !line.contains("Pool") && !line.contains("pool") {
        return None;
    }
    header(&cells(line)?)?;
    Some(Box::new(Trace::default()))
}

/// Where the columns of an event are.
#[derive(Debug, Clone, Copy)]
struct Columns {
    is_free: bool,
    kind: Option<usize>,
    tag: Option<usize>,
    size: Option<usize>,
    address: usize,
}

#[derive(Default)]
struct Trace {
    events: HashMap<String, Columns>,
    held: HashMap<String, (PoolTag, Option<Pool>, u64, u32)>,
    /// Times of the first and last event, microseconds.
    span: Option<(u64, u64)>,
}

impl Section for Trace {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if line.text.trim() == "EndHeader" {
            return Verdict::Used;
        }
        let Some(cells) = cells(line.text) else { return Verdict::Foreign };
        if let Some((name, columns)) = header(&cells) {
            if self.events.len() < MAX_EVENTS {
                self.events.insert(name.to_owned(), columns);
            }
            return Verdict::Used;
        }
        let Some(columns) = self.events.get(cells[0]) else { return Verdict::Foreign };
        let cell = |at: Option<usize>| at.and_then(|at| cells.get(at)).copied().unwrap_or_default();
        let (time, address) = (quantities::count(cells[TIME]), cell(Some(columns.address)));
        let Some(time) = time.filter(|_| !address.is_empty() && !line.cut) else {
            return Verdict::Ignored(IgnoredReason::CutOff);
        };
        let (first, last) = self.span.unwrap_or((time, time));
        self.span = Some((first.min(time), last.max(time)));
        if columns.is_free {
            self.held.remove(address);
            return Verdict::Used;
        }
        let Some(tag) = tag_text::tag(cell(columns.tag).trim_matches(['\'', '"'])) else {
            return Verdict::Ignored(IgnoredReason::BadTag);
        };
        let size = cell(columns.size);
        let size = quantities::count(size).or_else(|| quantities::hex(size)).unwrap_or(0);
        if self.held.len() == MAX_HELD {
            return Verdict::Ignored(IgnoredReason::TooMany);
        }
        let pool = pool_words::pool_word(cell(columns.kind));
        self.held.insert(address.to_owned(), (tag, pool, size, line.number));
        Verdict::Used
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        let Some((first, last)) = self.span else { return Err(IgnoredReason::NotUnderstood) };
        let mut grown: BTreeMap<(PoolTag, Option<Pool>), (GrownTag, u32)> = BTreeMap::new();
        for (tag, pool, size, line) in self.held.into_values() {
            let none = GrownTag { tag, pool, outstanding: Some(0), bytes: Some(Bytes(0)) };
            let (one, known_line) = grown.entry((tag, pool)).or_insert((none, line));
            one.outstanding = one.outstanding.map(|count| count + 1);
            one.bytes = one.bytes.map(|bytes| Bytes(bytes.0.saturating_add(size)));
            *known_line = line.min(*known_line);
        }
        grown.iter().for_each(|((tag, _), (_, line))| out.note(Fact::Growth(0, *tag), *line));
        let tags = grown.into_values().map(|(one, _)| one).collect();
        let over_s = Some((last - first) / 1_000_000).filter(|seconds| *seconds > 0);
        let table = GrowthTable { over_s, tags, is_torn: false };
        out.piece(PieceKind::Table, lines, PieceContent::Growth(table));
        Ok(())
    }
}

/// The cells of a line that may be of a trace.
fn cells(line: &str) -> Option<Vec<&str>> {
    const LONGEST: usize = 1024;
    const MOST: usize = 64;
    let cells: Vec<&str> = line.split(',').take(MOST).map(str::trim).collect();
    (line.len() <= LONGEST && cells.len() > 3).then_some(cells)
}

/// The event of allocations or frees whose columns a line declares.
fn header<'a>(cells: &[&'a str]) -> Option<(&'a str, Columns)> {
    let name = cells[0].to_ascii_lowercase();
    let is_free = name.contains("free");
    let is_of_pool = name.contains("pool") && (is_free || name.contains("alloc"));
    if !is_of_pool || !cells[TIME].eq_ignore_ascii_case("timestamp") {
        return None;
    }
    let at = |names: &[&str]| {
        let is_it = |cell: &&str| names.iter().any(|name| cell.eq_ignore_ascii_case(name));
        cells.iter().position(is_it)
    };
    let columns = Columns {
        is_free,
        kind: at(&["type", "pool type", "pooltype", "pool"]),
        tag: at(&["tag", "pool tag", "pooltag"]),
        size: at(&["size", "bytes", "number of bytes", "numberofbytes"]),
        address: at(&["address", "entry", "pointer", "ptr", "baseaddr"])?,
    };
    (is_free || columns.tag.is_some()).then_some((cells[0], columns))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    const HEADER: &str = "BeginHeader\n  PoolAlloc, TimeStamp, Process Name ( PID), ThreadID, CPU, Type, Tag, Size, Address\n  \
                          PoolFree, TimeStamp, Process Name ( PID), ThreadID, CPU, Type, Tag, Size, Address\nEndHeader\n";

    #[test]
    fn what_a_trace_allocates_and_does_not_free_is_growth() {
        let row = |event: &str, time: u64, tag: &str, address: u64| {
            format!(
                "  {event}, {time}, System ( 4), 12, 1, NonPagedNx, '{tag}', 512, 0xffff{address:x}\n"
            )
        };
        let rows: String = (0..9).map(|at| row("PoolAlloc", at * 1_000_000, "Qvfz", at)).collect();
        let other = row("PoolAlloc", 5, "Irp ", 900) + &row("PoolFree", 6, "Irp ", 900);
        let reading = read("", [HEADER, &rows, &other, "done\n"].concat().as_bytes());
        let PieceContent::Growth(growth) = &reading.pieces[0].content else {
            panic!("{reading:?}")
        };
        assert_eq!(growth.over_s, Some(8));
        let [tag] = &growth.tags[..] else { panic!("{growth:?}") };
        assert_eq!((tag.tag, tag.pool), (PoolTag::new(*b"Qvfz"), Some(Pool::Nonpaged)));
        assert_eq!((tag.outstanding, tag.bytes), (Some(9), Some(Bytes(9 * 512))));
    }

    #[test]
    fn a_header_without_rows_tells_nothing() {
        assert!(read("", HEADER.as_bytes()).pieces.is_empty());
    }
}
