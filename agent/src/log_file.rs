//! The log of an agent that nobody sees: one file that never grows beyond a limit.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::Path,
};

/// Bytes after which the file is begun anew.
const LIMIT: u64 = 4 << 20;
/// The file's name in its folder.
const NAME: &str = "agent.log";

/// An open log. It needs no new handle and no new name while it is written.
#[derive(Debug)]
pub struct LogFile {
    file: File,
    bytes: u64,
    limit: u64,
}

impl LogFile {
    /// Opens the log in a folder. A long one of an earlier start is kept as `agent.old.log`, in
    /// place of the one before.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::with_limit(folder, LIMIT)
    }

    fn with_limit(folder: &Path, limit: u64) -> io::Result<Self> {
        let path = folder.join(NAME);
        if fs::metadata(&path).is_ok_and(|found| found.len() > limit / 2) {
            fs::rename(&path, path.with_extension("old.log"))?;
        }
        let mut file = File::options().create(true).truncate(false).write(true).open(&path)?;
        let bytes = file.seek(SeekFrom::End(0))?;
        Ok(Self { file, bytes, limit })
    }
}

impl Write for LogFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.bytes.saturating_add(buffer.len() as u64) > self.limit {
            self.file.set_len(0)?;
            self.file.rewind()?;
            self.bytes = 0;
        }
        let written = self.file.write(buffer)?;
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn a_log_goes_on_after_a_restart_and_never_grows_beyond_its_limit() {
        let folder = TempDir::new().unwrap();
        let path = folder.path().join(NAME);
        for line in ["one\n", "two\n"] {
            LogFile::with_limit(folder.path(), 100).unwrap().write_all(line.as_bytes()).unwrap();
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        let mut log = LogFile::with_limit(folder.path(), 100).unwrap();
        for _ in 0..50 {
            log.write_all(b"twenty bytes a line\n").unwrap();
            assert!(fs::metadata(&path).unwrap().len() <= 100);
        }
        assert!(fs::read_to_string(&path).unwrap().ends_with("twenty bytes a line\n"));
    }

    #[test]
    fn a_long_log_is_put_aside_at_the_next_start() {
        let folder = TempDir::new().unwrap();
        fs::write(folder.path().join(NAME), [b'x'; 80]).unwrap();
        LogFile::with_limit(folder.path(), 100).unwrap().write_all(b"new").unwrap();
        assert_eq!(fs::read(folder.path().join("agent.old.log")).unwrap().len(), 80);
        assert_eq!(fs::read_to_string(folder.path().join(NAME)).unwrap(), "new");
    }
}
