//! Sessions of people who are signed in.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as SqlxTimestamp, ToSqlx};
use sqlx::PgConnection;

use crate::{
    Result,
    host_groups::scope_of,
    people::{User, role_of},
};

/// The use of a session is noted this often at most.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// Where somebody signs in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SignInPlace<'a> {
    /// Address that the request came from.
    pub address: &'a str,
    /// What the browser calls itself.
    pub user_agent: &'a str,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: i64,
    /// When the person signed in.
    pub created: Timestamp,
    /// When it was last used, within a minute.
    pub last_used: Option<Timestamp>,
    /// When it ends by itself.
    pub expires: Timestamp,
    /// Address that the person signed in from; empty where it was not kept.
    pub address: String,
    /// What the browser calls itself.
    pub user_agent: String,
}

/// Begins a session.
///
/// # Errors
/// When the database fails.
pub async fn create(
    db: &mut PgConnection,
    token_hash: &[u8],
    user: i32,
    place: SignInPlace<'_>,
    now: Timestamp,
    expires: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO sessions
             (token_hash, user_id, created_at, expires_at, last_used_at, address, user_agent)
         VALUES ($1, $2, $3, $4, $3, $5, $6)",
        token_hash,
        user,
        now.to_sqlx(),
        expires.to_sqlx(),
        place.address,
        place.user_agent,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// The person of a session that has not expired, with the number of the session. Its use is noted.
///
/// # Errors
/// When the database fails.
pub async fn user(
    db: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<(User, i64)>> {
    let row = sqlx::query!(
        r#"SELECT users.id, email, name, role, scope, password_hash, totp_secret,
             sessions.id AS session,
             last_used_at AS "last_used_at: SqlxTimestamp"
         FROM sessions JOIN users ON users.id = user_id
         WHERE token_hash = $1 AND expires_at > $2 AND disabled_at IS NULL"#,
        token_hash,
        now.to_sqlx(),
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let last_used = row.last_used_at.map(SqlxTimestamp::to_jiff);
    if last_used.is_none_or(|at| now.duration_since(at) >= NOTED_EVERY) {
        sqlx::query!(
            "UPDATE sessions SET last_used_at = $2 WHERE id = $1",
            row.session,
            now.to_sqlx(),
        )
        .execute(db)
        .await?;
    }
    let user = User {
        id: row.id,
        email: row.email,
        name: row.name,
        role: role_of(&row.role)?,
        scope: scope_of(row.scope),
        password_hash: row.password_hash,
        sealed_totp: row.totp_secret,
    };
    Ok(Some((user, row.session)))
}

/// The sessions of a person that have not expired, latest first.
///
/// # Errors
/// When the database fails.
pub async fn of_user(db: &mut PgConnection, user: i32, now: Timestamp) -> Result<Vec<Session>> {
    let rows = sqlx::query!(
        r#"SELECT id, created_at AS "created_at: SqlxTimestamp",
             last_used_at AS "last_used_at: SqlxTimestamp",
             expires_at AS "expires_at: SqlxTimestamp", address, user_agent
         FROM sessions WHERE user_id = $1 AND expires_at > $2 ORDER BY id DESC LIMIT 100"#,
        user,
        now.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    let sessions = rows.into_iter().map(|row| Session {
        id: row.id,
        created: row.created_at.to_jiff(),
        last_used: row.last_used_at.map(SqlxTimestamp::to_jiff),
        expires: row.expires_at.to_jiff(),
        address: row.address,
        user_agent: row.user_agent,
    });
    Ok(sessions.collect())
}

/// Ends the session of a token.
///
/// # Errors
/// When the database fails.
pub async fn delete(db: &mut PgConnection, token_hash: &[u8]) -> Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE token_hash = $1", token_hash).execute(db).await?;
    Ok(())
}

/// Ends one session of a person. Returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn delete_one(db: &mut PgConnection, user: i32, id: i64) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM sessions WHERE user_id = $1 AND id = $2", user, id)
        .execute(db)
        .await?;
    Ok(done.rows_affected() > 0)
}

/// Ends all sessions of a person.
///
/// # Errors
/// When the database fails.
pub async fn delete_all(db: &mut PgConnection, user: i32) -> Result<()> {
    sqlx::query!("DELETE FROM sessions WHERE user_id = $1", user).execute(db).await?;
    Ok(())
}

/// Forgets expired sessions.
///
/// # Errors
/// When the database fails.
pub async fn delete_expired(db: &mut PgConnection, now: Timestamp) -> Result<u64> {
    let done = sqlx::query!("DELETE FROM sessions WHERE expires_at <= $1", now.to_sqlx())
        .execute(db)
        .await?;
    Ok(done.rows_affected())
}
