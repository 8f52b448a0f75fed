//! Makes the partitions of the coming days and drops those that are too old.

use jiff::Timestamp;
use poolwatch_store::retention::{self, Retention};
use sqlx::PgConnection;

pub(super) const NAME: &str = "keep_partitions";

pub(super) async fn run(
    db: &mut PgConnection,
    retention: &Retention,
    now: Timestamp,
) -> anyhow::Result<Option<String>> {
    let dropped = retention::keep(db, retention, now).await?;
    Ok((!dropped.is_empty()).then(|| format!("dropped {}", dropped.join(", "))))
}
