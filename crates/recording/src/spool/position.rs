//! The file `position`: what the server acknowledged.
//!
//! ```text
//! segment u64; offset u64; boot 16 bytes (zeros: none); seq u64; dropped u64
//! ```

use std::path::{Path, PathBuf};

use poolwatch_model::BootId;
use uuid::Uuid;

use super::SpoolError;
use crate::slots::DoubleBufferedFile;

type Slots = DoubleBufferedFile<64>;
const CONTENT: usize = Slots::CONTENT;

/// A place in the spool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Position {
    /// The segment.
    pub(super) segment: u64,
    /// Bytes from its beginning; 0 stands for its first record.
    pub(super) offset: u64,
}

/// What is known to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Acknowledged {
    /// Where the first record lies that has not been acknowledged.
    pub(super) position: Position,
    /// The frame acknowledged last: its number is never used again.
    pub(super) last: Option<(BootId, u64)>,
    /// Frames and events dropped unsent.
    pub(super) dropped: u64,
}

/// The open file.
#[derive(Debug)]
pub(super) struct PositionFile {
    slots: Slots,
    path: PathBuf,
    value: Acknowledged,
}

impl PositionFile {
    /// Opens the file, or makes it with nothing acknowledged.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let (slots, content) = Slots::open(path).map_err(SpoolError::io("open", path))?;
        let value = content.and_then(|content| parse(&content)).unwrap_or_default();
        Ok(Self { slots, path: path.to_owned(), value })
    }

    /// What a file says, without opening it for writing.
    pub(super) fn read(path: &Path) -> Option<Acknowledged> {
        parse(&Slots::read(path)?)
    }

    pub(super) fn get(&self) -> Acknowledged {
        self.value
    }

    /// Remembers a new value. It holds for this process even when the disk refuses.
    pub(super) fn set(&mut self, value: Acknowledged) -> Result<(), SpoolError> {
        self.value = value;
        self.slots.write(&content(&value)).map_err(SpoolError::io("write", &self.path))
    }
}

fn content(value: &Acknowledged) -> [u8; CONTENT] {
    let (boot, seq) = value.last.unwrap_or((BootId(Uuid::nil()), 0));
    let mut content = [0; CONTENT];
    for (at, number) in
        [(0, value.position.segment), (8, value.position.offset), (32, seq), (40, value.dropped)]
    {
        content[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    content[16..32].copy_from_slice(boot.0.as_bytes());
    content
}

fn parse(content: &[u8]) -> Option<Acknowledged> {
    let number =
        |at: usize| content.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    let boot = BootId(Uuid::from_slice(content.get(16..32)?).ok()?);
    Some(Acknowledged {
        position: Position { segment: number(0)?, offset: number(8)? },
        last: (!boot.0.is_nil()).then_some((boot, number(32)?)),
        dropped: number(40)?,
    })
}
