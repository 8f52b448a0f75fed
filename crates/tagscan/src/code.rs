//! Tags in machine code: numbers whose four bytes read as a tag, and what they are passed to.
//!
//! Code is not disassembled; instructions are known by their first bytes. On x64 a tag is the second
//! argument of what frees and the third or a later one of what allocates: `BA`, `41 B8`, `41 B9` and
//! `C7 44 24 xx`. On x86 arguments are pushed: `68`.

use std::collections::BTreeMap;

use poolwatch_model::{PoolTag, driver_scan::FoundTag};

use crate::{
    TAGS_WHILE_SCANNING,
    image::{Code, Image, Section},
    imports::{Imports, Role},
};

/// Bytes after a number within which the call that takes it comes.
const UNTIL_CALL: usize = 64;
/// Calls that are looked for in one file: a driver has some thousand numbers that read as tags.
const LOOKS: usize = 200_000;
/// Tags of which nothing but a number is known, so that those leave room for others.
const NUMBERS: usize = TAGS_WHILE_SCANNING / 2;
/// Letters and digits of a tag.
const TELLING: usize = 2;
/// Prefixes of x64: 64 bits wide; a register from r8 on.
const REX_W: u8 = 0x48;
const REX_B: u8 = 0x41;
/// How an address by the stack pointer goes on.
const BY_STACK_POINTER: u8 = 0x24;
/// The bit that kernels before Windows 8 keep such memory from being freed by others with.
const PROTECTED: u8 = 0x80;

/// How a number stands in the code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where a call takes a tag.
    Argument,
    /// On the stack, where a call takes its fifth and later arguments, or in a structure there.
    Stack,
    /// Anywhere else.
    Number,
}

/// What comes after a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Import(Role),
    /// A function of the driver itself, or one that cannot be told.
    Unknown,
}

/// Finds tags in the code of an image.
pub(crate) fn find(image: &Image<'_>, imports: &Imports) -> BTreeMap<PoolTag, FoundTag> {
    let mut search = Search { image, imports, looks: 0, found: BTreeMap::new() };
    for section in image.executable() {
        search.look_through(section);
    }
    search.found
}

struct Search<'a> {
    image: &'a Image<'a>,
    imports: &'a Imports,
    looks: usize,
    found: BTreeMap<PoolTag, FoundTag>,
}

impl Search<'_> {
    fn look_through(&mut self, section: Section<'_>) {
        let code = section.bytes;
        for at in 0..code.len() {
            let number = match self.image.code {
                Code::X64 => number_x64(code, at),
                Code::X86 => number_x86(code, at),
            };
            let Some((place, tag, end)) = number else { continue };
            let next = match place {
                Place::Argument | Place::Stack => self.next_call(section, end),
                Place::Number => Next::Unknown,
            };
            self.note(tag, place, next);
        }
    }

    fn note(&mut self, tag: PoolTag, place: Place, next: Next) {
        let count = |found: &mut FoundTag| {
            let counter = match (place, next) {
                (_, Next::Import(Role::Allocates)) => &mut found.allocations,
                (_, Next::Import(Role::Frees)) => &mut found.frees,
                (Place::Argument, Next::Unknown) => &mut found.arguments,
                (_, Next::Import(Role::Other) | Next::Unknown) => &mut found.numbers,
            };
            *counter = counter.saturating_add(1);
        };
        // What is passed to a function that takes no tag is none.
        if (place, next) == (Place::Argument, Next::Import(Role::Other)) {
            return;
        }
        let most = if place == Place::Number { NUMBERS } else { TAGS_WHILE_SCANNING };
        if let Some(found) = self.found.get_mut(&tag) {
            count(found);
        } else if self.found.len() < most {
            let mut found = FoundTag::new(tag);
            count(&mut found);
            self.found.insert(tag, found);
        }
    }

    /// The next call after an offset of a section.
    fn next_call(&mut self, section: Section<'_>, from: usize) -> Next {
        self.looks += 1;
        if self.looks > LOOKS {
            return Next::Unknown;
        }
        let Section { address, bytes: code, .. } = section;
        for at in from..code.len().min(from + UNTIL_CALL) {
            match code[at..] {
                // A call or jump through a slot.
                [0xFF, 0x15 | 0x25, ..] => {
                    if let Some(slot) = self.slot(address, code, at + 2) {
                        return self.imports.at(slot).map_or(Next::Unknown, Next::Import);
                    }
                }
                [0xE8, ..] => {
                    let called = relative(address, code, at + 1);
                    if let Some(called) = called.and_then(|called| self.called(called)) {
                        return called;
                    }
                }
                _ => {}
            }
        }
        Next::Unknown
    }

    /// What is called at an address of the image: an import by way of a jump, or the driver's own.
    /// `None` where nothing is, so that it was no call.
    fn called(&self, address: u32) -> Option<Next> {
        let code = self.image.at(address)?;
        let prefix = usize::from(code.first() == Some(&REX_W));
        let imported = match code.get(prefix..prefix + 2) {
            Some([0xFF, 0x25]) => self.slot(address, code, prefix + 2),
            _ => None,
        };
        let role = imported.and_then(|slot| self.imports.at(slot));
        Some(role.map_or(Next::Unknown, Next::Import))
    }

    /// The slot that an instruction goes through, from the image's beginning: relative to the
    /// instruction's end on x64, absolute on x86.
    fn slot(&self, address: u32, code: &[u8], at: usize) -> Option<u32> {
        match self.image.code {
            Code::X64 => relative(address, code, at),
            Code::X86 => {
                let slot = u32::from_le_bytes(*code.get(at..)?.first_chunk()?);
                u32::try_from(u64::from(slot).checked_sub(self.image.base)?).ok()
            }
        }
    }
}

