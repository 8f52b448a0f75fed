//! How full a disk is.

use std::path::Path;

/// How full the disk of a folder is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct DiskSpace {
    /// The share in use of what users may use, 0 to 1.
    pub(crate) used_share: f64,
    /// Bytes that users may still use.
    pub(crate) free_bytes: u64,
}

impl DiskSpace {
    /// Reads it; none where the system does not tell.
    pub(crate) fn read(folder: &Path) -> Option<Self> {
        let disk = rustix::fs::statvfs(folder).ok()?;
        let used = disk.f_blocks.checked_sub(disk.f_bfree)?;
        let usable = used + disk.f_bavail;
        (usable > 0).then(|| Self {
            used_share: used as f64 / usable as f64,
            free_bytes: disk.f_bavail.saturating_mul(disk.f_frsize),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_disk_tells_its_use_and_a_folder_that_is_not_there_tells_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let space = DiskSpace::read(folder.path()).unwrap();
        assert!((0.0..=1.0).contains(&space.used_share) && space.free_bytes > 0, "{space:?}");
        assert_eq!(DiskSpace::read(Path::new("/nothing")), None);
    }
}
