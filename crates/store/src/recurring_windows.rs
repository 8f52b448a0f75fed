//! Maintenance windows that recur.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::alerting::{HostScope, RecurringWindow, SilenceMatcher, Weekdays, WindowId};
use sqlx::PgConnection;

use crate::Result;

/// Windows that there can be.
pub const WINDOWS: i64 = 100;

/// Adds a window. None when there are [`WINDOWS`] already.
///
/// # Errors
/// When the database fails.
pub async fn add(
    db: &mut PgConnection,
    window: &RecurringWindow,
    now: Timestamp,
) -> Result<Option<WindowId>> {
    let matcher = &window.matcher;
    let minute = |minute: u32| i32::try_from(minute).unwrap_or(i32::MAX);
    let id = sqlx::query_scalar!(
        "INSERT INTO recurring_windows (tag, host_group, host_pattern, reason, created_by,
             created_at, zone, weekdays, begins, ends, last_at)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11
         WHERE (SELECT count(*) FROM recurring_windows) < $12 RETURNING id",
        matcher.tag.map(|tag| tag.to_string()),
        matcher.scope.group,
        matcher.scope.pattern,
        window.reason,
        window.by,
        now.to_sqlx(),
        window.zone,
        i32::from(window.weekdays.bits()),
        minute(window.begins),
        minute(window.ends),
        window.last.to_sqlx(),
        WINDOWS,
    );
    Ok(id.fetch_optional(db).await?.map(WindowId))
}

/// All windows of which there is still a time to come, the oldest first. Those that cannot be read are
/// left out.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection, now: Timestamp) -> Result<Vec<RecurringWindow>> {
    let rows = sqlx::query!(
        "SELECT id, tag, host_group, host_pattern, reason, created_by, zone, weekdays, begins, ends,
             last_at
         FROM recurring_windows WHERE last_at >= $1 ORDER BY id LIMIT $2",
        now.to_sqlx(),
        WINDOWS,
    )
    .fetch_all(db)
    .await?;
    let windows = rows.into_iter().filter_map(|row| {
        Some(RecurringWindow {
            id: WindowId(row.id),
            matcher: SilenceMatcher {
                tag: row.tag.map(|tag| tag.parse()).transpose().ok()?,
                scope: HostScope { group: row.host_group, pattern: row.host_pattern },
                ..SilenceMatcher::default()
            },
            reason: row.reason,
            by: row.created_by,
            zone: row.zone,
            weekdays: u8::try_from(row.weekdays).ok().and_then(Weekdays::from_bits)?,
            begins: row.begins.unsigned_abs(),
            ends: row.ends.unsigned_abs(),
            last: row.last_at.to_jiff(),
        })
    });
    Ok(windows.collect())
}

/// Takes a window away, with its silence that has not begun. Returns whether there was one.
///
/// # Errors
/// When the database fails.
pub async fn remove(db: &mut PgConnection, id: WindowId, now: Timestamp) -> Result<bool> {
    let done = sqlx::query!(
        "WITH coming AS (
             DELETE FROM silences WHERE window_id = $1 AND starts_at > $2
         )
         DELETE FROM recurring_windows WHERE id = $1",
        id.0,
        now.to_sqlx(),
    );
    Ok(done.execute(db).await?.rows_affected() > 0)
}
