//! People who sign in, and their sessions.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::person::Role;
use sqlx::PgConnection;

use crate::{Result, StoreError};

/// A person who may sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Its number.
    pub id: i32,
    /// E-mail address: the name to sign in with.
    pub email: String,
    /// Name shown.
    pub name: String,
    /// What the person may do.
    pub role: Role,
    /// Password hash (Argon2, PHC string).
    pub password_hash: String,
}

/// Makes a user, or returns `None` when the address is taken.
///
/// # Errors
/// When the database fails.
pub async fn create_user(
    db: &mut PgConnection,
    email: &str,
    name: &str,
    role: Role,
    password_hash: &str,
    now: Timestamp,
) -> Result<Option<i32>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO users (email, name, role, password_hash, created_at)
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (lower(email)) DO NOTHING RETURNING id",
        email,
        name,
        role.as_str(),
        password_hash,
        now.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// The user who signs in with this address.
///
/// # Errors
/// When the database fails.
pub async fn user_by_email(db: &mut PgConnection, email: &str) -> Result<Option<User>> {
    let row = sqlx::query!(
        "SELECT id, email, name, role, password_hash FROM users
         WHERE lower(email) = lower($1) AND disabled_at IS NULL",
        email,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(User {
            id: row.id,
            email: row.email,
            name: row.name,
            role: role_of(&row.role)?,
            password_hash: row.password_hash,
        })
    })
    .transpose()
}

/// Names of the people who may sign in, by alphabet.
///
/// # Errors
/// When the database fails.
pub async fn names(db: &mut PgConnection, limit: i64) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT DISTINCT name FROM users WHERE disabled_at IS NULL ORDER BY name LIMIT $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(names)
}

/// Begins a session.
///
/// # Errors
/// When the database fails.
pub async fn create_session(
    db: &mut PgConnection,
    token_hash: &[u8],
    user: i32,
    now: Timestamp,
    expires: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO sessions (token_hash, user_id, created_at, expires_at)
         VALUES ($1, $2, $3, $4)",
        token_hash,
        user,
        now.to_sqlx(),
        expires.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The person of a session that has not expired.
///
/// # Errors
/// When the database fails.
pub async fn session_user(
    db: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<User>> {
    let row = sqlx::query!(
        "SELECT id, email, name, role, password_hash FROM sessions JOIN users ON id = user_id
         WHERE token_hash = $1 AND expires_at > $2 AND disabled_at IS NULL",
        token_hash,
        now.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| {
        Ok(User {
            id: row.id,
            email: row.email,
            name: row.name,
            role: role_of(&row.role)?,
            password_hash: row.password_hash,
        })
    })
    .transpose()
}

/// Ends a session.
///
/// # Errors
/// When the database fails.
pub async fn delete_session(db: &mut PgConnection, token_hash: &[u8]) -> Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE token_hash = $1", token_hash).execute(db).await?;
    Ok(())
}

/// Forgets expired sessions.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired_sessions(db: &mut PgConnection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM sessions WHERE expires_at <= $1", now.to_sqlx())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}

pub(crate) fn role_of(word: &str) -> Result<Role> {
    word.parse().map_err(|_| StoreError::OutOfRange("role"))
}
