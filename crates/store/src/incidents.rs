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
use serde_json::{Value, to_value};
use sqlx::PgConnection;

pub use list::{
    IncidentFilter, IncidentPart, details, host_diagnoses, host_diagnosis, last_finding, list,
    parts, time_left_by_host,
};
pub use notes::{
    COMMENT_CHARS, acknowledge, comment, forget_acknowledgement, give_to, note, notes,
};

use crate::{Result, readable::Readable};

/// An incident, locked until the transaction ends.
#[derive(Debug, Clone, PartialEq)]
pub struct LockedIncident {
    /// Its number.
    pub id: IncidentId,
    /// What its lifecycle remembers.
    pub lifecycle: Value,
    /// Its record; an empty one where that cannot be read, until the next is made.
    pub diagnosis: Diagnosis,
    /// The host that its record is about.
    pub worst: Option<HostId>,
    /// Whether an event or a silence was part of it before.
    pub is_pictured: bool,
}

/// An incident after an observation.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentRecord<'a> {
    /// Its state.
    pub state: IncidentState,
    /// What its lifecycle remembers.
    pub lifecycle: Value,
    /// The judgement of all its hosts together.
    pub diagnosis: &'a Diagnosis,
    /// The host that this is about.
    pub worst: Option<HostId>,
    /// Hosts on which it goes on.
    pub hosts: Vec<HostId>,
}

/// The latest incident of a cause, or the one that it was made part of. Whoever asks for the same cause next waits until this
/// transaction ends, be there an incident or not.
///
/// # Errors
/// When the database fails.
pub async fn lock_cause(db: &mut PgConnection, cause: &Cause) -> Result<Option<LockedIncident>> {
    let key = cause.key();
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", key)
        .execute(&mut *db)
        .await?;
    let id = sqlx::query_scalar!(
        "SELECT coalesce(merged_into, id) AS \"id!\" FROM incidents WHERE cause_key = $1
         ORDER BY id DESC LIMIT 1",
        key,
    )
    .fetch_optional(&mut *db)
    .await?;
    match id {
        Some(id) => lock(db, IncidentId(id)).await,
        None => Ok(None),
    }
}

/// One incident.
///
/// # Errors
/// When the database fails.
pub async fn lock(db: &mut PgConnection, id: IncidentId) -> Result<Option<LockedIncident>> {
    let row = sqlx::query!(
        "SELECT id, lifecycle, diagnosis AS \"diagnosis: Readable<Diagnosis>\", worst_host,
             picture IS NOT NULL AS \"is_pictured!\"
         FROM incidents WHERE id = $1 FOR UPDATE",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map(|row| LockedIncident {
        id: IncidentId(row.id),
        lifecycle: row.lifecycle,
        diagnosis: row.diagnosis.0.unwrap_or_default(),
        worst: row.worst_host.map(HostId),
        is_pictured: row.is_pictured,
    }))
}

/// Opens an incident.
///
/// # Errors
/// When the database fails, or the cause has an unresolved incident.
pub async fn open(
    db: &mut PgConnection,
    cause: &Cause,
    at: Timestamp,
    new: &IncidentRecord<'_>,
) -> Result<IncidentId> {
    let id = sqlx::query_scalar!(
        "WITH opened AS (
             INSERT INTO incidents (cause_key, cause, state, opened_at, last_seen_at, findings,
                 diagnosis, worst_host, lifecycle, hosts)
             VALUES ($1, $2, $3, $4, $4, 0, $5, $6, $7, $8) RETURNING id
         ), noted AS (
             INSERT INTO incident_notes (incident_id, at, kind, text)
             SELECT id, $4, 'state', $3 FROM opened
         )
         SELECT id AS \"id!\" FROM opened",
        cause.key(),
        to_value(cause)?,
        new.state.as_str(),
        at.to_sqlx(),
        to_value(new.diagnosis)?,
        new.worst.map(|host| host.0),
        new.lifecycle,
        &numbers(&new.hosts),
    )
    .fetch_one(db)
    .await?;
    Ok(IncidentId(id))
}

