//! A small file whose content is replaced as a whole.
//!
//! Two slots of one size, written in turn, so that a torn write leaves the other one:
//! ```text
//! generation u64; content, filled up with zeros; crc32 u32 of both; 4 bytes of zeros
//! ```
//! The slot with the higher generation holds. The file stays open and keeps its size, so that
//! writing it needs no new handle.

use std::{
    fs::{self, File},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

/// Bytes of a slot beside its content.
const FRAMING: usize = 16;

/// The open file.
#[derive(Debug)]
pub struct DoubleBufferedFile<const SLOT: usize> {
    file: File,
    generation: u64,
}

impl<const SLOT: usize> DoubleBufferedFile<SLOT> {
    /// Bytes that the content may have.
    pub const CONTENT: usize = SLOT - FRAMING;

    /// Opens the file, or makes it empty; with the content that it has.
    pub fn open(path: &Path) -> io::Result<(Self, Option<Vec<u8>>)> {
        let mut file =
            File::options().create(true).truncate(false).read(true).write(true).open(path)?;
        let mut bytes = Vec::new();
        (&mut file).take(2 * SLOT as u64).read_to_end(&mut bytes)?;
        let (generation, content) = newest::<SLOT>(&bytes).unzip();
        Ok((Self { file, generation: generation.unwrap_or(0) }, content))
    }

    /// The content of a file that is not opened for writing.
    pub fn read(path: &Path) -> Option<Vec<u8>> {
        newest::<SLOT>(&fs::read(path).ok()?).map(|(_, content)| content)
    }

    /// Replaces the content. When this returns, it is on the disk.
    pub fn write(&mut self, content: &[u8]) -> io::Result<()> {
        if content.len() > Self::CONTENT {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.generation += 1;
        let mut slot = [0; SLOT];
        slot[..8].copy_from_slice(&self.generation.to_le_bytes());
        slot[8..8 + content.len()].copy_from_slice(content);
        let crc = crc32fast::hash(&slot[..SLOT - 8]);
        slot[SLOT - 8..SLOT - 4].copy_from_slice(&crc.to_le_bytes());
        self.file.seek(SeekFrom::Start(self.generation % 2 * SLOT as u64))?;
        self.file.write_all(&slot)?;
        self.file.sync_data()
    }
}

/// The newest content whose slot is whole.
fn newest<const SLOT: usize>(bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    bytes.chunks_exact(SLOT).filter_map(read_slot).max_by_key(|(generation, _)| *generation)
}

fn read_slot(slot: &[u8]) -> Option<(u64, Vec<u8>)> {
    let (checked, crc) = slot.split_at_checked(slot.len().checked_sub(8)?)?;
    let (generation, content) = checked.split_first_chunk::<8>()?;
    let generation = u64::from_le_bytes(*generation);
    let whole = crc.first_chunk() == Some(&crc32fast::hash(checked).to_le_bytes());
    (generation != 0 && whole).then(|| (generation, content.to_vec()))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    type Small = DoubleBufferedFile<32>;

    #[test]
    fn the_last_content_holds_after_a_restart() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("slots");
        let (mut file, content) = Small::open(&path).unwrap();
        assert_eq!(content, None);
        for text in [b"first", b"other", b"third"] {
            file.write(text).unwrap();
        }
        assert!(file.write(&[1; 17]).is_err());
        let (_, content) = Small::open(&path).unwrap();
        assert_eq!(content.unwrap(), *b"third\0\0\0\0\0\0\0\0\0\0\0");
    }

    #[test]
    fn a_torn_write_leaves_the_content_before() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join("slots");
        let (mut file, _) = Small::open(&path).unwrap();
        file.write(b"first").unwrap();
        file.write(b"other").unwrap();
        let whole = fs::read(&path).unwrap();
        for at in 0..32 {
            let mut torn = whole.clone();
            torn[at] ^= 0x55;
            fs::write(&path, &torn).unwrap();
            let content = Small::read(&path);
            // The zeros at the end are not looked at.
            let expected: &[u8] = if at < 28 { b"first" } else { b"other" };
            assert!(content.unwrap().starts_with(expected), "{at}");
        }
        fs::write(&path, b"short").unwrap();
        assert_eq!(Small::read(&path), None);
    }
}
