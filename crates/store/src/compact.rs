//! Frames become chunks: hours from frames, days from hours, weeks from days. One host after the
//! other, so that memory stays bounded; read on one connection and written in the transaction of
//! another. Only what was not made of exactly what is there is made (`stale`), and a range of hosts is
//! worked on by one at a time, so nothing is made twice.

mod from_frames;
pub(crate) mod marks;
pub(crate) mod stale;

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

pub(crate) use from_frames::from_frames;
use jiff::{SignedDuration, Timestamp};
use poolwatch_model::HostId;
use sqlx::PgConnection;

use crate::{
    Result, StoreError,
    chunk::{
        Chunk,
        combine::{coarsen, join, part},
        fleet::{self, Columns},
    },
    chunks::{self, Origin, Span},
    fleet_hours,
    partitions::{self, Table},
};

/// Seconds of a point of hours and days.
pub const STEP_S: u32 = 600;
/// An hour is due this long after its end. From five minutes after its end on, frames mark it.
pub const DUE_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// A day is due this long after its end, so that its hours come first.
pub const DAY_DUE_AFTER: SignedDuration = SignedDuration::from_hours(1);
/// A week is due this long after its end.
pub const WEEK_DUE_AFTER: SignedDuration = SignedDuration::from_hours(2);

/// What a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Marks of hours that were dealt with.
    pub marks: u32,
    /// Chunks that were written.
    pub chunks: u32,
    /// Frames that were read for them.
    pub frames: u32,
    /// Frames that could not be read.
    pub unreadable: u32,
    /// Chunks that could not be made, though the database works.
    pub failed: u32,
}

/// Makes the hour of every host of a range of 1,000 from its frames, and of days that stand already
/// those anew.
///
/// # Errors
/// When the database fails.
pub async fn hour(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    hour: Timestamp,
    first_host: i32,
) -> Result<Compacted> {
    hold(writer, first_host).await?;
    let hosts = range(first_host);
    let stale = stale::hours(reader, &hosts, hour, after(hour, HOUR_S)).await?;
    for table in [Table::ChunkHour, Table::FleetHour] {
        ensure_partitions(reader, table, [hour].into_iter()).await?;
    }
    let mut work = Work { reader, writer, done: Compacted::default() };
    let mut columns = Columns::new();
    for (host, _) in stale {
        if let Some(chunk) = work.hour(host, hour).await? {
            fleet::add(&mut columns, host, &chunk);
        }
    }
    fleet_hours::write(work.writer, first_host, hour, columns).await?;
    work.days(&hosts, floor(hour, DAY_S), true).await?;
    Ok(work.done)
}

/// Makes the day of every host of a range of 1,000 from its hours, and of weeks that stand already
/// those anew.
///
/// # Errors
/// When the database fails.
pub async fn day(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    day: Timestamp,
    first_host: i32,
) -> Result<Compacted> {
    hold(writer, first_host).await?;
    ensure_partitions(reader, Table::ChunkDay, [day].into_iter()).await?;
    let mut work = Work { reader, writer, done: Compacted::default() };
    work.days(&range(first_host), day, false).await?;
    Ok(work.done)
}

/// Makes the week of every host of a range of 1,000 from its days.
///
/// # Errors
/// When the database fails.
pub async fn week(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    week: Timestamp,
    first_host: i32,
) -> Result<Compacted> {
    hold(writer, first_host).await?;
    ensure_partitions(reader, Table::ChunkWeek, [week].into_iter()).await?;
    let mut work = Work { reader, writer, done: Compacted::default() };
    work.weeks(&range(first_host), week, false).await?;
    Ok(work.done)
}