/// Keeps what became of an incident at a moment, and by whom if the server did not find it so itself.
/// Whether it is seen to grow changes too often to be history.
///
/// # Errors
/// When the database fails.
pub async fn set_record(
    db: &mut PgConnection,
    id: IncidentId,
    new: &IncidentRecord<'_>,
    at: Timestamp,
    by: Option<&str>,
) -> Result<()> {
    sqlx::query!(
        "WITH noted AS (
             INSERT INTO incident_notes (incident_id, at, written_by, kind, text)
             SELECT id, $7, $8, 'state', $2 FROM incidents
             WHERE id = $1 AND state <> $2
                 AND NOT (state IN ('open', 'growing') AND $2 IN ('open', 'growing'))
         )
         UPDATE incidents
         SET state = $2, lifecycle = $3, diagnosis = $4, worst_host = $5, hosts = $6 WHERE id = $1",
        id.0,
        new.state.as_str(),
        new.lifecycle,
        to_value(new.diagnosis)?,
        new.worst.map(|host| host.0),
        &numbers(&new.hosts),
        at.to_sqlx(),
        by,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Keeps the judgement that counts of a host of an incident.
///
/// # Errors
/// When the database fails.
pub async fn set_host_diagnosis(
    db: &mut PgConnection,
    id: IncidentId,
    host: HostId,
    diagnosis: &Diagnosis,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO incident_hosts (incident_id, host_id, diagnosis) VALUES ($1, $2, $3)
         ON CONFLICT (incident_id, host_id) DO UPDATE SET diagnosis = excluded.diagnosis",
        id.0,
        host.0,
        to_value(diagnosis)?,
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

/// Adds a finding; a later judgement of the same moment knows more, and replaces it.
///
/// # Errors
/// When the database fails.
pub async fn add_finding(
    db: &mut PgConnection,
    id: IncidentId,
    host: HostId,
    at: Timestamp,
    diagnosis: &Diagnosis,
) -> Result<()> {
    sqlx::query!(
        "WITH added AS (
             INSERT INTO findings (incident_id, host_id, at, diagnosis) VALUES ($1, $2, $3, $4)
             ON CONFLICT (incident_id, host_id, at) DO UPDATE SET diagnosis = excluded.diagnosis
             RETURNING xmax = 0 AS is_new
         )
         UPDATE incidents SET findings = findings + is_new::int,
             last_seen_at = greatest(last_seen_at, $3)
         FROM added WHERE id = $1",
        id.0,
        host.0,
        at.to_sqlx(),
        to_value(diagnosis)?,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Makes an incident part of another: what was found of it is found of that one. Returns whether both
/// are there and neither is part of a third.
///
/// # Errors
/// When the database fails.
pub async fn merge(db: &mut PgConnection, from: IncidentId, into: IncidentId) -> Result<bool> {
    let done = sqlx::query!(
        "UPDATE incidents SET merged_into = $2
         WHERE id = $1 AND merged_into IS NULL
             AND EXISTS (SELECT FROM incidents WHERE id = $2 AND merged_into IS NULL)",
        from.0,
        into.0,
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    sqlx::query!("UPDATE incidents SET merged_into = $2 WHERE merged_into = $1", from.0, into.0)
        .execute(&mut *db)
        .await?;
    sqlx::query!(
        "UPDATE findings AS moved SET incident_id = $2
         WHERE incident_id = $1 AND NOT EXISTS (
             SELECT FROM findings AS known WHERE known.incident_id = $2
                 AND known.host_id = moved.host_id AND known.at = moved.at)",
        from.0,
        into.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "INSERT INTO incident_hosts (incident_id, host_id, diagnosis)
         SELECT $2, host_id, diagnosis FROM incident_hosts WHERE incident_id = $1
         ON CONFLICT DO NOTHING",
        from.0,
        into.0,
    )
    .execute(&mut *db)
    .await?;
    sqlx::query!(
        "UPDATE incidents AS whole
         SET findings = (SELECT count(*) FROM findings WHERE incident_id = $2),
             opened_at = least(whole.opened_at, part.opened_at),
             last_seen_at = greatest(whole.last_seen_at, part.last_seen_at)
         FROM incidents AS part WHERE whole.id = $2 AND part.id = $1",
        from.0,
        into.0,
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
/// latest `most` of them that can be read.
///
/// # Errors
/// When the database fails.
pub async fn comparisons(
    db: &mut PgConnection,
    most: i64,
) -> Result<Vec<(Cause, Vec<AttributeCounts>)>> {
    let rows = sqlx::query!(
        "SELECT cause AS \"cause: Readable<Cause>\",
             comparison AS \"comparison!: Readable<Vec<AttributeCounts>>\" FROM incidents
         WHERE state <> 'resolved' AND comparison IS NOT NULL ORDER BY id DESC LIMIT $1",
        most,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().filter_map(|row| Some((row.cause.0?, row.comparison.0?))).collect())
}

/// Incidents that nobody can look after any more: not resolved, and not seen since `quiet_since`.
///
/// # Errors
/// When the database fails.
pub async fn not_seen_since(
    db: &mut PgConnection,
    quiet_since: Timestamp,
) -> Result<Vec<IncidentId>> {
    let ids = sqlx::query_scalar!(
        "SELECT id FROM incidents WHERE state <> 'resolved' AND last_seen_at < $1
         ORDER BY id LIMIT 1000",
        quiet_since.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(ids.into_iter().map(IncidentId).collect())
}

fn numbers(hosts: &[HostId]) -> Vec<i32> {
    hosts.iter().map(|host| host.0).collect()
}
