//! Driver Verifier: the statistics of `verifier /query` and of `!verifier` in a debugger, and the
//! single allocations that `!verifier 3 driver` lists.
//!
//! Statistics: a line with the driver's name, then
//! `Current Pool Allocations: ( nonpaged / paged )` and `Current Pool Bytes: ( … )`, in older versions
//! `CurrentNonPagedPoolAllocations: n` and so on. A list has a row `address size tag caller symbol` for
//! each allocation; the symbol's module is the driver.

use std::collections::BTreeMap;

use poolwatch_model::PoolTag;

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::statements::{ALL_DRIVERS, AllocationCount, VerifiedDriver};
use crate::text::Line;
use crate::{quantities, tag_text};

/// More drivers than any host has.
const MAX_DRIVERS: usize = 4096;
/// More tags than any driver uses.
const MAX_TAGS: usize = 65_536;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    let opens = module(line).is_some()
        || allocation(line).is_some()
        || is_title(line)
        || is_summary(line)
        || summed(line).is_some();
    opens.then(|| Box::new(Output::default()) as Box<dyn Section>)
}

#[derive(Default)]
struct Output {
    drivers: Vec<VerifiedDriver>,
    /// Single allocations by driver and tag.
    listed: BTreeMap<(String, PoolTag), AllocationCount>,
}

impl Section for Output {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if let Some(name) = module(line.text) {
            if self.drivers.len() == MAX_DRIVERS {
                return Verdict::Ignored(IgnoredReason::TooMany);
            }
            self.drivers.push(VerifiedDriver { name, ..VerifiedDriver::default() });
            return Verdict::Used;
        }
        if let Some((driver, tag, bytes)) = allocation(line.text) {
            // The symbol at the end of a text may be cut off, the driver's name with it.
            if line.cut && !line.text.contains('!') {
                return Verdict::Ignored(IgnoredReason::CutOff);
            }
            let key = (driver, tag);
            if self.listed.len() == MAX_TAGS && !self.listed.contains_key(&key) {
                return Verdict::Ignored(IgnoredReason::TooMany);
            }
            let counted = self.listed.entry(key).or_default();
            counted.outstanding += 1;
            counted.bytes = counted.bytes.saturating_add(bytes);
            return Verdict::Used;
        }
        // The figures of all drivers may stand without their title.
        let is_headless = self.drivers.is_empty() && summed(line.text).is_some();
        if is_summary(line.text) || is_headless {
            let name = ALL_DRIVERS.to_owned();
            self.drivers.push(VerifiedDriver { name, ..VerifiedDriver::default() });
            if !is_headless {
                return Verdict::Used;
            }
        }
        let belongs = is_title(line.text);
        let Some(driver) = self.drivers.last_mut() else {
            let belongs = belongs || is_other(line.text);
            return if belongs { Verdict::Used } else { Verdict::Foreign };
        };
        match statistic(line.text) {
            Some(Err(reason)) => Verdict::Ignored(reason),
            Some(Ok(statistics)) => {
                statistics.into_iter().flatten().for_each(|statistic| statistic.note(driver));
                Verdict::Used
            }
            None if belongs || is_other(line.text) => Verdict::Used,
            None => Verdict::Foreign,
        }
    }

    fn finish(mut self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        for ((name, tag), counted) in self.listed {
            match self.drivers.iter_mut().find(|driver| driver.name == name) {
                Some(driver) => driver.tags.push((tag, counted)),
                None => self.drivers.push(VerifiedDriver {
                    name,
                    tags: vec![(tag, counted)],
                    ..VerifiedDriver::default()
                }),
            }
        }
        self.drivers.retain(|driver| {
            driver.paged.is_some() || driver.nonpaged.is_some() || !driver.tags.is_empty()
        });
        if self.drivers.is_empty() {
            return Err(IgnoredReason::CutOff);
        }
        out.piece(PieceKind::Verifier, lines, PieceContent::Drivers(self.drivers));
        Ok(())
    }
}

/// What is counted now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Of {
    Allocations,
    Bytes,
}

/// A figure of the statistics, for one pool or both.
#[derive(Debug, Clone, Copy)]
struct Statistic {
    of: Of,
    paged: Option<u64>,
    nonpaged: Option<u64>,
}

