//! The one place where the simulator reads the clock.

use jiff::Timestamp;

/// Now.
pub(crate) fn now() -> Timestamp {
    #[expect(clippy::disallowed_methods, reason = "the executable's clock module")]
    Timestamp::now()
}

/// Waits until a time; not at all when it is past.
pub(crate) async fn sleep_until(time: Timestamp) {
    let wait = std::time::Duration::try_from(time.duration_since(now()));
    if let Ok(wait) = wait {
        tokio::time::sleep(wait).await;
    }
}
