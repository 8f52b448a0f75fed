//! The table of the fleet's hours: blocks of 1,000 hosts by tag.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{
    Result,
    chunk::fleet::{self, Columns},
};

/// Parts of a block, before they become one.
const MAX_PARTS: i64 = 8;

/// Adds hosts to an hour of a block, in place of what was known of them. A few that come late are a
/// part of their own; many parts become one.
///
/// # Errors
/// When the database fails or the codec does.
pub(crate) async fn write(
    db: &mut PgConnection,
    first_host: i32,
    hour: Timestamp,
    mut columns: Columns,
) -> Result<()> {
    if columns.is_empty() {
        return Ok(());
    }
    let known = sqlx::query!(
        "SELECT count(*) AS \"parts!\", coalesce(max(part) + 1, 0) AS \"next!\"
         FROM fleet_hour WHERE first_host = $1 AND start = $2",
        first_host,
        hour.to_sqlx(),
    )
    .fetch_one(&mut *db)
    .await?;
    if known.parts >= MAX_PARTS {
        let mut all = take(db, first_host, hour).await?;
        fleet::overlay(&mut all, columns);
        columns = all;
    }
    let encoded = fleet::encode(&columns)?;
    sqlx::query!(
        "INSERT INTO fleet_hour (first_host, start, part, bounds, buckets)
         VALUES ($1, $2, $3, $4, $5)",
        first_host,
        hour.to_sqlx(),
        known.next,
        &encoded.bounds,
        &encoded.buckets,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All columns of an hour of a block.
///
/// # Errors
/// When the database fails or holds something else than a block.
pub(crate) async fn read(
    db: &mut PgConnection,
    first_host: i32,
    hour: Timestamp,
) -> Result<Columns> {
    let parts = sqlx::query!(
        "SELECT bounds, buckets FROM fleet_hour WHERE first_host = $1 AND start = $2
         ORDER BY part",
        first_host,
        hour.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    let mut all = Columns::new();
    for part in parts {
        fleet::overlay(&mut all, fleet::decode_all(&part.bounds, &part.buckets)?);
    }
    Ok(all)
}

async fn take(db: &mut PgConnection, first_host: i32, hour: Timestamp) -> Result<Columns> {
    let all = read(db, first_host, hour).await?;
    sqlx::query!(
        "DELETE FROM fleet_hour WHERE first_host = $1 AND start = $2",
        first_host,
        hour.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(all)
}
