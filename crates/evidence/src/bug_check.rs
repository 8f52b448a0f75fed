//! Bug checks with which Driver Verifier, or the kernel, stops Windows for what a driver left behind:
//! C4 with 62 (allocations, at its unload) and CB (locked pages, at the end of a process). As
//! `!analyze -v` prints them, as the dump's head (`BugCheck C4, {62, …}`), or as event 1001.

use crate::content::{IgnoredReason, PieceContent, PieceKind};
use crate::quantities;
use crate::reading_builder::ReadingBuilder;
use crate::section::{Finished, Section, Verdict};
use crate::statements::VerifiedDriver;
use crate::text::Line;

const VERIFIER: u64 = 0xC4;
/// Of the verifier's: pool allocations that were not freed before the unload.
const LEFT_ALLOCATIONS: u64 = 0x62;
const LEFT_PAGES: u64 = 0xCB;

pub(crate) fn start_section(line: &str) -> Option<Box<dyn Section>> {
    code(line)?;
    Some(Box::new(BugCheck::default()))
}

#[derive(Default)]
struct BugCheck {
    code: Option<u64>,
    /// The parameters, as far as they are told.
    parameters: [Option<u64>; 4],
    driver: Option<String>,
}

impl Section for BugCheck {
    fn read_line(&mut self, line: Line<'_>, _out: &mut ReadingBuilder) -> Verdict {
        if let Some(code) = code(line.text) {
            if self.code.is_some_and(|known| known != code) {
                return Verdict::Foreign;
            }
            self.code = Some(code);
            if let Some(told) = parameters(line.text) {
                self.parameters = told.map(Some);
            }
            return Verdict::Used;
        }
        if let Some((at, value)) = parameter(line.text) {
            self.parameters[at] = self.parameters[at].or(Some(value));
            return Verdict::Used;
        }
        if let Some(name) = driver(line.text) {
            self.driver = self.driver.take().or(Some(name));
            return Verdict::Used;
        }
        Verdict::Foreign
    }

    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished {
        let Self { code, parameters: [first, _, _, last], driver } = *self;
        let mut driver =
            VerifiedDriver { name: driver.unwrap_or_default(), ..VerifiedDriver::default() };
        match code {
            Some(VERIFIER) if first == Some(LEFT_ALLOCATIONS) => {
                driver.left_at_unload = Some(last.unwrap_or(1));
            }
            Some(LEFT_PAGES) => driver.left_locked_pages = Some(last.unwrap_or(1)),
            _ => return Err(IgnoredReason::NotUnderstood),
        }
        out.piece(PieceKind::Verifier, lines, PieceContent::Drivers(vec![driver]));
        Ok(())
    }
}

/// Which of these bug checks a line names.
fn code(line: &str) -> Option<u64> {
    const LONGEST: usize = 400;
    if line.len() > LONGEST {
        return None;
    }
    let lower = line.to_ascii_lowercase();
    let is = |marks: &[&str]| marks.iter().any(|mark| lower.contains(mark));
    if is(&[
        "driver_verifier_detected_violation",
        "0x000000c4",
        "bugcheck c4,",
        "0xc4_62",
        "bug check 0xc4",
    ]) {
        return Some(VERIFIER);
    }
    is(&["driver_left_locked_pages_in_process", "0x000000cb", "bugcheck cb,", "bug check 0xcb"])
        .then_some(LEFT_PAGES)
}

/// The four parameters in brackets behind the code.
fn parameters(line: &str) -> Option<[u64; 4]> {
    let inside = line.rsplit(['(', '{']).next()?.split([')', '}']).next()?;
    let mut told = inside.split(',').map(|one| quantities::hex(one.trim()));
    let all = [told.next()??, told.next()??, told.next()??, told.next()??];
    told.next().is_none().then_some(all)
}

/// `Arg4: 0000000000000003, total # of …` or `BUGCHECK_P4: 3`: its place and value.
fn parameter(line: &str) -> Option<(usize, u64)> {
    let line = line.trim();
    let rest = ["Arg", "BUGCHECK_P"].iter().find_map(|label| line.strip_prefix(label))?;
    let (number, value) = rest.split_once(':')?;
    let at: usize = number.trim().parse().ok().filter(|at| (1..=4).contains(at))?;
    let value = value.trim().split([',', ' ']).next()?;
    Some((at - 1, quantities::hex(value)?))
}

/// The driver that the debugger blames.
fn driver(line: &str) -> Option<String> {
    let line = line.trim();
    let value = ["IMAGE_NAME:", "Probably caused by :", "Probably caused by:", "MODULE_NAME:"]
        .iter()
        .find_map(|label| line.strip_prefix(label))?;
    let name = value.split_ascii_whitespace().next()?;
    let is_kernel = ["nt", "ntkrnlmp.exe", "ntoskrnl.exe", "ntkrnlpa.exe", "hal.dll", "unknown"];
    let fits = name.len() <= 255
        && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c))
        && !is_kernel.iter().any(|one| name.eq_ignore_ascii_case(one));
    fits.then(|| if name.contains('.') { name.to_owned() } else { format!("{name}.sys") })
}

#[cfg(test)]
mod tests {
    use crate::statements::VerifiedDriver;
    use crate::{PieceContent, read};

    fn told(text: &str) -> Option<VerifiedDriver> {
        let mut pieces = read("", text.as_bytes()).pieces;
        pieces.retain(|piece| matches!(piece.content, PieceContent::Drivers(_)));
        let PieceContent::Drivers(mut drivers) = pieces.pop()?.content else { panic!() };
        drivers.pop()
    }

    #[test]
    fn what_a_driver_left_behind_is_read_in_every_form() {
        for text in [
            "DRIVER_VERIFIER_DETECTED_VIOLATION (c4)\nA device driver attempting to corrupt the system.\n\
             Arguments:\nArg1: 0000000000000062, A driver has forgotten to free its pool allocations.\n\
             Arg2: ffffd407b3ac53a0, name of the driver having the issue.\nArg3: ffffd407b3ccbee0\n\
             Arg4: 0000000000000003, total # of allocations that weren't freed.\n\n\
             Debugging Details:\n------------------\n\nBUGCHECK_P1: 62\n\nIMAGE_NAME:  qdrv.sys\n",
            "BugCheck C4, {62, ffffd407b3ac53a0, ffffd407b3ccbee0, 3}\n\n\
             Probably caused by : qdrv.sys ( qdrv+0 )\n",
            "The bugcheck was: 0x000000c4 (0x0000000000000062, 0xffffd407b3ac53a0, 0x1, 0x3).\n\
             MODULE_NAME: qdrv\n",
        ] {
            let driver = told(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(
                (driver.name.as_str(), driver.left_at_unload),
                ("qdrv.sys", Some(3)),
                "{text}"
            );
        }
        let pages = told("BugCheck CB, {0, 0, 0, 1f}\nIMAGE_NAME: nt\n").unwrap();
        assert_eq!((pages.name.as_str(), pages.left_locked_pages), ("", Some(0x1F)));
        assert_eq!(told("BugCheck C4, {91, 0, 0, 0}\n"), None, "another violation");
    }
}
