//! Frames: appended as received, read back by time.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::{
    Bytes, HostId,
    series::{Break, Point, Series},
};
use sqlx::PgConnection;

use crate::{Result, boots, signed};

/// A frame to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewFrame {
    /// Its host.
    pub host: HostId,
    /// When it was taken.
    pub at: Timestamp,
    /// Its boot, by number.
    pub boot_no: i32,
    /// Its number in that boot.
    pub seq: u64,
    /// Whether it stands alone.
    pub is_key: bool,
    /// Paged pool in use.
    pub paged: Option<Bytes>,
    /// Nonpaged pool in use.
    pub nonpaged: Option<Bytes>,
    /// The frame as received.
    pub payload: Vec<u8>,
}

/// A stored frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFrame {
    /// When it was taken.
    pub at: Timestamp,
    /// Its boot, by number.
    pub boot_no: i32,
    /// Its number in that boot.
    pub seq: u64,
    /// The frame as received.
    pub payload: Vec<u8>,
}

/// A row of the table, without what only searches need.
struct Row {
    ts: jiff_sqlx::Timestamp,
    boot_no: i32,
    seq: i64,
    payload: Vec<u8>,
}

impl From<Row> for StoredFrame {
    fn from(row: Row) -> Self {
        Self {
            at: row.ts.to_jiff(),
            boot_no: row.boot_no,
            seq: row.seq.unsigned_abs(),
            payload: row.payload,
        }
    }
}

/// A row of one of many hosts.
pub(crate) struct HostRow {
    pub(crate) host: i32,
    pub(crate) ts: jiff_sqlx::Timestamp,
    pub(crate) boot_no: i32,
    pub(crate) seq: i64,
    pub(crate) payload: Vec<u8>,
}

impl HostRow {
    /// The frame, with its host.
    pub(crate) fn into_frame(self) -> (HostId, StoredFrame) {
        let Self { host, ts, boot_no, seq, payload } = self;
        (HostId(host), Row { ts, boot_no, seq, payload }.into())
    }
}

/// Appends frames in one statement. Frames that are there already stay as they are. Hours that were
/// over five minutes ago are marked: their chunks have to be made anew.
///
/// # Errors
/// When the database fails, or there is no partition for a frame's day.
pub async fn insert(db: &mut PgConnection, frames: &[NewFrame]) -> Result<u64> {
    let signed_bytes = |bytes: Option<Bytes>| bytes.and_then(|bytes| i64::try_from(bytes.0).ok());
    let hosts: Vec<i32> = frames.iter().map(|frame| frame.host.0).collect();
    let times: Vec<jiff_sqlx::Timestamp> = frames.iter().map(|frame| frame.at.to_sqlx()).collect();
    let boots: Vec<i32> = frames.iter().map(|frame| frame.boot_no).collect();
    let seqs = frames
        .iter()
        .map(|frame| signed(frame.seq, "sequence number"))
        .collect::<Result<Vec<i64>>>()?;
    let keys: Vec<bool> = frames.iter().map(|frame| frame.is_key).collect();
    let paged: Vec<Option<i64>> = frames.iter().map(|frame| signed_bytes(frame.paged)).collect();
    let nonpaged: Vec<Option<i64>> =
        frames.iter().map(|frame| signed_bytes(frame.nonpaged)).collect();
    let payloads: Vec<&[u8]> = frames.iter().map(|frame| &frame.payload[..]).collect();
    let done = sqlx::query!(
        "WITH sent AS (
             SELECT * FROM unnest($1::int[], $2::timestamptz[], $3::int[], $4::bigint[],
                 $5::bool[], $6::bigint[], $7::bigint[], $8::bytea[])
                 AS sent (host_id, ts, boot_no, seq, is_key, paged, nonpaged, payload)
         ), late AS (
             INSERT INTO dirty_hours (host_id, start)
             SELECT DISTINCT host_id, date_bin('1 hour', ts, 'epoch') FROM sent
             WHERE date_bin('1 hour', ts, 'epoch') + interval '65 minutes' <= now()
         )
         INSERT INTO frames (host_id, ts, boot_no, seq, is_key, paged, nonpaged, payload)
         SELECT * FROM sent ON CONFLICT DO NOTHING",
        &hosts,
        &times as _,
        &boots,
        &seqs,
        &keys,
        &paged as _,
        &nonpaged as _,
        &payloads as _,
    )
    .execute(db)
    .await?;
    Ok(done.rows_affected())
}

