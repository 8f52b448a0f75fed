//! poolmon: its screen, with the change of each column in parentheses, and its `-n` file.
//!
//! Header: `Memory:… Avail:… PageFlts:… InRam Krnl:… P:…` and `Commit:… Limit:… Peak:… Pool N:… P:…`
//! in kilobytes. Rows: tag, `Nonp` or `Paged`, allocations, frees, their difference, bytes, bytes per
//! allocation, and perhaps who may own the tag. A tag may have a row for each pool.

use poolwatch_model::Bytes;
use poolwatch_model::memory::Memory;
use poolwatch_model::tag::{AllocCounting, TagTable, TagUse};

use crate::content::{IgnoredReason, PieceContent, PieceKind, PooltagEntry};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::source::Fact;
use crate::text::Line;
use crate::{quantities, well_known_tags};
use row::{owner, row};

pub(crate) mod row;

/// The most rows of one capture. Hosts have a few thousand tags.
const MAX_ROWS: usize = 65_536;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    let opens = memory_line(line).is_some()
        || is_header(line)
        || matches!(row(line), Some(Ok(_)))
        || session(line).is_some();
    opens.then(|| Box::new(Capture::default()) as Box<dyn Section>)
}

#[derive(Default)]
struct Capture {
    memory: Memory,
    rows: Vec<TagUse>,
    owners: Vec<PooltagEntry>,
    has_header: bool,
    is_session: bool,
}

impl Section for Capture {
    fn read_line(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict {
        if let Some(memory) = memory_line(line.text) {
            // A screen or file begins with it, so here begins the next one.
            if !self.rows.is_empty() || self.has_header {
                return Verdict::Foreign;
            }
            self.memory = memory;
            return Verdict::Used;
        }
        if commit_line(line.text, &mut self.memory) {
            for figure in ["committed", "commit_limit", "commit_peak", "nonpaged", "paged"] {
                out.note(Fact::Memory(figure), line.number);
            }
            return Verdict::Used;
        }
        if let Some(session) = session(line.text) {
            self.is_session = session;
            return Verdict::Used;
        }
        if is_header(line.text) {
            if !self.rows.is_empty() && !self.is_session {
                return Verdict::Foreign;
            }
            self.has_header = true;
            return Verdict::Used;
        }
        match row(line.text) {
            None => Verdict::Foreign,
            Some(Err(IgnoredReason::CutOff)) => Verdict::GoesOn,
            Some(Err(reason)) => Verdict::Ignored(reason),
            Some(Ok(_)) if self.is_session => Verdict::Ignored(IgnoredReason::SessionPool),
            Some(Ok(_)) if self.rows.len() == MAX_ROWS => Verdict::Ignored(IgnoredReason::TooMany),
            Some(Ok((tag, pool, counters))) => {
                let mut row = TagUse::empty(tag);
                *row.of_mut(pool) = counters;
                out.note_tag(&row, line.number);
                self.rows.push(row);
                self.owners.extend(owner(tag, line.text));
                Verdict::Used
            }
        }
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        if self.memory == Memory::default() && self.rows.is_empty() {
            return Err(IgnoredReason::CutOff);
        }
        if self.memory != Memory::default() {
            out.piece(PieceKind::Poolmon, lines, PieceContent::Memory(Box::new(self.memory)));
        }
        if !self.rows.is_empty() {
            // The screen shows only the first rows, and nothing tells it from the file.
            let rows = well_known_tags::straightened(self.rows);
            let table = TagTable::new(AllocCounting::Full64, false, rows);
            out.piece(PieceKind::Poolmon, lines, PieceContent::Tags(table));
        }
        if !self.owners.is_empty() {
            out.piece(PieceKind::Poolmon, lines, PieceContent::Catalogue(self.owners));
        }
        Ok(())
    }
}

fn is_header(line: &str) -> bool {
    let mut words = line.trim_start_matches(['#', ' ', '\t']).split_ascii_whitespace();
    ["Tag", "Type", "Allocs"]
        .iter()
        .all(|word| words.next().is_some_and(|next| next.eq_ignore_ascii_case(word)))
}

/// Whether a line is a title, and if so, whether of a session's pool.
fn session(line: &str) -> Option<bool> {
    let line = line.trim().strip_suffix("pool information")?.trim_end();
    match line {
        "System" => Some(false),
        "All sessions" => Some(true),
        _ => line.starts_with("Session ").then_some(true),
    }
}

fn memory_line(line: &str) -> Option<Memory> {
    let line = line.trim_start().strip_prefix("Memory:")?;
    let (physical, rest) = kilobytes(line)?;
    let (available, rest) = kilobytes(rest.trim_start().strip_prefix("Avail:")?)?;
    let paged_resident = after(rest, " P:");
    Some(Memory {
        physical: Some(physical),
        available: Some(available),
        paged_resident,
        ..Memory::default()
    })
}

fn commit_line(line: &str, memory: &mut Memory) -> bool {
    let Some(line) = line.trim_start().strip_prefix("Commit:") else { return false };
    let Some((committed, rest)) = kilobytes(line) else { return false };
    memory.committed = Some(committed);
    memory.commit_limit = after(rest, "Limit:");
    memory.commit_peak = after(rest, "Peak:");
    memory.nonpaged = after(rest, "Pool N:");
    memory.paged = after(rest, " P:");
    true
}

fn after(line: &str, label: &str) -> Option<Bytes> {
    let at = line.find(label)?;
    Some(kilobytes(&line[at + label.len()..])?.0)
}

/// A number with its K; a number without it is cut off.
fn kilobytes(text: &str) -> Option<(Bytes, &str)> {
    let (number, rest) = quantities::leading(text.trim_start())?;
    Some((Bytes::from_kib(number), rest.strip_prefix('K')?))
}

#[cfg(test)]
mod tests {
    use poolwatch_model::Pool;

