//! Event records.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    HostId,
    event::{Event, MemoryExhaustion},
};
use serde_json::to_value;
use sqlx::PgConnection;

use crate::{Result, jobs, readable::Readable, signed};

/// A stored event with its host.
#[derive(Debug, Clone, PartialEq)]
pub struct HostEvent {
    /// The host that wrote it.
    pub host: HostId,
    /// The event.
    pub event: Event,
    /// Whether it is older than the host's enrolment, or came more than a day late.
    pub history: bool,
    /// When it came. None was written later: a host whose clock says so is wrong.
    pub received_at: Timestamp,
}

/// How an event is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeptAs {
    /// It is older than the host's enrolment, or came more than a day late: it leads to nothing.
    History,
    /// It is shown, and counts in diagnoses to come.
    Told,
    /// Likewise, and its host has to be diagnosed because of it.
    Awaiting,
}

/// Keeps an event. Returns whether it is new.
///
/// # Errors
/// When the database fails.
pub async fn insert(
    db: &mut PgConnection,
    host: HostId,
    event: &Event,
    kept_as: KeptAs,
    now: Timestamp,
) -> Result<bool> {
    let done = sqlx::query!(
        "INSERT INTO events (host_id, time, channel, record_id, provider, event_id, level,
             computer, data, exhaustion, history, received_at, awaits_diagnosis)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
         ON CONFLICT DO NOTHING",
        host.0,
        event.time.to_sqlx(),
        event.channel,
        signed(event.record_id, "record id")?,
        event.provider,
        event.event_id.cast_signed(),
        event.level.map(i16::from),
        event.computer,
        to_value(&event.data)?,
        event.exhaustion.as_ref().map(to_value).transpose()?,
        kept_as == KeptAs::History,
        now.to_sqlx(),
        kept_as == KeptAs::Awaiting,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected() == 1)
}

/// Events of a host that await its diagnosis, the oldest first.
///
/// # Errors
/// When the database fails.
pub async fn awaiting_diagnosis(
    db: &mut PgConnection,
    host: HostId,
    limit: i64,
) -> Result<Vec<Event>> {
    let rows = sqlx::query_as!(
        EventRow,
        "SELECT host_id, time, channel, record_id, provider, event_id, level, computer,
             data AS \"data: Readable<Vec<String>>\",
             exhaustion AS \"exhaustion: Readable<MemoryExhaustion>\", history, received_at
         FROM events WHERE host_id = $1 AND awaits_diagnosis
         ORDER BY time, channel, record_id LIMIT $2",
        host.0,
        limit,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| row.into_event().event).collect())
}

/// Notes that a host was diagnosed for these of its events.
///
/// # Errors
/// When the database fails.
pub async fn note_diagnosed(db: &mut PgConnection, host: HostId, events: &[Event]) -> Result<()> {
    let channels: Vec<String> = events.iter().map(|event| event.channel.clone()).collect();
    let records: Vec<i64> = events.iter().map(|event| event.record_id.cast_signed()).collect();
    let times: Vec<_> = events.iter().map(|event| event.time.to_sqlx()).collect();
    sqlx::query!(
        "UPDATE events SET awaits_diagnosis = false
         WHERE host_id = $1 AND awaits_diagnosis AND (channel, record_id, time) IN (
             SELECT * FROM unnest($2::text[], $3::bigint[], $4::timestamptz[])
         )",
        host.0,
        &channels,
        &records,
        &times as _,
    )
    .execute(db)
    .await?;
    Ok(())
}

/// Which events to list.
#[derive(Debug, Clone, Default)]
pub struct EventFilter {
    /// Only of this host.
    pub host: Option<HostId>,
    /// Only of one of these hosts.
    pub among: Option<Vec<HostId>>,
    /// Only with this id.
    pub event_id: Option<u32>,
    /// Only since this time.
    pub since: Option<Timestamp>,
}

impl EventFilter {
    fn host_ids(&self) -> Option<Vec<i32>> {
        self.among.as_ref().map(|hosts| hosts.iter().map(|host| host.0).collect())
    }
}

