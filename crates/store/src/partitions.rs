//! Partitions by time (UTC): of frames, hours and the fleet's hours one per day, of days one per week,
//! of weeks one per month.

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};
use jiff_sqlx::ToSqlx;
use sqlx::{AssertSqlSafe, Connection, PgConnection};

use crate::{
    Result, StoreError,
    time_grid::{DAY_S, WEEK_S, after, floor},
};

/// Longest wait for a lock when a partition is made.
const CREATE_TIMEOUT: &str = "SET LOCAL lock_timeout = '2s'";
/// Longest wait for a lock when one is dropped: ingest waits behind it.
const DROP_TIMEOUT: &str = "SET LOCAL lock_timeout = '500ms'";

/// Rows up to a page stay in one piece: a frame is one row, not one and two pieces elsewhere, which
/// saves a quarter of the space.
const WHOLE_PAGE: u32 = 8160;

/// A table that is partitioned by time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Table {
    /// Frames, a partition per day.
    Frames,
    /// Hours of hosts, a partition per day.
    ChunkHour,
    /// Hours of the fleet by tag, a partition per day.
    FleetHour,
    /// Days of hosts, a partition per week as chunks count them.
    ChunkDay,
    /// Weeks of hosts, a partition per month.
    ChunkWeek,
}

impl Table {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Frames, Self::ChunkHour, Self::FleetHour, Self::ChunkDay, Self::ChunkWeek];

    const fn name(self) -> &'static str {
        match self {
            Self::Frames => "frames",
            Self::ChunkHour => "chunk_hour",
            Self::FleetHour => "fleet_hour",
            Self::ChunkDay => "chunk_day",
            Self::ChunkWeek => "chunk_week",
        }
    }

    /// The time of the partition that holds a day.
    fn bounds(self, day: Date) -> (Timestamp, Timestamp) {
        let start = start_of(day);
        match self {
            Self::Frames | Self::ChunkHour | Self::FleetHour => (start, after(start, DAY_S)),
            Self::ChunkDay => {
                let start = floor(start, WEEK_S);
                (start, after(start, WEEK_S))
            }
            Self::ChunkWeek => {
                let last = day.last_of_month();
                (start_of(day.first_of_month()), after(start_of(last), DAY_S))
            }
        }
    }
}

/// A partition that exists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Partition {
    /// Its name.
    pub name: String,
    /// The first moment that it holds.
    pub start: Timestamp,
    /// The first that it does not.
    pub end: Timestamp,
}

/// The partitions of a table, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn list(db: &mut PgConnection, table: Table) -> Result<Vec<Partition>> {
    // Looked up in the catalogue's tables: a name that this connection resolved before would be
    // answered from its cache, as of before a wait for a lock.
    let rows = sqlx::query!(
        "SELECT relname AS \"name!\", bound[1]::timestamptz AS \"start!\",
             bound[2]::timestamptz AS \"end!\"
         FROM pg_inherits JOIN pg_class ON oid = inhrelid
         CROSS JOIN LATERAL regexp_match(
             pg_get_expr(relpartbound, oid), 'FROM \\(''(.+)''\\) TO \\(''(.+)''\\)'
         ) AS bound
         WHERE inhparent = to_regclass($1) AND bound IS NOT NULL ORDER BY 2",
        table.name(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Partition { name: row.name, start: row.start.to_jiff(), end: row.end.to_jiff() })
        .collect())
}

/// Makes the partition of frames of a day, unless it exists.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn create(db: &mut PgConnection, day: Date) -> Result<()> {
    create_of(db, Table::Frames, day).await
}

/// Makes the partition that holds a day, unless there is one. Built apart and then attached, so that
/// ingest waits for a moment at most.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn create_of(db: &mut PgConnection, table: Table, day: Date) -> Result<()> {
    let mut transaction = db.begin().await?;
    // Two servers or tasks may want the same day at the same time.
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('poolwatch/partitions'))")
        .execute(&mut *transaction)
        .await?;
    let at = start_of(day);
    let (mut start, mut end) = table.bounds(day);
    // Beside what an earlier version made, which may be longer.
    for partition in list(&mut transaction, table).await? {
        if partition.end <= at {
            start = start.max(partition.end);
        } else if partition.start > at {
            end = end.min(partition.start);
        } else {
            return Ok(transaction.commit().await?);
        }
    }
    let name = format!("{}_{}", table.name(), day_of(start).strftime("%Y%m%d"));
    let table = table.name();
    let statements = [
        CREATE_TIMEOUT.to_owned(),
        format!(
            "CREATE TABLE {name} (LIKE {table} INCLUDING DEFAULTS INCLUDING STORAGE) \
             WITH (toast_tuple_target = {WHOLE_PAGE})"
        ),
        format!(
            "ALTER TABLE {table} ATTACH PARTITION {name} FOR VALUES FROM ('{start}') TO ('{end}')"
        ),
    ];
    for statement in statements {
        // Made of names of tables and times alone.
        sqlx::query(AssertSqlSafe(statement)).execute(&mut *transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// Drops a partition, in a transaction that holds up others for a moment at most. Returns false, and
/// leaves it, when a lock is not to be had in time, when its time is not over, or when hours of
/// `unmarked` are marked to be made anew: frames mark the hours they come late for, so nothing goes
/// unseen.
///
/// # Errors
/// When the database fails.
pub async fn drop(
    db: &mut PgConnection,
    table: Table,
    partition: &Partition,
    unmarked: (Timestamp, Timestamp),
) -> Result<bool> {
    let mut transaction = db.begin().await?;
    sqlx::query(DROP_TIMEOUT).execute(&mut *transaction).await?;
    // First of the whole, as whoever reads or writes does: in another order both would wait.
    let lock = format!("LOCK TABLE ONLY {} IN ACCESS EXCLUSIVE MODE", table.name());
    let dropped = async {
        sqlx::query(AssertSqlSafe(lock)).execute(&mut *transaction).await?;
        // Marks are made by the database's clock: of what is not over by that, there are none.
        let may_go = sqlx::query_scalar!(
            "SELECT $3::timestamptz <= now() - interval '65 minutes' AND NOT EXISTS (
                 SELECT FROM dirty_hours WHERE start >= $1 AND start < $2
             ) AS \"may!\"",
            unmarked.0.to_sqlx(),
            unmarked.1.to_sqlx(),
            partition.end.to_sqlx(),
        )
        .fetch_one(&mut *transaction)
        .await?;
        if may_go {
            let drop = format!("DROP TABLE {}", partition.name);
            sqlx::query(AssertSqlSafe(drop)).execute(&mut *transaction).await?;
        }
        Ok(may_go)
    };
    match dropped.await {
        Ok(dropped) => {
            transaction.commit().await?;
            Ok(dropped)
        }
        Err(error) if is_lock_timeout(&error) => {
            transaction.rollback().await?;
            Ok(false)
        }
        Err(error) => Err(error),
    }
}

fn is_lock_timeout(error: &StoreError) -> bool {
    match error {
        StoreError::Database(sqlx::Error::Database(error)) => {
            error.code().as_deref() == Some("55P03")
        }
        _ => false,
    }
}

/// The day of a time, UTC.
#[must_use]
pub fn day_of(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// When a day begins, UTC.
fn start_of(day: Date) -> Timestamp {
    let start = day.to_zoned(TimeZone::UTC).map(|start| start.timestamp());
    start.unwrap_or(Timestamp::MAX - SignedDuration::from_secs(DAY_S))
}
