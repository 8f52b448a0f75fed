//! What rules about hosts and about the server found.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    alerting::{Alert, AlertHost, AlertId, AlertRule},
};
use serde_json::to_value;
use sqlx::PgConnection;

use crate::{Result, readable::Readable};

/// Which alerts to list.
#[derive(Debug, Clone, Copy, Default)]
pub struct AlertFilter<'a> {
    /// Only this one.
    pub id: Option<AlertId>,
    /// Only those of this rule.
    pub rule: Option<&'a str>,
    /// Only those that go on.
    pub is_open: bool,
    /// Only those that went on at this time or later.
    pub since: Option<Timestamp>,
}

/// Alerts, latest first. One whose hosts cannot be read has none.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    filter: AlertFilter<'_>,
    limit: i64,
) -> Result<Vec<Alert>> {
    let rows = sqlx::query!(
        "SELECT id, rule, opened_at, ended_at, hosts AS \"hosts: Readable<Vec<AlertHost>>\", host_count,
             told_count, told_at
         FROM alerts
         WHERE ($1::bigint IS NULL OR id = $1) AND ($2::text IS NULL OR rule = $2)
             AND (NOT $3 OR ended_at IS NULL)
             AND ($4::timestamptz IS NULL OR ended_at IS NULL OR ended_at >= $4)
         ORDER BY id DESC LIMIT $5",
        filter.id.map(|id| id.0),
        filter.rule,
        filter.is_open,
        filter.since.map(ToSqlx::to_sqlx),
        limit,
    )
    .fetch_all(db)
    .await?;
    let alerts = rows.into_iter().map(|row| Alert {
        id: AlertId(row.id),
        rule: row.rule,
        opened: row.opened_at.to_jiff(),
        ended: row.ended_at.map(jiff_sqlx::Timestamp::to_jiff),
        hosts: row.hosts.0.unwrap_or_default(),
        host_count: row.host_count.unsigned_abs(),
        told_count: row.told_count.unsigned_abs(),
        told: row.told_at.to_jiff(),
    });
    Ok(alerts.collect())
}

/// Opens the alert of a rule.
///
/// # Errors
/// When the database fails, or an alert of the rule goes on.
pub async fn open(
    db: &mut PgConnection,
    rule: &str,
    (hosts, count): (&[AlertHost], u32),
    now: Timestamp,
) -> Result<AlertId> {
    let id = sqlx::query_scalar!(
        "INSERT INTO alerts (rule, opened_at, seen_at, hosts, host_count, told_count, told_at)
         VALUES ($1, $2, $2, $3, $4, $4, $2) RETURNING id",
        rule,
        now.to_sqlx(),
        to_value(hosts)?,
        i32::try_from(count).unwrap_or(i32::MAX),
    );
    Ok(AlertId(id.fetch_one(db).await?))
}

/// Keeps on which hosts an alert goes on, and whether people are told of that.
///
/// # Errors
/// When the database fails.
pub async fn keep(
    db: &mut PgConnection,
    id: AlertId,
    (hosts, count): (&[AlertHost], u32),
    is_told: bool,
    now: Timestamp,
) -> Result<()> {
    sqlx::query!(
        "UPDATE alerts SET hosts = $2, host_count = $3, seen_at = $4,
             told_count = CASE WHEN $5 THEN $3 ELSE told_count END,
             told_at = CASE WHEN $5 THEN $4 ELSE told_at END
         WHERE id = $1",
        id.0,
        to_value(hosts)?,
        i32::try_from(count).unwrap_or(i32::MAX),
        now.to_sqlx(),
        is_told,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Ends an alert. It keeps the hosts on which it was last.
///
/// # Errors
/// When the database fails.
pub async fn end(db: &mut PgConnection, id: AlertId, now: Timestamp) -> Result<()> {
    sqlx::query!("UPDATE alerts SET ended_at = $2 WHERE id = $1", id.0, now.to_sqlx())
        .execute(db)
        .await?;
    Ok(())
}

/// A value that a kind of rule measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AlertPeak<'a> {
    /// The kind.
    pub rule: AlertRule,
    /// The program, of a rule about one.
    pub program: &'a str,
    /// The host.
    pub host: HostId,
    /// The value.
    pub value: u64,
}

/// Notes values of an hour: of each the worst stays.
///
/// # Errors
/// When the database fails.
pub async fn note_peaks(
    db: &mut PgConnection,
    peaks: &[AlertPeak<'_>],
    hour: Timestamp,
) -> Result<()> {
    let kinds: Vec<String> = peaks.iter().map(|one| one.rule.as_str().to_owned()).collect();
    let programs: Vec<String> = peaks.iter().map(|one| one.program.to_owned()).collect();
    let hosts: Vec<i32> = peaks.iter().map(|one| one.host.0).collect();
    let value = |one: &AlertPeak<'_>| i32::try_from(one.value).unwrap_or(i32::MAX);
    let values: Vec<i32> = peaks.iter().map(value).collect();
    sqlx::query!(
        "INSERT INTO alert_peaks (kind, subject, host_id, hour, value)
         SELECT kind, subject, host, $5, max(value)
         FROM unnest($1::text[], $2::text[], $3::int[], $4::int[])
             AS new (kind, subject, host, value)
         GROUP BY kind, subject, host
         ON CONFLICT (kind, subject, hour, host_id) DO UPDATE SET value = CASE
             WHEN excluded.kind = 'server-certificate'
             THEN least(alert_peaks.value, excluded.value)
             ELSE greatest(alert_peaks.value, excluded.value) END",
        &kinds,
        &programs,
        &hosts,
        &values,
        hour.to_sqlx(),
    )
    .execute(db)
    .await?;
    Ok(())
}

/// A value of an hour of the past.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PastPeak {
    /// The host.
    pub host: HostId,
    /// The hour's beginning.
    pub hour: Timestamp,
    /// The worst value in it.
    pub value: u64,
}

/// Peaks that are read at most, the latest.
const PEAKS: i64 = 200_000;

/// What a kind of rule measured since a time, by hour and host.
///
/// # Errors
/// When the database fails.
pub async fn peaks_since(
    db: &mut PgConnection,
    rule: AlertRule,
    program: &str,
    since: Timestamp,
) -> Result<Vec<PastPeak>> {
    let rows = sqlx::query!(
        "SELECT host_id, hour, value FROM alert_peaks
         WHERE kind = $1 AND subject = $2 AND hour >= $3
         ORDER BY hour DESC, host_id LIMIT $4",
        rule.as_str(),
        program,
        since.to_sqlx(),
        PEAKS,
    )
    .fetch_all(db)
    .await?;
    let peak = |host: i32, hour: Timestamp, value: i32| PastPeak {
        host: HostId(host),
        hour,
        value: u64::from(value.unsigned_abs()),
    };
    Ok(rows.into_iter().map(|row| peak(row.host_id, row.hour.to_jiff(), row.value)).collect())
}
