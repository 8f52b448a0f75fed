//! Frames become chunks: hours from frames, days from hours. One host after the other, so that
//! memory stays bounded; read on one connection and written in the transaction of another.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use poolwatch_protocol::v1::{Decoder, Envelope, FrameError, frame::decompress};
use sqlx::PgConnection;

use crate::{
    Result,
    chunk::{
        Chunk,
        build::Builder,
        combine::join,
        fleet::{self, Columns},
    },
    chunks::{self, Origin},
    fleet_hours,
};

/// Seconds of a point of hours and days.
pub const STEP_S: u32 = 600;
/// An hour is due this long after its end. From five minutes after its end on, frames mark it.
pub const DUE_AFTER: SignedDuration = SignedDuration::from_mins(10);
/// Frames read at once.
const PAGE: i64 = 32;

/// What a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Compacted {
    /// Marks of late frames that were dealt with.
    pub marks: u32,
    /// Chunks that were written.
    pub chunks: u32,
    /// Frames that were read for them.
    pub frames: u32,
    /// Frames that could not be read.
    pub unreadable: u32,
}

/// Makes the hour of every host of a range of 1,000 from its frames.
///
/// # Errors
/// When the database fails.
pub async fn hour(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    hour: Timestamp,
    first_host: i32,
) -> Result<Compacted> {
    let mut done = Compacted::default();
    let hosts = sqlx::query_scalar!(
        "SELECT id FROM hosts WHERE id >= $1 AND id < $1 + 1000 AND EXISTS (
             SELECT FROM frames WHERE host_id = id AND ts >= $2 AND ts < $3
         ) ORDER BY id",
        first_host,
        hour.to_sqlx(),
        after(hour, HOUR_S).to_sqlx(),
    )
    .fetch_all(&mut *reader)
    .await?;
    let mut columns = Columns::new();
    for host in hosts.into_iter().map(HostId) {
        if let Some(chunk) = rebuild(reader, writer, host, hour, &mut done).await? {
            fleet::add(&mut columns, host, &chunk);
        }
    }
    fleet_hours::write(writer, first_host, hour, columns).await?;
    Ok(done)
}

/// Makes hours anew of which frames came late, and their days where they were made already; at most
/// `most` of them, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn dirty(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    most: i64,
) -> Result<Compacted> {
    let mut done = Compacted::default();
    // Marks are read before the frames: a frame whose mark is not among them marks again.
    let marks = sqlx::query!(
        "SELECT host_id, start, max(id) AS \"upto!\" FROM dirty_hours
         GROUP BY host_id, start ORDER BY start, host_id LIMIT $1",
        most,
    )
    .fetch_all(&mut *reader)
    .await?;
    let mut days = Vec::new();
    let mut late: BTreeMap<(i32, Timestamp), Columns> = BTreeMap::new();
    for mark in &marks {
        let (host, start) = (HostId(mark.host_id), mark.start.to_jiff());
        if let Some(chunk) = rebuild(reader, writer, host, start, &mut done).await? {
            let (block, _) = fleet::place_of(host);
            fleet::add(late.entry((block, start)).or_default(), host, &chunk);
        }
        sqlx::query!(
            "DELETE FROM dirty_hours WHERE host_id = $1 AND start = $2 AND id <= $3",
            mark.host_id,
            mark.start,
            mark.upto,
        )
        .execute(&mut *writer)
        .await?;
        done.marks += 1;
        let day = floor(start, DAY_S);
        let has_day = sqlx::query_scalar!(
            "SELECT EXISTS (SELECT FROM chunk_day WHERE host_id = $1 AND start = $2) AS \"is!\"",
            host.0,
            day.to_sqlx(),
        )
        .fetch_one(&mut *reader)
        .await?;
        if has_day && !days.contains(&(host, day)) {
            days.push((host, day));
        }
    }
    for ((block, start), columns) in late {
        fleet_hours::write(writer, block, start, columns).await?;
    }
    for (host, start) in days {
        day_of_host(reader, writer, host, start, &mut done).await?;
    }
    Ok(done)
}

/// Makes the day of every host of a range of 1,000 from its hours.
///
/// # Errors
/// When the database fails.
pub async fn day(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    day: Timestamp,
    first_host: i32,
) -> Result<Compacted> {
    let mut done = Compacted::default();
    for host in chunks::hosts_with_hours(reader, first_host, day, after(day, DAY_S)).await? {
        day_of_host(reader, writer, host, day, &mut done).await?;
    }
    Ok(done)
}

