//! Forgets sessions that are over and jobs that were done long ago.

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{jobs, people};
use sqlx::PgConnection;

pub(super) const NAME: &str = "forget_expired";

/// Done jobs are kept for this long, to be looked at.
const KEEP_JOBS: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) async fn run(db: &mut PgConnection, now: Timestamp) -> anyhow::Result<Option<String>> {
    let sessions = people::delete_expired_sessions(db, now).await?;
    jobs::forget_done(db, now.saturating_sub(KEEP_JOBS)?).await?;
    Ok((sessions > 0).then(|| format!("forgot {sessions} sessions")))
}
