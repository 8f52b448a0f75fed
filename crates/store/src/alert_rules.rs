//! How rules are set, and what they would have told.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    alerting::{AlertRule, RuleSetting},
    diagnosis::Verdict,
    incident::Cause,
};
use sqlx::{PgConnection, types::Json};

use crate::Result;

/// Incidents of a past that are looked at, the latest.
const INCIDENTS: i64 = 5_000;

/// How every rule is set, the most urgent first.
///
/// # Errors
/// When the database fails.
pub async fn load(db: &mut PgConnection) -> Result<Vec<RuleSetting>> {
    let rows = sqlx::query!("SELECT name, is_on, least_hosts, left_h FROM alert_rules")
        .fetch_all(db)
        .await?;
    let setting = |rule: AlertRule| {
        let row = rows.iter().find(|row| row.name == rule.as_str());
        row.map_or(RuleSetting::default_of(rule), |row| RuleSetting {
            rule,
            is_on: row.is_on,
            least_hosts: row.least_hosts.unsigned_abs(),
            left_h: row.left_h.unsigned_abs(),
        })
    };
    Ok(AlertRule::ALL.into_iter().map(setting).collect())
}

/// Keeps how a rule is set.
///
/// # Errors
/// When the database fails.
pub async fn set(
    db: &mut PgConnection,
    setting: &RuleSetting,
    by: &str,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "INSERT INTO alert_rules (name, is_on, least_hosts, left_h, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on,
             least_hosts = excluded.least_hosts, left_h = excluded.left_h,
             changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        setting.rule.as_str(),
        setting.is_on,
        i32::try_from(setting.least_hosts).unwrap_or(i32::MAX),
        i32::try_from(setting.left_h).unwrap_or(i32::MAX),
        by,
        now.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// What was found of an incident in a past, by verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct PastFinding {
    /// Its incident.
    pub incident: i64,
    /// The incident's cause.
    pub cause: Cause,
    /// What was found.
    pub verdict: Verdict,
    /// On so many hosts.
    pub hosts: u64,
    /// The shortest time that a pool had left, seconds.
    pub left_s: Option<u64>,
}

/// What was found since a time.
///
/// # Errors
/// When the database fails.
pub async fn found_since(db: &mut PgConnection, since: Timestamp) -> Result<Vec<PastFinding>> {
    let rows = sqlx::query!(
        "SELECT incident_id, cause AS \"cause: Json<Cause>\",
             findings.diagnosis->'verdict' AS \"verdict!: Json<Verdict>\",
             count(DISTINCT host_id) AS \"hosts!\",
             min((findings.diagnosis#>>'{time_left,likely_s}')::numeric)::bigint AS left_s
         FROM findings JOIN incidents ON incidents.id = incident_id
         WHERE at >= $1 AND last_seen_at >= $1
         GROUP BY incident_id, cause, findings.diagnosis->'verdict'
         ORDER BY incident_id DESC LIMIT $2",
        since.to_sqlx(),
        INCIDENTS,
    )
    .fetch_all(db)
    .await?;
    let found = rows.into_iter().map(|row| PastFinding {
        incident: row.incident_id,
        cause: row.cause.0,
        verdict: row.verdict.0,
        hosts: row.hosts.unsigned_abs(),
        left_s: row.left_s.map(i64::unsigned_abs),
    });
    Ok(found.collect())
}
