//! Who is told of incidents, beside those on the command line.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::alerting::{
    AlertLevel, ChannelKind, DigestEvery, DigestSchedule, HostScope, Recipient, RecipientId,
};
use sqlx::PgConnection;

use crate::Result;

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

/// Adds a recipient, with the sealed secret that its channel needs.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &mut PgConnection,
    recipient: &Recipient,
    sealed_secret: Option<&[u8]>,
    by: &str,
    now: Timestamp,
) -> Result<Added> {
    let count = sqlx::query_scalar!("SELECT count(*) AS \"count!\" FROM recipients");
    if count.fetch_one(&mut *db).await? >= RECIPIENTS {
        return Ok(Added::Full);
    }
    let id = sqlx::query_scalar!(
        "INSERT INTO recipients (kind, name, address, sealed_secret, least_level, host_group,
             host_pattern, created_by, created_at, per_hour, digest, digest_hour, zone)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, coalesce($12, 8),
             coalesce($13, 'UTC'))
         ON CONFLICT ON CONSTRAINT recipients_address_key DO NOTHING RETURNING id",
        recipient.kind.as_str(),
        recipient.name,
        recipient.address,
        sealed_secret,
        recipient.least.as_str(),
        recipient.scope.group,
        recipient.scope.pattern,
        by,
        now.to_sqlx(),
        i32::try_from(recipient.per_hour).unwrap_or(i32::MAX),
        recipient.digest.as_ref().map(|digest| digest.every.as_str()),
        recipient.digest.as_ref().and_then(|digest| i32::try_from(digest.hour).ok()),
        recipient.digest.as_ref().map(|digest| digest.zone.as_str()),
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map_or(Added::Known, |id| Added::Done(RecipientId(id))))
}

/// All recipients, by name. Those that cannot be read are left out.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection) -> Result<Vec<Recipient>> {
    let rows = sqlx::query!(
        "SELECT id, kind, name, address, least_level, host_group, host_pattern, created_by,
             per_hour, digest, digest_hour, zone
         FROM recipients ORDER BY lower(name), id LIMIT $1",
        RECIPIENTS,
    )
    .fetch_all(db)
    .await?;
    let recipients = rows.into_iter().filter_map(|row| {
        Some(Recipient {
            id: Some(RecipientId(row.id)),
            kind: ChannelKind::from_name(&row.kind)?,
            name: row.name,
            address: row.address,
            scope: HostScope { group: row.host_group, pattern: row.host_pattern },
            least: AlertLevel::from_name(&row.least_level)?,
            per_hour: row.per_hour.unsigned_abs(),
            digest: row.digest.as_deref().and_then(DigestEvery::from_name).map(|every| {
                DigestSchedule { every, hour: row.digest_hour.unsigned_abs(), zone: row.zone }
            }),
            by: Some(row.created_by),
        })
    });
    Ok(recipients.collect())
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

/// Notes that a recipient got the digest that was due at a time. Returns whether it had not got it
/// yet; one that was due before the recipient was added is never given. What was given more than a week
/// after this time was given by a clock that has been set back since.
///
/// # Errors
/// When the database fails.
pub async fn take_digest(db: &mut PgConnection, id: RecipientId, due: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE recipients SET digest_at = $2
         WHERE id = $1 AND created_at < $2
             AND (digest_at IS NULL OR digest_at < $2 OR digest_at > $2 + interval '8 days')",
        id.0,
        due.to_sqlx(),
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// A secret that an earlier version kept as it is.
///
/// # Errors
/// When the database fails.
pub async fn next_plain_secret(db: &mut PgConnection) -> Result<Option<(RecipientId, String)>> {
    let row = sqlx::query!(
        "SELECT id, secret AS \"secret!\" FROM recipients WHERE secret IS NOT NULL
         ORDER BY id LIMIT 1",
    );
    Ok(row.fetch_optional(db).await?.map(|row| (RecipientId(row.id), row.secret)))
}

/// Keeps a secret sealed, and as it is no more.
///
/// # Errors
/// When the database fails.
pub async fn seal_secret(db: &mut PgConnection, id: RecipientId, sealed: &[u8]) -> Result<()> {
    sqlx::query!(
        "UPDATE recipients SET sealed_secret = $2, secret = NULL WHERE id = $1",
        id.0,
        sealed,
    )
    .execute(db)
    .await?;
    Ok(())
}