impl Statistic {
    fn note(self, driver: &mut VerifiedDriver) {
        for (told, counted) in
            [(self.paged, &mut driver.paged), (self.nonpaged, &mut driver.nonpaged)]
        {
            let Some(told) = told else { continue };
            let counted = counted.get_or_insert_default();
            match self.of {
                Of::Allocations => counted.outstanding = told,
                Of::Bytes => counted.bytes = told,
            }
        }
    }
}

/// `MODULE: foo.sys (load: 1 / unload: 0)`, `Name: foo.sys, loads: 1, unloads: 0` or
/// `nt!_VF_TARGET_DRIVER 0xffffcb8438730e10: foo.sys (Loaded)`.
fn module(line: &str) -> Option<String> {
    let line = line.trim_start();
    if let Some(rest) = line.strip_prefix("nt!_VF_TARGET_DRIVER ") {
        let (address, rest) = rest.split_once(':')?;
        quantities::hex(address.trim())?;
        let name = rest.split('(').next()?.trim();
        return (!name.is_empty() && name.len() <= 255).then(|| name.to_owned());
    }
    let rest = ["MODULE:", "Module:", "Name:"].iter().find_map(|label| line.strip_prefix(label))?;
    let lower = rest.to_ascii_lowercase();
    if !["load:", "loads:", "(loaded", "(unloaded"].iter().any(|mark| lower.contains(mark)) {
        return None;
    }
    let name = rest.split(['(', ',']).next()?.trim();
    // Some versions tell the address of what describes it first.
    let name = match name.split_once(' ') {
        Some((address, name)) if address.starts_with("0x") => name.trim(),
        _ => name,
    };
    (!name.is_empty() && name.len() <= 255).then(|| name.to_owned())
}

/// A figure that is kept; peaks are not.
fn statistic(line: &str) -> Option<Result<[Option<Statistic>; 2], IgnoredReason>> {
    if let Some(both) = summed(line) {
        return Some(Ok(both.map(Some)));
    }
    let (label, value) = line.split_once(':')?;
    let label = label.trim();
    let of = match label {
        "Current Pool Allocations" => Of::Allocations,
        "Current Pool Bytes" => Of::Bytes,
        _ => return single(label, value),
    };
    let pair = value.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    let Some((nonpaged, paged)) = pair.and_then(|pair| pair.split_once('/')) else {
        return Some(Err(IgnoredReason::CutOff));
    };
    let (Some(nonpaged), Some(paged)) = (number(nonpaged), number(paged)) else {
        return Some(Err(IgnoredReason::NotUnderstood));
    };
    Some(Ok([Some(Statistic { of, paged: Some(paged), nonpaged: Some(nonpaged) }), None]))
}

/// `Current nonpaged pool allocations 0x7c01a for 1F006800 bytes`: the sum over all drivers. The bytes
/// are hexadecimal without saying so.
fn summed(line: &str) -> Option<[Statistic; 2]> {
    let rest = line.trim().strip_prefix("Current ")?;
    let (is_paged, rest) = match rest.strip_prefix("nonpaged ") {
        Some(rest) => (false, rest),
        None => (true, rest.strip_prefix("paged ")?),
    };
    let (count, bytes) = rest.strip_prefix("pool allocations")?.split_once(" for ")?;
    let count = quantities::hex(count.trim())?;
    let bytes = quantities::hex(bytes.trim().strip_suffix("bytes")?.trim_end())?;
    let of_pool = |of, number| Statistic {
        of,
        paged: is_paged.then_some(number),
        nonpaged: (!is_paged).then_some(number),
    };
    Some([of_pool(Of::Allocations, count), of_pool(Of::Bytes, bytes)])
}

