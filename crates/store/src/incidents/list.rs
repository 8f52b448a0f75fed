//! Incidents as pages and mails read them.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    comparison::AttributeCounts,
    diagnosis::Diagnosis,
    incident::{Acknowledgement, Cause, Details, Incident, IncidentId, IncidentState, Picture},
};
use sqlx::{PgConnection, types::Json};

use crate::{Result, StoreError};

/// Which incidents to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncidentFilter {
    /// Only those that touch this host.
    pub host: Option<HostId>,
    /// Only those that are not resolved.
    pub unresolved: bool,
    /// Only this one.
    pub id: Option<IncidentId>,
    /// Only those that are not resolved, or were seen since then.
    pub since: Option<Timestamp>,
}

/// Incidents, latest first.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    filter: IncidentFilter,
    limit: i64,
) -> Result<Vec<Incident>> {
    let rows = sqlx::query!(
        "SELECT id, cause AS \"cause: Json<Cause>\", state, opened_at, last_seen_at, findings,
             diagnosis AS \"diagnosis: Json<Diagnosis>\", hosts, worst_host
         FROM incidents
         WHERE ($1::int IS NULL
                OR id IN (SELECT incident_id FROM findings WHERE host_id = $1))
             AND (NOT $2 OR state <> 'resolved')
             AND ($3::bigint IS NULL OR id = $3)
             AND ($5::timestamptz IS NULL OR state <> 'resolved' OR last_seen_at >= $5)
         ORDER BY last_seen_at DESC, id DESC LIMIT $4",
        filter.host.map(|host| host.0),
        filter.unresolved,
        filter.id.map(|id| id.0),
        limit,
        filter.since.map(ToSqlx::to_sqlx),
    )
    .fetch_all(db)
    .await?;
    let incidents = rows.into_iter().map(|row| {
        Ok(Incident {
            id: IncidentId(row.id),
            cause: row.cause.0,
            state: IncidentState::from_name(&row.state)
                .ok_or(StoreError::Inconsistent("an incident has a state that is not known"))?,
            opened: row.opened_at.to_jiff(),
            last_seen: row.last_seen_at.to_jiff(),
            findings: row.findings,
            diagnosis: row.diagnosis.0,
            hosts: row.hosts.into_iter().map(HostId).collect(),
            worst: row.worst_host.map(HostId),
        })
    });
    incidents.collect()
}

/// How long the hosts of unresolved incidents have left by what was found of each last, seconds: 0
/// of what is exhausted; without those of which nothing is known to run out.
///
/// # Errors
/// When the database fails.
pub async fn time_left_by_host(db: &mut PgConnection) -> Result<HashMap<HostId, u64>> {
    let rows = sqlx::query!(
        "SELECT host_id, min(CASE diagnosis->>'verdict' WHEN 'exhausted' THEN 0
             ELSE (diagnosis#>>'{time_left,likely_s}')::numeric END)::bigint AS left_s
         FROM incident_hosts
         WHERE incident_id IN (SELECT id FROM incidents WHERE state <> 'resolved')
         GROUP BY host_id",
    )
    .fetch_all(db)
    .await?;
    let left = rows.into_iter().filter_map(|row| Some((HostId(row.host_id), row.left_s?)));
    Ok(left.map(|(host, left_s)| (host, left_s.unsigned_abs())).collect())
}

/// What is kept with an incident beyond its latest judgement.
///
/// # Errors
/// When the database fails.
pub async fn details(db: &mut PgConnection, id: IncidentId) -> Result<Details> {
    let row = sqlx::query!(
        "SELECT picture AS \"picture: Json<Picture>\",
             comparison AS \"comparison: Json<Vec<AttributeCounts>>\",
             ARRAY(SELECT DISTINCT host_id FROM findings WHERE incident_id = $1) AS \"seen_on!\",
             owner, acknowledged_by, acknowledged_at
         FROM incidents WHERE id = $1",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or_else(Details::default, |row| Details {
        picture: row.picture.map(|picture| picture.0),
        comparison: row.comparison.map(|comparison| comparison.0).unwrap_or_default(),
        seen_on: row.seen_on.into_iter().map(HostId).collect(),
        owner: row.owner,
        acknowledged: row
            .acknowledged_by
            .zip(row.acknowledged_at)
            .map(|(by, at)| Acknowledgement { by, at: at.to_jiff() }),
    }))
}

/// When an incident was last found on a host.
///
/// # Errors
/// When the database fails.
pub async fn last_finding(
    db: &mut PgConnection,
    id: IncidentId,
    host: HostId,
) -> Result<Option<Timestamp>> {
    let at = sqlx::query_scalar!(
        "SELECT max(at) AS \"at: jiff_sqlx::Timestamp\" FROM findings
         WHERE incident_id = $1 AND host_id = $2",
        id.0,
        host.0,
    )
    .fetch_one(db)
    .await?;
    Ok(at.map(jiff_sqlx::Timestamp::to_jiff))
}

/// The judgement that counts of a host of an incident.
///
/// # Errors
/// When the database fails.
pub async fn host_diagnosis(
    db: &mut PgConnection,
    id: IncidentId,
    host: HostId,
) -> Result<Option<Diagnosis>> {
    let diagnosis = sqlx::query_scalar!(
        "SELECT diagnosis AS \"diagnosis: Json<Diagnosis>\" FROM incident_hosts
         WHERE incident_id = $1 AND host_id = $2",
        id.0,
        host.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(diagnosis.map(|diagnosis| diagnosis.0))
}
