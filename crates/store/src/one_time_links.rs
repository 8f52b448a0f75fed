//! Links by which people set their passwords, once.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{
    Result,
    host_groups::scope_of,
    people::{User, role_of},
};

/// Whom a link is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkPurpose {
    /// It makes the first administrator.
    FirstAdministrator,
    /// It sets the password of a person.
    Password(User),
}

/// Keeps a link of a person, or the one that makes the first administrator. An earlier one ends.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    db: &mut PgConnection,
    token_hash: &[u8],
    user: Option<i32>,
    expires: Timestamp,
) -> Result<()> {
    delete_of(db, user).await?;
    sqlx::query!(
        "INSERT INTO one_time_links (token_hash, user_id, expires_at) VALUES ($1, $2, $3)",
        token_hash,
        user,
        expires.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Whom a link is for that still counts: one for the first administrator counts while nobody is one.
///
/// # Errors
/// When the database fails.
pub async fn find(
    db: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<LinkPurpose>> {
    let row = sqlx::query!(
        r#"SELECT users.id AS "id?", email AS "email?", name AS "name?", role AS "role?", scope,
             password_hash AS "password_hash?", totp_secret
         FROM one_time_links LEFT JOIN users ON users.id = user_id
         WHERE token_hash = $1 AND expires_at > $2 AND disabled_at IS NULL"#,
        token_hash,
        now.to_sqlx(),
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let (Some(id), Some(email), Some(name), Some(role), Some(password_hash)) =
        (row.id, row.email, row.name, row.role, row.password_hash)
    else {
        return Ok((!has_administrator(db).await?).then_some(LinkPurpose::FirstAdministrator));
    };
    let role = role_of(&role)?;
    let (scope, sealed_totp) = (scope_of(row.scope), row.totp_secret);
    let user = User { id, email, name, role, scope, password_hash, sealed_totp };
    Ok(Some(LinkPurpose::Password(user)))
}

/// Takes a link away. Returns whether it was there: of two who use it at once, one does.
///
/// # Errors
/// When the database fails.
pub async fn use_up(db: &mut PgConnection, token_hash: &[u8]) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM one_time_links WHERE token_hash = $1", token_hash)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Takes away what link a person has; without one, the one that makes the first administrator.
///
/// # Errors
/// When the database fails.
pub async fn delete_of(db: &mut PgConnection, user: Option<i32>) -> Result<()> {
    sqlx::query!("DELETE FROM one_time_links WHERE user_id IS NOT DISTINCT FROM $1", user)
        .execute(db)
        .await?;
    Ok(())
}

/// Forgets expired links.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired(db: &mut PgConnection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM one_time_links WHERE expires_at <= $1", now.to_sqlx())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

/// Whether somebody can sign in as an administrator.
///
/// # Errors
/// When the database fails.
pub async fn has_administrator(db: &mut PgConnection) -> Result<bool> {
    let found = sqlx::query_scalar!(
        "SELECT id FROM users
         WHERE role = 'admin' AND disabled_at IS NULL AND password_hash <> '' LIMIT 1",
    )
    .fetch_optional(db)
    .await?;
    Ok(found.is_some())
}
