//! Where in the log reading goes on, kept on the disk.

use std::{io, path::Path};

use crate::slots::DoubleBufferedFile;

/// The text has some 150 bytes; its channel and record number do not grow.
type Slots = DoubleBufferedFile<1024>;

/// The bookmark with its open file.
#[derive(Debug)]
pub struct Bookmark {
    slots: Slots,
    text: Option<String>,
}

impl Bookmark {
    /// Opens the bookmark in a folder, or makes one that points nowhere yet.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let (slots, content) = Slots::open(&folder.join("bookmark"))?;
        let text = content.and_then(|content| String::from_utf8(content).ok());
        let text = text.map(|text| text.trim_end_matches('\0').to_owned());
        Ok(Self { slots, text })
    }

    /// The bookmark as the log wrote it.
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.text.as_deref()
    }

    /// Moves the bookmark. It holds for this process even when the disk refuses.
    ///
    /// # Errors
    /// When the disk refuses. Records are then read again after a restart, which does no harm.
    pub fn set(&mut self, text: String) -> io::Result<()> {
        let written = self.slots.write(text.as_bytes());
        self.text = Some(text);
        written
    }
}
