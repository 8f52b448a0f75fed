//! Who is told of incidents, beside those on the command line.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::alerting::{AlertLevel, ChannelKind, HostScope, Recipient, RecipientId};
use sqlx::PgConnection;

use crate::{Result, StoreError};

/// Recipients that can be added.
pub const RECIPIENTS: i64 = 500;

/// How adding a recipient went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Added {
    /// It is there.
    Done(RecipientId),
    /// It was there before.
    Known,
    /// There are [`RECIPIENTS`] already.
    Full,
}

/// Adds a recipient, with the secret that its channel needs.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &mut PgConnection,
    recipient: &Recipient,
    secret: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<Added> {
    let count = sqlx::query_scalar!("SELECT count(*) AS \"count!\" FROM recipients");
    if count.fetch_one(&mut *db).await? >= RECIPIENTS {
        return Ok(Added::Full);
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO recipients (kind, name, address, secret, least_level, host_group, host_pattern,
             created_by, created_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
         ON CONFLICT ON CONSTRAINT recipients_address_key DO NOTHING RETURNING id",
        recipient.kind.as_str(),
        recipient.name,
        recipient.address,
        secret,
        recipient.least.as_str(),
        recipient.scope.group,
        recipient.scope.pattern,
        by,
        now.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map_or(Added::Known, |id| Added::Done(RecipientId(id))))
}

/// All recipients, by name.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Recipient>> {
    let rows = sqlx::query!(
        "SELECT id, kind, name, address, least_level, host_group, host_pattern, created_by
         FROM recipients ORDER BY lower(name), id LIMIT $1",
        RECIPIENTS,
    )
    .fetch_all(db)
    .await?;
    let recipients = rows.into_iter().map(|row| {
        let unknown = StoreError::Inconsistent("a recipient has a kind or level that is not known");
        let known = ChannelKind::from_name(&row.kind).zip(AlertLevel::from_name(&row.least_level));
        let (kind, least) = known.ok_or(unknown)?;
        Ok(Recipient {
            id: Some(RecipientId(row.id)),
            kind,
            name: row.name,
            address: row.address,
            scope: HostScope { group: row.host_group, pattern: row.host_pattern },
            least,
            by: Some(row.created_by),
        })
    });
    recipients.collect()
}

/// Takes a recipient away, with what waits for it. Returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &mut PgConnection, id: RecipientId) -> Result<bool> {
    let done = sqlx::query!(
        "WITH waiting AS (
             DELETE FROM deliveries WHERE recipient_id = $1 AND sent_at IS NULL
         )
         DELETE FROM recipients WHERE id = $1",
        id.0,
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}
