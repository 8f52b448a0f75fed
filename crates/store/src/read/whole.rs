//! Which chunks tell of a host in a period, and each of them whole, one at a time.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use super::past::distance_s;
use crate::{
    Result,
    chunk::Chunk,
    chunks,
    compact::{self, DAY_S, HOUR_S, STEP_S, after, floor},
};

/// Where something of a host is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    kind: Kind,
    start: Timestamp,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Day,
    Hour,
    /// An hour of frames that is no chunk yet.
    Frames,
}

impl Whole {
    /// How far a time is from it, seconds.
    pub(super) fn distance_s(self, at: Timestamp) -> u64 {
        let length_s = if self.kind == Kind::Day { DAY_S } else { HOUR_S };
        let end = after(self.start, length_s);
        if self.start <= at && at < end {
            0
        } else {
            distance_s(self.start, at).min(distance_s(end, at))
        }
    }
}

/// What there is of a period, oldest first: days, hours that no day holds, and hours of frames that
/// neither holds.
pub(super) async fn of(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Whole>> {
    let rows = sqlx::query!(
        "WITH days AS (
             SELECT start FROM chunk_day WHERE host_id = $1 AND start >= $2 AND start <= $4
         ), hours AS (
             SELECT start FROM chunk_hour WHERE host_id = $1 AND start >= $3 AND start <= $4
                 AND date_bin('1 day', start, 'epoch') NOT IN (SELECT start FROM days)
         ), fresh AS (
             SELECT DISTINCT date_bin('1 hour', ts, 'epoch') AS start FROM frames
             WHERE host_id = $1 AND ts >= $3 AND ts <= $4
         )
         SELECT 'day' AS \"kind!\", start AS \"start!\" FROM days
         UNION ALL SELECT 'hour', start FROM hours
         UNION ALL SELECT 'frames', start FROM fresh
             WHERE start NOT IN (SELECT start FROM hours)
                 AND date_bin('1 day', start, 'epoch') NOT IN (SELECT start FROM days)
         ORDER BY 2",
        host.0,
        floor(from, DAY_S).to_sqlx(),
        floor(from, HOUR_S).to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    let kind = |kind: &str| match kind {
        "day" => Kind::Day,
        "hour" => Kind::Hour,
        _ => Kind::Frames,
    };
    Ok(rows
        .into_iter()
        .map(|row| Whole { kind: kind(&row.kind), start: row.start.to_jiff() })
        .collect())
}

/// The newest hour and day that begin in a period, the newest first.
pub(super) async fn newest(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Whole>> {
    let newest = sqlx::query!(
        "SELECT (SELECT max(start) FROM chunk_hour
                 WHERE host_id = $1 AND start >= $3 AND start <= $4) AS hour,
             (SELECT max(start) FROM chunk_day
              WHERE host_id = $1 AND start >= $2 AND start <= $4) AS day",
        host.0,
        floor(from, DAY_S).to_sqlx(),
        floor(from, HOUR_S).to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_one(db)
    .await?;
    let of = |kind, start: Option<jiff_sqlx::Timestamp>| {
        start.map(|start| Whole { kind, start: start.to_jiff() })
    };
    let mut found: Vec<Whole> =
        [of(Kind::Hour, newest.hour), of(Kind::Day, newest.day)].into_iter().flatten().collect();
    found.sort_by_key(|whole| std::cmp::Reverse(whole.start));
    Ok(found)
}

/// A chunk; `None` when it went meanwhile.
pub(super) async fn load(
    db: &mut PgConnection,
    host: HostId,
    whole: Whole,
) -> Result<Option<Chunk>> {
    let start = whole.start;
    Ok(match whole.kind {
        Kind::Day => chunks::day(db, host, start).await?,
        Kind::Hour => chunks::hours(db, host, start, after(start, HOUR_S)).await?.pop(),
        Kind::Frames => compact::from_frames(db, host, start, STEP_S).await?.0,
    })
}
