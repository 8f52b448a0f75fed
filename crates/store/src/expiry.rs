//! How every table is kept from growing for ever. What is old goes by age, some at a time.

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{
    Result, audit, driver_scans, enrolment, inventories, jobs, refused_enrolments,
    retention::Retention, uploads,
};

/// What bounds a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bound {
    /// Its partitions go when they are old (`retention`).
    Partitions,
    /// Its rows go when they are older than so many days.
    Days(i64),
    /// Its rows go when all that could refer to them is gone.
    History,
    /// Its rows go as soon as somebody has dealt with them, or soon after.
    Dealt,
    /// One row, or as many as there are hosts or rules.
    Hosts,
    /// People and administrators make its rows and take them away.
    People,
    /// Its rows are found by content, and as many as there are kinds of hosts.
    Content,
}

/// Days that events are kept after they came.
pub const EVENTS: i64 = 400;
/// Days that findings are kept.
const FINDINGS: i64 = 400;
/// Days that a resolved incident is kept after it was last seen.
pub const INCIDENTS: i64 = 730;
/// Days that messages are kept.
pub const MESSAGES: i64 = 90;
/// Days that alerts of rules are kept after their end.
const ALERTS: i64 = 90;
/// Days that what rules measure is kept: thresholds are tried on seven.
const ALERT_PEAKS: i64 = 8;
/// Days that silences are kept after their end.
const SILENCES: i64 = 90;
/// Days that failures of the Server service are kept.
pub const POOL_FAILURES: i64 = 30;
/// Days that lists of tags that hosts offered are kept, or known.
const OFFERED_TAG_LISTS: i64 = 90;
/// Days that changes of drivers are kept: what began weeks ago is asked for its beginning.
pub const DRIVER_CHANGES: i64 = 90;
/// Days that scans are kept of driver files that no host has any more.
const DRIVER_SCANS: i64 = 90;
/// Days that texts are kept that somebody brought for a diagnosis alone.
pub const UPLOADS: i64 = 7;
/// Days that refused enrolments, and hosts that somebody refused, are kept after that.
const REFUSALS: i64 = 30;
/// Days that done jobs are kept, to be looked at.
const JOBS: i64 = 7;

/// Days that the log of who did what is kept. The database refuses to forget what is younger than 700.
pub const AUDIT: i64 = 730;

/// A boot is kept this long after the last that could be stored of it: partitions hold a month.
const SPARE: SignedDuration = SignedDuration::from_hours(62 * 24);

/// Every table with what bounds it.
pub const TABLES: &[(&str, Bound)] = &[
    ("alert_peaks", Bound::Days(ALERT_PEAKS)),
    ("alert_rules", Bound::People),
    ("alert_settings", Bound::Hosts),
    ("alerts", Bound::Days(ALERTS)),
    ("api_tokens", Bound::People),
    ("approval_rules", Bound::People),
    ("audit_log", Bound::Days(AUDIT)),
    ("boots", Bound::History),
    ("chunk_day", Bound::Partitions),
    ("chunk_hour", Bound::Partitions),
    ("chunk_week", Bound::Partitions),
    ("clock_anchors", Bound::History),
    ("clock_watch", Bound::Hosts),
    ("deliveries", Bound::Days(MESSAGES)),
    ("dictionaries", Bound::Content),
    ("dirty_hours", Bound::Dealt),
    ("driver_changes", Bound::Days(DRIVER_CHANGES)),
    ("driver_scan_tags", Bound::Days(DRIVER_SCANS)),
    ("driver_scans", Bound::Days(DRIVER_SCANS)),
    ("enrolment_tokens", Bound::People),
    ("events", Bound::Days(EVENTS)),
    ("evidence", Bound::People),
    ("findings", Bound::Days(FINDINGS)),
    ("fleet_hour", Bound::Partitions),
    ("frames", Bound::Partitions),
    ("host_groups", Bound::People),
    ("host_changes", Bound::Dealt),
    ("hosts", Bound::Hosts),
    ("incident_hosts", Bound::Days(INCIDENTS)),
    ("incident_notes", Bound::Days(INCIDENTS)),
    ("incidents", Bound::Days(INCIDENTS)),
    ("inventories", Bound::Hosts),
    ("jobs", Bound::Days(JOBS)),
    ("offered_tag_lists", Bound::Days(OFFERED_TAG_LISTS)),
    ("one_time_links", Bound::Dealt),
    ("outbox", Bound::Days(MESSAGES)),
    ("pool_failures", Bound::Days(POOL_FAILURES)),
    ("recipients", Bound::People),
    ("recovery_codes", Bound::People),
    ("recurring_windows", Bound::People),
    ("refused_enrolments", Bound::Days(REFUSALS)),
    ("saved_views", Bound::People),
    ("sessions", Bound::Dealt),
    ("settings", Bound::People),
    ("silences", Bound::Days(SILENCES)),
    ("tag_notes", Bound::People),
    ("upload_files", Bound::Days(UPLOADS)),
    ("uploads", Bound::Days(UPLOADS)),
    ("users", Bound::People),
    ("write_probe", Bound::Hosts),
];