async fn day_of_host(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    host: HostId,
    day: Timestamp,
    done: &mut Compacted,
) -> Result<()> {
    // As the writer sees them: hours of this very transaction count.
    let hours = chunks::hours(writer, host, day, after(day, DAY_S)).await?;
    if let Some(chunk) = join(day, &hours) {
        let written = chunks::prepare(reader, &chunk).await?;
        chunks::write_day(writer, host, &written).await?;
        done.chunks += 1;
    }
    Ok(())
}

async fn rebuild(
    reader: &mut PgConnection,
    writer: &mut PgConnection,
    host: HostId,
    hour: Timestamp,
    done: &mut Compacted,
) -> Result<Option<Chunk>> {
    let (made, origin) = from_frames(reader, host, hour, STEP_S).await?;
    let Some(made) = made else { return Ok(None) };
    // What is there may know frames that went with their partition.
    let before = chunks::hours(reader, host, hour, after(hour, HOUR_S)).await?;
    let chunk = if before.is_empty() {
        made
    } else {
        let all: Vec<Chunk> = before.into_iter().chain([made]).collect();
        let Some(chunk) = join(hour, &all) else { return Ok(None) };
        chunk
    };
    let written = chunks::prepare(reader, &chunk).await?;
    chunks::write_hour(writer, host, &written, origin).await?;
    done.chunks += 1;
    done.frames += origin.frames.unsigned_abs();
    done.unreadable += origin.unreadable.unsigned_abs();
    Ok(Some(chunk))
}

/// An hour of a host as its frames tell it, in points of `step_s` seconds.
///
/// # Errors
/// When the database fails.
pub(crate) async fn from_frames(
    db: &mut PgConnection,
    host: HostId,
    hour: Timestamp,
    step_s: u32,
) -> Result<(Option<Chunk>, Origin)> {
    let end = after(hour, HOUR_S);
    // For each boot of the hour, where its chain of frames begins.
    let boots = sqlx::query!(
        "SELECT boot_no AS \"boot_no!\", coalesce((
             SELECT ts FROM frames AS key
             WHERE key.host_id = $1 AND key.boot_no = own.boot_no AND key.is_key
                 AND key.ts <= own.first AND key.ts > own.first - interval '61 hours'
             ORDER BY ts DESC LIMIT 1
         ), own.first) AS \"lead!\"
         FROM (
             SELECT boot_no, min(ts) AS first FROM frames
             WHERE host_id = $1 AND ts >= $2 AND ts < $3 GROUP BY boot_no
         ) AS own ORDER BY boot_no",
        host.0,
        hour.to_sqlx(),
        end.to_sqlx(),
    )
    .fetch_all(&mut *db)
    .await?;
    let mut builder = Builder::new(hour, step_s);
    let mut origin = Origin::default();
    for boot in boots {
        let mut decoder = Decoder::default();
        let (mut ts, mut seq) = (boot.lead, -1);
        loop {
            let page = sqlx::query!(
                "SELECT ts, seq, payload FROM frames
                 WHERE host_id = $1 AND boot_no = $2 AND ts >= $3 AND (ts, seq) > ($3, $4)
                     AND ts < $5
                 ORDER BY ts, seq LIMIT $6",
                host.0,
                boot.boot_no,
                ts,
                seq,
                end.to_sqlx(),
                PAGE,
            )
            .fetch_all(&mut *db)
            .await?;
            let Some(last) = page.last() else { break };
            (ts, seq) = (last.ts, last.seq);
            for frame in &page {
                let read = decode(&mut decoder, &frame.payload);
                let at = frame.ts.to_jiff();
                if at < hour {
                    continue;
                }
                origin.frames += 1;
                origin.seq_sum = origin.seq_sum.wrapping_add(frame.seq);
                let snapshot = read.ok().and(decoder.last()).map(|last| &last.snapshot);
                let told =
                    snapshot.is_some_and(|snapshot| builder.push(at, boot.boot_no, snapshot));
                origin.unreadable += i32::from(!told);
            }
        }
    }
    Ok((builder.finish(), origin))
}

fn decode(decoder: &mut Decoder, payload: &[u8]) -> std::result::Result<(), FrameError> {
    let bytes = decompress(payload)?;
    decoder.apply(&Envelope::parse(&bytes)?).map(|_| ())
}

/// Seconds of an hour.
pub(crate) const HOUR_S: i64 = 3600;
/// Seconds of a day.
pub(crate) const DAY_S: i64 = 86_400;

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
