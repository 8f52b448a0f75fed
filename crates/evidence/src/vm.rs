//! `!vm` of a debugger, on its own lines or flattened to one.
//!
//! A figure is `label: pages ( kilobytes Kb)`. Windows 8 and later split nonpaged pool in two parts
//! (`NonPagedPool`, `NonPagedPoolNx`). Debuggers that do not match the Windows they look at print
//! absurd values; those are not believed.

use poolwatch_model::Bytes;
use poolwatch_model::host::Arch;
use poolwatch_model::memory::Memory;

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::quantities;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::source::Fact;
use crate::text::Line;

/// From here on a limit is no limit: no Windows has pools of 16 TB.
const ABSURD_LIMIT: Bytes = Bytes(16 << 40);

/// The kernel of a 32-bit Windows has 2 GB of addresses for all that it pages; a 64-bit one limits its
/// paged pool at 128 GB and more.
const LARGEST_LIMIT_X86: Bytes = Bytes(2 << 30);

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    // Figures of other tools look alike; these two begin the output.
    let opens = line.contains("*** Virtual Memory Usage ***")
        || figures(line).any(|(label, _)| label.is_some())
        || ends_inside_figure(line);
    opens.then(|| Box::new(Usage::default()) as Box<dyn Section>)
}

/// Labels without spaces, in lower case, with the field of [`Memory`] that their figures make. A label
/// ends with the longest of these that fits.
const LABELS: [(&str, &str); 17] = [
    ("nonpagedpoolnxusage", NONPAGED_NX),
    ("nonpagedpoolusage", "nonpaged"),
    ("nonpagedpoolmaximum", "nonpaged_limit"),
    ("nonpagedpoolmax", "nonpaged_limit"),
    ("pagedpoolusage", "paged"),
    ("pagedpoolmaximum", "paged_limit"),
    ("pagedpoolmax", "paged_limit"),
    ("physicalmemory", "physical"),
    ("availablepages", "available"),
    ("resavailpages", "resident_available"),
    ("freesystemptes", "free_system_ptes"),
    ("committedpages", "committed"),
    ("totalcommit", "committed"),
    ("commitlimit", "commit_limit"),
    ("peakcommitment", "commit_peak"),
    ("peakcommit", "commit_peak"),
    ("commitpeak", "commit_peak"),
];
/// The part of nonpaged pool that holds no code.
const NONPAGED_NX: &str = "nonpaged_nx";

/// A figure and where it was found.
#[derive(Debug, Clone)]
struct Figure {
    pages: u64,
    bytes: Bytes,
    line: u32,
    text: String,
}

#[derive(Default)]
struct Usage {
    found: Vec<(&'static str, Figure)>,
}

impl Section for Usage {
    fn read_line(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict {
        let goes_on = ends_inside_figure(line.text);
        let mut is_mine = line.text.contains("***") || is_page_file(line.text);
        for (label, figure) in figures(line.text) {
            is_mine = true;
            let Some(label) = label else { continue };
            match figure {
                Err(IgnoredReason::CutOff) if goes_on => {}
                Err(reason) => out.ignore(line.number, line.text, reason),
                Ok((pages, bytes)) => {
                    if let Some((_, known)) = self.found.iter().find(|(known, _)| *known == label) {
                        // The same command again: another moment, another section.
                        if known.pages != pages {
                            return Verdict::Foreign;
                        }
                        continue;
                    }
                    let text = line.text.chars().take(160).collect();
                    self.found.push((label, Figure { pages, bytes, line: line.number, text }));
                }
            }
        }
        if goes_on {
            return Verdict::GoesOn;
        }
        if is_mine { Verdict::Used } else { Verdict::Foreign }
    }

    fn finish(mut self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        let parts = ["nonpaged", NONPAGED_NX].map(|label| self.get(label).is_some());
        self.reject_absurd(out);
        let bytes = |label| Some(self.get(label)?.bytes);
        let believed = ["nonpaged", NONPAGED_NX].map(|label| self.get(label).is_some());
        let memory = Memory {
            paged: bytes("paged"),
            nonpaged: match (bytes("nonpaged"), bytes(NONPAGED_NX)) {
                // One part alone would pass for the whole.
                _ if believed != parts => None,
                (Some(plain), Some(nx)) => Some(Bytes(plain.0.saturating_add(nx.0))),
                (plain, nx) => plain.or(nx),
            }
            // No Windows runs without.
            .filter(|nonpaged| nonpaged.0 > 0),
            paged_limit: bytes("paged_limit"),
            nonpaged_limit: bytes("nonpaged_limit"),
            physical: bytes("physical"),
            available: bytes("available"),
            resident_available: bytes("resident_available"),
            committed: bytes("committed"),
            commit_limit: bytes("commit_limit"),
            commit_peak: bytes("commit_peak"),
            free_system_ptes: self.get("free_system_ptes").map(|figure| figure.pages),
            ..Memory::default()
        };
        if memory == Memory::default() {
            return Err(IgnoredReason::CutOff);
        }
        for (label, figure) in &self.found {
            let field = if *label == NONPAGED_NX { "nonpaged" } else { label };
            out.note(Fact::Memory(field), figure.line);
        }
        let is_x86 = memory.paged_limit.is_some_and(|limit| limit <= LARGEST_LIMIT_X86);
        out.piece(PieceKind::Vm, lines, PieceContent::Memory(Box::new(memory)));
        if is_x86 {
            out.piece(PieceKind::Vm, lines, PieceContent::Arch(Arch::X86));
        }
        Ok(())
    }
}

impl Usage {
    fn get(&self, label: &str) -> Option<&Figure> {
        self.found.iter().find(|(known, _)| *known == label).map(|(_, figure)| figure)
    }

