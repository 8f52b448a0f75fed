//! Threads of lower priority for work that can wait: whoever asks or sends goes first, however much
//! there is to make into chunks or to study.

use std::thread::JoinHandle;

use anyhow::Context;
use poolwatch_store::PgPool;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How much lower: the work gets about a tenth of a processor that is wanted by others as well.
const NICE: i32 = 10;

/// The thread, until it is told to end.
#[derive(Debug)]
pub(crate) struct BackgroundThread {
    /// Where its work is started.
    pub(crate) handle: Handle,
    end: CancellationToken,
    thread: JoinHandle<()>,
}

impl BackgroundThread {
    /// Starts a thread of this name. Its work has connections of its own, `pool`: the thread that makes
    /// a connection serves it, slowly while it has work, and not at all once it has ended.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(crate) fn start(name: &str, pool: PgPool) -> anyhow::Result<Self> {
        let runtime =
            Builder::new_current_thread().enable_all().build().context("background work")?;
        let (handle, end) = (runtime.handle().clone(), CancellationToken::new());
        let ended = end.clone();
        let work = move || {
            // On Linux this is of the calling thread, and of those that it starts.
            if let Err(error) = rustix::process::nice(NICE) {
                warn!(%error, "Background work runs at the priority of everything else");
            }
            runtime.block_on(async {
                ended.cancelled().await;
                pool.close().await;
            });
        };
        let thread = std::thread::Builder::new().name(name.into()).spawn(work);
        Ok(Self { handle, end, thread: thread.context("background work")? })
    }

    /// Ends the thread, once nothing is started on it any more.
    pub(crate) async fn end(self) {
        self.end.cancel();
        let _ = tokio::task::spawn_blocking(|| self.thread.join()).await;
    }
}
