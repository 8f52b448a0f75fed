//! Tokens by which hosts propose themselves.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostGroupId;
use sqlx::PgConnection;

use crate::{Result, host_groups::HostBinding};

/// A token to be kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NewEnrolmentToken<'a> {
    /// What it is for.
    pub name: &'a str,
    /// SHA-256 of it.
    pub hash: &'a [u8],
    /// Who made it.
    pub by: &'a str,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// How many hosts may come by it.
    pub max_uses: Option<i32>,
    /// How many hosts may come by it in a minute.
    pub per_minute: Option<i32>,
    /// What hosts get that come by it.
    pub binding: HostBinding,
}

/// A token as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentToken {
    /// Its number.
    pub id: i32,
    /// What it is for.
    pub name: String,
    /// Who made it, where that is known.
    pub by: Option<String>,
    /// When it was made.
    pub created: Timestamp,
    /// When it ends.
    pub expires: Option<Timestamp>,
    /// When it was revoked.
    pub revoked: Option<Timestamp>,
    /// Hosts that came by it.
    pub uses: i32,
    /// How many may.
    pub max_uses: Option<i32>,
    /// How many may in a minute.
    pub per_minute: Option<i32>,
    /// Hosts that came by it in the minute that began then.
    in_minute: (Option<Timestamp>, i32),
    /// When a host last came by it.
    pub last_used: Option<Timestamp>,
    /// What hosts get that come by it.
    pub binding: HostBinding,
}

/// Why no new host comes by a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenRefusal {
    /// It was revoked.
    Revoked,
    /// It has expired.
    Expired,
    /// As many hosts as may have come by it.
    UsedUp,
    /// Too many come by it in this minute.
    TooFast,
}

/// Seconds of the window that [`EnrolmentToken::per_minute`] counts.
const WINDOW_S: i64 = 60;

impl EnrolmentToken {
    /// Why nothing comes by it any more.
    #[must_use]
    pub fn ended(&self, now: Timestamp) -> Option<TokenRefusal> {
        if self.revoked.is_some() {
            Some(TokenRefusal::Revoked)
        } else if self.expires.is_some_and(|end| end <= now) {
            Some(TokenRefusal::Expired)
        } else {
            None
        }
    }

    /// Why no further host comes by it now.
    #[must_use]
    pub fn refusal_of_new_host(&self, now: Timestamp) -> Option<TokenRefusal> {
        let in_minute = if self.is_in_window(now) { self.in_minute.1 } else { 0 };
        if self.max_uses.is_some_and(|most| self.uses >= most) {
            Some(TokenRefusal::UsedUp)
        } else if self.per_minute.is_some_and(|most| in_minute >= most) {
            Some(TokenRefusal::TooFast)
        } else {
            None
        }
    }

    fn is_in_window(&self, now: Timestamp) -> bool {
        self.in_minute.0.is_some_and(|began| now.duration_since(began).as_secs() < WINDOW_S)
    }
}

struct TokenRow {
    id: i32,
    name: String,
    created_by: Option<String>,
    created_at: jiff_sqlx::Timestamp,
    expires_at: Option<jiff_sqlx::Timestamp>,
    revoked_at: Option<jiff_sqlx::Timestamp>,
    uses: i32,
    max_uses: Option<i32>,
    per_minute: Option<i32>,
    minute: Option<jiff_sqlx::Timestamp>,
    uses_in_minute: i32,
    last_used_at: Option<jiff_sqlx::Timestamp>,
    labels: Vec<String>,
    group_id: Option<i32>,
}

impl From<TokenRow> for EnrolmentToken {
    fn from(row: TokenRow) -> Self {
        let time = |at: Option<jiff_sqlx::Timestamp>| at.map(jiff_sqlx::Timestamp::to_jiff);
        Self {
            id: row.id,
            name: row.name,
            by: row.created_by,
            created: row.created_at.to_jiff(),
            expires: time(row.expires_at),
            revoked: time(row.revoked_at),
            uses: row.uses,
            max_uses: row.max_uses,
            per_minute: row.per_minute,
            in_minute: (time(row.minute), row.uses_in_minute),
            last_used: time(row.last_used_at),
            binding: HostBinding { labels: row.labels, group: row.group_id.map(HostGroupId) },
        }
    }
}

/// Keeps a token. Returns its number.
///
/// # Errors
/// When the database fails.
pub async fn create(
    db: &mut PgConnection,
    token: &NewEnrolmentToken<'_>,
    now: Timestamp,
) -> Result<i32> {
    let id = sqlx::query_scalar!(
        "INSERT INTO enrolment_tokens
             (name, token_hash, created_by, created_at, expires_at, max_uses, per_minute,
             labels, group_id)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) RETURNING id",
        token.name,
        token.hash,
        token.by,
        now.to_sqlx(),
        token.expires.map(ToSqlx::to_sqlx),
        token.max_uses,
        token.per_minute,
        &token.binding.labels,
        token.binding.group.map(|group| group.0),
    )
    .fetch_one(db)
    .await?;
    Ok(id)
}

/// The token of a hash, held until the transaction ends: hosts come by it one after another.
///
/// # Errors
/// When the database fails.
pub async fn hold(db: &mut PgConnection, hash: &[u8]) -> Result<Option<EnrolmentToken>> {
    let row = sqlx::query_as!(
        TokenRow,
        "SELECT id, name, created_by, created_at, expires_at, revoked_at, uses, max_uses,
             per_minute, minute, uses_in_minute, last_used_at, labels, group_id
         FROM enrolment_tokens WHERE token_hash = $1 FOR UPDATE",
        hash,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(EnrolmentToken::from))
}

/// Counts a host that came by a token that is held.
///
/// # Errors
/// When the database fails.
pub async fn count_use(
    db: &mut PgConnection,
    token: &EnrolmentToken,
    now: Timestamp,
) -> Result<()> {
    let began = token.in_minute.0.filter(|_| token.is_in_window(now));
    sqlx::query!(
        "UPDATE enrolment_tokens SET uses = uses + 1, last_used_at = $2::timestamptz,
             minute = coalesce($3::timestamptz, $2::timestamptz),
             uses_in_minute = CASE WHEN $3::timestamptz IS NULL THEN 1 ELSE uses_in_minute + 1 END
         WHERE id = $1",
        token.id,
        now.to_sqlx(),
        began.map(ToSqlx::to_sqlx) as Option<jiff_sqlx::Timestamp>,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// All tokens, the latest first; those that were revoked come last.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection, limit: i64) -> Result<Vec<EnrolmentToken>> {
    let rows = sqlx::query_as!(
        TokenRow,
        "SELECT id, name, created_by, created_at, expires_at, revoked_at, uses, max_uses,
             per_minute, minute, uses_in_minute, last_used_at, labels, group_id
         FROM enrolment_tokens ORDER BY revoked_at IS NOT NULL, id DESC LIMIT $1",
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(EnrolmentToken::from).collect())
}

/// Revokes a token, from now on. Returns whether it was valid so far.
///
/// # Errors
/// When the database fails.
pub async fn revoke(db: &mut PgConnection, id: i32, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE enrolment_tokens SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL",
        id,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}
