//! How far a run is.

use std::{
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use tracing::info;

use crate::client::Server;

/// Counts of a run.
#[derive(Debug)]
pub(in crate::commands) struct Progress {
    started: Instant,
    pub(in crate::commands) frames: AtomicU64,
    pub(in crate::commands) refused: AtomicU64,
    pub(in crate::commands) events: AtomicU64,
}

impl Default for Progress {
    fn default() -> Self {
        let none = || AtomicU64::new(0);
        Self { started: Instant::now(), frames: none(), refused: none(), events: none() }
    }
}

impl Progress {
    /// One line of what happened since the start.
    pub(in crate::commands) fn report(&self, what: &str, server: &Server) {
        let seconds = self.started.elapsed().as_secs_f64();
        let frames = self.frames.load(Relaxed);
        info!(
            frames,
            frames_per_s = (frames as f64 / seconds) as u64,
            megabytes = server.sent_bytes() >> 20,
            refused = self.refused.load(Relaxed),
            events = self.events.load(Relaxed),
            waits = server.waits(),
            seconds = seconds as u64,
            "{what}"
        );
    }

    /// Such a line every so often, for ever.
    pub(in crate::commands) async fn keep_reporting(
        &self,
        what: &str,
        every: Duration,
        server: &Server,
    ) {
        loop {
            tokio::time::sleep(every).await;
            self.report(what, server);
        }
    }
}
