//! Marks of hours that have to be looked at again, with their day and their week: of frames that came
//! late, or because a chunk was not made of what is there.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use super::stale::Place;
use crate::Result;

/// A marked hour.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    pub(super) host: HostId,
    pub(super) start: Timestamp,
    /// The newest mark of it that was seen.
    pub(super) upto: i64,
}

/// Marks hours.
pub(crate) async fn put(db: &mut PgConnection, places: &[Place]) -> Result<()> {
    let hosts: Vec<i32> = places.iter().map(|(host, _)| host.0).collect();
    let starts: Vec<jiff_sqlx::Timestamp> = places.iter().map(|(_, at)| at.to_sqlx()).collect();
    sqlx::query!(
        "INSERT INTO dirty_hours (host_id, start)
         SELECT * FROM unnest($1::int[], $2::timestamptz[])",
        &hosts,
        &starts as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The first host of the range of 1,000 that has the oldest mark.
pub(super) async fn oldest_range(db: &mut PgConnection) -> Result<Option<i32>> {
    let host = sqlx::query_scalar!("SELECT host_id FROM dirty_hours ORDER BY start LIMIT 1")
        .fetch_optional(db)
        .await?;
    Ok(host.map(|host| host / 1000 * 1000))
}

/// Marked hours of a range, host by host, at most so many.
pub(super) async fn of_range(
    db: &mut PgConnection,
    first_host: i32,
    most: i64,
) -> Result<Vec<Mark>> {
    let rows = sqlx::query!(
        "SELECT host_id, start, max(id) AS \"upto!\" FROM dirty_hours
         WHERE host_id >= $1 AND host_id < $1 + 1000
         GROUP BY host_id, start ORDER BY host_id, start LIMIT $2",
        first_host,
        most,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Mark { host: HostId(row.host_id), start: row.start.to_jiff(), upto: row.upto })
        .collect())
}

/// Removes the marks of an hour that were seen.
pub(super) async fn remove(db: &mut PgConnection, mark: Mark) -> Result<()> {
    sqlx::query!(
        "DELETE FROM dirty_hours WHERE host_id = $1 AND start = $2 AND id <= $3",
        mark.host.0,
        mark.start.to_sqlx(),
        mark.upto,
    )
    .execute(db)
    .await?;
    Ok(())
}