/// The frames that lead to a host's state at `until`: the last key frame not after it, and what
/// follows of the same boot, in the order of their numbers, whatever order their times are in. Each
/// number comes once. Empty when nothing is stored since `since`. Older versions let the times of
/// neighbours be mixed: looked at is what lies between the key frames around.
///
/// # Errors
/// When the database fails.
pub async fn chain(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
) -> Result<Vec<StoredFrame>> {
    let rows = sqlx::query_as!(
        Row,
        "WITH newest AS (
             SELECT ts, boot_no FROM frames
             WHERE host_id = $1 AND ts BETWEEN $2 AND $3 AND is_key
             ORDER BY ts DESC LIMIT 1
         ), near AS MATERIALIZED (
             SELECT frames.ts, frames.boot_no, seq, is_key FROM frames, newest
             WHERE host_id = $1 AND frames.boot_no = newest.boot_no
                 AND frames.ts >= coalesce((
                     SELECT ts FROM frames AS key
                     WHERE key.host_id = $1 AND key.boot_no = newest.boot_no AND is_key
                         AND ts >= $2 AND ts < newest.ts
                     ORDER BY ts DESC LIMIT 1
                 ), newest.ts)
                 AND frames.ts <= coalesce((
                     SELECT ts FROM frames AS key
                     WHERE key.host_id = $1 AND key.boot_no = newest.boot_no AND is_key
                         AND ts > $3
                     ORDER BY ts LIMIT 1
                 ), 'infinity')
         ), last AS (
             SELECT max(seq) AS seq FROM near WHERE ts <= $3
         ), start AS (
             SELECT max(near.seq) AS seq FROM near, last WHERE is_key AND near.seq <= last.seq
         ), one AS (
             SELECT DISTINCT ON (near.seq) near.ts, near.boot_no, near.seq FROM near, start, last
             WHERE near.seq BETWEEN start.seq AND last.seq
             ORDER BY near.seq, near.ts LIMIT 200
         )
         SELECT one.ts, one.boot_no, one.seq, frames.payload
         FROM one JOIN frames ON host_id = $1 AND frames.ts = one.ts
             AND frames.boot_no = one.boot_no AND frames.seq = one.seq
         ORDER BY one.seq",
        host.0,
        since.to_sqlx(),
        until.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(StoredFrame::from).collect())
}

/// For each host, its key frame nearest to `at` within `slack_s` seconds.
///
/// # Errors
/// When the database fails.
pub async fn keys_near(
    db: &mut PgConnection,
    hosts: &[HostId],
    at: Timestamp,
    slack_s: u32,
) -> Result<Vec<(HostId, StoredFrame)>> {
    let ids: Vec<i32> = hosts.iter().map(|host| host.0).collect();
    let rows = sqlx::query_as!(
        HostRow,
        "SELECT id AS \"host!\", near.ts, near.boot_no, near.seq, near.payload
         FROM unnest($1::int[]) AS id
         CROSS JOIN LATERAL (
             SELECT ts, boot_no, seq, payload FROM frames
             WHERE host_id = id AND is_key
                 AND ts BETWEEN $2::timestamptz - make_interval(secs => $3)
                     AND $2::timestamptz + make_interval(secs => $3)
             ORDER BY abs(extract(epoch FROM ts - $2::timestamptz)) LIMIT 1
         ) AS near",
        &ids,
        at.to_sqlx(),
        f64::from(slack_s),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(HostRow::into_frame).collect())
}

/// The use of both pools over time.
#[derive(Debug, Clone, PartialEq)]
pub struct PoolSeries {
    /// Paged pool in use, bytes.
    pub paged: Series,
    /// Nonpaged pool in use, bytes.
    pub nonpaged: Series,
}

/// The use of a host's pools in a period, one point per `step_s` seconds.
///
/// # Errors
/// When the database fails.
pub async fn pool_series(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
    step_s: u32,
) -> Result<PoolSeries> {
    let rows = sqlx::query!(
        "SELECT date_bin(make_interval(secs => $4), ts, 'epoch') AS \"at!\", boot_no,
             min(paged) AS paged_min, avg(paged)::bigint AS paged_mean, max(paged) AS paged_max,
             min(nonpaged) AS nonpaged_min, avg(nonpaged)::bigint AS nonpaged_mean,
             max(nonpaged) AS nonpaged_max
         FROM frames WHERE host_id = $1 AND ts >= $2 AND ts <= $3
         GROUP BY 1, 2 ORDER BY 1, 2",
        host.0,
        since.to_sqlx(),
        until.to_sqlx(),
        f64::from(step_s),
    )
    .fetch_all(&mut *db)
    .await?;
    let boots = boots::ids(db, host).await?;
    let boot_of = |no: i32| boots.iter().find(|boot| boot.0 == no).map(|boot| boot.1);

    let mut breaks: Vec<(Timestamp, Break)> = Vec::new();
    let mut last: Option<(Timestamp, i32)> = None;
    let mut paged = Vec::with_capacity(rows.len());
    let mut nonpaged = Vec::with_capacity(rows.len());
    for row in &rows {
        let at = row.at.to_jiff();
        if let Some((before, boot_no)) = last {
            if let (true, Some(boot)) = (boot_no != row.boot_no, boot_of(row.boot_no)) {
                breaks.push((at, Break::Reboot { boot }));
            } else if at.as_second() - before.as_second() > i64::from(step_s) * 2 {
                breaks.push((at, Break::Gap));
            }
        }
        last = Some((at, row.boot_no));
        paged.extend(point(at, [row.paged_min, row.paged_mean, row.paged_max]));
        nonpaged.extend(point(at, [row.nonpaged_min, row.nonpaged_mean, row.nonpaged_max]));
    }
    let series = |points| Series { step_s, points, breaks: breaks.clone() };
    Ok(PoolSeries { paged: series(paged), nonpaged: series(nonpaged) })
}

fn point(at: Timestamp, figures: [Option<i64>; 3]) -> Option<Point> {
    let [Some(min), Some(mean), Some(max)] = figures else { return None };
    Some(Point { at, min: min.unsigned_abs(), mean: mean.unsigned_abs(), max: max.unsigned_abs() })
}
