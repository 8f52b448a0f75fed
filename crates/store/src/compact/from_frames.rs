//! An hour from its frames: each boot's chain is decoded from its key frame on, in the order of the
//! frames' numbers.

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

/// Frames whose numbers are listed at once.
const LIST: i64 = 8192;
/// Frames read at once.
const PAGE: usize = 32;

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
        // Whether the snapshot that the decoder holds is the one that was added last.
        let mut is_added = false;
        let mut after_seq = -1;
        // Where an older version mixed the times of neighbours, a frame counts from the one before on.
        let mut told_until = hour;
        loop {
            let listed = sqlx::query!(
                "SELECT ts, seq FROM frames
                 WHERE host_id = $1 AND boot_no = $2 AND ts >= $3 AND ts < $4 AND seq > $5
                 ORDER BY seq, ts LIMIT $6",
                host.0,
                boot.boot_no,
                boot.lead,
                end.to_sqlx(),
                after_seq,
                LIST,
            )
            .fetch_all(&mut *db)
            .await?;
            let Some(last) = listed.last() else { break };
            after_seq = last.seq;
            for page in listed.chunks(PAGE) {
                let times: Vec<jiff_sqlx::Timestamp> = page.iter().map(|one| one.ts).collect();
                let seqs: Vec<i64> = page.iter().map(|one| one.seq).collect();
                let frames = sqlx::query!(
                    "SELECT frames.ts, frames.seq, payload
                     FROM unnest($3::timestamptz[], $4::bigint[]) AS listed (ts, seq)
                     JOIN frames ON host_id = $1 AND boot_no = $2
                         AND frames.ts = listed.ts AND frames.seq = listed.seq
                     ORDER BY frames.seq, frames.ts",
                    host.0,
                    boot.boot_no,
                    &times as _,
                    &seqs,
                )
                .fetch_all(&mut *db)
                .await?;
                for frame in &frames {
                    let read = decode(&mut decoder, &frame.payload);
                    if frame.ts.to_jiff() < hour {
                        is_added &= read.is_err();
                        continue;
                    }
                    told_until = told_until.max(frame.ts.to_jiff());
                    origin.frames += 1;
                    origin.seq_sum = origin.seq_sum.wrapping_add(frame.seq);
                    let last = read.ok().and(decoder.last());
                    let told = last.is_some_and(|last| {
                        let moves = is_added.then_some(decoder.moves());
                        is_added = builder.push(told_until, boot.boot_no, &last.snapshot, moves);
                        is_added
                    });
                    origin.unreadable += i32::from(!told);
                }
            }
        }
    }
    Ok((builder.finish(), origin))
}

fn decode(decoder: &mut Decoder, payload: &[u8]) -> std::result::Result<(), FrameError> {
    let bytes = decompress(payload)?;
    decoder.apply(&Envelope::parse(&bytes)?).map(|_| ())
}