/// Where the four bytes at an offset lead that end an instruction of code at `address`.
fn relative(address: u32, code: &[u8], at: usize) -> Option<u32> {
    let distance = i32::from_le_bytes(*code.get(at..)?.first_chunk()?);
    let end = address.checked_add(u32::try_from(at).ok()?)?.checked_add(4)?;
    end.checked_add_signed(distance)
}

/// An instruction of x64 that begins at an offset and holds a tag: its place, the tag, and where it
/// ends.
fn number_x64(code: &[u8], at: usize) -> Option<(Place, PoolTag, usize)> {
    let before = at.checked_sub(1).map(|before| code[before]);
    match code[at] {
        // mov r32, tag
        first @ 0xB8..=0xBF => {
            let extended = before.is_some_and(|byte| byte & 0xF1 == REX_B);
            let place = match (first & 7, extended) {
                // edx; r8d and r9d
                (2, false) | (0 | 1, true) => Place::Argument,
                _ => Place::Number,
            };
            let tag = tag_at(code, at + 1)?;
            // The first half of a text of eight bytes.
            let is_text =
                before.is_some_and(|byte| byte & 0xF8 == REX_W) && tag_at(code, at + 5).is_some();
            (!is_text).then_some((place, tag, at + 5))
        }
        0x68 => Some((Place::Number, tag_at(code, at + 1)?, at + 5)),
        0xC7 => moved(code, at),
        _ => None,
    }
}

/// The same of x86.
fn number_x86(code: &[u8], at: usize) -> Option<(Place, PoolTag, usize)> {
    match code[at] {
        // push tag
        0x68 => Some((Place::Argument, tag_at(code, at + 1)?, at + 5)),
        0xB8..=0xBF => Some((Place::Number, tag_at(code, at + 1)?, at + 5)),
        0xC7 => moved(code, at),
        _ => None,
    }
}

/// `mov [memory], tag`, by the lengths of x86's addresses.
fn moved(code: &[u8], at: usize) -> Option<(Place, PoolTag, usize)> {
    let address = *code.get(at + 1)?;
    let (mode, register) = (address >> 6, address & 7);
    if address & 0x38 != 0 || mode == 3 {
        return None;
    }
    let has_index = register == 4;
    let displacement = match mode {
        0 if register == 5 => 4,
        0 if has_index && code.get(at + 2)? & 7 == 5 => 4,
        0 => 0,
        1 => 1,
        _ => 4,
    };
    let number = at + 2 + usize::from(has_index) + displacement;
    let is_stack = has_index && code.get(at + 2) == Some(&BY_STACK_POINTER);
    let place = if is_stack { Place::Stack } else { Place::Number };
    Some((place, tag_at(code, number)?, number + 4))
}

/// The four bytes at an offset, when they read as a tag.
fn tag_at(code: &[u8], at: usize) -> Option<PoolTag> {
    let [a, b, c, d] = *code.get(at..)?.first_chunk()?;
    let bytes = [a, b, c, d & !PROTECTED];
    let printable = bytes.iter().all(|byte| (b' '..=b'~').contains(byte));
    let telling = bytes.iter().filter(|byte| byte.is_ascii_alphanumeric()).count() >= TELLING;
    let letter = bytes.iter().any(u8::is_ascii_alphabetic);
    (printable && telling && letter && a != b' ').then(|| PoolTag::new(bytes))
}
