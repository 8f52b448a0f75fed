//! Incidents and the findings they are made of.

mod list;
mod notes;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    comparison::AttributeCounts,
    diagnosis::Diagnosis,
    incident::{Cause, IncidentId, IncidentState, Picture},
};
use serde_json::{Value, from_value, to_value};
use sqlx::PgConnection;

pub use list::{IncidentFilter, details, finding_of, last_finding, list};
pub use notes::{COMMENT_CHARS, comment, give_to, notes};

use crate::Result;

/// An incident, locked until the transaction ends.
#[derive(Debug, Clone, PartialEq)]
pub struct Locked {
    /// Its number.
    pub id: IncidentId,
    /// What its lifecycle remembers; none of one that an older server opened.
    pub standing: Option<Value>,
    /// The judgement of its latest finding.
    pub diagnosis: Diagnosis,
    /// Whether an event or a silence was part of it before.
    pub is_pictured: bool,
}

/// How an incident stands after an observation.
#[derive(Debug, Clone, PartialEq)]
pub struct NewStanding {
    /// Its state.
    pub state: IncidentState,
    /// What its lifecycle remembers.
    pub standing: Value,
    /// Hosts on which it goes on.
    pub hosts: Vec<HostId>,
}

/// The latest incident of a cause. Whoever asks for the same cause next waits until this
/// transaction ends, be there an incident or not.
///
/// # Errors
/// When the database fails.
pub async fn lock_cause(db: &mut PgConnection, cause: &Cause) -> Result<Option<Locked>> {
    let key = cause.key();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
        .execute(&mut *db)
        .await?;
    let row = sqlx::query!(
        "SELECT id, standing, diagnosis, picture IS NOT NULL AS \"is_pictured!\"
         FROM incidents WHERE cause_key = $1
         ORDER BY id DESC LIMIT 1 FOR UPDATE",
        key,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| locked(row.id, row.standing, row.diagnosis, row.is_pictured)).transpose()
}

/// One incident.
///
/// # Errors
/// When the database fails.
pub async fn lock(db: &mut PgConnection, id: IncidentId) -> Result<Option<Locked>> {
    let row = sqlx::query!(
        "SELECT id, standing, diagnosis, picture IS NOT NULL AS \"is_pictured!\"
         FROM incidents WHERE id = $1 FOR UPDATE",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    row.map(|row| locked(row.id, row.standing, row.diagnosis, row.is_pictured)).transpose()
}

fn locked(id: i64, standing: Option<Value>, diagnosis: Value, is_pictured: bool) -> Result<Locked> {
    let diagnosis = from_value(diagnosis)?;
    Ok(Locked { id: IncidentId(id), standing, diagnosis, is_pictured })
}

/// Opens an incident.
///
/// # Errors
/// When the database fails, or the cause has an unresolved incident.
pub async fn open(
    db: &mut PgConnection,
    cause: &Cause,
    at: Timestamp,
    diagnosis: &Diagnosis,
    new: &NewStanding,
) -> Result<IncidentId> {
    let id = sqlx::query_scalar!(
        "WITH opened AS (
             INSERT INTO incidents (cause_key, cause, state, opened_at, last_seen_at, findings,
                 diagnosis, standing, hosts)
             VALUES ($1, $2, $3, $4, $4, 0, $5, $6, $7) RETURNING id
         ), noted AS (
             INSERT INTO incident_notes (incident_id, at, kind, text)
             SELECT id, $4, 'state', $3 FROM opened
         )
         SELECT id AS \"id!\" FROM opened",
        cause.key(),
        to_value(cause)?,
        new.state.as_str(),
        at.to_sqlx(),
        to_value(diagnosis)?,
        new.standing,
        &numbers(&new.hosts),
    )
    .fetch_one(db)
    .await?;
    Ok(IncidentId(id))
}

