//! How long a statement may take. Set on the connection, not when it starts: poolers refuse that.

use std::time::Duration;

use sqlx::PgConnection;

/// Of work that walks over much: retention, the fleet at a start.
pub const LONG: Duration = Duration::from_secs(900);

/// Bounds the statements of a connection from now on; the database cancels one that takes longer. A pool
/// bounds a connection anew when it is given back.
///
/// # Errors
/// When the database fails.
pub async fn bound(db: &mut PgConnection, most: Duration) -> Result<(), sqlx::Error> {
    let most = format!("{}ms", most.as_millis());
    sqlx::query_scalar!("SELECT set_config('statement_timeout', $1, false)", most)
        .fetch_one(db)
        .await?;
    Ok(())
}
