//! How alerting is set up.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use poolwatch_model::alerting::{AlertSettings, Heartbeat};
use sqlx::PgConnection;

use crate::Result;

/// How alerting is set up.
///
/// # Errors
/// When the database fails.
pub async fn load(db: &mut PgConnection) -> Result<AlertSettings> {
    let row = sqlx::query!(
        "SELECT allows_private, heartbeat, heartbeat_url, heartbeat_every_s, heartbeat_at,
             heartbeat_answer
         FROM alert_settings",
    )
    .fetch_one(db)
    .await?;
    Ok(AlertSettings {
        allows_private: row.allows_private,
        heartbeat: match (row.heartbeat.as_deref(), row.heartbeat_url) {
            (Some("mail"), _) => Heartbeat::Mail,
            (Some(_), Some(url)) => Heartbeat::Url(url),
            _ => Heartbeat::Off,
        },
        heartbeat_every: SignedDuration::from_secs(row.heartbeat_every_s.into()),
        heartbeat_at: row.heartbeat_at.map(jiff_sqlx::Timestamp::to_jiff),
        heartbeat_answer: row.heartbeat_answer,
    })
}

/// Keeps how alerting is set up. The next sign of life comes at once.
///
/// # Errors
/// When the database fails.
pub async fn set(
    db: &mut PgConnection,
    allows_private: bool,
    heartbeat: &Heartbeat,
    every_s: i32,
) -> Result<()> {
    let (kind, url) = match heartbeat {
        Heartbeat::Off => (None, None),
        Heartbeat::Mail => (Some("mail"), None),
        Heartbeat::Url(url) => (Some("url"), Some(url.as_str())),
    };
    sqlx::query!(
        "UPDATE alert_settings SET allows_private = $1, heartbeat = $2, heartbeat_url = $3,
             heartbeat_every_s = $4, heartbeat_at = NULL, heartbeat_answer = NULL",
        allows_private,
        kind,
        url,
        every_s,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Notes that a sign of life was given, and what the other side said.
///
/// # Errors
/// When the database fails.
pub async fn note_heartbeat(db: &mut PgConnection, answer: &str, now: Timestamp) -> Result<()> {
    sqlx::query!(
        "UPDATE alert_settings SET heartbeat_at = $1, heartbeat_answer = $2",
        now.to_sqlx(),
        answer,
    )
    .execute(db)
    .await?;
    Ok(())
}
