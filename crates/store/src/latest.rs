//! What is newest of many hosts: what a server shows after a start until they are heard again.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use crate::{Result, frames::StoredFrame};

/// The newest frame of each of these hosts of a period, with the time of the one before:
/// two looks into an index per host.
///
/// # Errors
/// When the database fails.
pub async fn frames(
    db: &mut PgConnection,
    hosts: &[HostId],
    (since, until): (Timestamp, Timestamp),
) -> Result<Vec<(HostId, StoredFrame, Option<Timestamp>)>> {
    let ids: Vec<i32> = hosts.iter().map(|host| host.0).collect();
    let rows = sqlx::query!(
        "SELECT id AS \"host!\", newest.ts, newest.boot_no, newest.seq, newest.payload, (
             SELECT ts FROM frames WHERE host_id = id AND ts < newest.ts AND ts >= $2
             ORDER BY ts DESC LIMIT 1
         ) AS before
         FROM unnest($1::int[]) AS id
         CROSS JOIN LATERAL (
             SELECT ts, boot_no, seq, payload FROM frames
             WHERE host_id = id AND ts BETWEEN $2 AND $3
             ORDER BY ts DESC, boot_no DESC, seq DESC LIMIT 1
         ) AS newest
         ORDER BY id",
        &ids,
        since.to_sqlx(),
        until.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    let frames = rows.into_iter().map(|row| {
        let at = row.ts.to_jiff();
        let seq = row.seq.unsigned_abs();
        let frame = StoredFrame { at, boot_no: row.boot_no, seq, payload: row.payload };
        (HostId(row.host), frame, row.before.map(jiff_sqlx::Timestamp::to_jiff))
    });
    Ok(frames.collect())
}

/// One hour of one host's pools.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolHour {
    /// The host.
    pub host: HostId,
    /// When.
    pub at: Timestamp,
    /// Paged pool in use, bytes.
    pub paged: Option<u64>,
    /// Nonpaged pool in use, bytes.
    pub nonpaged: Option<u64>,
}

/// The use of both pools by these hosts at the end of each of the last `hours` hours before
/// `until`, oldest first: one look into an index per host and hour, not a walk over all frames.
///
/// # Errors
/// When the database fails.
pub async fn pool_hours(
    db: &mut PgConnection,
    hosts: &[HostId],
    hours: u32,
    until: Timestamp,
) -> Result<Vec<PoolHour>> {
    let ids: Vec<i32> = hosts.iter().map(|host| host.0).collect();
    let rows = sqlx::query!(
        "SELECT id AS \"host!\", newest.ts, newest.paged, newest.nonpaged
         FROM unnest($1::int[]) AS id
         CROSS JOIN generate_series(0, $2::int) AS back
         CROSS JOIN LATERAL (
             SELECT ts, paged, nonpaged FROM frames
             WHERE host_id = id
                 AND ts >= date_trunc('hour', $3::timestamptz) - make_interval(hours => back)
                 AND ts < date_trunc('hour', $3::timestamptz) - make_interval(hours => back - 1)
             ORDER BY ts DESC LIMIT 1
         ) AS newest
         ORDER BY id, newest.ts",
        &ids,
        i32::try_from(hours).unwrap_or(i32::MAX),
        until.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| PoolHour {
            host: HostId(row.host),
            at: row.ts.to_jiff(),
            paged: row.paged.map(i64::unsigned_abs),
            nonpaged: row.nonpaged.map(i64::unsigned_abs),
        })
        .collect())
}
