//! Which server works with this database: whoever holds the lock, for as long as its connection
//! lasts. The connection has to be direct, not through a pooler.

use sqlx::PgConnection;

use crate::Result;

/// Takes the lead, unless another server has it.
///
/// # Errors
/// When the database fails.
pub async fn take(db: &mut PgConnection) -> Result<bool> {
    let taken = sqlx::query_scalar!(
        "SELECT pg_try_advisory_lock(hashtextextended('poolwatch/lead', 0)) AS \"taken!\""
    )
    .fetch_one(db)
    .await?;
    Ok(taken)
}
