//! The log of who did what. It is only added to: the database itself refuses changes.

use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlxTimestamp, ToSqlx};
use sqlx::PgConnection;

use crate::{Result, StoreError};

/// What became of something that somebody tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// It is under way; or it was cut off, and nobody knows how far it came.
    Begun,
    /// It was done.
    Done,
    /// It was not allowed, or made no sense.
    Refused,
    /// The server could not do it.
    Failed,
}

impl Outcome {
    /// All.
    pub const ALL: [Self; 4] = [Self::Begun, Self::Done, Self::Refused, Self::Failed];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Begun => "begun",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// An entry of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditEntry {
    /// When it was tried.
    pub at: Timestamp,
    /// Who tried it.
    pub actor: String,
    /// From which address; empty for the command line.
    pub address: String,
    /// What was tried.
    pub action: String,
    /// What it was done to.
    pub target: String,
    /// What became of it.
    pub outcome: Outcome,
    /// What was changed, or why not.
    pub detail: String,
    /// Number of the request in the server's log.
    pub request_id: String,
}

/// Which entries. Empty texts match everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditFilter {
    /// Part of the actor or the address.
    pub who: String,
    /// Part of action, target or detail.
    pub what: String,
    /// What became of it.
    pub outcome: Option<Outcome>,
    /// Only entries below this number.
    pub before: Option<i64>,
}

/// Adds an entry. Texts are cut at 1,000 characters. Returns its number.
///
/// # Errors
/// When the database fails.
pub async fn add(db: &mut PgConnection, entry: &AuditEntry) -> Result<i64> {
    let id = sqlx::query_scalar!(
        "INSERT INTO audit_log
             (at, actor, address, action, target, outcome, detail, request_id)
         VALUES ($1, left($2, 1000), left($3, 1000), left($4, 1000), left($5, 1000), $6,
             left($7, 1000), left($8, 1000))
         RETURNING id",
        entry.at.to_sqlx(),
        entry.actor,
        entry.address,
        entry.action,
        entry.target,
        entry.outcome.as_str(),
        entry.detail,
        entry.request_id,
    )
    .fetch_one(db)
    .await?;
    Ok(id)
}

/// Tells what became of an entry that was begun, which is told once.
///
/// # Errors
/// When the database fails, or that was told before.
pub async fn complete(
    db: &mut PgConnection,
    id: i64,
    target: &str,
    outcome: Outcome,
    detail: &str,
) -> Result<()> {
    let told = sqlx::query!(
        "UPDATE audit_log SET target = left($2, 1000), outcome = $3, detail = left($4, 1000)
         WHERE id = $1",
        id,
        target,
        outcome.as_str(),
        detail,
    )
    .execute(db)
    .await?;
    match told.rows_affected() {
        0 => Err(StoreError::Inconsistent("an entry of the audit log is not there")),
        _ => Ok(()),
    }
}

/// Entries with their numbers, latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    filter: &AuditFilter,
    limit: i64,
    offset: i64,
) -> Result<Vec<(i64, AuditEntry)>> {
    let rows = sqlx::query!(
        r#"SELECT id, at AS "at: SqlxTimestamp", actor, address, action, target, outcome, detail,
             request_id
         FROM audit_log
         WHERE ($1 = '' OR strpos(lower(actor || ' ' || address), lower($1)) > 0)
             AND ($2 = '' OR strpos(lower(action || ' ' || target || ' ' || detail), lower($2)) > 0)
             AND ($3::text IS NULL OR outcome = $3)
             AND ($4::bigint IS NULL OR id < $4)
         ORDER BY id DESC LIMIT $5 OFFSET $6"#,
        filter.who,
        filter.what,
        filter.outcome.map(Outcome::as_str),
        filter.before,
        limit,
        offset,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter()
        .map(|row| {
            let outcome = Outcome::ALL.into_iter().find(|one| one.as_str() == row.outcome);
            let entry = AuditEntry {
                at: row.at.to_jiff(),
                actor: row.actor,
                address: row.address,
                action: row.action,
                target: row.target,
                outcome: outcome.ok_or(StoreError::OutOfRange("outcome"))?,
                detail: row.detail,
                request_id: row.request_id,
            };
            Ok((row.id, entry))
        })
        .collect()
}

/// How many entries match.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut PgConnection, filter: &AuditFilter) -> Result<u64> {
    let count = sqlx::query_scalar!(
        r#"SELECT count(*) AS "count!" FROM audit_log
         WHERE ($1 = '' OR strpos(lower(actor || ' ' || address), lower($1)) > 0)
             AND ($2 = '' OR strpos(lower(action || ' ' || target || ' ' || detail), lower($2)) > 0)
             AND ($3::text IS NULL OR outcome = $3)"#,
        filter.who,
        filter.what,
        filter.outcome.map(Outcome::as_str),
    )
    .fetch_one(db)
    .await?;
    Ok(count.unsigned_abs())
}

/// Forgets entries of before a time, at most so many. The database refuses what is younger than 700
/// days.
///
/// # Errors
/// When the database fails.
pub async fn forget(db: &mut PgConnection, before: Timestamp, most: i64) -> Result<u64> {
    let done = sqlx::query!(
        "DELETE FROM audit_log WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM audit_log WHERE at < $1 LIMIT $2))",
        before.to_sqlx(),
        most,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}