    fn reject_absurd(&mut self, out: &mut ReadingBuilder) {
        let bytes = |label| self.get(label).map(|figure| figure.bytes);
        let physical = bytes("physical");
        let limits = |limit| bytes(limit).filter(|limit| *limit < ABSURD_LIMIT);
        let nonpaged_limit = limits("nonpaged_limit");
        let paged_limit = limits("paged_limit");
        let above = |bytes: Bytes, bound: Option<Bytes>| bound.is_some_and(|bound| bytes > bound);
        self.found.retain(|(label, figure)| {
            let bytes = figure.bytes;
            let reason = match *label {
                // Nonpaged pool is resident; paged pool need not be.
                "nonpaged" | NONPAGED_NX
                    if above(bytes, physical) || above(bytes, nonpaged_limit) =>
                {
                    IgnoredReason::UseAboveMemory
                }
                "paged" if above(bytes, paged_limit) => IgnoredReason::UseAboveMemory,
                "available" | "resident_available" if above(bytes, physical) => {
                    IgnoredReason::UseAboveMemory
                }
                "nonpaged_limit" if bytes >= ABSURD_LIMIT || above(bytes, physical) => {
                    IgnoredReason::AbsurdLimit
                }
                "paged_limit" if bytes >= ABSURD_LIMIT => IgnoredReason::AbsurdLimit,
                _ => return true,
            };
            out.ignore(figure.line, &figure.text, reason);
            false
        });
    }
}

type Value = Result<(u64, Bytes), IgnoredReason>;

/// The figures of a line.
fn figures(line: &str) -> impl Iterator<Item = (Option<&'static str>, Value)> {
    let mut from = 0;
    line.match_indices(':').filter_map(move |(colon, _)| {
        let label = label(&line[from..colon]);
        let value = value(&line[colon + 1..])?;
        from = colon + 1;
        Some((label, value))
    })
}

/// `pages ( kilobytes Kb)`; `None` for anything else. A page has 4 kB, on Itanium 8.
fn value(text: &str) -> Option<Value> {
    const LONGEST: usize = 64;
    let (pages, rest) = text[..text.floor_char_boundary(LONGEST)].split_once('(')?;
    let pages = quantities::count(pages)?;
    let Some(unit) = rest.find(|c: char| c.is_alphabetic()) else {
        return Some(Err(IgnoredReason::CutOff));
    };
    let (kilobytes, unit) = rest.split_at(unit);
    let Some(kilobytes) = quantities::count(kilobytes) else {
        return Some(Err(IgnoredReason::Contradiction));
    };
    if !unit.get(..2).is_some_and(|unit| unit.eq_ignore_ascii_case("kb")) {
        return Some(Err(IgnoredReason::CutOff));
    }
    let agrees = [4, 8].iter().any(|size| pages.checked_mul(*size) == Some(kilobytes));
    let bytes = Bytes::from_kib(kilobytes);
    Some(if agrees { Ok((pages, bytes)) } else { Err(IgnoredReason::Contradiction) })
}

/// Whether a line ends after a label that is known, or inside the figure behind it.
fn ends_inside_figure(line: &str) -> bool {
    let Some((before, after)) = line.rsplit_once(':') else { return false };
    let inside = after.trim().is_empty()
        || after.split_once('(').is_some_and(|(pages, kilobytes)| {
            quantities::count(pages).is_some()
                && kilobytes.chars().all(|c| c.is_ascii_digit() || c.is_whitespace())
        });
    inside && label(before).is_some()
}

fn label(text: &str) -> Option<&'static str> {
    const LONGEST: usize = 40;
    let start = text.ceil_char_boundary(text.len().saturating_sub(LONGEST));
    let squeezed: String = text[start..]
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_ascii_lowercase())
        .collect();
    LABELS.iter().find(|(name, _)| squeezed.ends_with(name)).map(|(_, label)| *label)
}

