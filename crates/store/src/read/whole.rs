//! Which chunks tell of a host in a period, and each of them whole, one at a time.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use crate::{
    Result,
    chunk::{Chunk, head::Head},
    chunks::{self, Packed, Span},
    compact,
    time_grid::{DAY_S, HOUR_S, STEP_S, WEEK_S, after, floor},
};

/// Where something of a host is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Whole {
    /// Which chunk; `None` for an hour of frames that is no chunk yet.
    span: Option<Span>,
    start: Timestamp,
    /// Of a week, the days that are told by a day, a bit each, the first of them the lowest.
    told: u8,
}

impl Whole {
    fn new(span: Option<Span>, start: Timestamp) -> Self {
        Self { span, start, told: 0 }
    }

    /// Leaves days of a week to the chunks of these days.
    fn leave_days(&mut self, is_left: impl Fn(Timestamp) -> bool) {
        if self.is_week() {
            let days = (0..7).filter(|day| is_left(after(self.start, day * DAY_S)));
            self.told = days.fold(0, |told, day| told | 1 << day);
        }
    }

    fn is_week(&self) -> bool {
        self.span == Some(Span::Week)
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
    found.iter_mut().for_each(|one| one.leave_days(|day| days.contains(&day)));
    Ok(found)
}

/// What there is of a period of which the hours until `fine_from` are all that is wanted: days before
/// that are told by a week are left to it.
pub(super) async fn plan_history(
    db: &mut PgConnection,
    host: HostId,
    from: Timestamp,
    fine_from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Whole>> {
    let mut found = of(db, host, from, to).await?;
    let weeks: Vec<jiff_sqlx::Timestamp> =
        found.iter().filter(|one| one.is_week()).map(|one| one.start.to_sqlx()).collect();
    let heads = sqlx::query!(
        "SELECT start, head FROM chunk_week WHERE host_id = $1 AND start = ANY($2)",
        host.0,
        &weeks as _,
    )
    .fetch_all(db)
    .await?;
    let mut days: BTreeSet<Timestamp> = BTreeSet::new();
    for week in heads {
        let Ok(head) = Head::decode(&week.head) else { continue };
        let start = week.start.to_jiff();
        let times = head.slots.iter().map(|slot| after(start, slot.offset_s.into()));
        days.extend(times.map(|at| floor(at, DAY_S)));
    }
    days.retain(|day| after(*day, DAY_S) <= fine_from);
    found.retain(|one| one.is_week() || !days.contains(&floor(one.start, DAY_S)));
    let has_day: BTreeSet<Timestamp> =
        found.iter().filter(|one| one.span == Some(Span::Day)).map(|one| one.start).collect();
    found.iter_mut().for_each(|one| one.leave_days(|day| has_day.contains(&day)));
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

/// Hours of a day that are read at once, by their seconds.
const READ_TOGETHER_S: i64 = 8 * HOUR_S;

impl Whole {
    /// Whether two neighbours are small enough to be read in one go.
    pub(super) fn are_read_together(&self, next: &Self) -> bool {
        let part = |one: &Self| floor(one.start, READ_TOGETHER_S);
        self.span == Some(Span::Hour) && next.span == Some(Span::Hour) && part(self) == part(next)
    }
}

/// Neighbours that are read together, as they are stored or would be, oldest first; without those
/// that went meanwhile.
pub(super) async fn pack(
    db: &mut PgConnection,
    host: HostId,
    neighbours: &[Whole],
) -> Result<Vec<(Whole, Packed)>> {
    let begin = neighbours.iter().min_by_key(|one| one.start);
    let end = neighbours.iter().map(|one| one.end()).max();
    let (Some(begin), Some(end)) = (begin, end) else { return Ok(Vec::new()) };
    let all = match begin.span {
        Some(span) => chunks::read_packed(db, span, host, begin.start, end).await?,
        None => {
            let (chunk, _) = compact::from_frames(db, host, begin.start, STEP_S).await?;
            chunk.iter().filter_map(|chunk| Packed::from_chunk(chunk).ok()).collect()
        }
    };
    let wanted = |packed: Packed| {
        let found = neighbours.iter().find(|one| one.start == packed.start)?;
        Some((*found, packed))
    };
    Ok(all.into_iter().filter_map(wanted).collect())
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
