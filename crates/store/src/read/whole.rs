//! Which chunks tell of a host in a period, and each of them whole, one at a time.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use crate::{
    Result,
    chunk::Chunk,
    chunks::{self, Span},
    compact,
    time_grid::{DAY_S, HOUR_S, STEP_S, WEEK_S, after, floor},
};

/// Where something of a host is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    /// Which chunk; `None` for an hour of frames that is no chunk yet.
    span: Option<Span>,
    start: Timestamp,
    /// Of a week, the days that are told by a day, a bit each.
    told: u8,
}

impl Whole {
    fn new(span: Option<Span>, start: Timestamp) -> Self {
        Self { span, start, told: 0 }
    }

    /// Whether its point at a time counts: those of some days of a week are told in more detail.
    pub(super) fn tells(self, at: Timestamp) -> bool {
        let day = (at.as_second() - self.start.as_second()).div_euclid(DAY_S);
        !(0..7).contains(&day) || self.told & 1 << day == 0
    }

    /// How far a time is from it, seconds.
    pub(super) fn distance_s(self, at: Timestamp) -> u64 {
        let end = self.end();
        if self.start <= at && at < end {
            0
        } else {
            distance_s(self.start, at).min(distance_s(end, at))
        }
    }

    pub(super) fn end(self) -> Timestamp {
        after(self.start, self.span.map_or(HOUR_S, Span::seconds))
    }
}

/// What there is of a period, oldest first: weeks, days, hours that no day holds, and hours of frames
/// that are no chunk yet.
pub(super) async fn of(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Whole>> {
    let rows = sqlx::query!(
        "WITH days AS (
             SELECT start FROM chunk_day WHERE host_id = $1 AND start >= $2 AND start <= $5
         ), hours AS (
             SELECT start FROM chunk_hour WHERE host_id = $1 AND start >= $3 AND start <= $5
                 AND date_bin('1 day', start, 'epoch') NOT IN (SELECT start FROM days)
         ), fresh AS (
             SELECT DISTINCT date_bin('1 hour', ts, 'epoch') AS start FROM frames
             WHERE host_id = $1 AND ts >= $3 AND ts <= $5
         )
         SELECT 2 AS \"span!\", start AS \"start!\" FROM chunk_week
             WHERE host_id = $1 AND start >= $4 AND start <= $5
         UNION ALL SELECT 1, start FROM days
         UNION ALL SELECT 0, start FROM hours
         UNION ALL SELECT -1, start FROM fresh
             WHERE start NOT IN (SELECT start FROM hours)
                 AND date_bin('1 day', start, 'epoch') NOT IN (SELECT start FROM days)
         ORDER BY 2, 1 DESC",
        host.0,
        floor(from, DAY_S).to_sqlx(),
        floor(from, HOUR_S).to_sqlx(),
        floor(from, WEEK_S).to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    let span = |no| [Span::Hour, Span::Day, Span::Week].into_iter().find(|span| span.no() == no);
    let mut found: Vec<Whole> =
        rows.into_iter().map(|row| Whole::new(span(row.span), row.start.to_jiff())).collect();
    let days: Vec<Timestamp> =
        found.iter().filter(|one| one.span == Some(Span::Day)).map(|one| one.start).collect();
    for week in found.iter_mut().filter(|one| one.span == Some(Span::Week)) {
        for (bit, day) in (0..7).map(|day| (day, after(week.start, day * DAY_S))) {
            week.told |= u8::from(days.contains(&day)) << bit;
        }
    }
    Ok(found)
}

/// The newest hour, day and week that begin in a period, the newest first.
pub(super) async fn newest(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Whole>> {
    let newest = sqlx::query!(
        "SELECT (SELECT max(start) FROM chunk_hour
                 WHERE host_id = $1 AND start >= $3 AND start <= $5) AS hour,
             (SELECT max(start) FROM chunk_day
              WHERE host_id = $1 AND start >= $2 AND start <= $5) AS day,
             (SELECT max(start) FROM chunk_week
              WHERE host_id = $1 AND start >= $4 AND start <= $5) AS week",
        host.0,
        floor(from, DAY_S).to_sqlx(),
        floor(from, HOUR_S).to_sqlx(),
        floor(from, WEEK_S).to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_one(db)
    .await?;
    let of = |span, start: Option<jiff_sqlx::Timestamp>| {
        start.map(|start| Whole::new(Some(span), start.to_jiff()))
    };
    let of_all =
        [of(Span::Hour, newest.hour), of(Span::Day, newest.day), of(Span::Week, newest.week)];
    let mut found: Vec<Whole> = of_all.into_iter().flatten().collect();
    found.sort_by_key(|whole| std::cmp::Reverse(whole.start));
    Ok(found)
}

/// A chunk; `None` when it went meanwhile.
pub(super) async fn load(
    db: &mut PgConnection,
    host: HostId,
    whole: Whole,
) -> Result<Option<Chunk>> {
    Ok(match whole.span {
        Some(span) => chunks::read(db, span, host, whole.start, whole.end()).await?.0.pop(),
        None => compact::from_frames(db, host, whole.start, STEP_S).await?.0,
    })
}

/// Seconds between two times.
pub(super) fn distance_s(one: Timestamp, other: Timestamp) -> u64 {
    one.as_second().abs_diff(other.as_second())
}
