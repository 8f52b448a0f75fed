//! From the event log to the spool: every record at least once, however often the agent is killed.
//!
//! A record is on the disk before the bookmark goes past it, so that what a crash comes between is
//! read again; the server knows records by their number and time. Reading has a thread of its own,
//! because the log's service may hang on a host that is out of resources.

mod bookmark;
mod reader;
mod system_log;
mod thread;

use poolwatch_evidence::event::read_event;
use poolwatch_model::event::{Event, EventKind};
use poolwatch_protocol::limits;
use tracing::warn;

use crate::machine::Status;
pub use bookmark::{Bookmark, Place};
pub use reader::{Kept, Reader, Receiver};
pub use system_log::{LogCalls, SystemLog};
pub use thread::{Message, start};

/// A log of which records are read in order.
pub trait EventLog: Send {
    /// Begins to read: after a place, or from the oldest record on. Whether records were lost between
    /// the place and the next one.
    ///
    /// # Errors
    /// The status with which the log refused.
    fn subscribe(&mut self, after: Option<&Place>) -> Result<bool, Status>;

    /// The next records in XML, or why one cannot be read; none after a few seconds without any.
    ///
    /// # Errors
    /// The status with which the log refused. It has to be subscribed to again.
    fn next(&mut self) -> Result<Vec<Result<String, Status>>, Status>;

    /// A bookmark at the last record that [`Self::next`] gave; `None` before it gave any.
    ///
    /// # Errors
    /// The status with which the log refused.
    fn bookmark(&mut self) -> Result<Option<String>, Status>;
}

/// Records that are asked for, of the System log. Their providers are checked by [`wanted`].
pub const QUERY: &str = concat!(
    "<QueryList><Query Id=\"0\"><Select Path=\"System\">*[System[(",
    "EventID=2000 or EventID=2001 or EventID=2004 or EventID=2011 or EventID=2016 or EventID=2017 ",
    "or EventID=2018 or EventID=2019 or EventID=2020 or EventID=2021 or EventID=2022 or ",
    "EventID=333 or EventID=41 or EventID=1074 or EventID=6005 or EventID=6008",
    ")]]</Select></Query></QueryList>"
);

/// The event in a record's XML, when it is one that the server wants, within what it takes.
#[must_use]
pub fn wanted(xml: &str) -> Option<Event> {
    let mut event = match read_event(xml) {
        Ok(event) => event,
        Err(error) => {
            warn!(%error, "Left out a record of the event log");
            return None;
        }
    };
    // The Server service has more to say than what has a kind.
    let of_server = event.provider.eq_ignore_ascii_case("Srv");
    if event.kind() == EventKind::Other && !of_server {
        return None;
    }
    event.data.truncate(limits::EVENT_DATA);
    for text in event.data.iter_mut().chain(&mut event.computer) {
        text.truncate(text.floor_char_boundary(limits::EVENT_TEXT_BYTES));
        text.retain(|character| character != '\0');
    }
    Some(event)
}

#[cfg(test)]
mod tests;
