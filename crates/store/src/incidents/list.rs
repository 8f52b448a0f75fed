//! Incidents as pages and mails read them.

use std::collections::HashMap;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    comparison::AttributeCounts,
    diagnosis::Diagnosis,
    incident::{
        Acknowledgement, Cause, Confirmation, Details, Incident, IncidentId, IncidentState, Picture,
    },
};
use sqlx::PgConnection;

use super::numbers;
use crate::{Result, readable::Readable};

/// Which incidents to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncidentFilter<'a> {
    /// Only those that touch this host.
    pub host: Option<HostId>,
    /// Only those that touch one of these hosts.
    pub among: Option<&'a [HostId]>,
    /// Only those that are not resolved.
    pub unresolved: bool,
    /// Only this one.
    pub id: Option<IncidentId>,
    /// Only those that are not resolved, or were seen since then.
    pub since: Option<Timestamp>,
}

/// Incidents, latest first. Those that cannot be read are left out.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    filter: IncidentFilter<'_>,
    limit: i64,
) -> Result<Vec<Incident>> {
    let among = filter.among.map(numbers);
    let rows = sqlx::query!(
        "SELECT id, cause AS \"cause: Readable<Cause>\", state, opened_at, last_seen_at, findings,
             diagnosis AS \"diagnosis: Readable<Diagnosis>\", hosts, worst_host
         FROM incidents
         WHERE ($1::int IS NULL
                OR id IN (SELECT incident_id FROM findings WHERE host_id = $1))
             AND ($5::int[] IS NULL
                OR id IN (SELECT incident_id FROM findings WHERE host_id = ANY ($5)))
             AND (NOT $2 OR state <> 'resolved')
             AND ($3::bigint IS NULL OR id = $3)
             AND ($6::timestamptz IS NULL OR state <> 'resolved' OR last_seen_at >= $6)
         ORDER BY last_seen_at DESC, id DESC LIMIT $4",
        filter.host.map(|host| host.0),
        filter.unresolved,
        filter.id.map(|id| id.0),
        limit,
        among.as_deref(),
        filter.since.map(ToSqlx::to_sqlx),
    )
    .fetch_all(db)
    .await?;
    let incidents = rows.into_iter().filter_map(|row| {
        Some(Incident {
            id: IncidentId(row.id),
            cause: row.cause.0?,
            state: IncidentState::from_name(&row.state)?,
            opened: row.opened_at.to_jiff(),
            last_seen: row.last_seen_at.to_jiff(),
            findings: row.findings,
            diagnosis: row.diagnosis.0?,
            hosts: row.hosts.into_iter().map(HostId).collect(),
            worst: row.worst_host.map(HostId),
        })
    });
    Ok(incidents.collect())
}

/// What some hosts are of an incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentPart {
    /// The incident.
    pub id: IncidentId,
    /// Observations on these hosts.
    pub findings: i64,
    /// Whether it was ever found on others.
    pub has_others: bool,
    /// First observation on these hosts.
    pub opened: Timestamp,
    /// Latest observation on these hosts.
    pub last_seen: Timestamp,
}

/// What some hosts are of incidents, by number; incidents that touch none of them are left out.
///
/// # Errors
/// When the database fails.
pub async fn parts(
    db: &mut PgConnection,
    incidents: &[IncidentId],
    hosts: &[HostId],
) -> Result<Vec<IncidentPart>> {
    let incidents: Vec<i64> = incidents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT incident_id, count(*) FILTER (WHERE host_id = ANY ($2)) AS \"findings!\",
             bool_or(host_id <> ALL ($2)) AS \"has_others!\",
             min(at) FILTER (WHERE host_id = ANY ($2)) AS \"opened!: jiff_sqlx::Timestamp\",
             max(at) FILTER (WHERE host_id = ANY ($2)) AS \"last_seen!: jiff_sqlx::Timestamp\"
         FROM findings WHERE incident_id = ANY ($1)
         GROUP BY incident_id HAVING bool_or(host_id = ANY ($2)) ORDER BY incident_id",
        &incidents,
        &numbers(hosts),
    )
    .fetch_all(db)
    .await?;
    let parts = rows.into_iter().map(|row| IncidentPart {
        id: IncidentId(row.incident_id),
        findings: row.findings,
        has_others: row.has_others,
        opened: row.opened.to_jiff(),
        last_seen: row.last_seen.to_jiff(),
    });
    Ok(parts.collect())
}

