//! Figures that stand under or behind their names, not in a table: `Get-Counter` and Task Manager as
//! copied (the name on one line, the figure on the next), `Name : value` and `name=value` lists, and the
//! text of Prometheus exporters.

use super::heads::{self, Column};
use super::records::{Records, is_value};
use crate::content::IgnoredReason;
use crate::pool_words;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Section, Verdict};
use crate::text::Line;
use crate::times;

/// Longer lines tell no figure.
const MAX_LINE: usize = 512;

pub(crate) fn open(line: &str) -> Option<Box<dyn Section>> {
    told(line)?;
    Some(Box::new(Figures::default()))
}

/// What a line tells.
#[derive(Debug, PartialEq, Eq)]
enum Told<'a> {
    /// A name, and its figure behind it.
    Figure(&'a str, &'a str),
    /// The name of the figure on the next line, and the time before it.
    Name(&'a str, Option<&'a str>),
    /// The handles of a process: its name, id and how many.
    Handles(&'a str, &'a str, &'a str),
    /// The tag that the figures below are of, and its pool if that is told.
    Subject(&'a str, Option<&'a str>),
}

#[derive(Default)]
struct Figures {
    records: Records,
    /// A name whose figure is not told yet.
    name: Option<String>,
}

impl Section for Figures {
    fn take(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if let Some(name) = &self.name
            && is_value(line.text)
        {
            self.records.push(name, heads::bare(line.text), line.number);
            self.name = None;
            return Verdict::Used;
        }
        if self.name.is_some() {
            return Verdict::Foreign;
        }
        match told(line.text) {
            Some(Told::Figure(name, value)) => {
                // A pool's use between the figures of a tag is none of them.
                if names_host(name) {
                    self.records.end_record_of_tag();
                }
                self.records.push(name, value, line.number);
            }
            Some(Told::Subject(tag, pool)) => {
                self.records.end_record();
                self.records.push("tag", tag, line.number);
                if let Some(pool) = pool {
                    self.records.push("type", pool, line.number);
                }
            }
            Some(Told::Name(name, time)) => {
                if let Some(time) = time {
                    self.records.end_record();
                    self.records.push("time", time, line.number);
                }
                self.name = Some(name.to_owned());
            }
            Some(Told::Handles(process, id, handles)) => {
                self.records.end_record();
                self.records.push("process", process, line.number);
                self.records.push("pid", id, line.number);
                self.records.push("handles", handles, line.number);
            }
            None if line.text.contains(" : ") && !self.records.is_empty() => {}
            None => {
                self.records.end_record_of_tag();
                return Verdict::Foreign;
            }
        }
        Verdict::Used
    }

    fn ends_at_blank(&mut self) -> bool {
        // The name may stand alone as a heading; between records of a list is an empty line.
        false
    }

    fn finish(
        self: Box<Self>,
        lines: (u32, u32),
        out: &mut ReadingBuilder,
    ) -> Result<(), IgnoredReason> {
        // A name without a figure heads what follows.
        if let Some(name) = &self.name {
            out.heading = pool_words::pool_word(name);
        }
        if self.records.is_empty() && out.heading.is_some() {
            return Err(IgnoredReason::Heading);
        }
        self.records.read(lines, out)
    }
}

fn told(line: &str) -> Option<Told<'_>> {
    let line = line.trim().trim_start_matches(['-', '•', '·', ' ']);
    if line.is_empty() || line.len() > MAX_LINE || line.starts_with('|') {
        return None;
    }
    counter(line)
        .or_else(|| metric(line))
        .or_else(|| named(line))
        .or_else(|| alone(line))
        .or_else(|| spaced(line))
        .or_else(|| subject(line))
}

/// `Nonpaged Pool    9,549,964 K   9,549,964 K`: a name, its figure and others behind a gap.
fn spaced(line: &str) -> Option<Told<'_>> {
    let (name, rest) = line.split_once("  ").or_else(|| line.split_once('\t'))?;
    let value = rest.trim_start().split("  ").next()?.split('\t').next()?.trim();
    let is_figure = heads::column(name.trim()).is_of_memory() && heads::is_size(value);
    is_figure.then_some(Told::Figure(name.trim(), value))
}

/// Whether a figure is of the host's pool, and not of a tag in it.
fn names_host(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.contains("pool") && heads::column(name).is_of_memory()
}