/// Looks at hours that are marked, of one range of hosts, at most so many, and makes anew what was
/// not made of what is there: the hours, and with them their days and weeks, those that stand already
/// and those that are due. Nothing while another does that for these hosts.
///
/// # Errors
/// When the database fails.
pub async fn dirty(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    most: i64,
    now: Timestamp,
) -> Result<Compacted> {
    let Some(first_host) = marks::oldest_range(reader).await? else {
        return Ok(Compacted::default());
    };
    if !try_hold(writer, first_host).await? {
        return Ok(Compacted::default());
    }
    // Marks are read before the frames: a frame whose mark is not among them marks again.
    let marks = marks::of_range(reader, first_host, most).await?;
    let (mut hours, mut days) = (BTreeSet::new(), BTreeSet::new());
    for mark in &marks {
        let (host, hour) = (mark.host, mark.start);
        days.insert((host, floor(hour, DAY_S)));
        if stale::hours(reader, &only(host), hour, after(hour, HOUR_S)).await?.is_empty() {
            continue;
        }
        // What came may be what frames of later hours waited for.
        for hour in stale::unreadable_after(reader, host, hour, after(hour, CHAIN_S)).await? {
            hours.insert((host, hour));
            days.insert((host, floor(hour, DAY_S)));
        }
        hours.insert((host, hour));
    }
    for (table, places) in [
        (Table::ChunkHour, &hours),
        (Table::FleetHour, &hours),
        (Table::ChunkDay, &days),
        (Table::ChunkWeek, &days),
    ] {
        ensure_partitions(reader, table, places.iter().map(|(_, at)| *at)).await?;
    }
    let mut work = Work { reader, writer, done: Compacted::default() };
    let mut late: BTreeMap<Timestamp, Columns> = BTreeMap::new();
    for (host, hour) in hours {
        if let Some(chunk) = work.hour(host, hour).await? {
            fleet::add(late.entry(hour).or_default(), host, &chunk);
        }
    }
    for (hour, columns) in late {
        fleet_hours::write(work.writer, first_host, hour, columns).await?;
    }
    let mut weeks = BTreeSet::new();
    for (host, day) in days {
        let is_due = after(day, DAY_S) <= before(now, DAY_DUE_AFTER);
        work.days(&only(host), day, !is_due).await?;
        weeks.insert((host, floor(day, WEEK_S)));
    }
    for (host, week) in weeks {
        let is_due = after(week, WEEK_S) <= before(now, WEEK_DUE_AFTER);
        work.weeks(&only(host), week, !is_due).await?;
    }
    for mark in marks {
        marks::remove(work.writer, mark).await?;
        work.done.marks += 1;
    }
    Ok(work.done)
}

/// Makes the partitions that chunks of these times go to. Before anything is written: a transaction
/// does not see those that are made for a table that it has written to.
async fn ensure_partitions(
    reader: &mut PgConnection,
    table: Table,
    times: impl Iterator<Item = Timestamp>,
) -> Result<()> {
    for day in times.map(partitions::day_of).collect::<BTreeSet<_>>() {
        partitions::create_of(reader, table, day).await?;
    }
    Ok(())
}

/// Waits until nobody else works on these hosts, and keeps others from it until the transaction ends.
async fn hold(writer: &mut PgConnection, first_host: i32) -> Result<()> {
    sqlx::query("SELECT pg_advisory_xact_lock(hashtext('poolwatch/chunks'), $1)")
        .bind(first_host)
        .execute(writer)
        .await?;
    Ok(())
}

/// The same without waiting. Returns whether nobody else does.
async fn try_hold(writer: &mut PgConnection, first_host: i32) -> Result<bool> {
    let held = "SELECT pg_try_advisory_xact_lock(hashtext('poolwatch/chunks'), $1)";
    Ok(sqlx::query_scalar(held).bind(first_host).fetch_one(writer).await?)
}

fn range(first_host: i32) -> Range<i32> {
    first_host..first_host.saturating_add(1000)
}

fn only(host: HostId) -> Range<i32> {
    host.0..host.0.saturating_add(1)
}

/// Chunks in the making.
struct Work<'a> {
    reader: &'a mut PgConnection,
    writer: &'a mut PgConnection,
    done: Compacted,
}

