//! `WCsc     874 alloc /     0 free /   874 live`: a tag and its counts, each before its name.

use super::grid::{CellGrid, Row};
use super::heads::Column;
use crate::content::IgnoredReason;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Section, Verdict};
use crate::tag_text;
use crate::text::Line;

/// The most rows of one list.
const MAX_ROWS: usize = 65_536;

pub(crate) fn open(line: &str) -> Option<Box<dyn Section>> {
    cells(line)?;
    let header = ["tag", "allocs", "frees", "live"].map(str::to_owned).to_vec();
    let columns = vec![Column::Tag, Column::Allocs, Column::Frees, Column::Outstanding];
    Some(Box::new(Counted(CellGrid { header, columns, rows: Vec::new() })))
}

struct Counted(CellGrid);

impl Section for Counted {
    fn take(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        match cells(line.text) {
            None => Verdict::Foreign,
            Some(_) if self.0.rows.len() == MAX_ROWS => Verdict::Ignored(IgnoredReason::TooMany),
            Some(cells) => {
                self.0.rows.push(Row { line: line.number, cells });
                Verdict::Used
            }
        }
    }

    fn finish(
        self: Box<Self>,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        self.0.read(lines, out)
    }
}

/// The tag of a row, and its allocations, frees and what is outstanding.
fn cells(line: &str) -> Option<Vec<String>> {
    const LONGEST: usize = 160;
    let line = line.trim();
    if line.len() > LONGEST || !line.contains('/') {
        return None;
    }
    let (tag, counts) = line.split_once([' ', '\t'])?;
    let tag = tag.trim_matches('`');
    tag_text::tag(tag)?;
    let mut told = counts.split('/').map(|part| {
        let mut words = part.split_ascii_whitespace();
        Some((words.next()?, words.next()?))
    });
    let mut cells = vec![tag.to_owned()];
    for name in ["alloc", "free", "live"] {
        let (count, word) = told.next()??;
        if !word.trim_end_matches([',', 's', 'd']).starts_with(name) {
            return None;
        }
        cells.push(count.to_owned());
    }
    Some(cells)
}

#[cfg(test)]
mod tests {
    use crate::{combine, read};

    #[test]
    fn counts_before_their_names_are_rows() {
        let text = "The nonpaged pool grows:\n\nQvFz  1,874 alloc /     0 free / 1,874 live      0.0% freed\n\
                    QvGz 903 allocs / 29 frees / 874 live\n";
        let combined = combine([read("", text.as_bytes())]);
        let [moment] = &combined.snapshots[..] else { panic!("{combined:?}") };
        let rows = &moment.snapshot.tags.as_ref().unwrap().rows;
        let told: Vec<_> = rows.iter().map(|row| row.nonpaged.outstanding).collect();
        assert_eq!(told, [1874, 874]);
    }
}