/// `QvFz:` or `QvFz / Nonp` above the figures of a tag.
fn subject(line: &str) -> Option<Told<'_>> {
    let name = line.trim_matches(|c: char| "#*: ".contains(c));
    let is_tag = |name: &str| {
        heads::is_tag(name) && heads::bare(name).chars().count() == 4 && !name.contains(' ')
    };
    if let Some((tag, pool)) = name.split_once(" / ") {
        let pool = Some(pool.trim()).filter(|pool| pool_words::pool_word(pool).is_some())?;
        return is_tag(tag).then_some(Told::Subject(tag, Some(pool)));
    }
    (line.trim_end_matches('*').ends_with(':') && is_tag(name)).then_some(Told::Subject(name, None))
}

/// `5/11/2026 10:00:00 AM  \\fs07\memory\pool nonpaged bytes :`.
fn counter(line: &str) -> Option<Told<'_>> {
    let (before, _) = line.split_once("\\\\")?;
    let path = line[before.len()..].strip_suffix(':')?.trim_end();
    let time = before.trim();
    let is_time = time.is_empty() || times::date_and_time(time).is_some();
    is_time.then_some(Told::Name(path, (!time.is_empty()).then_some(time)))
}

/// `windows_process_handles{process="lsass",process_id="740"} 2377`.
fn metric(line: &str) -> Option<Told<'_>> {
    let end = line.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').filter(|end| *end > 0)?;
    let (name, rest) = line.split_at(end);
    let (labels, rest) = match rest.strip_prefix('{') {
        Some(rest) => rest.split_once('}')?,
        None => ("", rest),
    };
    let value = rest.split_ascii_whitespace().next().filter(|_| rest.starts_with(' '))?;
    if !name.contains('_') || !is_value(value) {
        return None;
    }
    let label = |wanted: &str| {
        labels.split(',').find_map(|label| {
            let (name, value) = label.split_once('=')?;
            (name.trim() == wanted).then(|| value.trim_matches('"'))
        })
    };
    if let Some(process) = label("process") {
        let id = label("process_id").or_else(|| label("creating_process_id")).unwrap_or("0");
        let is_handles = name.ends_with("_handles") || name.ends_with("handle_count");
        return is_handles.then_some(Told::Handles(process, id, value));
    }
    heads::column(name).is_of_memory().then_some(Told::Figure(name, value))
}

/// `Name : value` or `name=value`.
fn named(line: &str) -> Option<Told<'_>> {
    let (name, value) = line.split_once([':', '='])?;
    let (name, value) = (name.trim(), value.trim());
    let column = heads::column(name);
    let is_figure = match column {
        Column::Image => line.contains(" : ") || line.contains('='),
        Column::Tag => {
            let length = heads::bare(value).chars().count();
            line.contains(" : ") && length <= 4 || length == 4 && heads::is_tag(value)
        }
        Column::Outstanding | Column::Allocs | Column::Frees => is_value(value),
        Column::Handles | Column::Pid => {
            (line.contains(" : ") || line.contains('=')) && is_value(value)
        }
        column => (column.is_of_memory() || matches!(column, Column::Bytes(_))) && is_value(value),
    };
    (is_figure && !value.is_empty()).then_some(Told::Figure(name, value))
}

/// The name of a figure alone, as Task Manager has it, or a heading that names a pool.
fn alone(line: &str) -> Option<Told<'_>> {
    const LONGEST: usize = 60;
    let name = line.trim_matches(|c: char| "#*=-: ".contains(c));
    let is_name = name.len() <= LONGEST && !name.contains(|c: char| c.is_ascii_digit());
    // A sentence names a pool as well.
    let is_short = name.split_whitespace().count() <= 5 && !line.ends_with(['.', '?', '!']);
    (is_name && is_short && heads::column(name).is_of_memory()).then_some(Told::Name(name, None))
}

#[cfg(test)]
mod tests {
    use poolwatch_model::Bytes;

    use crate::{PieceContent, read};

    const GB: u64 = 1 << 30;

    fn memory(text: &str) -> poolwatch_model::memory::Memory {
        let reading = read("", text.as_bytes());
        let told = reading.pieces.iter().find_map(|piece| match &piece.content {
            PieceContent::Memory(memory) => Some((**memory).clone()),
            _ => None,
        });
        told.unwrap_or_else(|| panic!("{reading:?}"))
    }

