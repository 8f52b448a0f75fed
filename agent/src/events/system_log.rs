//! Reads a log by the calls of the event log's API: what their failures mean, and what is tried then.

use super::{EventLog, Place};
use crate::{machine::Status, system_errors::is_shortage};

/// Records that are fetched at once.
const AT_ONCE: usize = 32;
/// Failures in a row of fetching a single record, after which the log is said to have failed.
const FAILURES: u32 = 3;

/// The calls by which a log is read, each as thin as it can be. Failures are those of Windows.
pub trait LogCalls: Send {
    /// A subscription, a bookmark or a record; closed when it is dropped.
    type Handle: Send;

    /// A bookmark from its text, or one that points nowhere yet.
    ///
    /// # Errors
    /// The status with which the log refused, as for all others.
    fn create_bookmark(&mut self, text: Option<&str>) -> Result<Self::Handle, Status>;

    /// A subscription after a bookmark or from the oldest record on. A strict one fails when the
    /// bookmark's record is gone.
    ///
    /// # Errors
    /// The status with which the log refused.
    fn subscribe(
        &mut self,
        after: Option<&Self::Handle>,
        strict: bool,
    ) -> Result<Self::Handle, Status>;

    /// Up to `most` records, without waiting.
    ///
    /// # Errors
    /// The status with which the log refused.
    fn next(
        &mut self,
        subscription: &Self::Handle,
        most: usize,
    ) -> Result<Vec<Self::Handle>, Status>;

    /// A record as XML.
    ///
    /// # Errors
    /// The status with which the log refused.
    fn render(&mut self, record: &Self::Handle) -> Result<String, Status>;

    /// A bookmark as XML.
    ///
    /// # Errors
    /// The status with which the log refused.
    fn render_bookmark(&mut self, bookmark: &Self::Handle) -> Result<String, Status>;

    /// Moves a bookmark to a record.
    ///
    /// # Errors
    /// The status with which the log refused.
    fn update_bookmark(
        &mut self,
        bookmark: &Self::Handle,
        record: &Self::Handle,
    ) -> Result<(), Status>;

    /// The oldest record of any kind that the log holds, as XML.
    ///
    /// # Errors
    /// The status with which the log refused; `ERROR_NO_MORE_ITEMS` of an empty log.
    fn oldest(&mut self) -> Result<String, Status>;

    /// Waits until the subscription signals that there may be records, or for some seconds, and takes
    /// the signal back.
    fn wait(&mut self);
}

/// A log that is read by such calls. Nothing is opened before it is subscribed to.
pub struct SystemLog<C: LogCalls> {
    calls: C,
    /// The subscription and a bookmark at the record that was read last.
    reading: Option<(C::Handle, C::Handle)>,
    /// Whether the bookmark is at a record that was read since the subscription.
    has_moved: bool,
    /// Whether all that was signalled is read.
    is_drained: bool,
    at_once: usize,
    failures: u32,
}

impl<C: LogCalls> SystemLog<C> {
    /// A log that nothing is read of yet.
    #[must_use]
    pub fn new(calls: C) -> Self {
        Self {
            calls,
            reading: None,
            has_moved: false,
            is_drained: false,
            at_once: AT_ONCE,
            failures: 0,
        }
    }

    /// Whether the log lost records after a place whose record is gone. None when it was read to its
    /// end at a time from which records are still there: of those that the agent reads, the last
    /// one is gone by age alone.
    fn has_lost(&mut self, place: &Place) -> bool {
        let Some(caught_up) = place.caught_up else {
            return true;
        };
        let oldest = self.calls.oldest().ok();
        let oldest = oldest.and_then(|xml| poolwatch_evidence::event::read_event(&xml).ok());
        oldest.is_none_or(|oldest| oldest.time > caught_up)
    }
}

impl<C: LogCalls> EventLog for SystemLog<C> {
    fn subscribe(&mut self, after: Option<&Place>) -> Result<bool, Status> {
        self.reading = None;
        (self.is_drained, self.has_moved) = (false, false);
        let (bookmark, subscription, lost) = match after {
            None => {
                let bookmark = self.calls.create_bookmark(None)?;
                (bookmark, self.calls.subscribe(None, false)?, false)
            }
            Some(place) => match self.calls.create_bookmark(Some(&place.bookmark)) {
                Ok(bookmark) => match self.calls.subscribe(Some(&bookmark), true) {
                    Ok(subscription) => (bookmark, subscription, false),
                    Err(status) if is_gone(status) => {
                        let lost = self.has_lost(place);
                        let subscription = self.calls.subscribe(Some(&bookmark), false)?;
                        (bookmark, subscription, lost)
                    }
                    Err(status) => return Err(status),
                },
                Err(status) if is_shortage(status.number()) || status.is_not_available() => {
                    return Err(status);
                }
                // The text is no bookmark, and leads nowhere.
                Err(_) => {
                    let bookmark = self.calls.create_bookmark(None)?;
                    (bookmark, self.calls.subscribe(None, false)?, true)
                }
            },
        };
        self.reading = Some((subscription, bookmark));
        Ok(lost)
    }

    fn next(&mut self) -> Result<Vec<Result<String, Status>>, Status> {
        let (subscription, bookmark) = self.reading.as_ref().ok_or(Status::DATA_ERROR)?;
        if self.is_drained {
            self.calls.wait();
        }
        self.is_drained = false;
        let events = match self.calls.next(subscription, self.at_once) {
            Ok(events) => events,
            Err(status) if is_nothing_yet(status) => Vec::new(),
            Err(RECORD_TOO_LARGE) if self.at_once > 1 => {
                self.at_once = 1;
                return Err(RECORD_TOO_LARGE);
            }
            // The record that it is about was passed over.
            Err(RECORD_TOO_LARGE) if self.failures < FAILURES => {
                self.failures += 1;
                return Ok(vec![Err(RECORD_TOO_LARGE)]);
            }
            Err(status) => return Err(status),
        };
        let Some(last) = events.last() else {
            self.is_drained = true;
            return Ok(Vec::new());
        };
        let mut records = Vec::with_capacity(events.len());
        for event in &events {
            match self.calls.render(event) {
                Err(status) if is_shortage(status.number()) => return Err(status),
                rendered => records.push(rendered),
            }
        }
        self.calls.update_bookmark(bookmark, last)?;
        self.has_moved = true;
        (self.failures, self.at_once) = (0, (self.at_once * 2).min(AT_ONCE));
        Ok(records)
    }

    fn bookmark(&mut self) -> Result<Option<String>, Status> {
        let bookmark = self.reading.as_ref().filter(|_| self.has_moved);
        bookmark.map(|(_, bookmark)| self.calls.render_bookmark(bookmark)).transpose()
    }
}

/// `RPC_S_INVALID_BOUND`: too much for one answer.
const RECORD_TOO_LARGE: Status = Status::failure(1734);

/// Whether there are no records yet: `ERROR_NO_MORE_ITEMS`, `ERROR_TIMEOUT`, and
/// `ERROR_INVALID_OPERATION`, which an idle subscription says.
fn is_nothing_yet(status: Status) -> bool {
    matches!(status.number(), 259 | 1460 | 4317)
}

/// Whether the record of a bookmark is gone, by age or because the log was cleared:
/// `ERROR_NOT_FOUND`, `ERROR_EVT_QUERY_RESULT_STALE`, `ERROR_EVT_QUERY_RESULT_INVALID_POSITION`.
pub(super) fn is_gone(status: Status) -> bool {
    matches!(status.number(), 1168 | 15011 | 15012)
}
