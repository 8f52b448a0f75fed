//! An hour from its frames: each boot's chain is decoded from its key frame on.

use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use poolwatch_model::HostId;
use poolwatch_protocol::v1::{Decoder, Envelope, FrameError, frame::decompress};
use sqlx::PgConnection;

use crate::time_grid::{CHAIN_S, HOUR_S, after};
use crate::{
    Result,
    chunk::{Chunk, build::Builder},
    chunks::Origin,
};

/// Frames read at once.
const PAGE: i64 = 32;

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
                 AND key.ts <= own.first AND key.ts > own.first - make_interval(secs => $4)
             ORDER BY ts DESC LIMIT 1
         ), own.first) AS \"lead!\"
         FROM (
             SELECT boot_no, min(ts) AS first FROM frames
             WHERE host_id = $1 AND ts >= $2 AND ts < $3 GROUP BY boot_no
         ) AS own ORDER BY boot_no",
        host.0,
        hour.to_sqlx(),
        end.to_sqlx(),
        CHAIN_S as f64,
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
