//! Figures that stand under or behind their names, not in a table: `Get-Counter` and Task Manager as
//! copied (the name on one line, the figure on the next), `Name : value` and `name=value` lists, and the
//! text of Prometheus exporters.

use super::heads::{self, Column};
use super::records::{Records, is_value};
use super::tables::read_records;
use crate::content::IgnoredReason;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::text::Line;
use crate::{pool_words, tag_text, times};

/// Longer lines tell no figure.
const MAX_LINE: usize = 512;

pub(crate) fn start_figures(line: &str) -> Option<Box<dyn Section>> {
    told(line)?;
    Some(Box::new(Figures::default()))
}

/// A figure's name and what is said of it.
type NamedValue<'a> = (&'a str, &'a str);

/// What a line tells.
#[derive(Debug, PartialEq, Eq)]
enum Told<'a> {
    /// Names, and their figures behind them.
    Figures(Vec<NamedValue<'a>>),
    /// Figures that begin a record of their own: of a tag, a process or a moment.
    Record(Vec<NamedValue<'a>>),
    /// The name of the figure on the next line, and the time before it.
    Name(&'a str, Option<&'a str>),
}

#[derive(Default)]
struct Figures {
    records: Records,
    /// A name whose figure is not told yet.
    name: Option<String>,
    /// Whether lines below the name tell figures of it.
    is_group: bool,
}

impl Figures {
    fn push_record(&mut self, figures: &[NamedValue<'_>], line: u32) {
        self.records.end_record();
        figures.iter().for_each(|(name, value)| self.records.push(name, value, line));
    }

    /// Takes a line below a name: a moment with its value (Zabbix), or one of several measures of the
    /// name (System Informer: `Usage`, `Working set`, `Limit`).
    fn read_below(&mut self, name: &str, line: Line<'_>) -> Verdict {
        const IN_USE: [&str; 6] = ["usage", "current", "used", "in use", "virtual size", "size"];
        const MEASURES: [&str; 8] =
            ["working set", "peak", "limit", "allocs", "frees", "reserved", "total", "cache ws"];
        if let Some((time, value)) = stamped(line.text) {
            self.push_record(&[("time", time), (name, value)], line.number);
            self.is_group = true;
            return Verdict::Used;
        }
        let parts = line.text.trim().split_once("  ").or_else(|| line.text.trim().split_once('\t'));
        let Some((label, value)) = parts.map(|(label, value)| (label.trim(), value.trim())) else {
            return Verdict::Foreign;
        };
        let lower = label.to_lowercase();
        let (is_use, is_total) = (IN_USE.contains(&lower.as_str()), lower == "total");
        let is_figure = heads::column(label).is_of_memory();
        if !is_value(value) || !is_use && !is_figure && !MEASURES.contains(&lower.as_str()) {
            return Verdict::Foreign;
        }
        // `Commit Charge (K)`: the unit of all that stands below.
        let unit = name.find('(').map_or("", |at| &name[at..]);
        let with_unit = |name: &str| format!("{name} {unit}");
        self.is_group = true;
        match heads::column(name) {
            _ if is_figure => self.records.push(&with_unit(label), value, line.number),
            Column::Physical(_) if is_total => self.records.push(name, value, line.number),
            Column::Committed(_) if lower == "limit" => {
                self.records.push(&with_unit("commit limit"), value, line.number);
            }
            Column::Physical(_) => {}
            _ if is_use => self.records.push(name, value, line.number),
            _ => {}
        }
        Verdict::Used
    }
}

/// `2026-03-01 23:00:00 1772406000 9963765760`: a moment, perhaps told twice, and a value.
fn stamped(line: &str) -> Option<(&str, &str)> {
    let line = line.trim();
    let (before, value) = line.rsplit_once([' ', '\t'])?;
    let mut time = before.trim_end();
    if let Some((earlier, last)) = time.rsplit_once([' ', '\t'])
        && times::since_1970(last).is_some()
    {
        time = earlier.trim_end();
    }
    (times::date_and_time(time).is_some() && is_value(value)).then_some((time, value))
}

impl Section for Figures {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if let Some(name) = &self.name
            && is_value(line.text)
        {
            self.records.push(name, heads::bare(line.text), line.number);
            self.name = None;
            return Verdict::Used;
        }
        if let Some(name) = self.name.clone() {
            return self.read_below(&name, line);
        }
        match told(line.text) {
            Some(Told::Figures(figures)) => {
                for (name, value) in figures {
                    // A pool's use between the figures of a tag is none of them.
                    if names_host(name) {
                        self.records.end_record_of_tag();
                    }
                    self.records.push(name, value, line.number);
                }
            }
            Some(Told::Record(figures)) => self.push_record(&figures, line.number),
            Some(Told::Name(name, time)) => {
                if let Some(time) = time {
                    self.push_record(&[("time", time)], line.number);
                }
                self.name = Some(name.to_owned());
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

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        // A name without a figure heads what follows, and nothing before it.
        let name = self.name.as_ref().filter(|_| !self.is_group);
        let heading = name.map(|name| pool_words::pool_word(name));
        if self.records.is_empty() {
            out.heading = heading.unwrap_or(out.heading);
            if out.heading.is_some() {
                return Err(IgnoredReason::Heading);
            }
        }
        let told = read_records(self.records, lines, out);
        out.heading = heading.unwrap_or(out.heading);
        told
    }
}

fn told(line: &str) -> Option<Told<'_>> {
    let line = line.trim().trim_start_matches(['-', '•', '·', ' ']);
    if line.is_empty() || line.len() > MAX_LINE || line.starts_with('|') {
        return None;
    }
    counter(line)
        .or_else(|| metric(line))
        .or_else(|| pairs(line))
        .or_else(|| counts(line))
        .or_else(|| named(line))
        .or_else(|| alone(line))
        .or_else(|| spaced(line))
        .or_else(|| subject(line))
}

/// `Nonpaged Pool    9,549,964 K   9,549,964 K`: a name, its figure and others behind a gap.
fn spaced(line: &str) -> Option<Told<'_>> {
    let (name, rest) = line.split_once("  ").or_else(|| line.split_once('\t'))?;
    let value = rest.trim_start().split("  ").next()?.split('\t').next()?.trim();
    let column = heads::column(name.trim());
    let is_counter = name.starts_with("\\\\") && column.is_measured() && is_value(value);
    let is_figure = column.is_of_memory() && heads::is_size(value) || is_counter;
    is_figure.then(|| Told::Figures(vec![(name.trim(), value)]))
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
        return is_tag(tag).then(|| Told::Record(vec![("tag", tag), ("type", pool)]));
    }
    let is_subject = line.trim_end_matches('*').ends_with(':') && is_tag(name);
    is_subject.then(|| Told::Record(vec![("tag", name)]))
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
        return is_handles
            .then(|| Told::Record(vec![("process", process), ("pid", id), ("handles", value)]));
    }
    heads::column(name).is_of_memory().then(|| Told::Figures(vec![(name, value)]))
}

