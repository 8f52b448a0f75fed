//! Tokens of scripts that use `/api/v1`.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::person::Role;
use sqlx::PgConnection;

use crate::{Result, people::role_of};

/// Keeps a token for `/api/v1`.
///
/// # Errors
/// When the database fails.
pub async fn create_api(
    db: &mut PgConnection,
    name: &str,
    token_hash: &[u8],
    role: Role,
    now: Timestamp,
    expires: Option<Timestamp>,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO api_tokens (name, role, token_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5)",
        name,
        role.as_str(),
        token_hash,
        now.to_sqlx(),
        expires.map(ToSqlx::to_sqlx),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The name and role of a valid token for `/api/v1`.
///
/// # Errors
/// When the database fails.
pub async fn api(
    db: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<(String, Role)>> {
    let row = sqlx::query!(
        "SELECT name, role FROM api_tokens
         WHERE token_hash = $1 AND revoked_at IS NULL
             AND (expires_at IS NULL OR expires_at > $2)",
        token_hash,
        now.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| Ok((row.name, role_of(&row.role)?))).transpose()
}
