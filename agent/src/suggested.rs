//! What the server suggested last, kept on the disk: it holds after a restart too, and `status` can
//! tell it.

use std::{io, path::Path};

use poolwatch_protocol::v1::messages::Suggestions;

use crate::slots::DoubleBufferedFile;

/// As JSON, some 20 bytes.
type Slots = DoubleBufferedFile<256>;
/// The file's name in the spool's folder.
const NAME: &str = "suggested";

/// The suggestions with their open file.
#[derive(Debug)]
pub struct Suggested {
    slots: Slots,
    value: Suggestions,
}

impl Suggested {
    /// Opens the file in a folder, or makes one without a suggestion.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let (slots, content) = Slots::open(&folder.join(NAME))?;
        Ok(Self { slots, value: parse(content) })
    }

    /// What a folder's file says, without opening it for writing.
    #[must_use]
    pub fn inspect(folder: &Path) -> Suggestions {
        parse(Slots::read(&folder.join(NAME)))
    }

    /// What was suggested last.
    #[must_use]
    pub fn get(&self) -> Suggestions {
        self.value
    }

    /// Takes what the server suggests now, and keeps it when it is something else. It holds for this
    /// process even when the disk refuses.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn set(&mut self, value: Suggestions) -> io::Result<()> {
        if value == self.value {
            return Ok(());
        }
        self.value = value;
        self.slots.write(&serde_json::to_vec(&value)?)
    }
}

/// None where the content makes no sense: the server suggests again with its next answer.
fn parse(content: Option<Vec<u8>>) -> Suggestions {
    let content = content.unwrap_or_default();
    let end = content.iter().position(|byte| *byte == 0).unwrap_or(content.len());
    serde_json::from_slice(&content[..end]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    #[test]
    fn the_last_suggestion_holds_after_a_restart() {
        let folder = TempDir::new().unwrap();
        let mut first = Suggested::open(folder.path()).unwrap();
        assert_eq!(first.get(), Suggestions::default());
        for interval_s in [Some(3600), Some(20)] {
            first.set(Suggestions { interval_s }).unwrap();
        }
        assert_eq!(Suggested::open(folder.path()).unwrap().get().interval_s, Some(20));
        assert_eq!(Suggested::inspect(folder.path()).interval_s, Some(20));
        first.set(Suggestions::default()).unwrap();
        assert_eq!(Suggested::inspect(folder.path()), Suggestions::default());
    }

    #[test]
    fn a_file_without_sense_suggests_nothing() {
        assert_eq!(parse(None), Suggestions::default());
        assert_eq!(parse(Some(b"{\0\0".to_vec())), Suggestions::default());
        assert_eq!(parse(Some(br#"{"interval_s":-1}"#.to_vec())), Suggestions::default());
    }
}
