//! Partitions of the frames table: one per day, UTC.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::Result;

/// Longest wait for a lock that would hold up ingest.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// Makes the partition of a day, unless it exists. Built apart and then attached, so that ingest
/// waits for a moment at most. Runs in a transaction.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn create(db: &mut PgConnection, day: Date) -> Result<()> {
    let name = name_of(day);
    // Two servers or tasks may want the same day at the same time.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('poolwatch/partitions'))")
        .execute(&mut *db)
        .await?;
    sqlx::query(LOCK_TIMEOUT).execute(&mut *db).await?;
    let exists = sqlx::query_scalar!("SELECT to_regclass($1) IS NOT NULL AS \"exists!\"", name)
        .fetch_one(&mut *db)
        .await?;
    if exists {
        return Ok(());
    }
    let next = day.tomorrow().unwrap_or(day);
    let statements = [
        format!("CREATE TABLE {name} (LIKE frames INCLUDING DEFAULTS INCLUDING STORAGE)"),
        format!(
            "ALTER TABLE frames ATTACH PARTITION {name} \
             FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00')"
        ),
    ];
    for statement in statements {
        // The name is made of a date alone.
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *db).await?;
    }
    Ok(())
}

/// Drops the partitions of days that ended before `keep_from`. Returns their days. Runs in a
/// transaction.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn drop_before(db: &mut PgConnection, keep_from: Timestamp) -> Result<Vec<Date>> {
    sqlx::query(LOCK_TIMEOUT).execute(&mut *db).await?;
    let keep_from = day_of(keep_from);
    let old: Vec<Date> = days(db).await?.into_iter().filter(|day| *day < keep_from).collect();
    for day in &old {
        sqlx::query(AssertSqlSafe(format!("DROP TABLE {}", name_of(*day))))
            .execute(&mut *db)
            .await?;
    }
    Ok(old)
}

/// The days that have a partition, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn days(db: &mut PgConnection) -> Result<Vec<Date>> {
    let names = sqlx::query_scalar!(
        "SELECT relname AS \"name!\" FROM pg_class JOIN pg_inherits ON inhrelid = oid
         WHERE inhparent = 'frames'::regclass ORDER BY relname"
    )
    .fetch_all(db)
    .await?;
    Ok(names.iter().filter_map(|name| Date::strptime("frames_%Y%m%d", name).ok()).collect())
}

/// The day of a time, UTC.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

fn name_of(day: Date) -> String {
    day.strftime("frames_%Y%m%d").to_string()
}