/// Events, newest first: in the order of their own times, where these can be.
///
/// # Errors
/// When the database fails.
pub async fn list(
    db: &mut PgConnection,
    filter: &EventFilter,
    limit: i64,
    offset: i64,
) -> Result<Vec<HostEvent>> {
    let among = filter.host_ids();
    let rows = sqlx::query_as!(
        EventRow,
        "SELECT host_id, time, channel, record_id, provider, event_id, level, computer,
             data AS \"data: Readable<Vec<String>>\",
             exhaustion AS \"exhaustion: Readable<MemoryExhaustion>\", history, received_at
         FROM events
         WHERE ($1::int IS NULL OR host_id = $1) AND ($2::int IS NULL OR event_id = $2)
             AND ($3::timestamptz IS NULL OR least(time, received_at) >= $3)
             AND ($4::int[] IS NULL OR host_id = ANY($4))
         ORDER BY least(time, received_at) DESC, host_id, record_id DESC LIMIT $5 OFFSET $6",
        filter.host.map(|host| host.0),
        filter.event_id.map(u32::cast_signed),
        filter.since.map(ToSqlx::to_sqlx),
        among.as_deref(),
        limit,
        offset,
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(EventRow::into_event).collect())
}

struct EventRow {
    host_id: i32,
    time: jiff_sqlx::Timestamp,
    channel: String,
    record_id: i64,
    provider: String,
    event_id: i32,
    level: Option<i16>,
    computer: Option<String>,
    data: Readable<Vec<String>>,
    exhaustion: Option<Readable<MemoryExhaustion>>,
    history: bool,
    received_at: jiff_sqlx::Timestamp,
}

impl EventRow {
    fn into_event(self) -> HostEvent {
        HostEvent {
            host: HostId(self.host_id),
            event: Event {
                channel: self.channel,
                record_id: self.record_id.unsigned_abs(),
                time: self.time.to_jiff(),
                provider: self.provider,
                event_id: self.event_id.cast_unsigned(),
                level: self.level.and_then(|level| u8::try_from(level).ok()),
                computer: self.computer,
                data: self.data.0.unwrap_or_default(),
                exhaustion: self.exhaustion.and_then(|document| document.0),
            },
            history: self.history,
            received_at: self.received_at.to_jiff(),
        }
    }
}

/// How many events with one of these ids were written since a time, all hosts.
///
/// # Errors
/// When the database fails.
pub async fn count(db: &mut PgConnection, event_ids: &[u32], since: Timestamp) -> Result<i64> {
    let ids: Vec<i32> = event_ids.iter().map(|id| id.cast_signed()).collect();
    let count = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM events
         WHERE least(time, received_at) >= $1 AND event_id = ANY($2)",
        since.to_sqlx(),
        &ids,
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// Hosts that logged events of a provider with one of these ids since a time, how many each, and when
/// the latest. What was written before is history, whenever it came.
///
/// # Errors
/// When the database fails.
pub async fn count_by_host(
    db: &mut PgConnection,
    provider: &str,
    event_ids: &[u32],
    since: Timestamp,
) -> Result<Vec<(HostId, u32, Timestamp)>> {
    let ids: Vec<i32> = event_ids.iter().map(|id| id.cast_signed()).collect();
    let rows = sqlx::query!(
        "SELECT host_id, count(*) AS \"count!\", max(time) AS \"last!\" FROM events
         WHERE time >= $1 AND NOT history AND event_id = ANY($2) AND lower(provider) = lower($3)
         GROUP BY host_id",
        since.to_sqlx(),
        &ids,
        provider,
    )
    .fetch_all(db)
    .await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let by_host = rows.into_iter();
    Ok(by_host.map(|row| (HostId(row.host_id), count(row.count), row.last.to_jiff())).collect())
}

/// How many events a filter lets through.
///
/// # Errors
/// When the database fails.
pub async fn count_matching(db: &mut PgConnection, filter: &EventFilter) -> Result<i64> {
    let among = filter.host_ids();
    let count = sqlx::query_scalar!(
        "SELECT count(*) AS \"count!\" FROM events
         WHERE ($1::int IS NULL OR host_id = $1) AND ($2::int IS NULL OR event_id = $2)
             AND ($3::timestamptz IS NULL OR least(time, received_at) >= $3)
             AND ($4::int[] IS NULL OR host_id = ANY($4))",
        filter.host.map(|host| host.0),
        filter.event_id.map(u32::cast_signed),
        filter.since.map(ToSqlx::to_sqlx),
        among.as_deref(),
    )
    .fetch_one(db)
    .await?;
    Ok(count)
}

/// The kind of the jobs that diagnose hosts by their events.
pub const DIAGNOSIS_JOB: &str = "diagnose_events";

/// Makes a diagnosis of a host due, in the transaction that stores its events.
///
/// # Errors
/// When the database fails.
pub async fn make_diagnosis_due(db: &mut PgConnection, host: HostId, now: Timestamp) -> Result<()> {
    jobs::add_again(db, DIAGNOSIS_JOB, now, host.0).await
}