/// Notes how an incident stands since a moment, and by whom if the server did not find it so itself.
/// Whether it is seen to grow changes too often to be history.
///
/// # Errors
/// When the database fails.
pub async fn stand(
    db: &mut PgConnection,
    id: IncidentId,
    new: &NewStanding,
    at: Timestamp,
    by: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "WITH noted AS (
             INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
             SELECT id, $5, $6, 'state', $2 FROM incidents
             WHERE id = $1 AND state <> $2
                 AND NOT (state IN ('open', 'growing') AND $2 IN ('open', 'growing'))
         )
         UPDATE incidents SET state = $2, standing = $3, hosts = $4 WHERE id = $1",
        id.0,
        new.state.as_str(),
        new.standing,
        &numbers(&new.hosts),
        at.to_sqlx(),
        by,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Gives an incident a cause that is better known now.
///
/// # Errors
/// When the database fails, or that cause has an unresolved incident.
pub async fn rename(db: &mut PgConnection, id: IncidentId, cause: &Cause) -> Result<()> {
    sqlx::query!(
        "UPDATE incidents SET cause_key = $2, cause = $3 WHERE id = $1",
        id.0,
        cause.key(),
        to_value(cause)?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Adds a finding. Returns whether it is new.
///
/// # Errors
/// When the database fails.
pub async fn add_finding(
    db: &mut PgConnection,
    id: IncidentId,
    host: HostId,
    at: Timestamp,
    diagnosis: &Diagnosis,
) -> Result<bool> {
    let diagnosis = to_value(diagnosis)?;
    let done = sqlx::query!(
        "INSERT INTO findings (incident_id, host_id, at, diagnosis) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        id.0,
        host.0,
        at.to_sqlx(),
        diagnosis,
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!(
        "UPDATE incidents SET findings = findings + 1,
             diagnosis = CASE WHEN last_seen_at <= $2 THEN $3 ELSE diagnosis END,
             last_seen_at = greatest(last_seen_at, $2)
         WHERE id = $1",
        id.0,
        at.to_sqlx(),
        diagnosis,
    )
    .execute(db)
    .await?;
    Ok(true)
}

/// Keeps what was seen around an event or a silence.
///
/// # Errors
/// When the database fails.
pub async fn set_picture(db: &mut PgConnection, id: IncidentId, picture: &Picture) -> Result<()> {
    sqlx::query!("UPDATE incidents SET picture = $2 WHERE id = $1", id.0, to_value(picture)?)
        .execute(db)
        .await?;
    Ok(())
}

/// Keeps what tells affected hosts from healthy ones.
///
/// # Errors
/// When the database fails.
pub async fn set_comparison(
    db: &mut PgConnection,
    id: IncidentId,
    comparison: &[AttributeCounts],
) -> Result<()> {
    sqlx::query!("UPDATE incidents SET comparison = $2 WHERE id = $1", id.0, to_value(comparison)?)
        .execute(db)
        .await?;
    Ok(())
}

/// What tells affected hosts from healthy ones, by cause, of incidents that are not resolved: the
/// latest `most` of them.
///
/// # Errors
/// When the database fails.
pub async fn comparisons(
    db: &mut PgConnection,
    most: i64,
) -> Result<Vec<(Cause, Vec<AttributeCounts>)>> {
    let rows = sqlx::query!(
        "SELECT cause, comparison AS \"comparison!\" FROM incidents
         WHERE state <> 'resolved' AND comparison IS NOT NULL ORDER BY id DESC LIMIT $1",
        most,
    )
    .fetch_all(db)
    .await?;
    rows.into_iter().map(|row| Ok((from_value(row.cause)?, from_value(row.comparison)?))).collect()
}

/// Resolves incidents that nobody can look after any more: not seen since `quiet_since`. Returns
/// how many.
///
/// # Errors
/// When the database fails.
pub async fn resolve_quiet(
    db: &mut PgConnection,
    quiet_since: Timestamp,
    now: Timestamp,
) -> Result<u64> {
    let done = sqlx::query!(
        "WITH resolved AS (
             UPDATE incidents SET state = 'resolved', hosts = '{}'
             WHERE state <> 'resolved' AND last_seen_at < $1 RETURNING id
         )
         INSERT INTO incident_notes (incident_id, at, kind, text)
         SELECT id, $2, 'state', 'resolved' FROM resolved",
        quiet_since.to_sqlx(),
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

fn numbers(hosts: &[HostId]) -> Vec<i32> {
    hosts.iter().map(|host| host.0).collect()
}
