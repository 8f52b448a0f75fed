//! Messages until they are handed to their recipients' deliveries.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    alerting::{AlertId, AlertLevel, SilenceId},
    incident::{IncidentChange, IncidentId, IncidentNotice},
};
use serde_json::to_value;
use sqlx::PgConnection;

use crate::{Result, readable::Readable};

/// What a message says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageWords {
    /// Subject line.
    pub subject: String,
    /// Body as plain text.
    pub text: String,
    /// Body as HTML.
    pub html: String,
    /// The picture that the HTML shows, PNG.
    pub chart: Option<Vec<u8>>,
}

/// A message that waits, and that nobody was handed.
#[derive(Debug, Clone, PartialEq)]
pub struct WaitingMessage {
    /// What it tells.
    pub notice: IncidentNotice,
    /// When it goes out at the earliest.
    pub not_before: Timestamp,
    /// Whether a silence or a rule keeps it back.
    pub is_held: bool,
}

/// A message that is due, locked until the transaction ends.
#[derive(Debug, Clone, PartialEq)]
pub struct DueMessage {
    /// Its number.
    pub id: i64,
    /// The incident that it is about; none of one that an earlier version wrote.
    pub incident: Option<IncidentId>,
    /// What it tells of it, where that can be read.
    pub notice: Option<IncidentNotice>,
    /// The alert of a rule that it is about, and what happened to that.
    pub alert: Option<(AlertId, IncidentChange)>,
    /// What it says, where it was put into words before.
    pub words: Option<MessageWords>,
    /// How often it could not be put into words.
    pub attempts: i32,
    /// Whether a silence or a rule kept it back.
    pub was_held: bool,
}

/// What is told where it cannot be read any more what was to be: people hear of it once too often rather
/// than never.
pub const WHERE_UNREADABLE: IncidentChange = IncidentChange::Opened;

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
         RETURNING notice AS \"notice!: Readable<IncidentNotice>\", not_before,
             is_held AS \"is_held!\"",
        incident.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.and_then(|row| {
        Some(WaitingMessage {
            notice: row.notice.0?,
            not_before: row.not_before.to_jiff(),
            is_held: row.is_held,
        })
    }))
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
    notice: &IncidentNotice,
    not_before: Timestamp,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO outbox (dedup_key, incident_id, notice, created_at, not_before)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT outbox_dedup_key DO NOTHING",
        key,
        incident.0,
        to_value(notice)?,
        now.to_sqlx(),
        not_before.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Puts a message about the alert of a rule into the outbox, in the transaction that makes it true. It
