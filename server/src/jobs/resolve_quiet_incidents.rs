//! Resolves incidents that nobody can look after any more: their hosts are gone.

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::incidents;
use sqlx::PgConnection;

pub(super) const NAME: &str = "resolve_quiet_incidents";

/// Hosts that report are studied, and resolve their incidents themselves, long before.
const QUIET: SignedDuration = SignedDuration::from_hours(90 * 24);

pub(super) async fn run(db: &mut PgConnection, now: Timestamp) -> anyhow::Result<Option<String>> {
    let resolved = incidents::resolve_quiet(db, now.saturating_sub(QUIET)?, now).await?;
    Ok((resolved > 0).then(|| format!("resolved {resolved} incidents")))
}
