//! Work that is due once per kind, time bucket and range of hosts.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// A job that this server has to do now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedJob {
    /// What to do.
    pub kind: String,
    /// The time it is for.
    pub bucket: Timestamp,
    /// First host of its range.
    pub first_host: i32,
    /// How often it was begun, this time included.
    pub attempts: i32,
}

/// Makes a job due, unless it was before.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &mut PgConnection,
    kind: &str,
    bucket: Timestamp,
    first_host: i32,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO jobs (kind, bucket, first_host) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING",
        kind,
        bucket.to_sqlx(),
        first_host,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a job due, and due again when it is under way or done: it has not seen what there is now.
///
/// # Errors
/// When the database fails.
pub async fn add_again(
    db: &mut PgConnection,
    kind: &str,
    bucket: Timestamp,
    first_host: i32,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO jobs (kind, bucket, first_host) VALUES ($1, $2, $3)
         ON CONFLICT (kind, bucket, first_host)
         DO UPDATE SET done_at = NULL, leased_until = NULL, attempts = jobs.attempts + 1",
        kind,
        bucket.to_sqlx(),
        first_host,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes a kind of job due for every hour or day (`step_s`) of a period and every range of 1,000
/// hosts that there are.
///
/// # Errors
/// When the database fails.
pub async fn add_for_ranges(
    db: &mut PgConnection,
    kind: &str,
    (first, last): (Timestamp, Timestamp),
    step_s: u32,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO jobs (kind, bucket, first_host)
         SELECT $1, bucket, range FROM generate_series($2::timestamptz, $3::timestamptz,
             make_interval(secs => $4)) AS bucket,
             (SELECT DISTINCT id / 1000 * 1000 AS range FROM hosts) AS ranges
         ON CONFLICT DO NOTHING",
        kind,
        first.to_sqlx(),
        last.to_sqlx(),
        f64::from(step_s),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes the oldest open job of these kinds that nobody does, for as long as `lease`. A lease that
/// ends in more than a day is of a clock that was wrong, and holds nobody up.
///
/// # Errors
/// When the database fails.
pub async fn lease(
    db: &mut PgConnection,
    kinds: &[&str],
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<LeasedJob>> {
    let until = now.saturating_add(lease).unwrap_or(now);
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let row = sqlx::query!(
        "UPDATE jobs SET leased_until = $2, attempts = attempts + 1
         WHERE (kind, bucket, first_host) = (
             SELECT kind, bucket, first_host FROM jobs
             WHERE kind = ANY($3) AND done_at IS NULL AND bucket <= $1
                 AND (leased_until IS NULL OR leased_until <= $1
                     OR leased_until > $1::timestamptz + interval '1 day')
             ORDER BY bucket LIMIT 1 FOR UPDATE SKIP LOCKED
         )
         RETURNING kind, bucket, first_host, attempts",
        now.to_sqlx(),
        until.to_sqlx(),
        &kinds,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| LeasedJob {
        kind: row.kind,
        bucket: row.bucket.to_jiff(),
        first_host: row.first_host,
        attempts: row.attempts,
    }))
}

/// Marks a job as done, in the transaction of its effect. Returns false when the lease was lost to
/// another server meanwhile: then the effect has to be rolled back.
///
/// # Errors
/// When the database fails.
pub async fn complete(db: &mut PgConnection, job: &LeasedJob, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE jobs SET done_at = $5, leased_until = NULL, last_error = NULL
         WHERE kind = $1 AND bucket = $2 AND first_host = $3 AND attempts = $4
             AND done_at IS NULL",
        job.kind,
        job.bucket.to_sqlx(),
        job.first_host,
        job.attempts,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Gives a failed job back, to be tried again from `not_before` on.
///
/// # Errors
/// When the database fails.
pub async fn put_back(
    db: &mut PgConnection,
    job: &LeasedJob,
    not_before: Timestamp,
    error: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE jobs SET leased_until = $5, last_error = $6
         WHERE kind = $1 AND bucket = $2 AND first_host = $3 AND attempts = $4",
        job.kind,
        job.bucket.to_sqlx(),
        job.first_host,
        job.attempts,
        not_before.to_sqlx(),
        error,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets jobs of times to come, and that they were done, as a clock that ran ahead left them: they
/// are made due again when their time comes.
///
/// # Errors
/// When the database fails.
pub async fn forget_ahead(db: &mut PgConnection, kinds: &[&str], now: Timestamp) -> Result<u64> {
    let kinds: Vec<String> = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let done = sqlx::query!(
        "DELETE FROM jobs WHERE kind = ANY($1)
             AND (bucket > $2 OR done_at > $2::timestamptz + interval '1 hour')",
        &kinds,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// Forgets jobs that were done before a time.
///
/// # Errors
/// When the database fails.
pub async fn forget_done(db: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done =
        sqlx::query!("DELETE FROM jobs WHERE done_at < $1", before.to_sqlx()).execute(db).await?;
    Ok(done.rows_affected())
}
