//! The whole of a host at times of the past: from chunks where there are, else from frames.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{HostId, Snapshot, tag::TagTable};
use poolwatch_protocol::v1::{Decoder, StampedSnapshot};
use sqlx::PgConnection;

use super::whole::{self, distance_s};
use crate::{
    Result, boots,
    chunk::Chunk,
    frames::{self, StoredFrame},
    time_grid::after,
};

/// A host at a time of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct Past {
    /// When the snapshot was taken, or where the time that it stands for begins.
    pub at: Timestamp,
    /// Seconds that it stands for; 0 for a snapshot as it was taken.
    pub step_s: u32,
    /// The boot, by number.
    pub boot_no: i32,
    /// How long that had run, seconds.
    pub uptime_s: Option<u64>,
    /// What was known.
    pub snapshot: Snapshot,
}

/// The latest snapshot of a host as it was taken.
#[derive(Debug, Clone, PartialEq)]
pub struct Taken {
    /// When.
    pub at: Timestamp,
    /// The boot, by number.
    pub boot_no: i32,
    /// What was measured.
    pub last: StampedSnapshot,
}

impl From<Taken> for Past {
    fn from(Taken { at, boot_no, last }: Taken) -> Self {
        Self {
            at,
            step_s: 0,
            boot_no,
            uptime_s: Some(last.stamp.uptime_ms / 1000),
            snapshot: last.snapshot,
        }
    }
}

/// The tags of a host at a time of the past.
#[derive(Debug, Clone, PartialEq)]
pub struct TagsThen {
    /// When.
    pub at: Timestamp,
    /// The tags.
    pub tags: TagTable,
}

/// The state of a host at a time: the latest snapshot since `since` and not after `until`, as it was
/// taken where its frames are kept, else the means of its last point.
///
/// # Errors
/// When the database fails or holds something else than chunks.
pub async fn state_at(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Past>> {
    match last_taken(db, host, since, until).await? {
        Some(taken) => Ok(Some(taken.into())),
        None => last_point(db, host, since, until).await,
    }
}

/// The means of the last point of a host since `since` and not after `until`: from chunks alone.
///
/// # Errors
/// When the database fails or holds something else than chunks.
pub async fn last_point(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Past>> {
    for found in whole::newest(db, host, since, until).await? {
        let Some(chunk) = whole::load(db, host, found).await? else { continue };
        let is_told = |slot: &usize| {
            let at = start_of(&chunk, *slot);
            since <= at && at <= until
        };
        if let Some(slot) = (0..chunk.slots.len()).rev().find(is_told) {
            let begun = boots::begun(db, host, &[chunk.slots[slot].boot_no]).await?;
            return Ok(Some(from_slot(&chunk, slot, &begun)));
        }
    }
    Ok(None)
}

/// The latest snapshot of a host since `since` and not after `until` as it was taken: from frames
/// alone.
///
/// # Errors
/// When the database fails.
pub async fn last_taken(
    db: &mut PgConnection,
    host: HostId,
    since: Timestamp,
    until: Timestamp,
) -> Result<Option<Taken>> {
    let chain = frames::chain(db, host, since, until).await?;
    let mut decoder = Decoder::default();
    let mut last = None;
    for frame in &chain {
        // A frame that was lost on the way makes those after it unreadable, up to the next key.
        if decoder.decode(&frame.payload).is_err() {
            break;
        }
        last = Some(frame);
    }
    let taken = decoder.into_last().zip(last);
    Ok(taken.map(|(last, frame)| Taken { at: frame.at, boot_no: frame.boot_no, last }))
}

/// The tags of a host near a time, no farther than `slack`: of the nearest key frame where frames are
/// kept, which costs least, else the means of the nearest point.
///
/// # Errors
/// When the database fails or holds something else than chunks.
pub async fn tags_at(
    db: &mut PgConnection,
    host: HostId,
    at: Timestamp,
    slack: SignedDuration,
) -> Result<Option<TagsThen>> {
    let (from, to) = (
        at.saturating_sub(slack).unwrap_or(Timestamp::MIN),
        at.saturating_add(slack).unwrap_or(Timestamp::MAX),
    );
    if let Some(then) = in_key_frame(db, host, at, slack).await? {
        return Ok(Some(then));
    }
    let mut found = whole::of(db, host, from, to).await?;
    found.sort_by_key(|whole| whole.distance_s(at));
    let mut best: Option<TagsThen> = None;
    for whole in found {
        let is_nearer = |best: &TagsThen| distance_s(best.at, at) <= whole.distance_s(at);
        if best.as_ref().is_some_and(is_nearer) {
            break;
        }
        let Some(chunk) = whole::load(db, host, whole).await? else { continue };
        let is_told = |slot: &usize| {
            chunk.slots[*slot].tags.is_some() && whole.tells(start_of(&chunk, *slot))
        };
        let slots = (0..chunk.slots.len()).filter(is_told);
        let middle = |slot: usize| after(start_of(&chunk, slot), i64::from(chunk.step_s) / 2);
        let Some(slot) = slots.min_by_key(|slot| distance_s(middle(*slot), at)) else { continue };
        let then = middle(slot);
        let is_best = best.as_ref().is_none_or(|b| distance_s(then, at) < distance_s(b.at, at));
        if from <= then && then <= to && is_best {
            let tags = chunk.tag_table(slot);
            best = tags.map(|tags| TagsThen { at: then, tags }).or(best);
        }
    }
    Ok(best)
}

async fn in_key_frame(
    db: &mut PgConnection,
    host: HostId,
    at: Timestamp,
    slack: SignedDuration,
) -> Result<Option<TagsThen>> {
    let slack_s = u32::try_from(slack.as_secs()).unwrap_or(u32::MAX);
    let found = frames::keys_near(db, &[host], at, slack_s).await?;
    let then = |frame: &StoredFrame| {
        let mut decoder = Decoder::default();
        let read = decoder.decode(&frame.payload).is_ok().then(|| decoder.into_last());
        Some(TagsThen { at: frame.at, tags: read??.snapshot.tags? })
    };
    Ok(found.first().and_then(|(_, frame)| then(frame)))
}

fn from_slot(chunk: &Chunk, slot: usize, begun: &BTreeMap<i32, Timestamp>) -> Past {
    let (at, boot_no) = (start_of(chunk, slot), chunk.slots[slot].boot_no);
    let uptime_s = |begun: &Timestamp| at.duration_since(*begun).as_secs().max(0).unsigned_abs();
    Past {
        at,
        step_s: chunk.step_s,
        boot_no,
        uptime_s: begun.get(&boot_no).map(uptime_s),
        snapshot: chunk.snapshot(slot),
    }
}

fn start_of(chunk: &Chunk, slot: usize) -> Timestamp {
    after(chunk.start, chunk.slots[slot].offset_s.into())
}
