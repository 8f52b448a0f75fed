//! Tokens of scripts that use `/api/v1`.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as SqlxTimestamp, ToSqlx};
use poolwatch_model::person::{Role, Scope};
use sqlx::PgConnection;

use crate::{
    Result,
    host_groups::{numbers_of_scope, scope_of},
    people::role_of,
};

/// The use of a token is noted this often at most.
const NOTED_EVERY: SignedDuration = SignedDuration::from_mins(1);

/// A token for `/api/v1`, as it is made.
#[derive(Debug, Clone)]
pub struct NewApiToken<'a> {
    /// What it is for.
    pub name: &'a str,
    /// What it may do.
    pub role: Role,
    /// Whose hosts it sees.
    pub scope: Scope,
    /// The person whose it is; `None` for a service.
    pub user: Option<i32>,
    /// Who made it.
    pub created_by: &'a str,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
}

/// A token for `/api/v1`, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiToken {
    /// Its number.
    pub id: i32,
    /// What it is for.
    pub name: String,
    /// What it may do; one of a person never more than that person.
    pub role: Role,
    /// Whose hosts it sees; one of a person never more than that person.
    pub scope: Scope,
    /// Number and name of the person whose it is; `None` for a service.
    pub owner: Option<(i32, String)>,
    /// Who made it.
    pub created_by: String,
    /// When.
    pub created: Timestamp,
    /// When it ends by itself.
    pub expires: Option<Timestamp>,
    /// When it was last used, within a minute.
    pub last_used: Option<Timestamp>,
}

/// Who uses a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenUse {
    /// Its number.
    pub id: i32,
    /// What it is for.
    pub name: String,
    /// The person whose it is; none of a service.
    pub user: Option<i32>,
    /// What it may do now.
    pub role: Role,
    /// Whose hosts it sees now.
    pub scope: Scope,
}

/// Tokens of one person that are not revoked.
pub const TOKENS_OF_PERSON: i64 = 50;
/// Likewise of all services together.
pub const TOKENS_OF_SERVICES: i64 = 1000;

/// Keeps a token for `/api/v1`. Returns its number; none where there are too many already.
///
/// # Errors
/// When the database fails.
pub async fn create_api(
    db: &mut PgConnection,
    token: NewApiToken<'_>,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<i32>> {
    let most = if token.user.is_some() { TOKENS_OF_PERSON } else { TOKENS_OF_SERVICES };
    let scope = numbers_of_scope(&token.scope);
    let id = sqlx::query_scalar!(
        "INSERT INTO api_tokens
             (name, role, user_id, created_by, token_hash, created_at, expires_at, scope)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE (SELECT count(*) FROM api_tokens
                WHERE user_id IS NOT DISTINCT FROM $3 AND revoked_at IS NULL) < $9
         RETURNING id",
        token.name,
        token.role.as_str(),
        token.user,
        token.created_by,
        token_hash,
        now.to_sqlx(),
        token.expires.map(ToSqlx::to_sqlx),
        scope.as_deref(),
        most,
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// Who uses a token for `/api/v1`, when it is valid. Its use is noted.
///
/// # Errors
/// When the database fails.
pub async fn api(
    db: &mut PgConnection,
    token_hash: &[u8],
    now: Timestamp,
) -> Result<Option<ApiTokenUse>> {
    let row = sqlx::query!(
        r#"SELECT token.id, token.name, token.role, token.scope, token.user_id,
             person.role AS "person_role?",
             person.scope AS person_scope, person.role <> 'admin' AS "person_is_limited?",
             token.last_used_at AS "last_used_at: SqlxTimestamp"
         FROM api_tokens AS token LEFT JOIN users AS person ON person.id = token.user_id
         WHERE token_hash = $1 AND revoked_at IS NULL AND disabled_at IS NULL
             AND (expires_at IS NULL OR expires_at > $2)"#,
        token_hash,
        now.to_sqlx(),
    )
    .fetch_optional(&mut *db)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let last_used = row.last_used_at.map(SqlxTimestamp::to_jiff);
    if last_used.is_none_or(|at| now.duration_since(at) >= NOTED_EVERY) {
        sqlx::query!(
            "UPDATE api_tokens SET last_used_at = $2 WHERE id = $1",
            row.id,
            now.to_sqlx(),
        )
        .execute(db)
        .await?;
    }
    let own = role_of(&row.role)?;
    let role = match row.person_role {
        Some(role) => own.min(role_of(&role)?),
        None => own,
    };
    let scope = scope_of(row.scope);
    // That of an administrator counts for nothing; a service has no person.
    let of_person = match row.person_is_limited {
        Some(true) => scope_of(row.person_scope),
        _ => Scope::WholeFleet,
    };
    let scope = scope.within(&of_person);
    Ok(Some(ApiTokenUse { id: row.id, name: row.name, user: row.user_id, role, scope }))
}

/// Tokens for `/api/v1` that were not revoked, latest first: all, or those of a person.
///
/// # Errors
/// When the database fails.
pub async fn list_api(
    db: &mut PgConnection,
    user: Option<i32>,
    limit: i64,
) -> Result<Vec<ApiToken>> {
    let rows = sqlx::query!(
        r#"SELECT token.id, token.name, token.role, token.scope, token.created_by, token.user_id,
             person.name AS "person?", token.created_at AS "created_at: SqlxTimestamp",
             expires_at AS "expires_at: SqlxTimestamp",
             last_used_at AS "last_used_at: SqlxTimestamp"
         FROM api_tokens AS token LEFT JOIN users AS person ON person.id = token.user_id
         WHERE revoked_at IS NULL AND ($1::int IS NULL OR token.user_id = $1)
         ORDER BY token.id DESC LIMIT $2"#,
        user,
        limit,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(ApiToken {
                id: row.id,
                name: row.name,
                role: role_of(&row.role)?,
                scope: scope_of(row.scope),
                owner: row.user_id.zip(row.person),
                created_by: row.created_by,
                created: row.created_at.to_jiff(),
                expires: row.expires_at.map(SqlxTimestamp::to_jiff),
                last_used: row.last_used_at.map(SqlxTimestamp::to_jiff),
            })
        })
        .collect()
}

/// Revokes a token: of a person where one is given, else any. Returns its name if there was one.
///
/// # Errors
/// When the database fails.
pub async fn revoke_api(
    db: &mut PgConnection,
    id: i32,
    user: Option<i32>,
    now: Timestamp,
) -> Result<Option<String>> {
    let name = sqlx::query_scalar!(
        "UPDATE api_tokens SET revoked_at = $3
         WHERE id = $1 AND revoked_at IS NULL AND ($2::int IS NULL OR user_id = $2)
         RETURNING name",
        id,
        user,
        now.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(name)
}