/// takes the place of one that still waits: then what that told is still news. Returns what it tells,
/// if anything: what is over and nobody heard of is not told.
///
/// # Errors
/// When the database fails.
pub async fn enqueue_alert(
    db: &mut PgConnection,
    alert: AlertId,
    change: IncidentChange,
    not_before: Timestamp,
    now: Timestamp,
) -> Result<Option<IncidentChange>> {
    let waiting = sqlx::query!(
        "DELETE FROM outbox WHERE alert_id = $1 AND sent_at IS NULL
         RETURNING alert_change AS \"change!: Readable<IncidentChange>\", not_before",
        alert.0,
    )
    .fetch_optional(&mut *db)
    .await?;
    let is_unheard =
        waiting.as_ref().is_some_and(|one| one.change.0 == Some(IncidentChange::Opened));
    let (change, not_before) = match waiting {
        Some(_) if is_unheard && change == IncidentChange::Resolved => return Ok(None),
        Some(waiting) if is_unheard => (IncidentChange::Opened, waiting.not_before.to_jiff()),
        _ => (change, not_before),
    };
    sqlx::query!(
        "INSERT INTO outbox (dedup_key, alert_id, alert_change, created_at, not_before)
         VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT ON CONSTRAINT outbox_dedup_key DO NOTHING",
        format!("alert/{}/{change:?}/{}", alert.0, now.as_millisecond()),
        alert.0,
        to_value(change)?,
        now.to_sqlx(),
        not_before.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(Some(change))
}

/// Adds a message about no incident, whose deliveries the caller adds. Two with the same key are one:
/// nothing is returned then.
///
/// # Errors
/// When the database fails.
pub async fn add_words(
    db: &mut PgConnection,
    key: &str,
    words: &MessageWords,
    now: Timestamp,
) -> Result<Option<i64>> {
    let id = sqlx::query_scalar!(
        "INSERT INTO outbox (dedup_key, subject, body_text, body_html, created_at, not_before,
             sent_at)
         VALUES ($1, $2, $3, $4, $5, $5, $5)
         ON CONFLICT ON CONSTRAINT outbox_dedup_key DO NOTHING RETURNING id",
        key,
        words.subject,
        words.text,
        words.html,
        now.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(id)
}

/// The oldest message that is due and that nobody else has at hand, until the transaction ends. One that
/// no silence holds and that is to wait for long was put down by a clock that has been set back since.
///
/// # Errors
/// When the database fails.
pub async fn lock_due(db: &mut PgConnection, now: Timestamp) -> Result<Option<DueMessage>> {
    let row = sqlx::query!(
        "SELECT id, incident_id, notice AS \"notice: Readable<IncidentNotice>\", alert_id,
             alert_change AS \"alert_change: Readable<IncidentChange>\", subject, body_text,
             body_html, chart, attempts, is_held AS \"was_held!\"
         FROM outbox WHERE sent_at IS NULL
             AND (not_before <= $1 OR held_by IS NULL AND not_before > $1 + interval '1 hour')
         ORDER BY not_before, id LIMIT 1 FOR UPDATE SKIP LOCKED",
        now.to_sqlx(),
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| DueMessage {
        id: row.id,
        incident: row.incident_id.map(IncidentId),
        notice: row.notice.and_then(|notice| notice.0),
        alert: row
            .alert_id
            .map(AlertId)
            .zip(row.alert_change.map(|change| change.0.unwrap_or(WHERE_UNREADABLE))),
        words: row
            .subject
            .zip(row.body_text)
            .zip(row.body_html)
            .map(|((subject, text), html)| MessageWords { subject, text, html, chart: row.chart }),
        attempts: row.attempts,
        was_held: row.was_held,
    }))
}

/// Notes what a message says, and that it was handed to its recipients: sent again, it says the same.
///
/// # Errors
/// When the database fails.
pub async fn hand_over(
    db: &mut PgConnection,
    id: i64,
    words: &MessageWords,
    level: AlertLevel,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE outbox SET subject = $2, body_text = $3, body_html = $4, level = $5, sent_at = $6,
             chart = $7, held_by = NULL, is_held = false, last_error = NULL
         WHERE id = $1",
        id,
        words.subject,
        words.text,
        words.html,
        level.as_str(),
        now.to_sqlx(),
        words.chart.as_deref(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Lets a message wait: for a silence to end, or for what a rule asks for.
///
/// # Errors
/// When the database fails.
pub async fn hold(
    db: &mut PgConnection,
    id: i64,
    silence: Option<SilenceId>,
    until: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE outbox SET is_held = true, held_by = $2, not_before = $3 WHERE id = $1",
        id,
        silence.map(|silence| silence.0),
        until.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Takes a message away that has nothing to say any more.
///
/// # Errors
/// When the database fails.
pub async fn drop_message(db: &mut PgConnection, id: i64) -> Result<()> {
    sqlx::query!("DELETE FROM outbox WHERE id = $1", id).execute(db).await?;
    Ok(())
}

/// Puts a message back that could not be put into words, to be tried again at `not_before`.
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
        "UPDATE outbox SET attempts = attempts + 1, not_before = $2, last_error = $3 WHERE id = $1",
        id,
        not_before.to_sqlx(),
        error,
    )
    .execute(db)
    .await?;
    Ok(())
}
