//! Reads the log, hands over, moves the bookmark: in this order.

use jiff::{SignedDuration, Timestamp};
use tracing::{info, warn};

use super::{Bookmark, EventLog, Place, system_log::is_gone, wanted};
use crate::{clock::Clock, machine::Status, spool::SpooledEvent};

/// How often it is kept on the disk that the log was read to its end.
const CAUGHT_UP_EVERY: SignedDuration = SignedDuration::from_mins(10);

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
pub struct Reader<L, C> {
    log: L,
    bookmark: Bookmark,
    clock: C,
    /// Whether records were lost before the next one.
    gap: bool,
}

impl<L: EventLog, C: Clock> Reader<L, C> {
    /// A reader that goes on at a bookmark.
    #[must_use]
    pub fn new(log: L, bookmark: Bookmark, clock: C) -> Self {
        Self { log, bookmark, clock, gap: false }
    }

    /// Reads until nobody wants events any more, or there is no log.
    pub fn run(mut self, to: &mut impl Receiver) {
        while !to.has_ended() {
            let failed = self.subscribe().and_then(|()| {
                to.state(Ok(()));
                self.read(to)
            });
            match failed {
                Ok(()) => {}
                // The next subscription finds out whether records were lost.
                Err(status) if is_gone(status) => to.pause(),
                Err(status) => {
                    to.state(Err(status));
                    if status.is_not_available() {
                        return;
                    }
                    to.pause();
                }
            }
        }
    }

    fn subscribe(&mut self) -> Result<(), Status> {
        if self.log.subscribe(self.bookmark.get())? {
            warn!("The event log lost records before they were read");
            self.gap = true;
        }
        Ok(())
    }

    fn read(&mut self, to: &mut impl Receiver) -> Result<(), Status> {
        while !to.has_ended() {
            let before = self.clock.wall();
            let records = self.log.next()?;
            if records.is_empty() {
                self.note_end(before);
                continue;
            }
            let mut events = Vec::new();
            for record in records {
                match record {
                    Ok(xml) => events.extend(wanted(&xml).map(|event| SpooledEvent {
                        gap_before: std::mem::take(&mut self.gap),
                        event,
                    })),
                    Err(status) => {
                        warn!(%status, "Skipped a record of the event log that cannot be read");
                        self.gap = true;
                    }
                }
            }
            if !events.is_empty() {
                while to.keep(events.clone()) == Kept::No {
                    if to.has_ended() {
                        return Ok(());
                    }
                    to.pause();
                }
                info!(events = events.len(), "Read events");
            }
            if let Some(bookmark) = self.log.bookmark()? {
                let caught_up = self.bookmark.get().and_then(|place| place.caught_up);
                self.keep_place(Place { bookmark, caught_up });
            }
        }
        Ok(())
    }

    /// The log was read to its end at a time.
    fn note_end(&mut self, at: Timestamp) {
        let Some(place) = self.bookmark.get() else {
            return;
        };
        let is_due = |known: Timestamp| at.duration_since(known).abs() >= CAUGHT_UP_EVERY;
        if place.caught_up.is_none_or(is_due) {
            self.keep_place(Place { caught_up: Some(at), ..place.clone() });
        }
    }

    fn keep_place(&mut self, place: Place) {
        if let Err(error) = self.bookmark.set(place) {
            warn!(%error, "Could not keep the event log's bookmark");
        }
    }
}