/// Rows of a table that go at once at most.
const ROWS: i64 = 50_000;

/// Deletes what is older than its days, at most some of each table. Returns how many rows went.
///
/// # Errors
/// When the database fails.
pub async fn forget_old(
    db: &mut PgConnection,
    retention: &Retention,
    now: Timestamp,
) -> Result<u64> {
    let earlier = |age| now.saturating_sub(age).unwrap_or(Timestamp::UNIX_EPOCH);
    let before = |days: i64| earlier(SignedDuration::from_hours(days * 24));
    let deletions = [
        sqlx::query!(
            "DELETE FROM events WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM events WHERE received_at < $1 LIMIT $2))",
            before(EVENTS).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM findings WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM findings WHERE at < $1 LIMIT $2))",
            before(FINDINGS).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "WITH old AS (
                 DELETE FROM incidents WHERE ctid = ANY (ARRAY(
                     SELECT ctid FROM incidents
                     WHERE state = 'resolved' AND last_seen_at < $1 LIMIT $2))
                 RETURNING id
             ), hosts AS (
                 DELETE FROM incident_hosts WHERE incident_id IN (SELECT id FROM old)
             )
             DELETE FROM incident_notes WHERE incident_id IN (SELECT id FROM old)",
            before(INCIDENTS).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM outbox WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM outbox WHERE created_at < $1 LIMIT $2))",
            before(MESSAGES).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM deliveries WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM deliveries WHERE created_at < $1 LIMIT $2))",
            before(MESSAGES).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM silences WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM silences WHERE ends_at < $1 LIMIT $2))",
            before(SILENCES).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM alerts WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM alerts WHERE ended_at < $1 LIMIT $2))",
            before(ALERTS).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM alert_peaks WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM alert_peaks WHERE hour < $1 LIMIT $2))",
            before(ALERT_PEAKS).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM pool_failures WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM pool_failures WHERE at < $1 LIMIT $2))",
            before(POOL_FAILURES).to_sqlx(),
            ROWS,
        ),
        sqlx::query!(
            "DELETE FROM offered_tag_lists WHERE ctid = ANY (ARRAY(
                 SELECT ctid FROM offered_tag_lists WHERE offered_at < $1 LIMIT $2))",
            before(OFFERED_TAG_LISTS).to_sqlx(),
            ROWS,
        ),
        // Not the newest of a host: that one may go on for years, and counts the boots.
        sqlx::query!(
            "WITH old AS (
                 DELETE FROM boots WHERE ctid = ANY (ARRAY(
                     SELECT boot.ctid FROM boots AS boot
                     WHERE EXISTS (
                         SELECT FROM boots AS newer
                         WHERE newer.host_id = boot.host_id AND newer.boot_no > boot.boot_no
                     ) AND NOT EXISTS (
                         SELECT FROM clock_anchors AS anchor
                         WHERE anchor.host_id = boot.host_id AND anchor.boot_no = boot.boot_no
                             AND anchor.booted_at >= $1
                     ) LIMIT $2))
                 RETURNING host_id, boot_no
             )
             DELETE FROM clock_anchors USING old
             WHERE clock_anchors.host_id = old.host_id AND clock_anchors.boot_no = old.boot_no",
            earlier(retention.hourly + SPARE).to_sqlx(),
            ROWS,
        ),
    ];
    let mut gone = jobs::forget_done(db, before(JOBS)).await?;
    gone += inventories::forget_changes(db, before(DRIVER_CHANGES)).await?;
    gone += driver_scans::forget(db, before(DRIVER_SCANS)).await?;
    gone += audit::forget(db, before(AUDIT), ROWS).await?;
    gone += uploads::forget(db, before(UPLOADS)).await?;
    gone += refused_enrolments::forget(db, before(REFUSALS)).await?;
    gone += enrolment::forget_refused(db, before(REFUSALS)).await?;
    for deletion in deletions {
        gone += deletion.execute(&mut *db).await?.rows_affected();
    }
    Ok(gone)
}
