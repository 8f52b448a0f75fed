//! Resolves incidents that were not seen for long.

use jiff::{SignedDuration, Timestamp};
use poolwatch_store::incidents;
use sqlx::PgConnection;

pub(super) const NAME: &str = "resolve_quiet_incidents";

/// The Server service repeats its event while the pool stays empty: a week without one is an end.
const QUIET: SignedDuration = SignedDuration::from_hours(7 * 24);

pub(super) async fn run(db: &mut PgConnection, now: Timestamp) -> anyhow::Result<Option<String>> {
    let resolved = incidents::resolve_quiet(db, now.saturating_sub(QUIET)?).await?;
    Ok((resolved > 0).then(|| format!("resolved {resolved} incidents")))
}
