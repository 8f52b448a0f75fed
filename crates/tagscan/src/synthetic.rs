//! Driver files with code of one's choice, for tests and the evaluation.

/// Where the imports and the code are, in the file and from the image's beginning.
const IMPORTS_AT: usize = 0x400;
const IMPORTS_ADDRESS: u32 = 0x1000;
const CODE_ADDRESS: u32 = 0x40000;
const BASE: u64 = 0x10000;
const ALIGNMENT: usize = 0x200;
const KERNEL: &str = "ntoskrnl.exe";
const FRAMEWORK: &str = "WDFLDR.SYS";

/// A driver file that is being made.
#[derive(Debug, Clone)]
pub struct DriverFile {
    is_x64: bool,
    functions: Vec<&'static str>,
    uses_framework: bool,
    code: Vec<u8>,
    signature: Option<Vec<u8>>,
}

impl DriverFile {
    /// A driver of x64 or x86 that imports these functions of the kernel.
    #[must_use]
    pub fn new(is_x64: bool, functions: &[&'static str]) -> Self {
        let functions = functions.to_vec();
        Self { is_x64, functions, uses_framework: false, code: Vec::new(), signature: None }
    }

    /// Whether it is of x64.
    #[must_use]
    pub const fn is_x64(&self) -> bool {
        self.is_x64
    }

    /// Lets it be built on KMDF.
    pub fn use_framework(&mut self) {
        self.uses_framework = true;
    }

    /// Signs it in the name of a company, by a certificate of an authority: what names the signer is
    /// there, and no signature.
    pub fn sign(&mut self, company: &str) {
        self.signature = Some(signed_data(company));
    }

    /// Adds code.
    pub fn add(&mut self, code: &[u8]) -> &mut Self {
        self.code.extend_from_slice(code);
        self
    }

    /// Adds a call of an imported function through its slot.
    ///
    /// # Panics
    /// When the function is not among the imports.
    pub fn call(&mut self, function: &str) -> &mut Self {
        self.through_slot([0xFF, 0x15], function)
    }

    /// Adds a call of a jump to an imported function, as compilers make it of a function that is not
    /// declared as imported.
    ///
    /// # Panics
    /// When the function is not among the imports.
    pub fn call_by_jump(&mut self, function: &str) -> &mut Self {
        // Over the jump, which stands behind the call.
        self.add(&[0xE8, 2, 0, 0, 0, 0xEB, 6]).through_slot([0xFF, 0x25], function)
    }

    /// Adds a call of a function of its own.
    pub fn call_own(&mut self) -> &mut Self {
        self.add(&[0xE8, 2, 0, 0, 0, 0xEB, 1, 0xC3])
    }

    fn through_slot(&mut self, opcode: [u8; 2], function: &str) -> &mut Self {
        let at = self.functions.iter().position(|known| *known == function);
        let slot = IMPORTS_ADDRESS + (at.expect("an imported function") * self.slot_bytes()) as u32;
        let end = CODE_ADDRESS + self.code.len() as u32 + 6;
        let operand = match self.is_x64 {
            true => slot.wrapping_sub(end),
            false => slot + BASE as u32,
        };
        self.add(&opcode).add(&operand.to_le_bytes())
    }

    const fn slot_bytes(&self) -> usize {
        if self.is_x64 { 8 } else { 4 }
    }

    /// The file.
    #[must_use]
    pub fn build(&self) -> Vec<u8> {
        let imports = self.imports();
        let mut file = self.head(imports.len());
        file.resize(IMPORTS_AT, 0);
        file.extend(imports);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        file.extend(&self.code);
        file.resize(file.len().next_multiple_of(ALIGNMENT), 0);
        if let Some(signature) = &self.signature {
            let (offset, length) = (file.len() as u32, signature.len() as u32 + 8);
            let directory = 0x58 + self.directories_at() + 4 * 8;
            put(&mut file, directory, &offset.to_le_bytes());
            put(&mut file, directory + 4, &length.next_multiple_of(8).to_le_bytes());
            file.extend(length.to_le_bytes());
            file.extend([0, 2, 2, 0]);
            file.extend(signature);
            file.resize(file.len().next_multiple_of(8), 0);
        }
        file
    }

    const fn directories_at(&self) -> usize {
        if self.is_x64 { 112 } else { 96 }
    }

    /// The kernel's slots, the framework's slot, then the list of libraries and names.
    fn imports(&self) -> Vec<u8> {
        let size = self.slot_bytes();
        let libraries: Vec<(&str, Vec<&str>)> =
            [(KERNEL, self.functions.clone()), (FRAMEWORK, vec!["WdfVersionBind"])]
                .into_iter()
                .take(1 + usize::from(self.uses_framework))
                .collect();
        let slots: usize = libraries.iter().map(|(_, names)| (names.len() + 1) * size).sum();
        let mut bytes = vec![0; slots + (libraries.len() + 1) * 20];
        let mut slot = 0;
        for (number, (library, names)) in libraries.iter().enumerate() {
            let entry = slots + number * 20;
            let name_at = IMPORTS_ADDRESS + bytes.len() as u32;
            bytes.extend(library.bytes().chain([0]));
            put(&mut bytes, entry + 12, &name_at.to_le_bytes());
            put(&mut bytes, entry + 16, &(IMPORTS_ADDRESS + slot as u32).to_le_bytes());
            for name in names {
                let name_at = IMPORTS_ADDRESS + bytes.len() as u32;
                put(&mut bytes, slot, &name_at.to_le_bytes());
                bytes.extend([0, 0].into_iter().chain(name.bytes()).chain([0]));
                slot += size;
            }
            slot += size;
        }
        bytes
    }

    fn head(&self, import_bytes: usize) -> Vec<u8> {
        let directories_at = self.directories_at();
        let optional = directories_at + 16 * 8;
        let mut head = vec![0; 0x40 + 24 + optional];
        head[..2].copy_from_slice(b"MZ");
        head[0x3C] = 0x40;
        let machine: u16 = if self.is_x64 { 0x8664 } else { 0x14C };
        put(&mut head, 0x40, b"PE\0\0");
        put(&mut head, 0x44, &machine.to_le_bytes());
        put(&mut head, 0x46, &2_u16.to_le_bytes());
        put(&mut head, 0x54, &(optional as u16).to_le_bytes());
        let at = 0x58;
        let magic: u16 = if self.is_x64 { 0x20B } else { 0x10B };
        put(&mut head, at, &magic.to_le_bytes());
        match self.is_x64 {
            true => put(&mut head, at + 24, &BASE.to_le_bytes()),
            false => put(&mut head, at + 28, &(BASE as u32).to_le_bytes()),
        }
        put(&mut head, at + directories_at - 4, &16_u32.to_le_bytes());
        let slots = self.functions.len() + 1 + 2 * usize::from(self.uses_framework);
        let directory = IMPORTS_ADDRESS + (slots * self.slot_bytes()) as u32;
        put(&mut head, at + directories_at + 8, &directory.to_le_bytes());
        let code_at = (IMPORTS_AT + import_bytes).next_multiple_of(ALIGNMENT);
        let sections = [
            (*b".rdata\0\0", IMPORTS_ADDRESS, import_bytes, IMPORTS_AT, 0x4000_0040_u32),
            (*b".text\0\0\0", CODE_ADDRESS, self.code.len(), code_at, 0x6000_0020),
        ];
        for (name, address, bytes, file_at, kind) in sections {
            head.extend(name);
            head.extend((bytes as u32).to_le_bytes());
            head.extend(address.to_le_bytes());
            head.extend((bytes.next_multiple_of(ALIGNMENT) as u32).to_le_bytes());
            head.extend((file_at as u32).to_le_bytes());
            head.extend([0; 12]);
            head.extend(kind.to_le_bytes());
        }
        head
    }
}

/// Signed data with two certificates: that of an authority, and one that it issued to a company.
fn signed_data(company: &str) -> Vec<u8> {
    const SEQUENCE: u8 = 0x30;
    const SET: u8 = 0x31;
    const FIRST: u8 = 0xA0;
    const NUMBER: u8 = 2;
    const TEXT: u8 = 0x0C;
    const NAME: u8 = 6;
    let attribute = |kind: u8, text: &str| {
        let name = value(NAME, &[&[0x55, 4, kind]]);
        value(SET, &[&value(SEQUENCE, &[&name, &value(TEXT, &[text.as_bytes()])])])
    };
    let named = |text: &str| value(SEQUENCE, &[&attribute(6, "XX"), &attribute(3, text)]);
    let (authority, subject) = (named("Code Signing Authority"), named(company));
    let nothing = value(SEQUENCE, &[]);
    let certificate = |number: u8, issuer: &[u8], subject: &[u8]| {
        let version = value(FIRST, &[&value(NUMBER, &[&[2]])]);
        let number = value(NUMBER, &[&[number]]);
        let content = value(SEQUENCE, &[&version, &number, &nothing, issuer, &nothing, subject]);
        value(SEQUENCE, &[&content, &nothing])
    };
    let own = certificate(7, &authority, &subject);
    let certificates = value(FIRST, &[&certificate(1, &authority, &authority), &own]);
    let named_by = value(SEQUENCE, &[&authority, &value(NUMBER, &[&[7]])]);
    let signer = value(SEQUENCE, &[&value(NUMBER, &[&[1]]), &named_by, &nothing]);
    let (version, digests) = (value(NUMBER, &[&[1]]), value(SET, &[]));
    let signed =
        value(SEQUENCE, &[&version, &digests, &nothing, &certificates, &value(SET, &[&signer])]);
    let kind = value(NAME, &[&[0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 1, 7, 2]]);
    value(SEQUENCE, &[&kind, &value(FIRST, &[&signed])])
}

/// A value of DER, of less than 64 kB.
fn value(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let content = parts.concat();
    let mut bytes = vec![tag];
    match content.len() {
        length @ ..0x80 => bytes.push(length as u8),
        length @ ..0x100 => bytes.extend([0x81, length as u8]),
        length => bytes.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    bytes.extend(content);
    bytes
}

fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}
