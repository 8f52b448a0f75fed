//! The file `position`: what the server acknowledged.
//!
//! Two slots of 64 bytes, written in turn, so that a torn write leaves the other one:
//! ```text
//! generation u64; segment u64; offset u64; boot 16 bytes (zeros: none); seq u64; dropped u64;
//! crc32 u32 of these 56 bytes; 4 bytes of zeros
//! ```
//! The slot with the higher generation holds. The file stays open and keeps its size, so that
//! writing it needs no new handle.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use poolwatch_model::BootId;
use uuid::Uuid;

use super::SpoolError;

const SLOT: usize = 64;
const CONTENT: usize = 56;

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
    /// Where the first frame lies that has not been acknowledged.
    pub(super) position: Position,
    /// The frame acknowledged last: its number is never used again.
    pub(super) last: Option<(BootId, u64)>,
    /// Frames dropped unsent.
    pub(super) dropped: u64,
}

/// The open file.
#[derive(Debug)]
pub(super) struct PositionFile {
    file: File,
    path: PathBuf,
    generation: u64,
    value: Acknowledged,
}

impl PositionFile {
    /// Opens the file, or makes it with nothing acknowledged.
    pub(super) fn open(path: &Path) -> Result<Self, SpoolError> {
        let mut file = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .open(path)
            .map_err(SpoolError::io("open", path))?;
        let mut bytes = Vec::new();
        (&mut file)
            .take(2 * SLOT as u64)
            .read_to_end(&mut bytes)
            .map_err(SpoolError::io("read", path))?;
        let (generation, value) = newest(&bytes).unwrap_or_default();
        Ok(Self { file, path: path.to_owned(), generation, value })
    }

    /// What a file says, without opening it for writing.
    pub(super) fn read(path: &Path) -> Option<Acknowledged> {
        newest(&std::fs::read(path).ok()?).map(|(_, value)| value)
    }

    pub(super) fn get(&self) -> Acknowledged {
        self.value
    }

    /// Remembers a new value. It holds for this process even when the disk refuses.
    pub(super) fn set(&mut self, value: Acknowledged) -> Result<(), SpoolError> {
        self.value = value;
        self.generation += 1;
        self.write().map_err(SpoolError::io("write", &self.path))
    }

    fn write(&mut self) -> io::Result<()> {
        let at = self.generation % 2 * SLOT as u64;
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(&slot(self.generation, &self.value))?;
        self.file.sync_data()
    }
}

fn slot(generation: u64, value: &Acknowledged) -> [u8; SLOT] {
    let (boot, seq) = value.last.unwrap_or((BootId(Uuid::nil()), 0));
    let mut slot = [0; SLOT];
    for (at, number) in [
        (0, generation),
        (8, value.position.segment),
        (16, value.position.offset),
        (40, seq),
        (48, value.dropped),
    ] {
        slot[at..at + 8].copy_from_slice(&number.to_le_bytes());
    }
    slot[24..40].copy_from_slice(boot.0.as_bytes());
    let crc = crc32fast::hash(&slot[..CONTENT]);
    slot[CONTENT..CONTENT + 4].copy_from_slice(&crc.to_le_bytes());
    slot
}

/// The newest value whose slot is whole.
fn newest(bytes: &[u8]) -> Option<(u64, Acknowledged)> {
    bytes.chunks_exact(SLOT).filter_map(read_slot).max_by_key(|(generation, _)| *generation)
}

fn read_slot(slot: &[u8]) -> Option<(u64, Acknowledged)> {
    let number =
        |at: usize| slot.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_le_bytes);
    let crc = slot.get(CONTENT..CONTENT + 4)?.try_into().ok().map(u32::from_le_bytes)?;
    let generation = number(0)?;
    if generation == 0 || crc32fast::hash(&slot[..CONTENT]) != crc {
        return None;
    }
    let boot = BootId(Uuid::from_slice(slot.get(24..40)?).ok()?);
    let value = Acknowledged {
        position: Position { segment: number(8)?, offset: number(16)? },
        last: (!boot.0.is_nil()).then_some((boot, number(40)?)),
        dropped: number(48)?,
    };
    Some((generation, value))
}
