//! Where in the log reading goes on, kept on the disk.

use std::{io, path::Path};

use jiff::Timestamp;

use crate::slots::DoubleBufferedFile;

/// The text has some 150 bytes; its channel and record number do not grow.
type Slots = DoubleBufferedFile<1024>;
/// What the line of [`Place::caught_up`] begins with; one of an older agent is missing.
const CAUGHT_UP: &str = "caught up ";

/// A place in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The bookmark as the log wrote it.
    pub bookmark: String,
    /// When the log was last read to its end.
    pub caught_up: Option<Timestamp>,
}

impl Place {
    fn parse(text: &str) -> Self {
        let lines = text.strip_prefix(CAUGHT_UP).and_then(|rest| rest.split_once('\n'));
        let timed = lines.and_then(|(ms, rest)| {
            Some((Timestamp::from_millisecond(ms.parse().ok()?).ok()?, rest))
        });
        match timed {
            Some((at, rest)) => Self { bookmark: rest.to_owned(), caught_up: Some(at) },
            None => Self { bookmark: text.to_owned(), caught_up: None },
        }
    }

    fn to_text(&self) -> String {
        match self.caught_up {
            Some(at) => format!("{CAUGHT_UP}{}\n{}", at.as_millisecond(), self.bookmark),
            None => self.bookmark.clone(),
        }
    }
}

/// The place with its open file.
#[derive(Debug)]
pub struct Bookmark {
    slots: Slots,
    place: Option<Place>,
}

impl Bookmark {
    /// Opens the bookmark in a folder, or makes one that points nowhere yet.
    ///
    /// # Errors
    /// When the file system refuses.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let (slots, content) = Slots::open(&folder.join("bookmark"))?;
        let text = content.and_then(|content| String::from_utf8(content).ok());
        let place = text.map(|text| Place::parse(text.trim_end_matches('\0')));
        Ok(Self { slots, place })
    }

    /// Where reading goes on; `None` before any record was read.
    #[must_use]
    pub fn get(&self) -> Option<&Place> {
        self.place.as_ref()
    }

    /// Moves the bookmark. It holds for this process even when the disk refuses.
    ///
    /// # Errors
    /// When the disk refuses. Records are then read again after a restart, which does no harm.
    pub fn set(&mut self, place: Place) -> io::Result<()> {
        let written = self.slots.write(place.to_text().as_bytes());
        self.place = Some(place);
        written
    }
}
