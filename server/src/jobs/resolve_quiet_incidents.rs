//! Resolves incidents that nobody can look after any more: their hosts are gone.

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::{incidents, is_of_stored_row};
use sqlx::PgConnection;
use tracing::error;

use crate::judging::close::close;

pub(super) const NAME: &str = "resolve_quiet_incidents";

/// Hosts that report are studied, and resolve their incidents themselves, long before.
const QUIET: SignedDuration = SignedDuration::from_hours(90 * 24);

/// Resolves them, by their lifecycles: what returns later is told.
///
/// # Errors
/// When the database fails. An incident whose state cannot be read keeps no other from its end.
pub async fn run(db: &mut PgConnection, now: Timestamp) -> anyhow::Result<Option<String>> {
    let quiet = incidents::not_seen_since(db, now.saturating_sub(QUIET)?).await?;
    let mut resolved = 0;
    for id in quiet {
        match close(db, id, None, now).await {
            Err(error) if is_of_stored_row(&error) => error!(%error, "An incident stays open"),
            closed => resolved += usize::from(closed?),
        }
    }
    Ok((resolved > 0).then(|| format!("resolved {resolved} incidents")))
}
