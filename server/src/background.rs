//! A thread of lower priority for work that can wait: whoever asks or sends goes first, however much
//! there is to make into chunks or to study.

use anyhow::Context;
use tokio::runtime::{Builder, Handle};
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// How much lower: the work gets about a tenth of a processor that is wanted by others as well.
const NICE: i32 = 10;

/// Starts the thread. It ends when `stop` is cancelled.
///
/// # Errors
/// When the system has no thread to give.
pub(crate) fn start(stop: CancellationToken) -> anyhow::Result<Handle> {
    let runtime = Builder::new_current_thread().enable_all().build().context("background work")?;
    let handle = runtime.handle().clone();
    let work = move || {
        // On Linux this is of the calling thread, and of those that it starts.
        if let Err(error) = rustix::process::nice(NICE) {
            warn!(%error, "Background work runs at the priority of everything else");
        }
        runtime.block_on(stop.cancelled());
    };
    std::thread::Builder::new().name("background".into()).spawn(work).context("background work")?;
    Ok(handle)
}