/// Lines on page files: sizes in kilobytes, without pages.
fn is_page_file(line: &str) -> bool {
    let line = line.trim_start();
    ["Page File:", "Current:", "Minimum:", "No Name for Paging File"]
        .iter()
        .any(|start| line.starts_with(start))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{UnreadLine, read};

    fn memory(text: &str) -> (Memory, Vec<UnreadLine>) {
        let mut reading = read("vm.txt", text.as_bytes());
        reading.pieces.retain(|piece| !matches!(piece.content, PieceContent::Arch(_)));
        assert_eq!(reading.pieces.len(), 1, "{reading:?}");
        let PieceContent::Memory(memory) = reading.pieces.remove(0).content else { panic!() };
        (*memory, reading.ignored)
    }

    #[test]
    fn a_small_limit_of_paged_pool_tells_a_32_bit_windows() {
        for (limit, arch) in [
            ("PagedPool Maximum: 66560 ( 266240 Kb)", Some(Arch::X86)),
            ("PagedPool Maximum: 33554432 ( 134217728 Kb)", None),
            ("NonPagedPool Max: 196608 ( 786432 Kb)", None),
        ] {
            let text = format!("PagedPool Usage: 9062 ( 36248 Kb)\n{limit}\n");
            assert_eq!(crate::combine([read("vm.txt", text.as_bytes())]).arch, arch, "{limit}");
        }
    }

    #[test]
    fn old_and_new_outputs_tell_use_and_limit() {
        let (found, ignored) = memory(
            "2: kd> !vm
*** Virtual Memory Usage ***
  Physical Memory:   262012   ( 1048048 Kb)
  Page File: \\??\\C:\\pagefile.sys
     Current:   1054720Kb Free Space:    706752Kb
  Available Pages:    63440   (  253760 Kb)
  Free System PTEs:     199971 (    799884 Kb)
  NonPaged Pool Usage: 52461   (  209844 Kb)<<NOTE!  Value is near NonPaged Max
  NonPaged Pool Max:   54278   (  217112 Kb)
  ********** Excessive NonPaged Pool Usage *****
  PagedPool 0 Usage:      6576 (     26304 Kb)
  PagedPool Usage:        9062 (     36248 Kb)
  PagedPool Maximum:     66560 (    266240 Kb)
  Committed pages:      425816 (   1703264 Kb)
",
        );
        assert_eq!(found.nonpaged, Some(Bytes::from_kib(209_844)));
        assert_eq!(found.nonpaged_limit, Some(Bytes::from_kib(217_112)));
        assert_eq!(found.paged, Some(Bytes::from_kib(36_248)));
        assert_eq!(found.paged_limit, Some(Bytes::from_kib(266_240)));
        assert_eq!(found.committed, Some(Bytes::from_kib(1_703_264)));
        assert_eq!(found.free_system_ptes, Some(199_971));
        assert_eq!(ignored.len(), 1);
        assert_eq!(ignored[0].reason, IgnoredReason::Command);
    }

    #[test]
    fn both_parts_of_nonpaged_pool_are_added_and_an_absurd_limit_is_not_believed() {
        let (found, ignored) = memory(
            "NonPagedPool Usage:           100 (        400 Kb)
NonPagedPoolNx Usage:       14108 (      56432 Kb)
NonPagedPool Max:      4294967296 (17179869184 Kb)
",
        );
        assert_eq!(found.nonpaged, Some(Bytes::from_kib(56_832)));
        assert_eq!(found.nonpaged_limit, None);
        assert_eq!((ignored[0].line, ignored[0].reason), (3, IgnoredReason::AbsurdLimit));
    }

    #[test]
    fn use_above_the_memory_of_the_host_is_not_believed() {
        let (found, ignored) = memory(
            "Physical Memory: 2097038 ( 8388152 Kb)<br/>
NonPagedPool Usage: 29559056 ( 118236224 Kb)<br/>
NonPagedPoolNx Usage: 32908 ( 131632 Kb)<br/>
NonPagedPool Max: 1561080 ( 6244320 Kb)<br/>
PagedPool Usage: 100 ( 40",
        );
        assert_eq!(found.nonpaged, None, "one part of two is no figure");
        assert_eq!(found.nonpaged_limit, Some(Bytes::from_kib(6_244_320)));
        assert_eq!(found.paged, None);
        let reasons: Vec<_> = ignored.iter().map(|i| (i.line, i.reason)).collect();
        assert_eq!(reasons, [(2, IgnoredReason::UseAboveMemory), (5, IgnoredReason::CutOff)]);
    }

    #[test]
    fn an_output_on_one_line_is_read_as_well() {
        let (found, _) = memory(
            r"kd> !vm *** Virtual Memory Usage *** Physical Memory: 917085 ( 3668340 Kb) Page File: \??\C:\pagefile.sys Current: 4193280 Kb Free Space: 4174504 Kb NonPagedPool Usage: 25 ( 100 Kb) NonPagedPool Max: 250 ( 1001 Kb)",
        );
        assert_eq!(found.physical, Some(Bytes::from_kib(3_668_340)));
        assert_eq!(found.nonpaged, Some(Bytes::from_kib(100)));
        assert_eq!(found.nonpaged_limit, None, "250 pages are not 1001 kB");
    }

    #[test]
    fn a_second_output_is_a_second_piece() {
        let text = "NonPagedPool Usage: 25 ( 100 Kb)\nNonPagedPool Usage: 26 ( 104 Kb)\n";
        let reading = read("", text.as_bytes());
        assert_eq!(reading.pieces.len(), 2);
    }
}
