//! Makes the partitions of the coming days and drops those that are too old.

use jiff::Timestamp;
use poolwatch_store::{
    clock_watch,
    retention::{self, Retention},
};
use sqlx::PgConnection;
use tracing::warn;

pub(super) const NAME: &str = "keep_partitions";

pub(super) async fn run(
    db: &mut PgConnection,
    retention: &Retention,
    now: Timestamp,
) -> anyhow::Result<Option<String>> {
    if !clock_watch::is_steady(db, now).await? {
        warn!("The clock did not go on steadily for a day, or is not the database's: nothing goes");
        retention::make_ahead(db, now).await?;
        return Ok(None);
    }
    let dropped = retention::keep(db, retention, now).await?;
    Ok((!dropped.is_empty()).then(|| format!("dropped {}", dropped.join(", "))))
}
