//! Reads the log, hands over, moves the bookmark: in this order.

use tracing::{info, warn};

use super::{BOOKMARK_GONE, Bookmark, EventLog, wanted};
use crate::{machine::Status, spool::SpooledEvent};

/// Who keeps what is read.
pub trait Receiver {
    /// Brings events to the disk.
    fn keep(&mut self, events: Vec<SpooledEvent>) -> Kept;

    /// Hears whether the log can be read.
    fn state(&mut self, state: Result<(), Status>);

    /// Whether nobody wants events any more.
    fn has_ended(&self) -> bool;

    /// Waits before another attempt.
    fn pause(&mut self);
}

/// What became of events.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// They are on the disk.
    Yes,
    /// The disk refused them.
    No,
}

/// Reads one log.
pub struct Reader<L> {
    log: L,
    bookmark: Bookmark,
    /// Whether records were lost before the next one.
    gap: bool,
}

impl<L: EventLog> Reader<L> {
    /// A reader that goes on at a bookmark.
    #[must_use]
    pub fn new(log: L, bookmark: Bookmark) -> Self {
        Self { log, bookmark, gap: false }
    }

    /// Reads until nobody wants events any more, or there is no log.
    pub fn run(mut self, to: &mut impl Receiver) {
        while !to.has_ended() {
            let failed = self.subscribe().and_then(|()| {
                to.state(Ok(()));
                self.read(to)
            });
            if let Err(status) = failed {
                to.state(Err(status));
                if status.is_not_available() {
                    return;
                }
                to.pause();
            }
        }
    }

    /// A bookmark whose record is gone, by age or because the log was cleared, costs a gap and no
    /// record: all that is there is read, what the server knows already as well.
    fn subscribe(&mut self) -> Result<(), Status> {
        let after = self.bookmark.get();
        match self.log.subscribe(after) {
            Err(status) if status == BOOKMARK_GONE && after.is_some() => {
                warn!("The event log lost records before they were read");
                self.gap = true;
                self.log.subscribe(None)
            }
            other => other,
        }
    }

    fn read(&mut self, to: &mut impl Receiver) -> Result<(), Status> {
        while !to.has_ended() {
            let records = self.log.next()?;
            if records.is_empty() {
                continue;
            }
            let mut events = Vec::new();
            for event in records.iter().filter_map(|xml| wanted(xml)) {
                events.push(SpooledEvent { gap_before: self.gap && events.is_empty(), event });
            }
            if !events.is_empty() {
                while to.keep(events.clone()) == Kept::No {
                    if to.has_ended() {
                        return Ok(());
                    }
                    to.pause();
                }
                self.gap = false;
                info!(events = events.len(), "Read events");
            }
            let bookmark = self.log.bookmark()?;
            if let Err(error) = self.bookmark.set(bookmark) {
                warn!(%error, "Could not keep the event log's bookmark");
            }
        }
        Ok(())
    }
}
