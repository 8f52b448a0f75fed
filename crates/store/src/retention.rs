//! How long what is kept, and at which resolution. Nothing goes before what replaces it stands: frames
//! before their hours, hours before their day, days before their week.

use std::ops::Range;

use jiff::{SignedDuration, Timestamp, ToSpan};
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;

use crate::{
    Result,
    chunks::Span,
    compact::{
        marks,
        stale::{self, Place},
    },
    partitions::{self, Partition, Table},
    time_grid::{CHAIN_S, DAY_S, HOUR_S, WEEK_S, after, floor},
};

/// Days that have a partition before they begin.
const AHEAD_DAYS: i64 = 3;
/// Partitions of a table that go at once at most: a clock that jumps does little harm until somebody
/// sees it.
const MOST: usize = 2;

/// How long what is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// Frames, as they came.
    pub full: SignedDuration,
    /// A point per ten minutes.
    pub ten_minutes: SignedDuration,
    /// A point per hour.
    pub hourly: SignedDuration,
}

impl Retention {
    /// Two days, thirty days, two years.
    pub const DEFAULT: Self = Self {
        full: SignedDuration::from_hours(48),
        ten_minutes: SignedDuration::from_hours(30 * 24),
        hourly: SignedDuration::from_hours(730 * 24),
    };
}

/// Makes the partitions of the coming days and drops those that are too old, each in a transaction of
/// its own. Returns the names of those that went.
///
/// # Errors
/// When the database fails or a lock is not to be had in time: what was done is done.
pub async fn keep(
    db: &mut PgConnection,
    retention: &Retention,
    now: Timestamp,
) -> Result<Vec<String>> {
    make_ahead(db, now).await?;
    let mut dropped = Vec::new();
    for table in Table::ALL {
        let end = now.saturating_sub(kept(table, retention)).unwrap_or(Timestamp::MIN);
        let old = partitions::list(db, table).await?.into_iter().filter(|old| old.end <= end);
        let before = dropped.len();
        // One that has to stay keeps none of the others.
        for partition in old {
            if dropped.len() - before == MOST {
                break;
            }
            let unmarked = unmarked(table, &partition);
            if is_replaced(db, table, &partition, now).await?
                && partitions::drop(db, table, &partition, unmarked).await?
            {
                dropped.push(partition.name);
            }
        }
    }
    Ok(dropped)
}

/// Makes the partitions of the coming days.
///
/// # Errors
/// When the database fails or a lock is not to be had in time.
pub async fn make_ahead(db: &mut PgConnection, now: Timestamp) -> Result<()> {
    let today = partitions::day_of(now);
    for table in Table::ALL {
        for ahead in 0..=AHEAD_DAYS {
            partitions::create_of(db, table, today.saturating_add(ahead.days())).await?;
        }
    }
    Ok(())
}

/// How long a table keeps what it holds. Ingest takes what is not older than the ten minutes' class,
/// so that days are there for what comes late.
fn kept(table: Table, retention: &Retention) -> SignedDuration {
    let day = SignedDuration::from_secs(DAY_S);
    match table {
        Table::Frames => retention.full,
        // They say nothing that their day does not; frames are compared with them.
        Table::ChunkHour => retention.full + day,
        Table::FleetHour | Table::ChunkDay => retention.ten_minutes + day,
        Table::ChunkWeek => retention.hourly,
    }
}

/// Where no hour may be marked when a partition goes.
fn unmarked(table: Table, partition: &Partition) -> (Timestamp, Timestamp) {
    let Partition { start, end, .. } = *partition;
    match table {
        // Frames of the next days may need those of this one to be read.
        Table::Frames => (start, after(end, CHAIN_S)),
        Table::ChunkHour | Table::ChunkDay => (start, end),
        Table::FleetHour | Table::ChunkWeek => (end, end),
    }
}

/// Whether what is to stay says what a partition says. Where it does not, hours are marked, to be
/// looked at.
async fn is_replaced(
    db: &mut PgConnection,
    table: Table,
    partition: &Partition,
    now: Timestamp,
) -> Result<bool> {
    let Partition { start, end, .. } = *partition;
    let frames = partitions::list(db, Table::Frames).await?;
    if table == Table::ChunkHour && frames.iter().any(|day| day.start < end && start < day.end) {
        return Ok(false);
    }
    let mut replaced = true;
    for first_host in ranges(db).await? {
        let hosts = first_host..first_host.saturating_add(1000);
        let stale: Vec<Place> = match table {
            Table::Frames => {
                let due = floor(after(now, -2 * HOUR_S), HOUR_S);
                let reach = after(end, CHAIN_S);
                replaced &= reach <= due || !is_needed_after(db, &hosts, end).await?;
                stale::hours(db, &hosts, start, reach.min(due)).await?
            }
            Table::ChunkHour => {
                stale::made_of_chunks(db, Span::Day, &hosts, (start, end), false).await?
            }
            Table::ChunkDay => {
                let weeks = (floor(start, WEEK_S), floor(after(end, WEEK_S - 1), WEEK_S));
                stale::made_of_chunks(db, Span::Week, &hosts, weeks, false).await?
            }
            Table::FleetHour | Table::ChunkWeek => Vec::new(),
        };
        replaced &= stale.is_empty();
        marks::put(db, &stale).await?;
    }
    Ok(replaced)
}

/// The first hosts of the ranges of 1,000 that there are.
async fn ranges(db: &mut PgConnection) -> Result<Vec<i32>> {
    let ranges =
        sqlx::query_scalar!("SELECT DISTINCT id / 1000 * 1000 AS \"first!\" FROM hosts ORDER BY 1")
            .fetch_all(db)
            .await?;
    Ok(ranges)
}

/// Whether a host's frames of after a time hang on a key frame of before, and go on.
async fn is_needed_after(
    db: &mut PgConnection,
    hosts: &Range<i32>,
    end: Timestamp,
) -> Result<bool> {
    let needed = sqlx::query_scalar!(
        "SELECT EXISTS (
             SELECT FROM hosts WHERE id >= $1 AND id < $2 AND EXISTS (
                 SELECT FROM frames WHERE host_id = id AND ts >= $3 AND ts < $4
             ) AND NOT EXISTS (
                 SELECT FROM frames WHERE host_id = id AND ts >= $3 AND ts < $4 AND is_key
             )
         ) AS \"is!\"",
        hosts.start,
        hosts.end,
        end.to_sqlx(),
        after(end, CHAIN_S).to_sqlx(),
    )
    .fetch_one(db)
    .await?;
    Ok(needed)
}