impl Work<'_> {
    /// Makes an hour. Returns what is known of it now.
    async fn hour(&mut self, host: HostId, hour: Timestamp) -> Result<Option<Chunk>> {
        let (made, origin) = from_frames(self.reader, host, hour, STEP_S).await?;
        if origin.frames == 0 {
            return Ok(None);
        }
        self.done.frames += origin.frames.unsigned_abs();
        self.done.unreadable += origin.unreadable.unsigned_abs();
        let joined = self.joined_hour(host, hour, made).await;
        self.write(Span::Hour, host, joined.map(|chunk| (chunk, origin))).await
    }

    /// An hour with what was known of it: frames may have gone with their partition, and the hour with
    /// its own when its day was made.
    async fn joined_hour(
        &mut self,
        host: HostId,
        hour: Timestamp,
        made: Option<Chunk>,
    ) -> Result<Chunk> {
        let end = after(hour, HOUR_S);
        let (mut all, _) = chunks::read(self.reader, Span::Hour, host, hour, end).await?;
        if all.is_empty() {
            let day = floor(hour, DAY_S);
            let (days, _) =
                chunks::read(self.reader, Span::Day, host, day, after(day, DAY_S)).await?;
            all.extend(days.iter().filter_map(|day| part(day, hour, HOUR_S)));
        }
        all.extend(made);
        Ok(joined(hour, all).unwrap_or_else(|| Chunk::empty(hour, STEP_S)))
    }

    /// Makes days of hosts that were not made of the hours that are there.
    async fn days(&mut self, hosts: &Range<i32>, day: Timestamp, only_made: bool) -> Result<()> {
        self.gather(Span::Hour, Span::Day, hosts, day, only_made).await?;
        self.weeks(hosts, floor(day, WEEK_S), true).await
    }

    /// Makes weeks of hosts that were not made of the days that are there.
    async fn weeks(&mut self, hosts: &Range<i32>, week: Timestamp, only_made: bool) -> Result<()> {
        self.gather(Span::Day, Span::Week, hosts, week, only_made).await
    }

    async fn gather(
        &mut self,
        fine: Span,
        span: Span,
        hosts: &Range<i32>,
        start: Timestamp,
        only_made: bool,
    ) -> Result<()> {
        let period = (start, after(start, span.seconds()));
        // As the writer sees them: chunks of this very transaction count.
        let stale = stale::made_of_chunks(self.writer, span, hosts, period, only_made).await?;
        for (host, _) in stale {
            let gathered = self.gathered(fine, span, host, start).await;
            self.write(span, host, gathered).await?;
        }
        Ok(())
    }

    /// A chunk of the finer ones that are there, and of what it knew of others that are gone.
    async fn gathered(
        &mut self,
        fine: Span,
        span: Span,
        host: HostId,
        start: Timestamp,
    ) -> Result<(Chunk, Origin)> {
        let end = after(start, span.seconds());
        let (mut all, _) = chunks::read(self.writer, span, host, start, end).await?;
        let (parts, origin) = chunks::read(self.writer, fine, host, start, end).await?;
        if fine.step_s() == span.step_s() {
            all.extend(parts);
        } else {
            all.extend(parts.iter().map(|part| coarsen(part, span.step_s())));
        }
        let chunk = joined(start, all).unwrap_or_else(|| Chunk::empty(start, span.step_s()));
        Ok((chunk, origin))
    }

    /// Writes a chunk. One that cannot be made is no reason to leave those of other hosts unmade.
    async fn write(
        &mut self,
        span: Span,
        host: HostId,
        made: Result<(Chunk, Origin)>,
    ) -> Result<Option<Chunk>> {
        let written = async {
            let (chunk, origin) = made?;
            let written = chunks::prepare(self.reader, &chunk).await?;
            chunks::write(self.writer, span, host, &written, origin).await?;
            Ok(chunk)
        };
        match written.await {
            Ok(chunk) => {
                self.done.chunks += 1;
                Ok(Some(chunk))
            }
            Err(StoreError::Chunk(_) | StoreError::Inconsistent(_)) => {
                self.done.failed += 1;
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }
}

fn joined(start: Timestamp, mut chunks: Vec<Chunk>) -> Option<Chunk> {
    match chunks.len() {
        1 if chunks[0].start == start => chunks.pop(),
        _ => join(start, &chunks),
    }
}

/// Seconds of an hour.
pub(crate) const HOUR_S: i64 = 3600;
/// Seconds of a day.
pub(crate) const DAY_S: i64 = 86_400;
/// Seconds of a week.
pub(crate) const WEEK_S: i64 = 7 * DAY_S;
/// Seconds that a chain of frames may reach: sixty after a key frame, at the longest interval.
pub(crate) const CHAIN_S: i64 = 61 * HOUR_S;

/// The beginning of the step that holds a time.
#[must_use]
pub(crate) fn floor(at: Timestamp, step_s: i64) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(step_s) * step_s).unwrap_or(at)
}

/// A time some seconds later.
#[must_use]
pub(crate) fn after(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MAX)
}

fn before(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.saturating_sub(by).unwrap_or(Timestamp::MIN)
}
