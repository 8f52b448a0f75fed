//! The log of an agent that nobody sees: two files that never grow beyond a limit.

use std::{
    fs::{self, File},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// Bytes after which another file is begun.
const LIMIT: u64 = 4 << 20;
/// The file's name in its folder.
const NAME: &str = "agent.log";

/// An open log. When it is full, it becomes `agent.old.log`, in place of the one before, and another is
/// begun.
#[derive(Debug)]
pub struct LogFile {
    path: PathBuf,
    file: File,
    bytes: u64,
    limit: u64,
}

impl LogFile {
    /// Opens the log in a folder, and goes on with the one that is there.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(folder: &Path) -> io::Result<Self> {
        Self::with_limit(folder, LIMIT)
    }

    fn with_limit(folder: &Path, limit: u64) -> io::Result<Self> {
        let path = folder.join(NAME);
        let (file, bytes) = open(&path)?;
        Ok(Self { path, file, bytes, limit })
    }

    /// Puts the log aside and begins another. A host that is short of resources may not do either:
    /// then the log goes on where it is, up to twice its limit, and from there is begun anew.
    fn rotate(&mut self) -> io::Result<()> {
        let rotated = fs::rename(&self.path, self.path.with_extension("old.log"))
            .and_then(|()| open(&self.path));
        match rotated {
            Ok((file, bytes)) => (self.file, self.bytes) = (file, bytes),
            Err(_) if self.bytes < 2 * self.limit => {}
            Err(_) => {
                self.file.set_len(0)?;
                self.file.rewind()?;
                self.bytes = 0;
            }
        }
        Ok(())
    }
}

/// The file and its bytes, to be written at its end.
fn open(path: &Path) -> io::Result<(File, u64)> {
    let mut file = File::options().create(true).truncate(false).write(true).open(path)?;
    let bytes = file.seek(SeekFrom::End(0))?;
    Ok((file, bytes))
}

impl Write for LogFile {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        if self.bytes > 0 && self.bytes.saturating_add(buffer.len() as u64) > self.limit {
            self.rotate()?;
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
    fn what_was_written_last_outlives_the_beginning_of_another_file() {
        let folder = TempDir::new().unwrap();
        let mut log = LogFile::with_limit(folder.path(), 100).unwrap();
        for line in 0..12 {
            writeln!(log, "a line of some bytes {line:02}").unwrap();
        }
        let both = ["agent.old.log", NAME].map(|name| folder.path().join(name));
        let both = both.map(|path| fs::read_to_string(path).unwrap()).concat();
        let last: Vec<&str> = both.lines().map(|line| &line[line.len() - 2..]).collect();
        assert_eq!(last, ["04", "05", "06", "07", "08", "09", "10", "11"]);
    }

    #[test]
    fn a_log_that_cannot_be_put_aside_goes_on_and_stays_bounded() {
        let folder = TempDir::new().unwrap();
        fs::create_dir_all(folder.path().join("agent.old.log/in the way")).unwrap();
        let mut log = LogFile::with_limit(folder.path(), 100).unwrap();
        let mut longest = 0;
        for _ in 0..50 {
            log.write_all(b"twenty bytes a line\n").unwrap();
            longest = longest.max(fs::metadata(folder.path().join(NAME)).unwrap().len());
        }
        assert_eq!(longest, 200);
    }
}