/// A figure of one pool, as older versions print it.
fn single(label: &str, value: &str) -> Option<Result<[Option<Statistic>; 2], IgnoredReason>> {
    let (of, is_paged) = match label {
        "CurrentPagedPoolAllocations" => (Of::Allocations, true),
        "CurrentNonPagedPoolAllocations" => (Of::Allocations, false),
        "PagedPoolUsageInBytes" => (Of::Bytes, true),
        "NonPagedPoolUsageInBytes" => (Of::Bytes, false),
        _ => return None,
    };
    let Some(number) = number(value) else { return Some(Err(IgnoredReason::CutOff)) };
    let (paged, nonpaged) = if is_paged { (Some(number), None) } else { (None, Some(number)) };
    Some(Ok([Some(Statistic { of, paged, nonpaged }), None]))
}

/// Decimal, or hexadecimal with its mark.
fn number(text: &str) -> Option<u64> {
    let text = text.trim();
    if text.starts_with("0x") { quantities::hex(text) } else { quantities::count(text) }
}

/// `0xffffcb843b87aff0  0x00000004  ebpf  0xfffff803569c53e1  ebpfcore!ebpf_allocate+0x21`, with or
/// without the caller's address: driver, tag and bytes.
fn allocation(line: &str) -> Option<(String, PoolTag, u64)> {
    let (address, rest) = line.trim().split_once([' ', '\t'])?;
    quantities::hex(address).filter(|_| address.len() >= 10)?;
    let (size, rest) = rest.trim_start().split_once([' ', '\t'])?;
    let bytes = quantities::hex(size).filter(|_| size.starts_with("0x"))?;
    // The tag may hold spaces: it stands before the next address, or the symbol.
    let (before, symbol) = rest.trim_end().rsplit_once([' ', '\t'])?;
    let before = before.trim();
    let is_address = |word: &str| word.len() >= 8 && quantities::hex(word).is_some();
    let caller = before.rsplit_once([' ', '\t']).filter(|(_, caller)| is_address(caller));
    let tag = tag_text::tag(caller.map_or(before, |(tag, _)| tag.trim_end()))?;
    let module = symbol.split(['!', '+']).next()?;
    if caller.is_none() && module.len() == symbol.len() {
        return None;
    }
    let is_name = !module.is_empty()
        && module.len() <= 255
        && module.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    let name = if module.contains('.') { module.to_owned() } else { format!("{module}.sys") };
    is_name.then_some((name, tag, bytes))
}

fn is_summary(line: &str) -> bool {
    line.trim().eq_ignore_ascii_case("Summary of All Verifier Statistics")
}

fn is_title(line: &str) -> bool {
    let line = line.trim();
    ["Driver Verification List", "Verifier Flags:", "Verify Flags Level", "Verified Drivers:"]
        .iter()
        .any(|title| line.starts_with(title))
        || line.starts_with("Address") && line.contains("Tag")
}

