//! The thread that reads the log, and how it speaks to the agent.

use std::{io, thread, time::Duration};

use tokio::sync::{mpsc, oneshot};

use super::{Bookmark, EventLog, Kept, Reader, Receiver};
use crate::{clock::Clock, machine::Status, spool::SpooledEvent};

/// Between two attempts.
const PAUSE: Duration = Duration::from_secs(10);

/// What the thread tells.
#[derive(Debug)]
pub enum Message {
    /// Whether the log can be read.
    State(Result<(), Status>),
    /// Events, and whom to tell once they are on the disk.
    Events(Vec<SpooledEvent>, oneshot::Sender<Kept>),
}

/// Starts to read; the thread ends soon after what is returned is dropped.
///
/// # Errors
/// When there are no resources for a thread.
pub fn start(
    log: impl EventLog + 'static,
    bookmark: Bookmark,
    clock: impl Clock + Send + 'static,
) -> io::Result<mpsc::Receiver<Message>> {
    let (sender, receiver) = mpsc::channel(1);
    let reader = Reader::new(log, bookmark, clock);
    thread::Builder::new()
        .name("event log".into())
        .spawn(move || reader.run(&mut ToAgent(sender)))?;
    Ok(receiver)
}

struct ToAgent(mpsc::Sender<Message>);

impl Receiver for ToAgent {
    fn keep(&mut self, events: Vec<SpooledEvent>) -> Kept {
        let (kept, answer) = oneshot::channel();
        if self.0.blocking_send(Message::Events(events, kept)).is_err() {
            return Kept::No;
        }
        answer.blocking_recv().unwrap_or(Kept::No)
    }

    fn state(&mut self, state: Result<(), Status>) {
        // When nobody hears it, the reader is about to end.
        let _ = self.0.blocking_send(Message::State(state));
    }

    fn has_ended(&self) -> bool {
        self.0.is_closed()
    }

    fn pause(&mut self) {
        thread::sleep(PAUSE);
    }
}
