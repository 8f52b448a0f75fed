//! Forgets sessions that are over, jobs and changes of drivers that are long ago, and texts that were
//! brought for a diagnosis alone.

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{inventories, jobs, people, uploads};
use sqlx::PgConnection;

pub(super) const NAME: &str = "forget_expired";

/// Done jobs are kept for this long, to be looked at.
const KEEP_JOBS: SignedDuration = SignedDuration::from_hours(7 * 24);
/// Changes of drivers are kept for this long: what began weeks ago is asked for its beginning.
const KEEP_CHANGES: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Uploads that nobody kept for a host are there for this long.
const KEEP_UPLOADS: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) async fn run(db: &mut PgConnection, now: Timestamp) -> anyhow::Result<Option<String>> {
    let sessions = people::delete_expired_sessions(db, now).await?;
    jobs::forget_done(db, now.saturating_sub(KEEP_JOBS)?).await?;
    inventories::forget_changes(db, now.saturating_sub(KEEP_CHANGES)?).await?;
    let uploads = uploads::forget(db, now.saturating_sub(KEEP_UPLOADS)?).await?;
    let forgot = (sessions, uploads) != (0, 0);
    Ok(forgot.then(|| format!("forgot {sessions} sessions and {uploads} uploads")))
}
