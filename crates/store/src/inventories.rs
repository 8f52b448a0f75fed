//! What is installed on hosts.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{HostId, inventory::Inventory};
use sqlx::{PgConnection, types::Json};

use crate::Result;

/// Keeps a host's inventory in place of the one before.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    db: &mut PgConnection,
    host: HostId,
    inventory: &Inventory,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO inventories (host_id, received_at, inventory) VALUES ($1, $2, $3)
         ON CONFLICT (host_id) DO UPDATE
         SET received_at = excluded.received_at, inventory = excluded.inventory",
        host.0,
        now.to_sqlx(),
        serde_json::to_value(inventory)?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A host's inventory.
///
/// # Errors
/// When the database fails.
pub async fn find(db: &mut PgConnection, host: HostId) -> Result<Option<Inventory>> {
    let inventory = sqlx::query_scalar!(
        "SELECT inventory AS \"inventory: Json<Inventory>\" FROM inventories WHERE host_id = $1",
        host.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(inventory.map(|document| document.0))
}
