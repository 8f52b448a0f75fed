//! How rules are set, and what they would have told.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    alerting::{AlertRule, HostScope, RuleScope, RuleSetting, ScopeRole},
    diagnosis::{TimeLeft, Verdict},
    incident::Cause,
};
use sqlx::PgConnection;

use crate::{Result, readable::Readable};

/// Incidents of a past that are looked at, the latest.
const INCIDENTS: i64 = 5_000;
/// Rules that people can add.
pub const ADDED: i64 = 100;

/// How every rule is set: those that come with Poolwatch, then those that people added.
///
/// # Errors
/// When the database fails.
pub async fn load(db: &mut PgConnection) -> Result<Vec<RuleSetting>> {
    let rows = sqlx::query!(
        "SELECT name, coalesce(kind, name) AS \"kind!\", is_on, least_hosts, threshold, minutes,
             program, host_group, host_pattern, host_system, host_role
         FROM alert_rules ORDER BY name",
    )
    .fetch_all(db)
    .await?;
    let kept = rows.into_iter().filter_map(|row| {
        Some(RuleSetting {
            rule: AlertRule::from_name(&row.kind)?,
            name: row.name,
            is_on: row.is_on,
            least_hosts: row.least_hosts.unsigned_abs(),
            threshold: row.threshold.unsigned_abs(),
            minutes: row.minutes.unsigned_abs(),
            program: row.program,
            scope: RuleScope {
                hosts: HostScope { group: row.host_group, pattern: row.host_pattern },
                system: row.host_system,
                role: row.host_role.as_deref().and_then(ScopeRole::from_name),
            },
        })
    });
    let mut kept: Vec<RuleSetting> = kept.collect();
    let mut rules: Vec<RuleSetting> = AlertRule::ALL.map(RuleSetting::default_of).into();
    for rule in &mut rules {
        if let Some(at) = kept.iter().position(|one| one.name == rule.name) {
            *rule = kept.remove(at);
        }
    }
    rules.append(&mut kept);
    Ok(rules)
}

/// Keeps how a rule is set. Returns whether it was kept: only [`ADDED`] rules can be added.
///
/// # Errors
/// When the database fails.
pub async fn set(
    db: &mut PgConnection,
    setting: &RuleSetting,
    by: &str,
    now: Timestamp,
) -> Result<bool> {
    let number = |number: u32| i32::try_from(number).unwrap_or(i32::MAX);
    let done = sqlx::query!(
        "INSERT INTO alert_rules (name, kind, is_on, least_hosts, threshold, minutes, program,
             host_group, host_pattern, host_system, host_role, changed_by, changed_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13
         WHERE $1 = $2 OR EXISTS (SELECT FROM alert_rules WHERE name = $1)
             OR (SELECT count(*) FROM alert_rules WHERE name <> kind) < $14
         ON CONFLICT (name) DO UPDATE SET is_on = excluded.is_on,
             least_hosts = excluded.least_hosts, threshold = excluded.threshold,
             minutes = excluded.minutes, program = excluded.program,
             host_group = excluded.host_group, host_pattern = excluded.host_pattern,
             host_system = excluded.host_system, host_role = excluded.host_role,
             changed_by = excluded.changed_by, changed_at = excluded.changed_at",
        setting.name,
        setting.rule.as_str(),
        setting.is_on,
        number(setting.least_hosts),
        number(setting.threshold),
        number(setting.minutes),
        setting.program,
        setting.scope.hosts.group,
        setting.scope.hosts.pattern,
        setting.scope.system,
        setting.scope.role.map(ScopeRole::as_str),
        by,
        now.to_sqlx(),
        ADDED,
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}

/// Takes away a rule that somebody added. Returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &mut PgConnection, name: &str) -> Result<bool> {
    let done = sqlx::query!("DELETE FROM alert_rules WHERE name = $1 AND name <> kind", name);
    Ok(done.execute(db).await?.rows_affected() > 0)
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
    /// On these hosts.
    pub hosts: Vec<HostId>,
    /// How long a pool lasted at the least.
    pub left: Option<TimeLeft>,
}

/// What was found since a time, as far as it can be read.
///
/// # Errors
/// When the database fails.
pub async fn found_since(db: &mut PgConnection, since: Timestamp) -> Result<Vec<PastFinding>> {
    let rows = sqlx::query!(
        "SELECT incident_id, cause AS \"cause: Readable<Cause>\",
             coalesce(findings.diagnosis->'verdict', 'null') AS \"verdict!: Readable<Verdict>\",
             array_agg(DISTINCT host_id) AS \"hosts!\",
             (array_agg(findings.diagnosis->'time_left'
                 ORDER BY (findings.diagnosis#>>'{time_left,likely_s}')::numeric)
                 FILTER (WHERE jsonb_typeof(findings.diagnosis#>'{time_left,likely_s}') = 'number')
             )[1] AS \"left: Readable<TimeLeft>\"
         FROM findings JOIN incidents ON incidents.id = incident_id
         WHERE at >= $1 AND last_seen_at >= $1
         GROUP BY incident_id, cause, findings.diagnosis->'verdict'
         ORDER BY incident_id DESC LIMIT $2",
        since.to_sqlx(),
        INCIDENTS,
    )
    .fetch_all(db)
    .await?;
    let found = rows.into_iter().filter_map(|row| {
        Some(PastFinding {
            incident: row.incident_id,
            cause: row.cause.0?,
            verdict: row.verdict.0?,
            hosts: row.hosts.into_iter().map(HostId).collect(),
            left: row.left.and_then(|left| left.0),
        })
    });
    Ok(found.collect())
}

/// Drivers that are behind incidents in several versions, in lower case, at most 10,000.
///
/// # Errors
/// When the database fails.
pub async fn drivers_of_several_versions(db: &mut PgConnection) -> Result<Vec<String>> {
    let names = sqlx::query_scalar!(
        "SELECT cause->>'driver' AS \"driver!\" FROM incidents WHERE cause->>'kind' = 'driver'
         GROUP BY cause->>'driver' HAVING count(DISTINCT cause->>'version') > 1 LIMIT 10000",
    );
    Ok(names.fetch_all(db).await?)
}
