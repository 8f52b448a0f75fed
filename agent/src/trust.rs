//! Files that say what the agent does or who it is: believed only when administrators wrote them, and never
//! read beyond a bound.

use std::{
    fs::File,
    io::{self, Read as _},
    path::Path,
};

/// Bytes of such a file at most.
const LONGEST: u64 = 1 << 20;

/// Reads a file that only administrators can have written. On other systems than Windows whoever
/// starts the agent answers for it.
///
/// # Errors
/// When others could have written it, it cannot be read, or has more than a megabyte.
pub(crate) fn read_trusted(path: &Path) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    #[cfg(windows)]
    crate::windows::believe_open(&file)?;
    read_bounded(file)
}

/// Reads a small file of the agent's own.
///
/// # Errors
/// When it cannot be read, or has more than a megabyte.
pub(crate) fn read_small(path: &Path) -> io::Result<Vec<u8>> {
    read_bounded(File::open(path)?)
}

fn read_bounded(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LONGEST {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, "it has more than a megabyte"));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_without_end_is_not_read_to_its_end() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("agent.toml");
        for (bytes, is_read) in [(LONGEST, true), (LONGEST + 1, false), (1 << 30, false)] {
            File::create(&path).unwrap().set_len(bytes).unwrap();
            assert_eq!(read_trusted(&path).is_ok(), is_read, "{bytes}");
            assert_eq!(read_small(&path).is_ok(), is_read, "{bytes}");
        }
    }
}
