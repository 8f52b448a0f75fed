//! Which server works with this database: whoever holds the lock, for as long as its connection
//! lasts. The connection is direct, or by a pooler that gives each client a session of its own.

use jiff::Timestamp;
use sqlx::PgConnection;

use crate::Result;

/// The session that holds the lead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeadSession {
    pid: i32,
    began: Timestamp,
}

/// Takes the lead, unless another server has it. Postgres notices within half a minute when the machine
/// of whoever holds it is gone without a word.
///
/// # Errors
/// When the database fails.
pub async fn take(db: &mut PgConnection) -> Result<Option<LeadSession>> {
    sqlx::query!(
        "SELECT set_config('tcp_keepalives_idle', '10', false) AS idle,
             set_config('tcp_keepalives_interval', '5', false) AS \"interval\",
             set_config('tcp_keepalives_count', '3', false) AS count"
    )
    .fetch_one(&mut *db)
    .await?;
    let row = sqlx::query!(
        "SELECT pid AS \"pid!\", backend_start AS \"began!\",
             pg_try_advisory_lock(hashtextextended('poolwatch/lead', 0)) AS \"taken!\"
         FROM pg_stat_activity WHERE pid = pg_backend_pid()"
    )
    .fetch_one(db)
    .await?;
    let session = LeadSession { pid: row.pid, began: row.began.to_jiff() };
    Ok(row.taken.then_some(session))
}

/// Ends a session that held the lead and whose connection does not answer: as far as Postgres knows it
/// may hold it still.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &mut PgConnection, session: LeadSession) -> Result<()> {
    sqlx::query!(
        "SELECT pg_terminate_backend(pid, 5000) AS ended FROM pg_stat_activity
         WHERE pid = $1 AND backend_start = $2",
        session.pid,
        jiff_sqlx::Timestamp::from(session.began) as jiff_sqlx::Timestamp,
    )
    .fetch_optional(db)
    .await?;
    Ok(())
}

/// Gives back what the server before had leased: it is gone, and who has the lead works alone.
///
/// # Errors
/// When the database fails.
pub async fn end_leases(db: &mut PgConnection) -> Result<()> {
    sqlx::query!(
        "WITH jobs AS (UPDATE jobs SET leased_until = NULL WHERE leased_until IS NOT NULL),
         outbox AS (UPDATE outbox SET leased_until = NULL WHERE leased_until IS NOT NULL)
         UPDATE deliveries SET leased_until = NULL WHERE leased_until IS NOT NULL"
    )
    .execute(db)
    .await?;
    Ok(())
}
