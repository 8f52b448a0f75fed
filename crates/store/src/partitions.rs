//! Partitions by time (UTC): of frames, hours and the fleet's hours one per day, of days one per
//! month.

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use sqlx::{AssertSqlSafe, PgConnection};

use crate::Result;

/// Longest wait for a lock that would hold up ingest.
const LOCK_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";

/// Rows up to a page stay in one piece: a frame is one row, not one and two pieces elsewhere, which
/// saves a quarter of the space.
const WHOLE_PAGE: u32 = 8160;

/// A table that is partitioned by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    /// Frames, a partition per day.
    Frames,
    /// Hours of hosts, a partition per day.
    ChunkHour,
    /// Days of hosts, a partition per month.
    ChunkDay,
    /// Hours of the fleet by tag, a partition per day.
    FleetHour,
}

impl Table {
    const fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::ChunkHour => "chunk_hour",
            Self::ChunkDay => "chunk_day",
            Self::FleetHour => "fleet_hour",
        }
    }

    /// The partition that holds a day: its first day, and the first after it.
    fn bounds(self, day: Date) -> (Date, Date) {
        match self {
            Self::Frames | Self::ChunkHour | Self::FleetHour => {
                (day, day.tomorrow().unwrap_or(day))
            }
            Self::ChunkDay => {
                let last = day.last_of_month();
                (day.first_of_month(), last.tomorrow().unwrap_or(last))
            }
        }
    }

    fn partition(self, first: Date) -> String {
        format!("{}_{}", self.name(), first.strftime("%Y%m%d"))
    }
}

/// Makes the partition of frames of a day, unless it exists.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn create(db: &mut PgConnection, day: Date) -> Result<()> {
    create_of(db, Table::Frames, day).await
}

/// Makes the partition that holds a day, unless it exists. Built apart and then attached, so that
/// ingest waits for a moment at most. Runs in a transaction.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn create_of(db: &mut PgConnection, table: Table, day: Date) -> Result<()> {
    let (day, next) = table.bounds(day);
    let (name, table) = (table.partition(day), table.name());
    // Two servers or tasks may want the same day at the same time.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('poolwatch/partitions'))")
        .execute(&mut *db)
        .await?;
    sqlx::query(LOCK_TIMEOUT).execute(&mut *db).await?;
    // Looked up in the catalogue's tables: a name that this connection resolved before would be
    // answered from its cache, as of before the wait for the lock.
    let exists = sqlx::query_scalar!(
        "SELECT EXISTS (
             SELECT FROM pg_inherits JOIN pg_class ON oid = inhrelid
             WHERE inhparent = to_regclass($1) AND relname = $2
         ) AS \"exists!\"",
        table,
        name,
    )
    .fetch_one(&mut *db)
    .await?;
    if exists {
        return Ok(());
    }
    let statements = [
        format!(
            "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE) \
             WITH (toast_tuple_target = {WHOLE_PAGE})"
        ),
        format!(
            "ALTER TABLE {table} ATTACH PARTITION {name} \
             FOR VALUES FROM ('{day} 00:00:00+00') TO ('{next} 00:00:00+00')"
        ),
    ];
    for statement in statements {
        // The name is made of a date alone.
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *db).await?;
    }
    Ok(())
}

/// Drops the partitions of frames of days that ended before `keep_from`, as far as their chunks say
/// what the frames say: an hour without chunk, or one made of other frames, is marked to be made
/// anew, and its day stays. Returns the days that went. Runs in a transaction.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn drop_before(db: &mut PgConnection, keep_from: Timestamp) -> Result<Vec<Date>> {
    sqlx::query(LOCK_TIMEOUT).execute(&mut *db).await?;
    let keep_from = day_of(keep_from);
    let old: Vec<Date> = days(db).await?.into_iter().filter(|day| *day < keep_from).collect();
    let mut dropped = Vec::new();
    for day in old {
        if is_verified(db, day).await? {
            let drop = format!("DROP TABLE {}", Table::Frames.partition(day));
            sqlx::query(AssertSqlSafe(drop)).execute(&mut *db).await?;
            dropped.push(day);
        }
    }
    Ok(dropped)
}

/// Whether every hour of a day has a chunk of exactly the frames that are there; those that do not
/// are marked. Frames that come meanwhile wait for the lock, and are stored in a new partition.
async fn is_verified(db: &mut PgConnection, day: Date) -> Result<bool> {
    let lock = format!("LOCK TABLE {} IN SHARE MODE", Table::Frames.partition(day));
    sqlx::query(AssertSqlSafe(lock)).execute(&mut *db).await?;
    let day = day.to_string();
    let differing = sqlx::query!(
        "INSERT INTO dirty_hours (host_id, start)
         SELECT seen.host_id, seen.start FROM (
             SELECT host_id, date_bin('1 hour', ts, 'epoch') AS start, count(*) AS frames,
                 sum(seq) AS seq_sum
             FROM frames WHERE ts >= ($1::text || ' 00:00:00+00')::timestamptz
                 AND ts < ($1::text || ' 00:00:00+00')::timestamptz + interval '24 hours'
             GROUP BY 1, 2
         ) AS seen
         LEFT JOIN chunk_hour AS chunk USING (host_id, start)
         WHERE chunk.frames IS DISTINCT FROM seen.frames
             OR chunk.seq_sum IS DISTINCT FROM seen.seq_sum",
        day,
    )
    .execute(&mut *db)
    .await?
    .rows_affected();
    let open = sqlx::query_scalar!(
        "SELECT EXISTS (
             SELECT FROM dirty_hours WHERE start >= ($1::text || ' 00:00:00+00')::timestamptz
                 AND start < ($1::text || ' 00:00:00+00')::timestamptz + interval '24 hours'
         ) AS \"is!\"",
        day,
    )
    .fetch_one(db)
    .await?;
    Ok(differing == 0 && !open)
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