    #[test]
    fn a_name_may_stand_above_its_figure() {
        let told = memory(
            "In use (Compressed)\n29.5 GB (0 MB)\nAvailable\n2.5 GB\nCommitted\n33.0/40.0 GB\n\
             Paged pool\n811 MB\nNon-paged pool\n18.0 GB\n",
        );
        assert_eq!(told.nonpaged, Some(Bytes(18 * GB)));
        assert_eq!(told.paged, Some(Bytes(811 << 20)));
        assert_eq!(
            (told.committed, told.commit_limit),
            (Some(Bytes(33 * GB)), Some(Bytes(40 * GB)))
        );
        assert_eq!(told.physical, Some(Bytes(32 * GB)));
        let german = memory("Ausgelagerter Pool\n811 MB\nNicht ausgelagerter Pool\n18,0 GB\n");
        assert_eq!((german.nonpaged, german.paged), (told.nonpaged, told.paged));
        let counter = memory(
            "5/11/2026 10:00:00 AM     \\\\fs07\\memory\\pool nonpaged bytes :\n          19327352832\n\n\
             \\\\fs07\\memory\\available mbytes :\n 512\n",
        );
        assert_eq!(counter.nonpaged, Some(Bytes(18 * GB)));
        assert_eq!(counter.available, Some(Bytes(GB / 2)));
    }

    #[test]
    fn lists_and_exporters_tell_processes() {
        for text in [
            "windows_process_handles{process=\"labelsvc\",process_id=\"2764\"} 1.604221e+06\n",
            "Name        : labelsvc\nCompany     : none\nId          : 2764\nHandleCount : 1604221\n\n\
             Name        : lsass\nId          : 740\nHandleCount : 2377\n",
            "HandleCount=1604221\nName=labelsvc.exe\nProcessId=2764\n",
        ] {
            let reading = read("", text.as_bytes());
            let PieceContent::Processes(list) = &reading.pieces[0].content else {
                panic!("{text}")
            };
            let told = list.iter().find(|process| process.key.pid == 2764).unwrap();
            assert_eq!((told.image.as_str(), told.handles), ("labelsvc.exe", Some(1_604_221)));
        }
    }

    #[test]
    fn lists_of_memory_and_turned_tables_tell_figures() {
        let list =
            memory("Usage            Total\nNonpaged Pool    9,549,964 K   9,549,964 K  0 K\n");
        assert_eq!(list.nonpaged, Some(Bytes::from_kib(9_549_964)));
        let turned =
            memory("| | Value |\n|---|---|\n| Nonpaged pool | 18 GB |\n| Paged pool | 811 MB |\n");
        assert_eq!((turned.nonpaged, turned.paged), (Some(Bytes(18 * GB)), Some(Bytes(811 << 20))));
        let prtg = memory(
            "\"Date Time\",\"Pool Nonpaged Bytes\",\"Pool Nonpaged Bytes(RAW)\"\n\
             \"5/11/2026 10:00:00 AM - 10:05:00 AM\",\"18,432 MByte\",\"19327352832\"\n",
        );
        assert_eq!(prtg.nonpaged, Some(Bytes(18 * GB)));
    }

    #[test]
    fn figures_under_a_tag_are_its_own() {
        let text = "QvFz / Nonp\n\nPool N: 3,204,112 KB\n\nQvFz:\n\nAllocs: 20,190,861\nFrees: 91,407\n\
                    Diff: 20,099,454\nBytes: 2,894,321,376\nPer Alloc: 144 bytes\n";
        let combined = crate::combine([read("nonpaged.txt", text.as_bytes())]);
        let [moment] = &combined.snapshots[..] else { panic!("{combined:?}") };
        let row = moment.snapshot.tags.as_ref().unwrap().rows[0].nonpaged;
        assert_eq!((row.bytes, row.outstanding), (2_894_321_376, 20_099_454));
        assert_eq!(moment.snapshot.memory.nonpaged, Some(Bytes::from_kib(3_204_112)));
        let trace = "Line #\tPaged\tType\tPool Tag\tCount\tSize (MB)\n\
                     1\tNonPaged\tAIFO\tQvFz\t20000\t512.5\n2\tNonPaged\tAIFI\tQvFz\t90000\t900.0\n";
        let combined = crate::combine([read("", trace.as_bytes())]);
        let row = combined.snapshots[0].snapshot.tags.as_ref().unwrap().rows[0].nonpaged;
        assert_eq!((row.bytes >> 20, row.outstanding), (512, 20_000));
    }

    #[test]
    fn a_sentence_about_a_pool_is_no_figure() {
        for text in ["Nonpaged pool is full.", "Nonpaged pool\nis full", "Paged pool: what is it?"]
        {
            assert!(read("", text.as_bytes()).pieces.is_empty(), "{text}");
        }
    }
}
