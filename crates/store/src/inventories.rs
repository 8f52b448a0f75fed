//! What is installed on hosts, and what changed.

mod changes;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    inventory::{HostRole, Inventory},
};
use sqlx::{PgConnection, types::Json};

pub use changes::{
    DriverChange, FleetChange, changed_on, changed_since, changes_of, forget_changes,
};

use crate::{Result, readable::Readable};

/// Keeps a host's inventory in place of the one before, and what changed among its drivers. To be
/// called in a transaction.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    db: &mut PgConnection,
    host: HostId,
    inventory: &Inventory,
    now: Timestamp,
) -> Result<()> {
    let before = sqlx::query_scalar!(
        "SELECT inventory AS \"inventory: Readable<Inventory>\" FROM inventories
         WHERE host_id = $1 FOR UPDATE",
        host.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    if let Some(Readable(Some(before))) = before {
        changes::keep(&mut *db, host, &changes::between(&before, inventory), now).await?;
    }
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

/// What Windows is there for on some hosts; those that do not tell are left out.
///
/// # Errors
/// When the database fails.
pub async fn roles_of(db: &mut PgConnection, hosts: &[HostId]) -> Result<Vec<(HostId, HostRole)>> {
    let hosts: Vec<i32> = hosts.iter().map(|host| host.0).collect();
    let rows = sqlx::query!(
        "SELECT host_id, inventory->>'role' AS \"role!\" FROM inventories
         WHERE host_id = ANY ($1) AND inventory->>'role' IS NOT NULL",
        &hosts,
    )
    .fetch_all(db)
    .await?;
    // A role of a later version counts as none.
    let known = |role: String| serde_json::from_value(serde_json::Value::String(role)).ok();
    Ok(rows.into_iter().filter_map(|row| Some((HostId(row.host_id), known(row.role)?))).collect())
}
