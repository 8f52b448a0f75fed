//! What has to be made anew: chunks that were not made of exactly what is there now. Sums of sequence
//! numbers are kept modulo 2⁶⁴, here 18446744073709551616.

use std::ops::Range;

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use sqlx::PgConnection;

use crate::{Result, chunks::Span};

/// A chunk by its host and its beginning.
pub(crate) type Place = (HostId, Timestamp);

/// Hours of a period and of a range of hosts that were not made of exactly the frames that are
/// there.
pub(crate) async fn hours(
    db: &mut PgConnection,
    hosts: &Range<i32>,
    from: Timestamp,
    to: Timestamp,
) -> Result<Vec<Place>> {
    let rows = sqlx::query!(
        "SELECT host_id AS \"host_id!\", start AS \"start!\" FROM (
             SELECT host_id, date_bin('1 hour', ts, 'epoch') AS start, count(*) AS frames,
                 sum(seq) AS seq_sum
             FROM frames WHERE host_id >= $1 AND host_id < $2 AND ts >= $3 AND ts < $4
             GROUP BY 1, 2
         ) AS seen
         LEFT JOIN chunk_hour AS chunk USING (host_id, start)
         WHERE chunk.frames IS DISTINCT FROM seen.frames
             OR mod(seen.seq_sum - chunk.seq_sum, 18446744073709551616) <> 0
         ORDER BY 1, 2",
        hosts.start,
        hosts.end,
        from.to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(rows.into_iter().map(|row| (HostId(row.host_id), row.start.to_jiff())).collect())
}

/// Days or weeks of hosts that were not made of exactly the hours or days that are there. With
/// `only_made`, those that there are not at all are left out.
macro_rules! coarser {
    ($coarse:tt, $fine:tt, $length:tt, $hosts:expr, $from:expr, $to:expr, $only_made:expr) => {
        sqlx::query!(
            "SELECT host_id AS \"host_id!\", start AS \"start!\" FROM (
                 SELECT host_id, date_bin('"
                + $length
                + "', start, 'epoch') AS start,
                     sum(frames) AS frames, sum(seq_sum) AS seq_sum
                 FROM "
                + $fine
                + " WHERE host_id >= $1 AND host_id < $2
                     AND start >= $3 AND start < $4
                 GROUP BY 1, 2
             ) AS seen
             LEFT JOIN "
                + $coarse
                + " AS chunk USING (host_id, start)
             WHERE (chunk.frames IS DISTINCT FROM seen.frames
                 OR mod(seen.seq_sum - chunk.seq_sum, 18446744073709551616) <> 0)
                 AND (chunk.frames IS NOT NULL OR NOT $5)
             ORDER BY 1, 2",
            $hosts.start,
            $hosts.end,
            $from.to_sqlx(),
            $to.to_sqlx(),
            $only_made,
        )
        .map(|row| (HostId(row.host_id), row.start.to_jiff()))
    };
}

/// Days or weeks of a period (whole ones) and of a range of hosts that were not made of exactly the
/// hours or days that are there; with `only_made`, of those that there are.
pub(crate) async fn made_of_chunks(
    db: &mut PgConnection,
    span: Span,
    hosts: &Range<i32>,
    (from, to): (Timestamp, Timestamp),
    only_made: bool,
) -> Result<Vec<Place>> {
    Ok(match span {
        Span::Hour => Vec::new(),
        Span::Day => {
            coarser!("chunk_day", "chunk_hour", "1 day", hosts, from, to, only_made)
                .fetch_all(db)
                .await?
        }
        Span::Week => {
            coarser!("chunk_week", "chunk_day", "7 days", hosts, from, to, only_made)
                .fetch_all(db)
                .await?
        }
    })
}

/// Hours after one of a host, as far as a chain of frames may reach, of which frames could not be
/// read: what they needed may have come.
pub(super) async fn unreadable_after(
    db: &mut PgConnection,
    host: HostId,
    after: Timestamp,
    to: Timestamp,
) -> Result<Vec<Timestamp>> {
    let starts = sqlx::query_scalar!(
        "SELECT start FROM chunk_hour
         WHERE host_id = $1 AND start > $2 AND start <= $3 AND unreadable > 0 ORDER BY start",
        host.0,
        after.to_sqlx(),
        to.to_sqlx(),
    )
    .fetch_all(db)
    .await?;
    Ok(starts.into_iter().map(jiff_sqlx::Timestamp::to_jiff).collect())
}
