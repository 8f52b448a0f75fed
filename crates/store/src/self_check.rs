//! What the server looks at of its database: whether it takes writes, its clock, its connections, and
//! work that is late.

use jiff::Timestamp;
use jiff_sqlx::Timestamp as SqlxTimestamp;
use sqlx::PgConnection;

use crate::Result;

/// Writes and commits one row. Returns the database's clock.
///
/// # Errors
/// When the database takes no writes: its disk is full, or it is a standby.
pub async fn probe_write(db: &mut PgConnection) -> Result<Timestamp> {
    let at = sqlx::query_scalar!(
        r#"INSERT INTO write_probe (written_at) VALUES (clock_timestamp())
         ON CONFLICT (only_row) DO UPDATE SET written_at = excluded.written_at
         RETURNING written_at AS "at: SqlxTimestamp""#,
    )
    .fetch_one(db)
    .await?;
    Ok(at.to_jiff())
}

/// Connections that all clients have to this Postgres, and how many it takes.
///
/// # Errors
/// When the database fails.
pub async fn connections(db: &mut PgConnection) -> Result<(u32, u32)> {
    let row = sqlx::query!(
        r#"SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')
                 AS "open!",
             current_setting('max_connections')::int AS "most!""#,
    )
    .fetch_one(db)
    .await?;
    Ok((u32::try_from(row.open).unwrap_or(u32::MAX), row.most.unsigned_abs()))
}

/// Jobs of a kind that are not done yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenJobs {
    /// Its word in the table.
    pub kind: String,
    /// The time that the oldest is for.
    pub oldest: Timestamp,
    /// How many.
    pub count: u64,
    /// Why the last attempt at one of them failed, if one did.
    pub last_error: Option<String>,
}

/// Jobs that are not done yet, by kind.
///
/// # Errors
/// When the database fails.
pub async fn open_jobs(db: &mut PgConnection) -> Result<Vec<OpenJobs>> {
    let rows = sqlx::query!(
        r#"SELECT kind, min(bucket) AS "oldest!: SqlxTimestamp", count(*) AS "count!",
             max(last_error) AS last_error
         FROM jobs WHERE done_at IS NULL GROUP BY kind ORDER BY kind"#,
    )
    .fetch_all(db)
    .await?;
    let open = rows.into_iter().map(|row| OpenJobs {
        kind: row.kind,
        oldest: row.oldest.to_jiff(),
        count: row.count.unsigned_abs(),
        last_error: row.last_error,
    });
    Ok(open.collect())
}
