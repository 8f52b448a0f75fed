//! People who sign in.

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlxTimestamp, ToSqlx};
use poolwatch_model::person::{Role, Scope};
use sqlx::PgConnection;

use crate::{
    Result, StoreError,
    host_groups::{numbers_of_scope, scope_of},
};

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
    /// Whose hosts the person sees; an administrator sees all.
    pub scope: Scope,
    /// Password hash (Argon2, PHC string); empty while no password was set.
    pub password_hash: String,
    /// Secret of the second factor, sealed, where one is enabled.
    pub sealed_totp: Option<Vec<u8>>,
}

/// A person as administrators see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who it is.
    pub user: User,
    /// When it was made.
    pub created: Timestamp,
    /// Since when the person may not sign in.
    pub disabled: Option<Timestamp>,
    /// Until when the person may set a password by a link.
    pub link_until: Option<Timestamp>,
    /// When a session of the person was last used.
    pub last_used: Option<Timestamp>,
    /// The identity provider that the person signs in by.
    pub provider: Option<String>,
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
        "SELECT id, email, name, role, scope, password_hash, totp_secret FROM users
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
            scope: scope_of(row.scope),
            password_hash: row.password_hash,
            sealed_totp: row.totp_secret,
        })
    })
    .transpose()
}

/// The account of a person, whether they may sign in or not.
///
/// # Errors
/// When the database fails.
pub async fn account(db: &mut PgConnection, id: i32, now: Timestamp) -> Result<Option<Account>> {
    Ok(accounts_where(db, Some(id), 1, now).await?.pop())
}

/// All accounts by name, at most so many.
///
/// # Errors
/// When the database fails.
pub async fn accounts(db: &mut PgConnection, limit: i64, now: Timestamp) -> Result<Vec<Account>> {
    accounts_where(db, None, limit, now).await
}

async fn accounts_where(
    db: &mut PgConnection,
    id: Option<i32>,
    limit: i64,
    now: Timestamp,
) -> Result<Vec<Account>> {
    let rows = sqlx::query!(
        r#"SELECT id, email, name, role, scope, password_hash, totp_secret, oidc_issuer,
             created_at AS "created_at: SqlxTimestamp",
             disabled_at AS "disabled_at: SqlxTimestamp",
             (SELECT expires_at FROM one_time_links
              WHERE user_id = users.id AND expires_at > $3) AS "link_until: SqlxTimestamp",
             (SELECT max(coalesce(last_used_at, created_at)) FROM sessions
              WHERE user_id = users.id) AS "last_used: SqlxTimestamp"
         FROM users WHERE $1::int IS NULL OR id = $1 ORDER BY lower(name), id LIMIT $2"#,
        id,
        limit,
        now.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(Account {
                user: User {
                    id: row.id,
                    email: row.email,
                    name: row.name,
                    role: role_of(&row.role)?,
                    scope: scope_of(row.scope),
                    password_hash: row.password_hash,
                    sealed_totp: row.totp_secret,
                },
                created: row.created_at.to_jiff(),
                disabled: row.disabled_at.map(SqlxTimestamp::to_jiff),
                link_until: row.link_until.map(SqlxTimestamp::to_jiff),
                last_used: row.last_used.map(SqlxTimestamp::to_jiff),
                provider: row.oidc_issuer,
            })
        })
        .collect()
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

/// Whether somebody other than this person can sign in as an administrator. Until the end of the
/// transaction nobody else asks the same: two administrators cannot take each other's role away.
///
/// # Errors
/// When the database fails.
pub async fn lock_other_administrators(db: &mut PgConnection, but: i32) -> Result<bool> {
    let others = sqlx::query_scalar!(
        "SELECT id FROM users WHERE role = 'admin' AND disabled_at IS NULL AND password_hash <> ''
         ORDER BY id FOR UPDATE",
    )
    .fetch_all(db)
    .await?;
    Ok(others.iter().any(|id| *id != but))
}

