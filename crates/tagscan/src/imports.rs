//! Which functions a driver imports, as far as they allocate pool or free it.

use crate::image::{Code, Image};

/// Libraries of one file, and functions of all of them, that are looked at.
const LIBRARIES: u32 = 256;
const FUNCTIONS: usize = 8192;
/// Bytes of a name that matter.
const NAME: usize = 64;
/// Bytes of an entry of the list of libraries, and where in it what is looked at stands.
const ENTRY: u32 = 20;
const NAMES_AT: u32 = 0;
const LIBRARY_NAME_AT: u32 = 12;
const SLOTS_AT: u32 = 16;
/// Bytes of the number before a function's name.
const HINT: u32 = 2;

/// Functions that allocate pool by a tag, by how their names begin. Documented in `wdm.h`, `ndis.h`
/// and `fltkernel.h`.
const ALLOCATES: [&[u8]; 7] = [
    b"ExAllocatePool",
    b"ExInitializeNPagedLookasideList",
    b"ExInitializePagedLookasideList",
    b"ExInitializeLookasideListEx",
    b"FltAllocatePoolAligned",
    b"MmAllocateMappingAddress",
    b"NdisAllocateMemoryWithTag",
];
const FREES: [&[u8]; 5] = [
    b"ExFreePoolWithTag",
    b"ExFreePool2",
    b"FltFreePoolAligned",
    b"MmFreeMappingAddress",
    b"NdisFreeMemoryWithTag",
];
/// The library of KMDF, in small letters.
const FRAMEWORK: &[u8] = b"wdfldr.sys";

/// What an imported function does with a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Allocates,
    Frees,
    Other,
}

/// The functions that a file imports.
#[derive(Debug, Default)]
pub(crate) struct Imports {
    /// The slot through which each is called, from the image's beginning; sorted.
    slots: Vec<(u32, Role)>,
    /// Whether KMDF is among them.
    pub(crate) uses_framework: bool,
}

impl Imports {
    /// Reads the imports, as far as they make sense.
    pub(crate) fn read(image: &Image<'_>) -> Self {
        let mut imports = Self::default();
        let Some(directory) = image.import_directory() else { return imports };
        for number in 0..LIBRARIES {
            let Some(entry) = directory.checked_add(number * ENTRY) else { break };
            if imports.read_library(image, entry).is_none() {
                break;
            }
        }
        imports.slots.sort_unstable_by_key(|(slot, _)| *slot);
        imports
    }

    /// `None` after the last library.
    fn read_library(&mut self, image: &Image<'_>, entry: u32) -> Option<()> {
        let field = |at: u32| image.u32_at(entry.checked_add(at)?);
        let slots = field(SLOTS_AT).filter(|slots| *slots != 0)?;
        let names = field(NAMES_AT).filter(|names| *names != 0).unwrap_or(slots);
        let library = field(LIBRARY_NAME_AT).and_then(|name| image.text_at(name, NAME));
        self.uses_framework |= library.is_some_and(|name| name.eq_ignore_ascii_case(FRAMEWORK));
        let size = match image.code {
            Code::X64 => 8,
            Code::X86 => 4,
        };
        let mut at = 0;
        while self.slots.len() < FUNCTIONS {
            let Some(name) = names.checked_add(at).and_then(|name| image.u32_at(name)) else {
                break;
            };
            if name == 0 {
                break;
            }
            // A function that is imported by number has its name's place beyond any section.
            let name = name.checked_add(HINT).and_then(|name| image.text_at(name, NAME));
            let slot = slots.checked_add(at)?;
            self.slots.push((slot, name.map_or(Role::Other, role)));
            at += size;
        }
        Some(())
    }

    /// What the function does whose slot is at an address, from the image's beginning.
    pub(crate) fn at(&self, slot: u32) -> Option<Role> {
        let at = self.slots.binary_search_by_key(&slot, |(slot, _)| *slot).ok()?;
        Some(self.slots[at].1)
    }
}

fn role(name: &[u8]) -> Role {
    let begins = |starts: &[&[u8]]| starts.iter().any(|start| name.starts_with(start));
    if begins(&ALLOCATES) {
        Role::Allocates
    } else if begins(&FREES) {
        Role::Frees
    } else {
        Role::Other
    }
}
