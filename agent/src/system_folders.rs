//! Folders of Windows, as the kernel's paths name them.

use std::path::PathBuf;

/// Where the names that the kernel uses in paths lead.
#[derive(Debug, Clone)]
pub struct SystemFolders {
    /// `\SystemRoot`.
    pub windows: PathBuf,
    /// What comes before a path that begins with a folder alone; `\Windows\…` is one.
    pub drive: PathBuf,
}
