//! What became of incidents, and what people say of them.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::incident::{IncidentId, IncidentState, Note, Noted};
use sqlx::PgConnection;

use crate::Result;

/// Letters of a comment, at most.
pub const COMMENT_CHARS: usize = 4000;
/// Comments of one incident that are kept; more are refused.
const COMMENTS: i64 = 1000;

/// The latest notes of an incident, latest first.
///
/// # Errors
/// When the database fails.
pub async fn notes(db: &mut PgConnection, id: IncidentId, limit: i64) -> Result<Vec<Note>> {
    let rows = sqlx::query!(
        "SELECT at, written_by, kind, text FROM incident_notes
         WHERE incident_id = $1 ORDER BY id DESC LIMIT $2",
        id.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    let notes = rows.into_iter().filter_map(|row| {
        let what = match row.kind.as_str() {
            "state" => Noted::State(IncidentState::from_name(&row.text)?),
            "owner" => Noted::Owner(Some(row.text).filter(|owner| !owner.is_empty())),
            "acknowledged" => Noted::Acknowledged,
            "silenced" => Noted::Silenced(row.text),
            "silence_ended" => Noted::SilenceEnded(row.text),
            "reopened" => Noted::Reopened,
            "merged_into" => Noted::MergedInto(IncidentId(row.text.parse().ok()?)),
            "took_in" => Noted::TookIn(IncidentId(row.text.parse().ok()?)),
            "confirmed" => Noted::Confirmed(row.text),
            "refuted" => Noted::Refuted(row.text),
            _ => Noted::Comment(row.text),
        };
        Some(Note { at: row.at.to_jiff(), by: row.written_by, what })
    });
    Ok(notes.collect())
}

/// Keeps what somebody says of an incident. Returns whether there was room for it.
///
/// # Errors
/// When the database fails, or the comment is longer than [`COMMENT_CHARS`].
pub async fn comment(
    db: &mut PgConnection,
    id: IncidentId,
    text: &str,
    by: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
         SELECT id, $2, $3, 'comment', $4 FROM incidents
         WHERE id = $1 AND (SELECT count(*) FROM incident_notes
                            WHERE incident_id = $1 AND kind = 'comment') < $5",
        id.0,
        now.to_sqlx(),
        by,
        text,
        COMMENTS,
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// Gives an incident to a person, or to nobody. Returns whether that changes anything.
///
/// # Errors
/// When the database fails.
pub async fn give_to(
    db: &mut PgConnection,
    id: IncidentId,
    owner: Option<&str>,
    by: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "WITH given AS (
             UPDATE incidents SET owner = $2
             WHERE id = $1 AND owner IS DISTINCT FROM $2 RETURNING id
         )
         INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
         SELECT id, $3, $4, 'owner', coalesce($2, '') FROM given",
        id.0,
        owner,
        now.to_sqlx(),
        by,
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// Notes that somebody knows of an incident and is at it. Returns whether that is new.
///
/// # Errors
/// When the database fails.
pub async fn acknowledge(
    db: &mut PgConnection,
    id: IncidentId,
    by: &str,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "WITH acknowledged AS (
             UPDATE incidents SET acknowledged_by = $2, acknowledged_at = $3
             WHERE id = $1 AND acknowledged_by IS DISTINCT FROM $2 RETURNING id
         )
         INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
         SELECT id, $3, $2, 'acknowledged', '' FROM acknowledged",
        id.0,
        by,
        now.to_sqlx(),
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// Notes what a person did or found. What is kept elsewhere as well (state, owner, silences, comments)
/// is noted there.
///
/// # Errors
/// When the database fails.
pub async fn note(
    db: &mut PgConnection,
    id: IncidentId,
    what: &Noted,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    let (kind, text) = match what {
        Noted::State(state) => ("state", state.as_str().to_owned()),
        Noted::Owner(owner) => ("owner", owner.clone().unwrap_or_default()),
        Noted::Comment(text) => ("comment", text.clone()),
        Noted::Acknowledged => ("acknowledged", String::new()),
        Noted::Silenced(reason) => ("silenced", reason.clone()),
        Noted::SilenceEnded(reason) => ("silence_ended", reason.clone()),
        Noted::Reopened => ("reopened", String::new()),
        Noted::MergedInto(other) => ("merged_into", other.0.to_string()),
        Noted::TookIn(other) => ("took_in", other.0.to_string()),
        Noted::Confirmed(suspect) => ("confirmed", suspect.clone()),
        Noted::Refuted(suspect) => ("refuted", suspect.clone()),
    };
    sqlx::query!(
        "INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
         VALUES ($1, $2, $3, $4, left($5, 4000))",
        id.0,
        now.to_sqlx(),
        by,
        kind,
        text,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Forgets that somebody is at an incident: it is back.
///
/// # Errors
/// When the database fails.
pub async fn forget_acknowledgement(db: &mut PgConnection, id: IncidentId) -> Result<()> {
    sqlx::query!(
        "UPDATE incidents SET acknowledged_by = NULL, acknowledged_at = NULL WHERE id = $1",
        id.0,
    )
    .execute(db)
    .await?;
    Ok(())
}
