//! Tables of processes with their handles, as PowerShell's `Get-Process` and `wmic process` print
//! them.
//!
//! Columns: `Handles NPM(K) PM(K) WS(K) [VM(M)] CPU(s) Id [SI] ProcessName`, or those that were asked
//! for (`Name Id HandleCount`). The processor time is empty for processes that may not be looked at.
//! PowerShell leaves `.exe` out.

use poolwatch_model::process::ProcessUse;

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::image_names::image;
use crate::numbers;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Section, Verdict};
use crate::source::Fact;
use crate::text::Line;

/// The most processes of one table.
const MAX_PROCESSES: usize = 100_000;

pub(crate) fn open(line: &str) -> Option<Box<dyn Section>> {
    let columns = columns(line)?;
    Some(Box::new(Table { columns, processes: Vec::new() }))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Handles,
    NonpagedKb,
    PagefileKb,
    CpuSeconds,
    Id,
    Session,
    Name,
    Other,
}

struct Table {
    columns: Vec<Column>,
    processes: Vec<ProcessUse>,
}

impl Section for Table {
    fn take(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict {
        if columns(line.text).is_some() {
            return if self.processes.is_empty() { Verdict::Used } else { Verdict::Foreign };
        }
        if line.text.bytes().all(|b| matches!(b, b'-' | b' ')) {
            return Verdict::Used;
        }
        let numbered = line.text.trim_start().starts_with(|c: char| c.is_ascii_digit());
        match row(&self.columns, line.text) {
            None if !numbered => Verdict::Foreign,
            None => Verdict::Ignored(IgnoredReason::CutOff),
            Some(_) if self.processes.len() == MAX_PROCESSES => {
                Verdict::Ignored(IgnoredReason::TooMany)
            }
            Some(process) => {
                out.note(Fact::of_process(&process), line.number);
                self.processes.push(process);
                Verdict::Used
            }
        }
    }

    fn finish(
        mut self: Box<Self>,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        if self.processes.is_empty() {
            return Err(IgnoredReason::CutOff);
        }
        self.processes.sort_by(|a, b| a.key.cmp(&b.key).then_with(|| a.image.cmp(&b.image)));
        self.processes.dedup_by(|a, b| (a.key, &a.image) == (b.key, &b.image));
        out.piece(PieceKind::HandleTable, lines, PieceContent::Processes(self.processes));
        Ok(())
    }
}

fn columns(line: &str) -> Option<Vec<Column>> {
    if line.len() > 200 {
        return None;
    }
    let columns: Vec<_> = line
        .split_ascii_whitespace()
        .map(|word| match word {
            "Handles" | "HandleCount" => Column::Handles,
            "NPM(K)" => Column::NonpagedKb,
            "PM(K)" => Column::PagefileKb,
            "CPU(s)" => Column::CpuSeconds,
            "Id" | "PID" | "ProcessId" => Column::Id,
            "SI" | "SessionId" => Column::Session,
            "ProcessName" | "Name" => Column::Name,
            _ => Column::Other,
        })
        .collect();
    let count = |column| columns.iter().filter(|known| **known == column).count();
    // Other words make a sentence, unless they stand in the columns that everybody knows.
    let known = count(Column::Other) == 0 || columns[0] == Column::Handles;
    (known && count(Column::Name) == 1 && count(Column::Handles) == 1).then_some(columns)
}

fn row(columns: &[Column], line: &str) -> Option<ProcessUse> {
    let words: Vec<_> = line.split_ascii_whitespace().take(columns.len() + 8).collect();
    // All but the name are numbers; the name may have spaces.
    let at = columns.iter().position(|column| *column == Column::Name)?;
    let behind = columns.len() - 1 - at;
    let (words, last) = words.split_at_checked(words.len().checked_sub(behind)?)?;
    let is_number = |word: &&&str| word.starts_with(|c: char| c.is_ascii_digit());
    let first = words.iter().take_while(is_number).count().min(at);
    let has_cpu = match at - first {
        0 => true,
        1 if columns.contains(&Column::CpuSeconds) => false,
        _ => return None,
    };
    let (first, name) = words.split_at(first);
    if name.is_empty() || last.iter().any(|word| !is_number(&word)) {
        return None;
    }
    let mut process = ProcessUse::new(0, None, image(&name.join(" ")));
    let told = columns
        .iter()
        .filter(|column| **column != Column::Name && (has_cpu || **column != Column::CpuSeconds));
    for (column, word) in told.zip(first.iter().chain(last)) {
        let bytes = || numbers::count(word)?.checked_mul(1024);
        match column {
            Column::Handles => process.handles = u32::try_from(numbers::count(word)?).ok(),
            Column::NonpagedKb => process.nonpaged_quota = bytes(),
            Column::PagefileKb => process.private_bytes = bytes(),
            Column::Id => process.key.pid = word.parse().ok()?,
            Column::Session => process.session = word.parse().ok(),
            Column::CpuSeconds | Column::Name | Column::Other => {}
        }
    }
    Some(process)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    #[test]
    fn processes_are_read_with_and_without_processor_time() {
        let text = "\
Handles  NPM(K)    PM(K)      WS(K)     CPU(s)     Id  SI ProcessName
-------  ------    -----      -----     ------     --  -- -----------
 359617     210   904,512      70000   1,234.56  30876   1 explorer
   3155       0        60       2600                  4   0 System
   1000      10      2000       3000                 96   0 Memory Compression
    100      10      2000
";
        let reading = read("", text.as_bytes());
        let PieceContent::Processes(list) = &reading.pieces[0].content else { panic!() };
        let told: Vec<_> = list.iter().map(|p| (p.key.pid, p.image.as_str(), p.handles)).collect();
        assert_eq!(
            told,
            [
                (4, "System", Some(3155)),
                (96, "Memory Compression", Some(1000)),
                (30876, "explorer.exe", Some(359_617)),
            ]
        );
        assert_eq!(list[2].private_bytes, Some(904_512 * 1024));
        assert_eq!(reading.ignored.len(), 1);
        assert_eq!(reading.ignored[0].reason, IgnoredReason::CutOff);
    }

    #[test]
    fn columns_may_be_those_that_were_asked_for() {
        for text in [
            "\nName          Id HandleCount\n----          -- -----------\n\
             Memory Compression 96 10\nexplorer   30876      359617\n",
            "HandleCount  Name          ProcessId  \n10  Memory Compression 96\n\
             359,617       explorer.exe  30876      \n",
        ] {
            let reading = read("", text.as_bytes());
            let PieceContent::Processes(list) = &reading.pieces[0].content else { panic!() };
            let told: Vec<_> =
                list.iter().map(|p| (p.key.pid, p.image.as_str(), p.handles)).collect();
            assert_eq!(
                told,
                [(96, "Memory Compression", Some(10)), (30_876, "explorer.exe", Some(359_617))]
            );
        }
    }
}
