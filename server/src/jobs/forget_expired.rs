//! Deletes sessions that are over, and of every table that is kept by age what is older.

use jiff::Timestamp;
use poolwatch_store::{clock_watch, expiry, one_time_links, retention::Retention, sessions};
use sqlx::PgConnection;

pub(super) const NAME: &str = "forget_expired";

pub(super) async fn run(
    db: &mut PgConnection,
    retention: &Retention,
    now: Timestamp,
) -> anyhow::Result<Option<String>> {
    if !clock_watch::is_steady(db, now).await? {
        return Ok(None);
    }
    let sessions = sessions::delete_expired(db, now).await?;
    let links = one_time_links::delete_expired(db, now).await?;
    let old = expiry::forget_old(db, retention, now).await?;
    let forgot = (sessions, links, old) != (0, 0, 0);
    Ok(forgot.then(|| format!("forgot {sessions} sessions, {links} links and {old} old rows")))
}
