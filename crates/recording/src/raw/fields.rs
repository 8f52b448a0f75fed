//! Little-endian fields of a buffer.

use poolwatch_protocol::limits;

use super::{RawBuffer, RawError, layout::Width};

/// A buffer, with a name for its errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) what: &'static str,
    pub(super) width: Width,
    base: u64,
}

impl<'a> Fields<'a> {
    pub(super) const fn new(buffer: RawBuffer<'a>, what: &'static str) -> Self {
        let RawBuffer { bytes, base, width } = buffer;
        Self { bytes, what, width, base }
    }

    /// Bytes that hold no pointer and nothing as wide as one.
    pub(super) const fn without_pointers(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what, width: Width::Bits64, base: 0 }
    }

    pub(super) const fn len(self) -> usize {
        self.bytes.len()
    }

    pub(super) fn slice(self, at: usize, length: usize) -> Result<&'a [u8], RawError> {
        let needed = at.saturating_add(length);
        self.bytes.get(at..needed).ok_or(RawError::Truncated {
            what: self.what,
            needed,
            length: self.len(),
        })
    }

    /// The same buffer from `at` to its end.
    pub(super) fn from(self, at: usize) -> Result<Self, RawError> {
        let rest = self.len().saturating_sub(at);
        Ok(Self { bytes: self.slice(at, rest)?, ..self })
    }

    fn array<const N: usize>(self, at: usize) -> Result<[u8; N], RawError> {
        let mut array = [0; N];
        array.copy_from_slice(self.slice(at, N)?);
        Ok(array)
    }

    pub(super) fn bytes4(self, at: usize) -> Result<[u8; 4], RawError> {
        self.array(at)
    }

    pub(super) fn u8(self, at: usize) -> Result<u8, RawError> {
        self.array::<1>(at).map(u8::from_le_bytes)
    }

    pub(super) fn u16(self, at: usize) -> Result<u16, RawError> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(self, at: usize) -> Result<u32, RawError> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn u64(self, at: usize) -> Result<u64, RawError> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// A number as wide as a pointer.
    pub(super) fn size(self, at: usize) -> Result<u64, RawError> {
        match self.width {
            Width::Bits32 => self.u32(at).map(u64::from),
            Width::Bits64 => self.u64(at),
        }
    }

    /// A process id, which is kept as wide as a pointer.
    pub(super) fn process_id(self, at: usize) -> Result<u32, RawError> {
        let value = self.size(at)?;
        u32::try_from(value).map_err(|_| RawError::Absurd { what: "process id", value })
    }

    /// `count` entries of `size` bytes from `at` on, after a check that they are all there.
    pub(super) fn entries(
        self,
        at: usize,
        count: u64,
        size: usize,
        limit: usize,
    ) -> Result<impl Iterator<Item = Self> + use<'a>, RawError> {
        let what = self.what;
        let entries = usize::try_from(count)
            .ok()
            .filter(|count| *count <= limit)
            .ok_or(RawError::TooMany { what, count, limit })?;
        let bytes = self.slice(at, entries.saturating_mul(size))?;
        Ok(bytes.chunks_exact(size).map(move |bytes| Fields { bytes, ..self }))
    }

    /// The text of a UNICODE_STRING (length u16, maximum u16, then an absolute pointer) at `at`; empty
    /// for a null pointer.
    pub(super) fn unicode_string(self, at: usize) -> Result<String, RawError> {
        let length = usize::from(self.u16(at)?);
        let pointer = self.size(at + self.width.bytes())?;
        if pointer == 0 || length == 0 {
            return Ok(String::new());
        }
        let outside = RawError::Outside { what: self.what };
        let start = pointer.checked_sub(self.base).and_then(|start| usize::try_from(start).ok());
        let end = start.and_then(|start| start.checked_add(length));
        let text =
            start.zip(end).and_then(|(start, end)| self.bytes.get(start..end)).ok_or(outside)?;
        // No more than is kept, or many entries could point at one long text.
        Ok(decoded(units(text).take(limits::NAME_BYTES)))
    }

    /// The text that ends with a 0, at an absolute address; empty for a null pointer.
    pub(super) fn wide_text(self, pointer: u64) -> Result<String, RawError> {
        if pointer == 0 {
            return Ok(String::new());
        }
        let outside = RawError::Outside { what: self.what };
        let start = pointer.checked_sub(self.base).and_then(|start| usize::try_from(start).ok());
        let rest = start.and_then(|start| self.bytes.get(start..)).ok_or(outside)?;
        let length = units(rest)
            .take(limits::NAME_BYTES)
            .position(|unit| unit == 0)
            .or_else(|| (rest.len() / 2 >= limits::NAME_BYTES).then_some(limits::NAME_BYTES))
            .ok_or(outside)?;
        Ok(decoded(units(rest).take(length)))
    }
}

fn units(text: &[u8]) -> impl Iterator<Item = u16> + '_ {
    text.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
}

fn decoded(units: impl Iterator<Item = u16>) -> String {
    let text = char::decode_utf16(units).map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER));
    shortened(text.collect())
}

/// The text, no longer than the protocol lets a name be.
fn shortened(mut text: String) -> String {
    if text.len() > limits::NAME_BYTES {
        let end = (0..=limits::NAME_BYTES).rev().find(|at| text.is_char_boundary(*at));
        text.truncate(end.unwrap_or(0));
    }
    text
}
