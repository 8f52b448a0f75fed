//! Taking in frames: read, place in time, make the latest, store, and only then acknowledge.
//!
//! Memory comes before the commit: a delta can only be checked against its base, and what is
//! malformed has to be refused before it is stored. When the commit fails, memory is ahead by what
//! the agent sends again, which then is no news and is stored as it is. An agent that goes on
//! without sending it again is asked for a key frame, since its next delta could never be read back.

pub mod place;
pub mod rate_limiter;
pub mod upload_permit;
pub mod writer;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, Bytes, HostId, memory::Memory};
use poolwatch_protocol::v1::{
    Batch, Envelope, FrameError, SenderClock,
    envelope::EnvelopeError,
    frame::decompress,
    messages::{FrameId, FramesReply, RefusedFrame, Suggestions},
};
use poolwatch_store::{
    boots,
    frames::NewFrame,
    read::{self, Taken},
};
use upload_permit::UploadPermit;

use crate::{
    app::App,
    app_error::AppError,
    fleet::host::{Ingest, LiveHost},
    metrics,
};

/// More than any machine has: a figure beyond it is nonsense (64 PB).
const ABSURD_BYTES: u64 = 1 << 56;
/// How long an upload waits for its turn to look for its host's tables.
const LOOKUP_WAIT: Duration = Duration::from_secs(2);
/// A delta's base is looked for in the database this far back: a chain begins with a key frame.
const CHAIN: SignedDuration = SignedDuration::from_hours(3);

/// Takes in one upload of a host. When it returns, every frame is committed or listed as refused.
///
/// # Errors
/// When the upload as a whole cannot be read (400, 415), or cannot be stored now (503).
pub async fn accept(
    app: &App,
    host: HostId,
    body: &[u8],
    permit: UploadPermit,
    received: Timestamp,
) -> Result<FramesReply, AppError> {
    let batch = Batch::parse(body).map_err(unreadable)?;
    let live = app.fleet.ensure_host(host);
    // One upload of a host at a time: its frames are relative to each other.
    let mut ingest = live.ingest.lock().await;
    let mut taking = Taking::new(app, &live, &batch.clock, received);
    for (index, frame) in batch.frames.iter().enumerate() {
        match taking.take(&mut ingest, frame).await {
            Ok(frame) => taking.frames.push(frame),
            Err(TakeError::Refused(reason)) => taking.refused.push(RefusedFrame { index, reason }),
            Err(TakeError::Failed(failure)) => return Err(failure),
        }
    }
    let Taking { frames, refused, last, newest, .. } = taking;
    let (count, bytes) = size(&frames);
    let stored = if frames.is_empty() { 0 } else { app.writer.write(frames, permit).await? };
    ingest.committed = newest.or(ingest.committed);
    metrics::frames(stored, count - stored.min(count), refused.len() as u64, bytes);
    live.received(received);
    Ok(FramesReply {
        acknowledged: last,
        need_key: ingest.owes_key
            && app.fleet.key_frame_limiter.allows(received, key_frames_per_s(app)),
        refused,
        suggestions: Suggestions { interval_s: Some(app.settings.interval_s) },
    })
}

fn size(frames: &[NewFrame]) -> (u64, u64) {
    let bytes: usize = frames.iter().map(|frame| frame.payload.len()).sum();
    (frames.len() as u64, bytes as u64)
}

/// Key frames that are asked for in a second: after a start, of all hosts within one interval.
fn key_frames_per_s(app: &App) -> u32 {
    const LEAST: u32 = 50;
    let hosts = u32::try_from(app.fleet.len()).unwrap_or(u32::MAX);
    (hosts / app.settings.interval_s.max(1)).saturating_mul(2).max(LEAST)
}

/// One upload while it is taken in.
struct Taking<'a> {
    app: &'a App,
    live: &'a LiveHost,
    clock: &'a SenderClock,
    received: Timestamp,
    frames: Vec<NewFrame>,
    refused: Vec<RefusedFrame>,
    /// The last frame that can be stored.
    last: Option<FrameId>,
    /// The last of them that is no older than all that were known.
    newest: Option<FrameId>,
    /// Whether the database was asked for the host's tables.
    has_looked_up: bool,
}

enum TakeError {
    /// This frame will never do.
    Refused(String),
    /// The upload has to be sent again.
    Failed(AppError),
}

/// How far a frame was taken without asking the database.
enum Step {
    Taken(NewFrame),
    /// Its boot is not at hand; this is when it began.
    NewBoot(BootId, Timestamp),
    /// Its boot's clock has drifted: from this sequence number on it began at another time.
    Drifted(BootId, u64, Timestamp),
    /// No tables are at hand that it could be relative to.
    NoTables,
}

fn refused(reason: impl std::fmt::Display) -> TakeError {
    TakeError::Refused(format!("{reason}"))
}

fn failed(failure: impl Into<AppError>) -> TakeError {
    TakeError::Failed(failure.into())
}

impl<'a> Taking<'a> {
    fn new(app: &'a App, live: &'a LiveHost, clock: &'a SenderClock, received: Timestamp) -> Self {
        let (frames, refused) = (Vec::new(), Vec::new());
        let (last, newest, has_looked_up) = (None, None, false);
        Self { app, live, clock, received, frames, refused, last, newest, has_looked_up }
    }

