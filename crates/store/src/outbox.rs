//! Messages on their way out.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use poolwatch_model::incident::{IncidentId, IncidentNotice};
use serde_json::to_value;
use sqlx::{PgConnection, types::Json};

use crate::Result;

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageWords {
    /// Subject line.
    pub subject: String,
    /// Body as plain text.
    pub text: String,
    /// Body as HTML.
    pub html: String,
}

/// A message that waits, and that nobody has begun to send.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingMessage {
    /// What it tells.
    pub notice: IncidentNotice,
    /// When it goes out at the earliest.
    pub not_before: Timestamp,
}

/// A message that this server has to send now.
#[derive(Debug, Clone, PartialEq)]
pub struct LeasedMessage {
    /// Its number.
    pub id: i64,
    /// The incident that it is about; none of one that an earlier version wrote.
    pub incident: Option<IncidentId>,
    /// What it tells of it.
    pub notice: Option<IncidentNotice>,
    /// What it says, once it is put into words.
    pub words: Option<MessageWords>,
    /// How often sending was begun, this time included.
    pub attempts: i32,
}

/// Takes back a message of an incident that still waits, for a newer one to take its place.
///
/// # Errors
/// When the database fails.
pub async fn take_back(
    db: &mut PgConnection,
    incident: IncidentId,
) -> Result<Option<WaitingMessage>> {
    let row = sqlx::query!(
        "DELETE FROM outbox WHERE incident_id = $1 AND sent_at IS NULL AND attempts = 0
         RETURNING notice AS \"notice!: Json<IncidentNotice>\", not_before",
        incident.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| WaitingMessage { notice: row.notice.0, not_before: row.not_before.to_jiff() }))
}

/// Puts a message into the outbox, in the transaction that makes it true. Two messages with the same
/// key are one.
///
/// # Errors
/// When the database fails.
pub async fn enqueue(
    db: &mut PgConnection,
    key: &str,
    incident: IncidentId,
    message: &WaitingMessage,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (dedup_key, incident_id, notice, created_at, not_before)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT outbox_dedup_key DO NOTHING",
        key,
        incident.0,
        to_value(&message.notice)?,
        now.to_sqlx(),
        message.not_before.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps what a message says: sent again, it says the same.
///
/// # Errors
/// When the database fails.
pub async fn set_words(db: &mut PgConnection, id: i64, words: &MessageWords) -> Result<()> {
    sqlx::query!(
        "UPDATE outbox SET subject = $2, body_text = $3, body_html = $4 WHERE id = $1",
        id,
        words.subject,
        words.text,
        words.html,
    )
    .execute(db)
    .await?;
    Ok(())
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
         RETURNING id, incident_id, notice AS \"notice: Json<IncidentNotice>\", subject, body_text,
             body_html, attempts",
        now.to_sqlx(),
        until.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| LeasedMessage {
        id: row.id,
        incident: row.incident_id.map(IncidentId),
        notice: row.notice.map(|notice| notice.0),
        words: row
            .subject
            .zip(row.body_text)
            .zip(row.body_html)
            .map(|((subject, text), html)| MessageWords { subject, text, html }),
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
