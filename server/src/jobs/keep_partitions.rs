//! Makes the partitions of the coming days, and those that late frames may need, and drops those
//! that are too old.

use jiff::{SignedDuration, Timestamp, ToSpan};
use poolwatch_store::partitions::{self, Table};
use sqlx::PgConnection;

pub(super) const NAME: &str = "keep_partitions";

/// Days that have a partition before they begin.
const AHEAD_DAYS: i64 = 3;

pub(super) async fn run(
    db: &mut PgConnection,
    keep_days: u16,
    now: Timestamp,
) -> anyhow::Result<Option<String>> {
    let today = partitions::day_of(now);
    for ahead in 0..=AHEAD_DAYS {
        partitions::create(db, today.saturating_add(ahead.days())).await?;
    }
    for ahead in -i64::from(keep_days) - 1..=AHEAD_DAYS {
        let day = today.saturating_add(ahead.days());
        for table in [Table::ChunkHour, Table::ChunkDay, Table::FleetHour] {
            partitions::create_of(db, table, day).await?;
        }
    }
    let keep = SignedDuration::from_hours((i64::from(keep_days) + 1) * 24);
    let dropped = partitions::drop_before(db, now.saturating_sub(keep)?).await?;
    Ok((!dropped.is_empty()).then(|| format!("dropped {} days of frames", dropped.len())))
}