/// `pool_nonpaged=15139760046B;;; pool_paged=671088640B` of a plugin, or
/// `win_mem,host=fs07 Pool_Nonpaged_Bytes=204,Pool_Paged_Bytes=9 1772323200000000000`.
fn pairs(line: &str) -> Option<Told<'_>> {
    line.matches('=').nth(1)?;
    let figures = line.split([' ', ',', '\t']).filter_map(|pair| {
        let (name, told) = pair.split_once('=')?;
        let value = told.split(';').next()?;
        let name = name.trim_matches(['\'', '"']);
        (heads::column(name).is_of_memory() && is_value(value)).then_some((name, value))
    });
    let mut figures: Vec<_> = figures.collect();
    if figures.is_empty() {
        return None;
    }
    let time = line.rsplit(' ').next().filter(|last| times::since_1970(last).is_some());
    Some(match time {
        Some(time) => {
            figures.insert(0, ("time", time));
            Told::Record(figures)
        }
        None => Told::Figures(figures),
    })
}

/// `WCsc     874 alloc /     0 free /   874 live (3 MB)`.
fn counts(line: &str) -> Option<Told<'_>> {
    let (tag, rest) = Some(line).filter(|line| line.contains('/'))?.split_once([' ', '\t'])?;
    let tag = tag.trim_matches(['`', ':']);
    tag_text::tag(tag)?;
    let mut parts = rest.split('/').map(str::trim);
    let mut counts = vec![("tag", tag)];
    for (word, name) in [("alloc", "allocs"), ("free", "frees"), ("live", "outstanding")] {
        let (count, told) = parts.next()?.split_once(' ')?;
        if !told.trim_start().starts_with(word) || !is_value(count) {
            return None;
        }
        counts.push((name, count));
    }
    let bytes = rest.rsplit_once('(').and_then(|(_, size)| size.trim_end().strip_suffix(')'));
    counts.extend(bytes.filter(|size| size.ends_with(['b', 'B'])).map(|size| ("bytes", size)));
    Some(Told::Record(counts))
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
        // `Path : \\fs07\memory\pool nonpaged bytes` and its `CookedValue`.
        Column::Other => Records::names_figure(name) && heads::column(value).is_measured(),
        Column::Value => line.contains(" : ") && is_value(value),
        Column::Time => name.eq_ignore_ascii_case("timestamp"),
        Column::Handles | Column::Pid => {
            (line.contains(" : ") || line.contains('=')) && is_value(value)
        }
        column => (column.is_of_memory() || matches!(column, Column::Bytes(_))) && is_value(value),
    };
    (is_figure && !value.is_empty()).then(|| Told::Figures(vec![(name, value)]))
}