/// Figures that belong to a driver's statistics and are not kept.
fn is_other(line: &str) -> bool {
    let line = line.trim();
    [
        "Peak",
        "Pool Allocations ",
        "RaiseIrqls",
        "AcquireSpinLocks",
        "Synch Executions",
        "Trims",
        "Pool Allocation Statistics",
        "Contiguous",
        "CurrentContiguous",
        "PagedPool",
        "NonPagedPool",
    ]
    .iter()
    .any(|start| line.starts_with(start))
        || line.starts_with("Current ")
        || line.contains("---") && line.bytes().all(|b| b == b'-' || b == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    fn drivers(text: &str) -> Vec<VerifiedDriver> {
        let reading = read("verifier.txt", text.as_bytes());
        assert_eq!(reading.ignored, [], "{text}");
        let [piece] = &reading.pieces[..] else { panic!("{:?}", reading.pieces) };
        let PieceContent::Drivers(drivers) = &piece.content else { panic!() };
        drivers.clone()
    }

    #[test]
    fn statistics_of_two_versions_are_read() {
        let expected = VerifiedDriver {
            name: "foo.sys".to_owned(),
            paged: Some(AllocationCount { outstanding: 1, bytes: 64 }),
            nonpaged: Some(AllocationCount { outstanding: 5000, bytes: 320_000 }),
            tags: vec![],
            ..VerifiedDriver::default()
        };
        let new = "Driver Verification List\n\nMODULE: foo.sys (load: 1 / unload: 0)\n\n\
                   \x20   Pool Allocation Statistics: ( NonPaged / Paged )\n\n\
                   \x20       Current Pool Allocations: ( 0x00001388 / 0x00000001 )\n\
                   \x20       Current Pool Bytes:       ( 0x0004e200 / 0x00000040 )\n\
                   \x20       Peak Pool Allocations:    ( 0x00001388 / 0x00000001 )\n";
        let old = "Name: foo.sys, loads: 1, unloads: 0\nCurrentPagedPoolAllocations: 1\n\
                   CurrentNonPagedPoolAllocations: 5000\nPeakPagedPoolAllocations: 2\n\
                   PagedPoolUsageInBytes: 64\nNonPagedPoolUsageInBytes: 320000\n";
        assert_eq!(drivers(new), std::slice::from_ref(&expected));
        let debugger = new.replace(
            "MODULE: foo.sys (load: 1 / unload: 0)",
            "------------------------\n\nnt!_VF_TARGET_DRIVER 0xffffcb8438730e10: foo.sys (Loaded)",
        );
        assert_eq!(drivers(&debugger), std::slice::from_ref(&expected));
        assert_eq!(drivers(old), [expected]);
    }

    #[test]
    fn single_allocations_are_counted_by_driver_and_tag() {
        let list = drivers(
            "Address             Size        Tag   Caller              Name\n\
             0xffffcb843b87aff0  0x00000004  ebpf  0xfffff803569c53e1  ebpfcore!ebpf_allocate+0x21\n\
             0xffffcb843b87b000  0x00000010  ebpf  0xfffff803569c53e1  ebpfcore!ebpf_allocate+0x21\n\
             0xffffcb843b87c000  0x00000020  a b   0xfffff803569c53e1  ebpfcore+0x21\n",
        );
        assert_eq!(list.len(), 1);
        assert_eq!(list[0].name, "ebpfcore.sys");
        let ebpf = list[0].tags.iter().find(|(tag, _)| *tag == PoolTag::new(*b"ebpf")).unwrap().1;
        assert_eq!(ebpf, AllocationCount { outstanding: 2, bytes: 20 });
        assert_eq!(list[0].tags.len(), 2);
    }

    #[test]
    fn a_list_may_leave_out_the_callers_address() {
        let list = drivers(
            "Module: ctxqos.sys (loaded)\n\n Current Pool Allocations: ( 0x0001A7B0 / 0x00000000 )\n\
             Address            Size              Tag    Caller\n\
             ffffb20412304560   0x00000100        CtxQ   ctxqos!CtxCloneBuffer+0x44\n",
        );
        let [driver] = &list[..] else { panic!("{list:?}") };
        assert_eq!(
            (driver.name.as_str(), driver.nonpaged.unwrap().outstanding),
            ("ctxqos.sys", 108_464)
        );
        assert_eq!(driver.tags[0].0, PoolTag::new(*b"CtxQ"));
        let summary = drivers(
            "MODULE: 0xffffb204120b1010 wlkflt.sys (Loaded)\n\
             Current Pool Allocations: ( 0x00000000 / 0x00000000 )\n",
        );
        assert_eq!(summary[0].name, "wlkflt.sys");
    }

    #[test]
    fn the_sum_over_all_drivers_is_hexadecimal() {
        let text = "Summary of All Verifier Statistics\n\n  Pool Allocations Attempted  0x8f210\n\n  \
                    Current paged pool allocations         0x0 for 00000000 bytes\n  \
                    Current nonpaged pool allocations      0x7c01a for 1F006800 bytes\n";
        let reading = read("", text.as_bytes());
        assert_eq!(reading.ignored, []);
        let PieceContent::Drivers(drivers) = &reading.pieces[0].content else { panic!() };
        let [all] = &drivers[..] else { panic!("{drivers:?}") };
        let nonpaged = AllocationCount { outstanding: 507_930, bytes: 520_120_320 };
        assert_eq!(all.nonpaged, Some(nonpaged));
        assert_eq!(all.paged, Some(AllocationCount::default()));
    }

    #[test]
    fn a_driver_without_figures_tells_nothing() {
        let reading = read("", b"MODULE: foo.sys (load: 1 / unload: 0)\n Current Pool Bytes: ( 0x");
        assert!(reading.pieces.is_empty());
    }
}
