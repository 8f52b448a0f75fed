//! Whether a file that says what the agent does may be believed.

use std::{io, path::Path};

/// Reads a file that only administrators can have written. On other systems than Windows whoever
/// starts the agent answers for it.
///
/// # Errors
/// When others could have written it, or it cannot be read.
pub(crate) fn read_trusted(path: &Path) -> io::Result<Vec<u8>> {
    #[cfg(windows)]
    crate::windows::believe(path)?;
    std::fs::read(path)
}
