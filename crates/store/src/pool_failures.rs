//! What the Server service of a host could not allocate, by its own counters.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostId, snapshot::PoolFailures};
use sqlx::PgConnection;

use crate::Result;

/// Failures of a host over a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailureSum {
    /// From nonpaged pool.
    pub nonpaged: u64,
    /// From paged pool.
    pub paged: u64,
    /// When the last were told.
    pub last: Timestamp,
}

/// Keeps failures of a host by the time at which they were told. What is kept already stays.
///
/// # Errors
/// When the database fails.
pub async fn note(
    db: &mut PgConnection,
    host: HostId,
    failures: &[(Timestamp, PoolFailures)],
) -> Result<()> {
    let at: Vec<_> = failures.iter().map(|(at, _)| at.to_sqlx()).collect();
    let nonpaged: Vec<i64> = failures.iter().map(|(_, one)| one.nonpaged.into()).collect();
    let paged: Vec<i64> = failures.iter().map(|(_, one)| one.paged.into()).collect();
    sqlx::query!(
        "INSERT INTO pool_failures (host_id, at, nonpaged, paged)
         SELECT $1, * FROM unnest($2::timestamptz[], $3::bigint[], $4::bigint[])
         ON CONFLICT DO NOTHING",
        host.0,
        &at as _,
        &nonpaged,
        &paged,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Failures of every host that had some since a time, from both pools together.
///
/// # Errors
/// When the database fails.
pub async fn count_by_host(db: &mut PgConnection, since: Timestamp) -> Result<Vec<(HostId, u64)>> {
    let rows = sqlx::query!(
        "SELECT host_id, least(sum(nonpaged + paged), 9223372036854775807)::bigint AS \"count!\"
         FROM pool_failures WHERE at >= $1 GROUP BY host_id",
        since.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (HostId(row.host_id), row.count.unsigned_abs())).collect())
}

/// Failures of a host since a time; `None` without any.
///
/// # Errors
/// When the database fails.
pub async fn sum_of_host(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
) -> Result<Option<FailureSum>> {
    let row = sqlx::query!(
        "SELECT least(sum(nonpaged), 9223372036854775807)::bigint AS nonpaged,
             least(sum(paged), 9223372036854775807)::bigint AS paged, max(at) AS last
         FROM pool_failures WHERE host_id = $1 AND at >= $2",
        host.0,
        since.to_sqlx(),
    )
    .fetch_one(db)
    .await?;
    Ok(row.last.map(|last| FailureSum {
        nonpaged: row.nonpaged.unwrap_or(0).unsigned_abs(),
        paged: row.paged.unwrap_or(0).unsigned_abs(),
        last: last.to_jiff(),
    }))
}

/// Failures of a host, the latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    host: HostId,
    limit: i64,
) -> Result<Vec<(Timestamp, PoolFailures)>> {
    let rows = sqlx::query!(
        "SELECT at, nonpaged, paged FROM pool_failures WHERE host_id = $1
         ORDER BY at DESC LIMIT $2",
        host.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let failures = rows.into_iter().map(|row| {
        let failures = PoolFailures { nonpaged: count(row.nonpaged), paged: count(row.paged) };
        (row.at.to_jiff(), failures)
    });
    Ok(failures.collect())
}