    /// Takes a frame. What it lacks from the database is asked for with its bytes let go: however
    /// many uploads wait, none holds a decompressed frame meanwhile.
    async fn take(&mut self, ingest: &mut Ingest, payload: &[u8]) -> Result<NewFrame, TakeError> {
        loop {
            match self.step(ingest, payload)? {
                Step::Taken(frame) => return Ok(frame),
                Step::NewBoot(boot, booted_at) => {
                    let mut db = self.app.pool.acquire().await.map_err(failed)?;
                    let boot = boots::find_or_create(&mut db, self.live.id, boot, booted_at);
                    ingest.remember(boot.await.map_err(failed)?);
                }
                Step::Drifted(boot, seq, booted_at) => {
                    let Some(boot) = ingest.boots.get_mut(&boot) else { continue };
                    let mut db = self.app.pool.acquire().await.map_err(failed)?;
                    let anchored = boots::anchor(&mut db, self.live.id, boot.no, seq, booted_at);
                    anchored.await.map_err(failed)?;
                    boot.anchors.push((seq, booted_at));
                }
                Step::NoTables => self.look(ingest).await.map_err(failed)?,
            }
        }
    }

    fn step(&mut self, ingest: &mut Ingest, payload: &[u8]) -> Result<Step, TakeError> {
        let bytes = decompress(payload).map_err(refused)?;
        let envelope = Envelope::parse(&bytes).map_err(refused)?;
        let memory = envelope.memory().map_err(refused)?.unwrap_or_default();
        check(&memory)?;
        let stamp = envelope.stamp;
        i64::try_from(stamp.seq).map_err(|_| refused("sequence number out of range"))?;
        let Some(boot) = ingest.boots.get(&stamp.boot) else {
            let booted_at = place::booted_at(&stamp, self.clock, self.received);
            return Ok(Step::NewBoot(stamp.boot, booted_at));
        };
        if let Some(at) = place::better_anchor(boot, &stamp, self.clock, self.received) {
            return Ok(Step::Drifted(stamp.boot, stamp.seq, at));
        }
        let at = boot.time_of(stamp.seq, stamp.uptime_ms);
        let (boot_no, booted_at) = (boot.no, boot.booted_at(stamp.seq));
        place::check(at, self.received, self.app.settings.retention.ten_minutes)
            .map_err(TakeError::Refused)?;

        let id = FrameId { boot: stamp.boot, seq: stamp.seq };
        let newest_at = self.live.newest_at();
        // A frame sent again, or an old one that comes late, is stored but tells nothing about now.
        if newest_at.is_none_or(|newest| at > newest) {
            if envelope.base.is_some() && !self.has_looked_up && self.live.read().tables().is_none()
            {
                return Ok(Step::NoTables);
            }
            match self.live.apply(&envelope, at, booted_at) {
                Ok(()) => ingest.owes_key &= envelope.base.is_some(),
                Err(FrameError::NeedsKey { .. }) => ingest.owes_key = true,
                Err(error) => return Err(refused(error)),
            }
            let base = envelope.base.map(|seq| FrameId { boot: stamp.boot, seq });
            let before = self.newest.or(ingest.committed);
            ingest.owes_key |= base.is_some() && before.is_some() && base != before;
        }
        if newest_at.is_none_or(|newest| at >= newest) {
            self.newest = Some(id);
        }
        self.last = Some(id);
        Ok(Step::Taken(NewFrame {
            host: self.live.id,
            at,
            boot_no,
            seq: stamp.seq,
            is_key: envelope.base.is_none(),
            paged: memory.paged,
            nonpaged: memory.nonpaged,
            payload: payload.to_vec(),
        }))
    }

    /// Looks for the host's tables in the database: after a start, so that its first delta can be
    /// read. A few hosts at a time; those whose turn does not come soon are asked for key frames.
    async fn look(&mut self, ingest: &mut Ingest) -> Result<(), AppError> {
        self.has_looked_up = true;
        let turn = tokio::time::timeout(LOOKUP_WAIT, self.app.fleet.lookup_permits.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Ok(()) };
        let since = self.received.saturating_sub(CHAIN).unwrap_or(self.received);
        let mut db = self.app.pool.acquire().await?;
        let found = read::last_taken(&mut db, self.live.id, since, self.received).await?;
        if let Some(Taken { at, last, .. }) = found {
            let stamp = last.stamp;
            ingest.committed = Some(FrameId { boot: stamp.boot, seq: stamp.seq });
            self.live.restore(&last, at);
        }
        Ok(())
    }
}

fn check(memory: &Memory) -> Result<(), TakeError> {
    let figures = [
        memory.paged,
        memory.nonpaged,
        memory.physical,
        memory.available,
        memory.committed,
        memory.commit_limit,
    ];
    if figures.into_iter().flatten().any(|Bytes(bytes)| bytes > ABSURD_BYTES) {
        return Err(refused("a memory figure is beyond 64 PB"));
    }
    Ok(())
}

fn unreadable(error: EnvelopeError) -> AppError {
    match error {
        EnvelopeError::Version(version) => AppError::new(
            axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "protocol-version",
            "Unknown protocol version",
            format!("The upload is of version {version}. Send one of the versions listed."),
        )
        .versions(poolwatch_protocol::VERSIONS),
        EnvelopeError::Malformed(_) => AppError::bad_request(
            "The batch of frames is cut short or malformed; docs/protocol.md describes it.",
        ),
    }
}