    use super::*;
    use crate::read;

    fn parsed(line: &str) -> Result<(String, Pool, u64, u64, u64), IgnoredReason> {
        let (tag, pool, c) = row(line).unwrap()?;
        Ok((tag.to_string(), pool, c.allocs, c.outstanding, c.bytes))
    }

    #[test]
    fn rows_of_every_version_are_read() {
        use Pool::{Nonpaged, Paged};
        for (line, (tag, pool, allocs, outstanding, bytes)) in [
            (
                " Abcd Paged      400 (   0)       390 (  -1)    10    2520 (     0)    252 [a.sys  -  b.c]",
                ("Abcd", Paged, 400, 10, 2520),
            ),
            (
                "CM    Paged   1283  ( 0)  1002  ( 0)   281  1377312   ( 0)  4901",
                ("CM", Paged, 1283, 281, 1_377_312),
            ),
            (" Dh 1 Nonp 5 3 2 64 32 Unknown Driver", ("Dh 1", Nonpaged, 5, 2, 64)),
            ("  ab  Nonp 5 3 2 64 32", (" ab", Nonpaged, 5, 2, 64)),
            (
                "Thre Nonp 378580 24692 353888 220826112 624",
                ("Thre", Nonpaged, 378_580, 353_888, 220_826_112),
            ),
            ("Paged Nonp 1 1 0 0 0", ("", Nonpaged, 0, 0, 0)),
            ("Nonp Nonp 3 1 2 64 32", ("Nonp", Nonpaged, 3, 2, 64)),
            ("Wrap Nonp 5 4294967295 6 96 16", ("Wrap", Nonpaged, 5, 6, 96)),
            (
                "Dot  NonPaged 1.021.112 1.020.985 127 91.912 723",
                ("Dot", Nonpaged, 1_021_112, 127, 91_912),
            ),
            (
                "Spac Nonp 378 580 24 692 353 888 220 826 112 624",
                ("Spac", Nonpaged, 378_580, 353_888, 220_826_112),
            ),
        ] {
            if tag.is_empty() {
                assert_eq!(parsed(line), Err(IgnoredReason::BadTag), "{line}");
            } else {
                assert_eq!(
                    parsed(line),
                    Ok((tag.into(), pool, allocs, outstanding, bytes)),
                    "{line}"
                );
            }
        }
    }

    #[test]
    fn a_row_that_was_cut_or_contradicts_itself_is_not_believed() {
        for (line, reason) in [
            ("Thre Nonp 378580 24692 353888 220826112", IgnoredReason::CutOff),
            ("Thre Nonp 378580 24692", IgnoredReason::CutOff),
            ("Thre Nonp 378580 2469 353888 220826112 624", IgnoredReason::Contradiction),
            ("Thre Nonp 378580 24692 353888 22082611 624", IgnoredReason::Contradiction),
            ("Five5 Nonp 3 1 2 64 32", IgnoredReason::BadTag),
        ] {
            assert_eq!(parsed(line), Err(reason), "{line}");
        }
        assert!(row("Thre Nonp objects 3").is_none());
    }

    #[test]
    fn the_header_tells_memory_and_each_header_begins_a_capture() {
        let text = "\
 Memory:49371552K Avail:26121028K  PageFlts:9   InRam Krnl:76500K P:4130272K
 Commit:35762700K Limit:64575904K Peak:43634092K            Pool N:2275124K P:4427892K
 System pool information
 Tag  Type     Allocs            Frees            Diff   Bytes      Per Alloc  Mapped_Driver

 File Nonp  10  2  8  800  100
 File Paged  5  1  4  200  50
 Session 1 pool information
 Tag  Type     Allocs            Frees            Diff   Bytes      Per Alloc
 Gla1 Paged  5  1  4  200  50
 Memory:49371552K Avail:26120000K  PageFlts:9   InRam Krnl:76500K P:4130272K
 File Nonp  11  2  9  900  100
";
        let reading = read("poolmon.txt", text.as_bytes());
        let lines: Vec<_> = reading.pieces.iter().map(|piece| piece.lines).collect();
        assert_eq!(lines, [(1, 9), (1, 9), (11, 12), (11, 12)]);
        let PieceContent::Memory(memory) = &reading.pieces[0].content else { panic!() };
        assert_eq!(memory.nonpaged, Some(Bytes::from_kib(2_275_124)));
        assert_eq!(memory.paged, Some(Bytes::from_kib(4_427_892)));
        assert_eq!(memory.paged_resident, Some(Bytes::from_kib(4_130_272)));
        assert_eq!(memory.commit_peak, Some(Bytes::from_kib(43_634_092)));
        let PieceContent::Tags(tags) = &reading.pieces[1].content else { panic!() };
        assert_eq!(tags.rows.len(), 1);
        assert_eq!((tags.rows[0].nonpaged.bytes, tags.rows[0].paged.bytes), (800, 200));
        assert!(!tags.complete);
        assert_eq!(reading.ignored.len(), 1);
        assert_eq!(reading.ignored[0].reason, IgnoredReason::SessionPool);
    }
}
