//! Reading back what hosts sent: stored frames become snapshots again.

use jiff::Timestamp;
use poolwatch_analysis::case::Moment;
use poolwatch_model::{HostId, Snapshot, tag::TagTable};
use poolwatch_protocol::v1::{Decoder, StampedSnapshot};
use poolwatch_store::{StoreError, frames};
use sqlx::PgConnection;

/// A tag table with its time.
#[derive(Debug, Clone, PartialEq)]
pub struct TagsAt {
    /// When it was taken.
    pub at: Timestamp,
    /// The tags.
    pub tags: TagTable,
}

/// The state of a host at a time: the latest snapshot since `since` and not after `until`.
///
/// # Errors
/// When the database fails.
pub async fn state_at(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<(StampedSnapshot, Timestamp)>, StoreError> {
    let chain = frames::chain(db, host, since, until).await?;
    let mut decoder = Decoder::default();
    let mut at = None;
    for frame in &chain {
        // A frame that was lost on the way makes those after it unreadable, up to the next key.
        if decoder.decode(&frame.payload).is_err() {
            break;
        }
        at = Some(frame.at);
    }
    Ok(decoder.into_last().zip(at))
}

/// What was known of a host over a period, moment by moment: the last snapshot of each `step_s`
/// seconds, oldest first.
///
/// # Errors
/// When the database fails.
pub async fn moments(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
    step_s: u32,
) -> Result<Vec<(Moment, Snapshot)>, StoreError> {
    let mut moments: Vec<(Moment, Snapshot)> = Vec::new();
    let mut decoder = Decoder::default();
    let (mut after, mut slot) = (None, None);
    loop {
        let page = frames::page(db, host, since, until, after).await?;
        let Some(last) = page.last() else { break };
        after = Some((last.at, last.boot_no, last.seq));
        for frame in &page {
            // What follows a frame that was lost is unreadable up to the next key frame.
            let Ok(known) = decoder.decode(&frame.payload) else { continue };
            let moment = Moment {
                at_s: frame.at.as_second(),
                boot: frame.boot_no.cast_unsigned(),
                uptime_s: Some(known.stamp.uptime_ms / 1000),
            };
            let this = (frame.boot_no, frame.at.as_second().div_euclid(i64::from(step_s)));
            if slot.replace(this) == Some(this) {
                moments.pop();
            }
            moments.push((moment, known.snapshot.clone()));
        }
    }
    Ok(moments)
}

/// A snapshot of which nothing but the time is known.
#[must_use]
pub fn moment_of(at: Timestamp, snapshot: Snapshot) -> (Moment, Snapshot) {
    (Moment { at_s: at.as_second(), boot: 0, uptime_s: None }, snapshot)
}

/// The tags of a host over a period, one table per `step_s` seconds at most, from key frames.
///
/// # Errors
/// When the database fails.
pub async fn tags_over(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
    step_s: u32,
) -> Result<Vec<TagsAt>, StoreError> {
    let keys = frames::keys(db, host, since, until, step_s).await?;
    Ok(keys
        .iter()
        .filter_map(|frame| Some(TagsAt { at: frame.at, tags: tags_of(&frame.payload)? }))
        .collect())
}

/// The tags of a key frame.
#[must_use]
pub fn tags_of(payload: &[u8]) -> Option<TagTable> {
    let mut decoder = Decoder::default();
    decoder.decode(payload).ok()?;
    decoder.into_last()?.snapshot.tags
}
