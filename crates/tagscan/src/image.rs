//! The parts of a PE file that a scan looks at.

use object::{
    LittleEndian as LE,
    pe::{
        IMAGE_DIRECTORY_ENTRY_DEBUG, IMAGE_DIRECTORY_ENTRY_IMPORT, IMAGE_DIRECTORY_ENTRY_RESOURCE,
        IMAGE_DIRECTORY_ENTRY_SECURITY, IMAGE_FILE_MACHINE_AMD64, IMAGE_FILE_MACHINE_I386,
        IMAGE_SCN_MEM_EXECUTE, ImageDosHeader, ImageNtHeaders32, ImageNtHeaders64,
    },
    read::pe::{ImageNtHeaders, ImageOptionalHeader, optional_header_magic},
};

/// Sections beyond which Windows loads no image.
const SECTIONS: usize = 96;

/// Why a file was not scanned.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScanError {
    /// No PE file, or one whose head is torn.
    #[error("not a PE file")]
    NotPe,
    /// Neither x64 nor x86.
    #[error("for another processor than x64 and x86")]
    Processor,
}

/// What the code is written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Code {
    X64,
    X86,
}

/// A section, as far as the file holds it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Section<'a> {
    /// Where it is when loaded, from the image's beginning.
    pub(crate) address: u32,
    pub(crate) bytes: &'a [u8],
    is_executable: bool,
}

/// A PE file.
#[derive(Debug)]
pub(crate) struct Image<'a> {
    pub(crate) code: Code,
    /// The address that the image prefers to be loaded at.
    pub(crate) base: u64,
    file_bytes: usize,
    sections: Vec<Section<'a>>,
    /// When it was linked, as seconds since 1970; 0 when it does not say.
    pub(crate) linked: u32,
    /// Address and size of each, where the image has it.
    imports: Option<(u32, u32)>,
    resources: Option<(u32, u32)>,
    debugging: Option<(u32, u32)>,
    /// The same of its signatures, whose address is an offset in the file.
    signatures: Option<(u32, u32)>,
}

impl<'a> Image<'a> {
    pub(crate) fn parse(file: &'a [u8]) -> Result<Self, ScanError> {
        match optional_header_magic(file).map_err(|_| ScanError::NotPe)? {
            object::pe::IMAGE_NT_OPTIONAL_HDR64_MAGIC => Self::read::<ImageNtHeaders64>(file),
            object::pe::IMAGE_NT_OPTIONAL_HDR32_MAGIC => Self::read::<ImageNtHeaders32>(file),
            _ => Err(ScanError::NotPe),
        }
    }

    fn read<H: ImageNtHeaders>(file: &'a [u8]) -> Result<Self, ScanError> {
        let not_pe = |_| ScanError::NotPe;
        let dos = ImageDosHeader::parse(file).map_err(not_pe)?;
        let mut offset = u64::from(dos.nt_headers_offset());
        let (head, directories) = H::parse(file, &mut offset).map_err(not_pe)?;
        let code = match head.file_header().machine.get(LE) {
            IMAGE_FILE_MACHINE_AMD64 => Code::X64,
            IMAGE_FILE_MACHINE_I386 => Code::X86,
            _ => return Err(ScanError::Processor),
        };
        let table = head.sections(file, offset).map_err(not_pe)?;
        if table.len() > SECTIONS {
            return Err(ScanError::NotPe);
        }
        let sections = table.iter().map(|section| {
            let start = section.pointer_to_raw_data.get(LE) as usize;
            let stored = section.size_of_raw_data.get(LE) as usize;
            let loaded = section.virtual_size.get(LE) as usize;
            let length = if loaded == 0 { stored } else { stored.min(loaded) };
            let end = start.saturating_add(length).min(file.len());
            Section {
                address: section.virtual_address.get(LE),
                bytes: file.get(start..end).unwrap_or_default(),
                is_executable: section.characteristics.get(LE).0 & IMAGE_SCN_MEM_EXECUTE.0 != 0,
            }
        });
        let sections = sections.collect();
        let directory = |number: usize| {
            let directory = directories.get(number)?;
            let address = directory.virtual_address.get(LE);
            (address != 0).then(|| (address, directory.size.get(LE)))
        };
        Ok(Self {
            code,
            base: head.optional_header().image_base(),
            file_bytes: file.len(),
            sections,
            linked: head.file_header().time_date_stamp.get(LE),
            imports: directory(IMAGE_DIRECTORY_ENTRY_IMPORT),
            resources: directory(IMAGE_DIRECTORY_ENTRY_RESOURCE),
            debugging: directory(IMAGE_DIRECTORY_ENTRY_DEBUG),
            signatures: directory(IMAGE_DIRECTORY_ENTRY_SECURITY),
        })
    }

    /// Where the list of imports begins, from the image's beginning.
    pub(crate) fn import_directory(&self) -> Option<u32> {
        self.imports.map(|(address, _)| address)
    }

    /// Where the tree of resources begins, from the image's beginning.
    pub(crate) fn resource_directory(&self) -> Option<u32> {
        self.resources.map(|(address, _)| address)
    }

    /// Where the list of what is there for debuggers begins, and its bytes.
    pub(crate) const fn debug_directory(&self) -> Option<(u32, u32)> {
        self.debugging
    }

    /// Where the signatures begin, in the file, and their bytes.
    pub(crate) const fn signature_directory(&self) -> Option<(u32, u32)> {
        self.signatures
    }

    /// Sections with code, no more bytes of them in all than the file has: sections may overlap in
    /// one that lies.
    pub(crate) fn executable(&self) -> impl Iterator<Item = Section<'a>> + '_ {
        let mut left = self.file_bytes;
        let executable = self.sections.iter().filter(|section| section.is_executable);
        executable.map(move |section| {
            let taken = section.bytes.len().min(left);
            left -= taken;
            Section { bytes: &section.bytes[..taken], ..*section }
        })
    }

    /// What is loaded at an address, from the image's beginning, up to its section's end.
    pub(crate) fn at(&self, address: u32) -> Option<&'a [u8]> {
        self.sections.iter().find_map(|section| {
            let offset = address.checked_sub(section.address)? as usize;
            section.bytes.get(offset..).filter(|bytes| !bytes.is_empty())
        })
    }

    /// The number of 32 bits at an address.
    pub(crate) fn u32_at(&self, address: u32) -> Option<u32> {
        let bytes = self.at(address)?.first_chunk()?;
        Some(u32::from_le_bytes(*bytes))
    }

    /// The number of 16 bits at an address.
    pub(crate) fn u16_at(&self, address: u32) -> Option<u16> {
        let bytes = self.at(address)?.first_chunk()?;
        Some(u16::from_le_bytes(*bytes))
    }

    /// The text at an address that ends with a 0, of at most `most` bytes.
    pub(crate) fn text_at(&self, address: u32, most: usize) -> Option<&'a [u8]> {
        let bytes = self.at(address)?;
        let bytes = &bytes[..bytes.len().min(most + 1)];
        let end = bytes.iter().position(|byte| *byte == 0)?;
        Some(&bytes[..end])
    }
}
