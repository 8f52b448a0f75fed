//! What is set by the console, by name.

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlxTimestamp, ToSqlx};
use sqlx::PgConnection;

use crate::Result;

/// A setting as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct Setting {
    /// Its value.
    pub value: serde_json::Value,
    /// When it was changed.
    pub changed: Timestamp,
    /// Who changed it.
    pub changed_by: String,
}

/// The setting of this name.
///
/// # Errors
/// When the database fails.
pub async fn get(db: &mut PgConnection, name: &str) -> Result<Option<Setting>> {
    let row = sqlx::query!(
        r#"SELECT value, changed_at AS "changed_at: SqlxTimestamp", changed_by
         FROM settings WHERE name = $1"#,
        name,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| Setting {
        value: row.value,
        changed: row.changed_at.to_jiff(),
        changed_by: row.changed_by,
    }))
}

/// Keeps a setting.
///
/// # Errors
/// When the database fails.
pub async fn set(
    db: &mut PgConnection,
    name: &str,
    value: &serde_json::Value,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO settings (name, value, changed_at, changed_by) VALUES ($1, $2, $3, $4)
         ON CONFLICT (name) DO UPDATE SET value = $2, changed_at = $3, changed_by = $4",
        name,
        value,
        now.to_sqlx(),
        by,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets a setting: what the server was started with counts again.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut PgConnection, name: &str) -> Result<()> {
    sqlx::query!("DELETE FROM settings WHERE name = $1", name).execute(db).await?;
    Ok(())
}
