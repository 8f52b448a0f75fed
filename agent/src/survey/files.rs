//! Files of drivers and programs on the disk.

use std::{
    collections::{HashMap, HashSet},
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::SystemTime,
};

use poolwatch_model::{
    driver_scan::{DriverScan, FileHash},
    inventory::{Driver, Inventory, ProgramFile},
};
use poolwatch_tagscan::{FILE_BYTES, describe, scan};
use sha2::{Digest, Sha256};
use tracing::debug;

use crate::system_folders::SystemFolders;

/// Larger files are no drivers.
const LARGEST: u64 = 512 << 20;
/// Bytes that are read at once of what is only hashed.
const PIECE: usize = 64 << 10;

/// The file of a path of the kernel's list; `None` for forms that are not known, and for paths that lead
/// out of the folder that they name.
fn file_of(folders: &SystemFolders, path: &str) -> Option<PathBuf> {
    let below = |start: &str| {
        let head = path.get(..start.len())?;
        head.eq_ignore_ascii_case(start).then(|| &path[start.len()..])
    };
    let (folder, rest) = if let Some(rest) = below(r"\SystemRoot\") {
        (folders.windows.clone(), rest)
    } else if let Some(rest) = below(r"\??\") {
        let drive = rest.get(..3).filter(|drive| drive.ends_with(r":\"))?;
        (PathBuf::from(drive), &rest[3..])
    } else if let Some(rest) = below(r"\Windows\").map(|_| &path[1..]) {
        (folders.drive.clone(), rest)
    } else {
        return None;
    };
    let mut file = folder;
    for part in rest.split('\\') {
        if part.is_empty() || part == ".." || part.contains([':', '/']) {
            return None;
        }
        file.push(part);
    }
    Some(file)
}

/// Whether a file was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Read {
    Whole,
    Nothing,
}

/// A file as it was when it was read last.
#[derive(Debug, Clone)]
struct Known {
    size: u64,
    modified: Option<SystemTime>,
    told: Driver,
}

/// Driver files, with what is known of those that did not change.
#[derive(Debug)]
pub(super) struct DriverFiles {
    folders: SystemFolders,
    known: HashMap<PathBuf, Known>,
}

impl DriverFiles {
    pub(super) fn new(folders: SystemFolders) -> Self {
        Self { folders, known: HashMap::new() }
    }

    fn file(&self, driver: &Driver) -> Option<PathBuf> {
        file_of(&self.folders, driver.path.as_deref()?)
    }

    /// Forgets files that are not of these drivers and programs.
    pub(super) fn forget_all_but(&mut self, inventory: &Inventory) {
        let drivers = inventory.drivers.iter().filter_map(|driver| self.file(driver));
        let programs = inventory.program_files.iter().map(|program| PathBuf::from(&program.path));
        let paths: HashSet<PathBuf> = drivers.chain(programs).collect();
        self.known.retain(|path, _| paths.contains(path));
    }

    /// Adds version and company to a program, as far as its file can be read.
    pub(super) fn describe_program(&mut self, program: &mut ProgramFile) -> Read {
        let mut told = Driver::default();
        let read = self.describe_file(Path::new(&program.path), &mut told);
        (program.version, program.company) = (told.version, told.company);
        read.unwrap_or_else(|error| {
            debug!(program = program.image, %error, "A program's file cannot be read");
            Read::Nothing
        })
    }

    /// Adds version, company, link time, signer, size and hash to a driver, as far as its file can be read.
    pub(super) fn describe(&mut self, driver: &mut Driver) -> Read {
        let Some(path) = self.file(driver) else {
            return Read::Nothing;
        };
        match self.describe_file(&path, driver) {
            Ok(read) => read,
            Err(error) => {
                debug!(driver = driver.name, %error, "A driver's file cannot be read");
                Read::Nothing
            }
        }
    }

    fn describe_file(&mut self, path: &Path, driver: &mut Driver) -> io::Result<Read> {
        let state = fs::metadata(path)?;
        let (size, modified) = (state.len(), state.modified().ok());
        let known = self.known.get(path);
        if let Some(known) = known.filter(|known| (known.size, known.modified) == (size, modified))
        {
            let Driver { version, company, linked, size, sha256, signer, .. } = known.told.clone();
            *driver = Driver { version, company, linked, size, sha256, signer, ..driver.clone() };
            return Ok(Read::Nothing);
        }
        let (start, sha256) = read(path, size)?;
        let said = describe(&start).unwrap_or_default();
        driver.version = said.version;
        driver.company = said.company;
        driver.linked = said.linked;
        driver.signer = said.signer;
        driver.size = Some(size);
        driver.sha256 = Some(sha256);
        self.known.insert(path.to_owned(), Known { size, modified, told: driver.clone() });
        Ok(Read::Whole)
    }

    /// Scans a driver's file, if it is still the one that is asked for.
    pub(super) fn scan(&self, driver: &Driver) -> (Read, Option<DriverScan>) {
        let (Some(path), Some(sha256)) = (self.file(driver), driver.sha256) else {
            return (Read::Nothing, None);
        };
        let whole = fs::metadata(&path).and_then(|state| read(&path, state.len()));
        let Ok((start, found)) = whole else { return (Read::Nothing, None) };
        if found != sha256 {
            return (Read::Whole, None);
        }
        let is_partial = driver.size.is_some_and(|size| size > FILE_BYTES as u64);
        // What is no driver for this processor has no tags, and need not be asked for again.
        let tags = scan(&start, driver.service.as_deref()).map(|found| found.tags);
        (Read::Whole, Some(DriverScan { sha256, tags: tags.unwrap_or_default(), is_partial }))
    }
}

/// The beginning of a file, and the hash of all of it.
fn read(path: &Path, size: u64) -> io::Result<(Vec<u8>, FileHash)> {
    if size > LARGEST {
        return Err(io::Error::other("too large for a driver"));
    }
    let mut file = File::open(path)?;
    let kept = usize::try_from(size).unwrap_or(usize::MAX).min(FILE_BYTES);
    let mut start = Vec::new();
    // A host that is short of memory must not lose the agent for it.
    start.try_reserve_exact(kept)?;
    (&mut file).take(kept as u64).read_to_end(&mut start)?;
    let mut hash = Sha256::new();
    hash.update(&start);
    let mut piece = vec![0; if kept == FILE_BYTES { PIECE } else { 1 }];
    let mut left = LARGEST;
    loop {
        let length = file.read(&mut piece)?;
        if length == 0 {
            break;
        }
        hash.update(&piece[..length]);
        left = left
            .checked_sub(length as u64)
            .ok_or_else(|| io::Error::other("it grows while it is read"))?;
    }
    Ok((start, FileHash::new(hash.finalize().into())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_of_the_kernel_lead_to_files_and_never_elsewhere() {
        let folders = SystemFolders { windows: "/w".into(), drive: "/".into() };
        for (path, file) in [
            (r"\SystemRoot\system32\drivers\foo.sys", Some("/w/system32/drivers/foo.sys")),
            (r"\systemroot\foo.sys", Some("/w/foo.sys")),
            (r"\Windows\System32\foo.sys", Some("/Windows/System32/foo.sys")),
            (r"\SystemRoot\..\foo.sys", None),
            (r"\SystemRoot\a/b.sys", None),
            (r"\SystemRoot\foo.sys:stream", None),
            (r"\??\C:\x\..\foo.sys", None),
            (r"\??\UNC\server\share\foo.sys", None),
            (r"\Device\Mup\server\foo.sys", None),
            ("foo.sys", None),
            ("", None),
        ] {
            assert_eq!(file_of(&folders, path), file.map(PathBuf::from), "{path}");
        }
        let drive = file_of(&folders, r"\??\C:\Program Files\Vendor\bar.sys").unwrap();
        assert!(drive.starts_with(r"C:\"), "{}", drive.display());
    }
}
