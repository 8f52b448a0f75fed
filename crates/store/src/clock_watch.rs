//! Whether the server's clock can be believed enough to delete by it.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Notes what the server's clock says, which is done every hour, and tells whether it has gone on
/// steadily and agreed with the database's within ten minutes for a day.
///
/// # Errors
/// When the database fails.
pub async fn is_steady(db: &mut PgConnection, now: Timestamp) -> Result<bool> {
    let is_steady = sqlx::query_scalar!(
        "WITH told AS (
             SELECT $1::timestamptz AS at,
                 $1::timestamptz BETWEEN now() - interval '10 minutes'
                     AND now() + interval '10 minutes' AS agrees
         )
         INSERT INTO clock_watch (seen_at, steady_since) SELECT at, at FROM told
         ON CONFLICT (only_row) DO UPDATE SET seen_at = excluded.seen_at,
             steady_since = CASE
                 WHEN (SELECT agrees FROM told) AND excluded.seen_at
                     BETWEEN clock_watch.seen_at - interval '10 minutes'
                         AND clock_watch.seen_at + interval '3 hours'
                 THEN clock_watch.steady_since ELSE excluded.seen_at END
         RETURNING steady_since <= seen_at - interval '1 day' AS \"is!\"",
        now.to_sqlx(),
    )
    .fetch_one(db)
    .await?;
    Ok(is_steady)
}
