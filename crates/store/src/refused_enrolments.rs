//! Enrolments that were refused, and why.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// Rows that are kept, the latest.
const KEPT: i64 = 5_000;

/// An enrolment that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefusedEnrolment {
    /// Name that the host told.
    pub name: String,
    /// Where it came from.
    pub address: String,
    /// Why, as a stable word (`token-expired`).
    pub reason: String,
    /// Name of its token, where there is such a token.
    pub token: Option<String>,
    /// Version of its agent.
    pub agent_version: Option<String>,
    /// When it first tried.
    pub first: Timestamp,
    /// When it last tried.
    pub last: Timestamp,
    /// How often it tried.
    pub times: i64,
}

/// How many hosts were refused for the first time since then, counted by address.
///
/// # Errors
/// When the database fails.
pub async fn count_new(db: &mut PgConnection, since: Timestamp) -> Result<u64> {
    let count = sqlx::query_scalar!(
        "SELECT count(DISTINCT (name, address)) AS \"count!\" FROM refused_enrolments
         WHERE first_at >= $1",
        since.to_sqlx(),
    );
    Ok(count.fetch_one(db).await?.unsigned_abs())
}

/// Keeps a refusal. Tries of a host for one reason are one row, and old rows make room.
///
/// # Errors
/// When the database fails.
pub async fn record(db: &mut PgConnection, refused: &RefusedEnrolment) -> Result<()> {
    sqlx::query!(
        "INSERT INTO refused_enrolments
             (name, address, reason, token_name, agent_version, first_at, last_at, times)
         VALUES ($1, $2, $3, $4, $5, $6, $6, 1)
         ON CONFLICT (name, address, reason) DO UPDATE
         SET last_at = excluded.last_at, times = refused_enrolments.times + 1,
             token_name = excluded.token_name, agent_version = excluded.agent_version",
        refused.name,
        refused.address,
        refused.reason,
        refused.token,
        refused.agent_version,
        refused.last.to_sqlx(),
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "DELETE FROM refused_enrolments WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM refused_enrolments ORDER BY last_at DESC OFFSET $1))",
        KEPT,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The latest refusals since a time.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    since: Timestamp,
    limit: i64,
) -> Result<Vec<RefusedEnrolment>> {
    let rows = sqlx::query!(
        "SELECT name, address, reason, token_name, agent_version, first_at, last_at, times
         FROM refused_enrolments WHERE last_at >= $1 ORDER BY last_at DESC LIMIT $2",
        since.to_sqlx(),
        limit,
    )
    .fetch_all(db)
    .await?;
    let refused = rows.into_iter().map(|row| RefusedEnrolment {
        name: row.name,
        address: row.address,
        reason: row.reason,
        token: row.token_name,
        agent_version: row.agent_version,
        first: row.first_at.to_jiff(),
        last: row.last_at.to_jiff(),
        times: row.times,
    });
    Ok(refused.collect())
}

/// Deletes what was last tried before a time. Returns how many rows went.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut PgConnection, before: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM refused_enrolments WHERE last_at < $1", before.to_sqlx());
    Ok(done.execute(db).await?.rows_affected())
}