/// Changes name and role.
///
/// # Errors
/// When the database fails.
pub async fn change_user(db: &mut PgConnection, id: i32, name: &str, role: Role) -> Result<()> {
    sqlx::query!("UPDATE users SET name = $2, role = $3 WHERE id = $1", id, name, role.as_str())
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps whose hosts a person sees.
///
/// # Errors
/// When the database fails.
pub async fn set_scope(db: &mut PgConnection, id: i32, scope: &Scope) -> Result<()> {
    let scope = numbers_of_scope(scope);
    sqlx::query!("UPDATE users SET scope = $2 WHERE id = $1", id, scope.as_deref())
        .execute(db)
        .await?;
    Ok(())
}

/// Who somebody is at an identity provider, and what they may do by it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProvidedPerson<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// Who it is there, for ever.
    pub subject: &'a str,
    /// E-mail address.
    pub email: &'a str,
    /// Name shown.
    pub name: &'a str,
    /// What the person may do.
    pub role: Role,
    /// Whose hosts the person sees.
    pub scope: &'a Scope,
}

/// How the sign-in of somebody by an identity provider went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProvidedSignIn {
    /// The person, made when there was none.
    Done(Box<User>),
    /// An administrator does not let them.
    Disabled,
    /// Another account has the e-mail address.
    Taken,
}

/// The person of an identity provider, with what the provider says of them now.
///
/// # Errors
/// When the database fails.
pub async fn sign_in_provided(
    db: &mut PgConnection,
    person: &ProvidedPerson<'_>,
    now: Timestamp,
) -> Result<ProvidedSignIn> {
    let scope = numbers_of_scope(person.scope);
    let taken = sqlx::query_scalar!(
        "SELECT EXISTS (SELECT FROM users WHERE lower(email) = lower($1)
             AND (oidc_issuer, oidc_subject) IS DISTINCT FROM ($2, $3)) AS \"is!\"",
        person.email,
        person.issuer,
        person.subject,
    )
    .fetch_one(&mut *db)
    .await?;
    if taken {
        return Ok(ProvidedSignIn::Taken);
    }
    let row = sqlx::query!(
        "INSERT INTO users (email, name, role, scope, password_hash, created_at, oidc_issuer,
             oidc_subject)
         VALUES ($1, $2, $3, $4, '', $5, $6, $7)
         ON CONFLICT ON CONSTRAINT users_oidc_subject_key DO UPDATE
         SET email = excluded.email, name = excluded.name, role = excluded.role,
             scope = excluded.scope
         RETURNING id, disabled_at IS NOT NULL AS \"is_disabled!\"",
        person.email,
        person.name,
        person.role.as_str(),
        scope.as_deref(),
        now.to_sqlx(),
        person.issuer,
        person.subject,
    )
    .fetch_one(db)
    .await?;
    if row.is_disabled {
        return Ok(ProvidedSignIn::Disabled);
    }
    Ok(ProvidedSignIn::Done(Box::new(User {
        id: row.id,
        email: person.email.to_owned(),
        name: person.name.to_owned(),
        role: person.role,
        scope: person.scope.clone(),
        password_hash: String::new(),
        sealed_totp: None,
    })))
}

/// Lets a person sign in no more, or again.
///
/// # Errors
/// When the database fails.
pub async fn set_disabled(
    db: &mut PgConnection,
    id: i32,
    disabled: Option<Timestamp>,
) -> Result<()> {
    sqlx::query!(
        "UPDATE users SET disabled_at = $2 WHERE id = $1",
        id,
        disabled.map(ToSqlx::to_sqlx)
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps the hash of a person's new password.
///
/// # Errors
/// When the database fails.
pub async fn set_password(db: &mut PgConnection, id: i32, password_hash: &str) -> Result<()> {
    sqlx::query!("UPDATE users SET password_hash = $2 WHERE id = $1", id, password_hash)
        .execute(db)
        .await?;
    Ok(())
}

/// Deletes a person, with their sessions, tokens and links.
///
/// # Errors
/// When the database fails.
pub async fn delete_user(db: &mut PgConnection, id: i32) -> Result<()> {
    sqlx::query!("DELETE FROM users WHERE id = $1", id).execute(db).await?;
    Ok(())
}

pub(crate) fn role_of(word: &str) -> Result<Role> {
    word.parse().map_err(|_| StoreError::OutOfRange("role"))
}
