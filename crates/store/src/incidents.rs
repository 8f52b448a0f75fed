//! Incidents and the findings they are made of.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    diagnosis::Diagnosis,
    incident::{Cause, Finding, Incident, IncidentId, IncidentState},
};
use serde_json::to_value;
use sqlx::{PgConnection, types::Json};

use crate::Result;

/// What a finding did to its incident.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// The incident is new.
    Opened(IncidentId),
    /// The incident was open; it was seen again.
    SeenAgain(IncidentId),
    /// The very same finding was recorded before.
    Known(IncidentId),
}

/// Records a finding and opens or continues the incident of its cause. Runs in a transaction.
///
/// # Errors
/// When the database fails.
pub async fn record(db: &mut PgConnection, finding: &Finding) -> Result<Recorded> {
    let diagnosis = to_value(&finding.diagnosis)?;
    let at = finding.at.to_sqlx();
    let row = sqlx::query!(
        "INSERT INTO incidents (cause_key, cause, state, opened_at, last_seen_at, findings,
             diagnosis)
         VALUES ($1, $2, 'open', $3, $3, 0, $4)
         ON CONFLICT (cause_key) WHERE state <> 'resolved' DO UPDATE
         SET last_seen_at = greatest(incidents.last_seen_at, excluded.last_seen_at)
         RETURNING id, xmax = 0 AS \"new!\"",
        finding.cause.key(),
        to_value(&finding.cause)?,
        at,
        diagnosis,
    )
    .fetch_one(&mut *db)
    .await?;
    let id = IncidentId(row.id);
    let done = sqlx::query!(
        "INSERT INTO findings (incident_id, host_id, at, diagnosis) VALUES ($1, $2, $3, $4)
         ON CONFLICT DO NOTHING",
        row.id,
        finding.host.0,
        at,
        diagnosis,
    )
    .execute(&mut *db)
    .await?;
    if done.rows_affected() == 0 {
        return Ok(Recorded::Known(id));
    }
    sqlx::query!(
        "UPDATE incidents SET findings = findings + 1, state = 'open',
             diagnosis = CASE WHEN last_seen_at <= $2 THEN $3 ELSE diagnosis END
         WHERE id = $1",
        row.id,
        at,
        diagnosis,
    )
    .execute(db)
    .await?;
    Ok(if row.new { Recorded::Opened(id) } else { Recorded::SeenAgain(id) })
}

/// Which incidents to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct IncidentFilter {
    /// Only those that touch this host.
    pub host: Option<HostId>,
    /// Only those that are not resolved.
    pub unresolved: bool,
    /// Only this one.
    pub id: Option<IncidentId>,
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
             diagnosis AS \"diagnosis: Json<Diagnosis>\"
         FROM incidents
         WHERE ($1::int IS NULL
                OR id IN (SELECT incident_id FROM findings WHERE host_id = $1))
             AND (NOT $2 OR state <> 'resolved')
             AND ($3::bigint IS NULL OR id = $3)
         ORDER BY last_seen_at DESC, id DESC LIMIT $4",
        filter.host.map(|host| host.0),
        filter.unresolved,
        filter.id.map(|id| id.0),
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Incident {
            id: IncidentId(row.id),
            cause: row.cause.0,
            state: state_of(&row.state),
            opened: row.opened_at.to_jiff(),
            last_seen: row.last_seen_at.to_jiff(),
            findings: row.findings,
            diagnosis: row.diagnosis.0,
        })
        .collect())
}

/// The incidents that count as over: not seen since `quiet_since`. Marks them resolved and returns
/// how many.
///
/// # Errors
/// When the database fails.
pub async fn resolve_quiet(db: &mut PgConnection, quiet_since: Timestamp) -> Result<u64> {
    let done = sqlx::query!(
        "UPDATE incidents SET state = 'resolved' WHERE state = 'open' AND last_seen_at < $1",
        quiet_since.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

fn state_of(name: &str) -> IncidentState {
    IncidentState::from_name(name).unwrap_or_default()
}