/// The judgements that count of some hosts of incidents and can be read, of each incident at most so
/// many, its worst host before others.
///
/// # Errors
/// When the database fails.
pub async fn host_diagnoses(
    db: &mut PgConnection,
    incidents: &[IncidentId],
    hosts: &[HostId],
    most: i64,
) -> Result<Vec<(IncidentId, HostId, Diagnosis)>> {
    let incidents: Vec<i64> = incidents.iter().map(|id| id.0).collect();
    let rows = sqlx::query!(
        "SELECT incident_id, host_id, diagnosis AS \"diagnosis: Readable<Diagnosis>\"
         FROM (
             SELECT part.incident_id, part.host_id, part.diagnosis, row_number() OVER (
                 PARTITION BY part.incident_id
                 ORDER BY part.host_id IS DISTINCT FROM whole.worst_host, part.host_id) AS place
             FROM incident_hosts AS part JOIN incidents AS whole ON whole.id = part.incident_id
             WHERE part.incident_id = ANY ($1) AND part.host_id = ANY ($2)
         ) AS ranked WHERE place <= $3 ORDER BY incident_id, place",
        &incidents,
        &numbers(hosts),
        most,
    )
    .fetch_all(db)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        Some((IncidentId(row.incident_id), HostId(row.host_id), row.diagnosis.0?))
    });
    Ok(found.collect())
}

/// How long the hosts of unresolved incidents have left by what was found of each last, seconds: 0
/// of what is exhausted; without those of which nothing is known to run out.
///
/// # Errors
/// When the database fails.
pub async fn time_left_by_host(db: &mut PgConnection) -> Result<HashMap<HostId, u64>> {
    let rows = sqlx::query!(
        "SELECT host_id, min(left_s) AS left_s FROM incident_hosts
         WHERE left_s IS NOT NULL
             AND incident_id IN (SELECT id FROM incidents WHERE state <> 'resolved')
         GROUP BY host_id",
    )
    .fetch_all(db)
    .await?;
    let left = rows.into_iter().filter_map(|row| Some((HostId(row.host_id), row.left_s?)));
    Ok(left.map(|(host, left_s)| (host, left_s.unsigned_abs())).collect())
}

/// What is kept with an incident beyond its latest judgement, as far as it can be read.
///
/// # Errors
/// When the database fails.
pub async fn details(db: &mut PgConnection, id: IncidentId) -> Result<Details> {
    let row = sqlx::query!(
        "SELECT picture AS \"picture: Readable<Picture>\",
             comparison AS \"comparison: Readable<Vec<AttributeCounts>>\",
             ARRAY(SELECT DISTINCT host_id FROM findings WHERE incident_id = $1) AS \"seen_on!\",
             owner, acknowledged_by, acknowledged_at, merged_into,
             word.written_by AS \"said_by?\", word.at AS \"said_at?: jiff_sqlx::Timestamp\",
             word.kind = 'confirmed' AS is_right, word.text AS \"suspect?\"
         FROM incidents LEFT JOIN LATERAL (
             SELECT written_by, at, kind, text FROM incident_notes
             WHERE incident_id = $1 AND kind IN ('confirmed', 'refuted') ORDER BY id DESC LIMIT 1
         ) AS word ON true
         WHERE id = $1",
        id.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(row.map_or_else(Details::default, |row| Details {
        picture: row.picture.and_then(|picture| picture.0),
        comparison: row.comparison.and_then(|comparison| comparison.0).unwrap_or_default(),
        seen_on: row.seen_on.into_iter().map(HostId).collect(),
        owner: row.owner,
        acknowledged: row
            .acknowledged_by
            .zip(row.acknowledged_at)
            .map(|(by, at)| Acknowledgement { by, at: at.to_jiff() }),
        confirmation: row.said_at.map(|at| Confirmation {
            by: row.said_by.unwrap_or_default(),
            at: at.to_jiff(),
            is_right: row.is_right.unwrap_or_default(),
            suspect: row.suspect.unwrap_or_default(),
        }),
        merged_into: row.merged_into.map(IncidentId),
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

/// The judgement that counts of a host of an incident, where it can be read.
///
/// # Errors
/// When the database fails.
pub async fn host_diagnosis(
    db: &mut PgConnection,
    id: IncidentId,
    host: HostId,
) -> Result<Option<Diagnosis>> {
    let diagnosis = sqlx::query_scalar!(
        "SELECT diagnosis AS \"diagnosis: Readable<Diagnosis>\" FROM incident_hosts
         WHERE incident_id = $1 AND host_id = $2",
        id.0,
        host.0,
    )
    .fetch_optional(db)
    .await?;
    Ok(diagnosis.and_then(|diagnosis| diagnosis.0))
}
