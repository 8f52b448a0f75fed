//! What nobody is told for a while.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    alerting::{HostScope, IncidentExtent, Silence, SilenceId, SilenceMatcher, WindowId},
    incident::IncidentId,
};
use serde_json::to_value;
use sqlx::PgConnection;

use crate::{Result, readable::Readable};

/// Silences that can be active or to come.
pub const SILENCES: i64 = 1000;
/// Letters of a reason, at most.
pub const REASON_CHARS: usize = 500;

/// A silence that somebody makes.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSilence<'a> {
    /// What it is about.
    pub matcher: &'a SilenceMatcher,
    /// Why.
    pub reason: &'a str,
    /// Who makes it.
    pub by: &'a str,
    /// When it begins.
    pub from: Timestamp,
    /// When it ends.
    pub until: Timestamp,
    /// How bad the incident is, where the silence ends once it is worse than that.
    pub worse_than: Option<IncidentExtent>,
    /// The window that recurs of which it is one time.
    pub window: Option<WindowId>,
}

/// Adds a silence. None when a window's time is one already, or when there are [`SILENCES`] already.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &mut PgConnection,
    new: &NewSilence<'_>,
    now: Timestamp,
) -> Result<Option<SilenceId>> {
    let matcher = new.matcher;
    let id = sqlx::query_scalar!(
        "WITH added AS (
             INSERT INTO silences (incident_id, host_id, tag, host_group, host_pattern, reason,
                 created_by, created_at, starts_at, ends_at, worse_than, window_id)
             SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $13
             WHERE (SELECT count(*) FROM silences WHERE ends_at > $8) < $12
             ON CONFLICT (window_id, starts_at) WHERE window_id IS NOT NULL DO NOTHING
             RETURNING id, incident_id
         ), noted AS (
             INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
             SELECT incident_id, $8, $7, 'silenced', $6 FROM added WHERE incident_id IS NOT NULL
         )
         SELECT id AS \"id!\" FROM added",
        matcher.incident.map(|id| id.0),
        matcher.host.map(|host| host.0),
        matcher.tag.map(|tag| tag.to_string()),
        matcher.scope.group,
        matcher.scope.pattern,
        new.reason,
        new.by,
        now.to_sqlx(),
        new.from.to_sqlx(),
        new.until.to_sqlx(),
        new.worse_than.map(to_value).transpose()?,
        SILENCES,
        new.window.map(|window| window.0),
    )
    .fetch_optional(db)
    .await?;
    Ok(id.map(SilenceId))
}

/// Silences that end after a time, the first to end first. One that cannot be read silences nobody.
///
/// # Errors
/// When the database fails.
pub async fn ending_after(db: &mut PgConnection, after: Timestamp) -> Result<Vec<Silence>> {
    let rows = sqlx::query!(
        "SELECT id, incident_id, host_id, tag, host_group, host_pattern, reason, created_by,
             starts_at, ends_at, worse_than AS \"worse_than: Readable<IncidentExtent>\", ended_by
         FROM silences WHERE ends_at > $1 ORDER BY ends_at, id LIMIT $2",
        after.to_sqlx(),
        2 * SILENCES,
    )
    .fetch_all(db)
    .await?;
    let silences = rows.into_iter().filter_map(|row| {
        let worse_than = match row.worse_than {
            Some(Readable(extent)) => Some(extent?),
            None => None,
        };
        Some(Silence {
            id: SilenceId(row.id),
            matcher: SilenceMatcher {
                incident: row.incident_id.map(IncidentId),
                host: row.host_id.map(HostId),
                tag: row.tag.map(|tag| tag.parse()).transpose().ok()?,
                scope: HostScope { group: row.host_group, pattern: row.host_pattern },
            },
            reason: row.reason,
            by: row.created_by,
            from: row.starts_at.to_jiff(),
            until: row.ends_at.to_jiff(),
            worse_than,
            ended_by: row.ended_by,
        })
    });
    Ok(silences.collect())
}

/// Ends a silence before its time; what it held goes out. `by` nobody: its incident is worse. Returns
/// whether it was active or to come.
///
/// # Errors
/// When the database fails.
pub async fn end(
    db: &mut PgConnection,
    id: SilenceId,
    by: Option<&str>,
    now: Timestamp,
) -> Result<bool> {
    let reason = match by {
        Some(_) => "",
        None => "it is worse than when it was silenced",
    };
    let ended = sqlx::query_scalar!(
        "WITH ended AS (
             UPDATE silences SET ends_at = $3, starts_at = least(starts_at, $3),
                 ended_by = coalesce($2, 'Poolwatch')
             WHERE id = $1 AND ends_at > $3 RETURNING id, incident_id
         ), released AS (
             UPDATE outbox SET not_before = $3 FROM ended
             WHERE held_by = ended.id AND sent_at IS NULL
         ), noted AS (
             INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
             SELECT incident_id, $3, $2, 'silence_ended', $4 FROM ended
             WHERE incident_id IS NOT NULL
         )
         SELECT count(*) AS \"ended!\" FROM ended",
        id.0,
        by,
        now.to_sqlx(),
        reason,
    )
    .fetch_one(db)
    .await?;
    Ok(ended > 0)
}
