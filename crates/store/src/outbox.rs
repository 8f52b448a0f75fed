//! Messages on their way out.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::Result;

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Two messages with the same key are one.
    pub dedup_key: String,
    /// Subject line.
    pub subject: String,
    /// Body as plain text.
    pub text: String,
    /// Body as HTML.
    pub html: String,
}

/// A message that this server has to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeasedMessage {
    /// Its number.
    pub id: i64,
    /// The message.
    pub message: NewMessage,
    /// How often sending was begun, this time included.
    pub attempts: i32,
}

/// Puts a message into the outbox, in the transaction that makes it true. Returns whether it is
/// new.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(db: &mut PgConnection, message: &NewMessage, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO outbox (dedup_key, subject, body_text, body_html, created_at, not_before)
         VALUES ($1, $2, $3, $4, $5, $5)
         ON CONFLICT ON CONSTRAINT outbox_dedup_key DO NOTHING",
        message.dedup_key,
        message.subject,
        message.text,
        message.html,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Takes the oldest message that is due and that nobody is sending, for as long as `lease`.
///
/// # Errors
/// When the database fails.
pub async fn lease(
    db: &mut PgConnection,
    now: Timestamp,
    lease: SignedDuration,
) -> Result<Option<LeasedMessage>> {
    let until = now.saturating_add(lease).unwrap_or(now);
    let row = sqlx::query!(
        "UPDATE outbox SET leased_until = $2, attempts = attempts + 1
         WHERE id = (
             SELECT id FROM outbox
             WHERE sent_at IS NULL AND not_before <= $1
                 AND (leased_until IS NULL OR leased_until <= $1)
             ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED
         )
         RETURNING id, dedup_key, subject, body_text, body_html, attempts",
        now.to_sqlx(),
        until.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| LeasedMessage {
        id: row.id,
        message: NewMessage {
            dedup_key: row.dedup_key,
            subject: row.subject,
            text: row.body_text,
            html: row.body_html,
        },
        attempts: row.attempts,
    }))
}

/// Marks a message as sent.
///
/// # Errors
/// When the database fails.
pub async fn mark_sent(db: &mut PgConnection, id: i64, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE outbox SET sent_at = $2, leased_until = NULL, last_error = NULL WHERE id = $1",
        id,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a message back, to be tried again at `not_before`.
///
/// # Errors
/// When the database fails.
pub async fn put_back(
    db: &mut PgConnection,
    id: i64,
    not_before: Timestamp,
    error: &str,
) -> Result<()> {
    sqlx::query!(
        "UPDATE outbox SET not_before = $2, leased_until = NULL, last_error = $3 WHERE id = $1",
        id,
        not_before.to_sqlx(),
        error,
    )
    .execute(db)
    .await?;
    Ok(())
}