/// The name of a figure alone, as Task Manager has it, or a heading that names a pool.
fn alone(line: &str) -> Option<Told<'_>> {
    const LONGEST: usize = 60;
    let name = line.trim_matches(|c: char| "#*=-: ".contains(c));
    // `fs07: Memory: Pool nonpaged bytes` is an item of a host.
    let item = name.split_once(": ").map_or(name, |(_, item)| item);
    let is_name = name.len() <= LONGEST && !item.contains(|c: char| c.is_ascii_digit());
    // A sentence names a pool as well.
    let is_short = name.split_whitespace().count() <= 5 && !line.ends_with(['.', '?', '!']);
    // Process Explorer has the pools below it.
    let is_group = item.starts_with("Kernel Memory (");
    (is_name && is_short && (is_group || heads::column(item).is_of_memory()))
        .then_some(Told::Name(item, None))
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
    fn counts_before_their_names_are_of_the_tag_before_them() {
        let text = "The nonpaged pool grows:\n\nQvFz  1,874 alloc /     0 free / 1,874 live      0.0% freed\n\
                    QvGz: 903 allocs / 29 frees / 874 live (3.5 MB)\n";
        let combined = crate::combine([read("", text.as_bytes())]);
        let [moment] = &combined.snapshots[..] else { panic!("{combined:?}") };
        let rows = &moment.snapshot.tags.as_ref().unwrap().rows;
        let told: Vec<_> =
            rows.iter().map(|row| (row.nonpaged.outstanding, row.nonpaged.bytes >> 20)).collect();
        assert_eq!(told, [(1874, 0), (874, 3)]);
    }

    #[test]
    fn exports_of_monitoring_systems_tell_their_moments() {
        for text in [
            "fs07: Memory: Pool nonpaged bytes\n2026-03-01 01:00:00 1772326800 200000000\n\
             2026-03-01 00:00:00 1772323200 100000000\n",
            "win_mem,host=fs07 Pool_Nonpaged_Bytes=100000000,Pool_Paged_Bytes=9 1772323200000000000\n\
             win_mem,host=fs07 Pool_Nonpaged_Bytes=200000000,Pool_Paged_Bytes=9 1772326800000000000\n",
            "{\"name\": \"Memory: Pool nonpaged bytes\", \"clock\": 1772323200, \"value\": 100000000}\n\
             {\"name\": \"Memory: Pool nonpaged bytes\", \"clock\": 1772326800, \"value\": 200000000}\n",
        ] {
            let combined = crate::combine([read("", text.as_bytes())]);
            let told: Vec<_> = combined
                .snapshots
                .iter()
                .map(|one| (one.at_s.unwrap() % 86_400, one.snapshot.memory.nonpaged.unwrap().0))
                .collect();
            assert_eq!(told, [(0, 100_000_000), (3_600, 200_000_000)], "{text}");
        }
    }

    #[test]
    fn measures_below_a_name_are_its_own() {
        let told = memory(
            "Physical memory\nCurrent\t7.61 GB\nTotal\t7.88 GB\nPaged pool\nWorking set\t310 MB\n\
             Virtual size\t402 MB\nNon-paged pool\nUsage\t6.2 GB\nLimit\tUnlimited\n",
        );
        assert_eq!(told.physical.map(|bytes| bytes.0 >> 20), Some(8069));
        let one =
            memory("WARN | 'pool_nonpaged'=15139760046B;8589934592;; pool_paged=671088640B;;\n");
        assert_eq!(
            (one.nonpaged, one.paged),
            (Some(Bytes(15_139_760_046)), Some(Bytes(640 << 20)))
        );
        let two = memory("\\\\web4\\memory\\pool nonpaged bytes        9663676416\n");
        assert_eq!(two.nonpaged, Some(Bytes(9 * GB)));
    }

    #[test]
    fn a_sentence_about_a_pool_is_no_figure() {
        for text in ["Nonpaged pool is full.", "Nonpaged pool\nis full", "Paged pool: what is it?"]
        {
            assert!(read("", text.as_bytes()).pieces.is_empty(), "{text}");
        }
    }
}
