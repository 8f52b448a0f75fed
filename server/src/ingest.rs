//! Taking in frames: read, place in time, store, and only then acknowledge.

pub mod place;
pub mod writer;

use jiff::Timestamp;
use poolwatch_model::{Bytes, HostId, memory::Memory};
use poolwatch_protocol::v1::{
    Batch, Envelope, FrameError, SenderClock,
    envelope::EnvelopeError,
    frame::decompress,
    messages::{FrameId, FramesReply, RefusedFrame, Suggestions},
};
use poolwatch_store::{boots, frames::NewFrame};

use crate::{
    app::App,
    failure::Failure,
    fleet::host::{Ingest, LiveHost},
    metrics,
};

/// More than any machine has: a figure beyond it is nonsense (64 PB).
const ABSURD_BYTES: u64 = 1 << 56;

/// Takes in one upload of a host. When it returns, every frame is committed or listed as refused.
///
/// # Errors
/// When the upload as a whole cannot be read (400, 415), or cannot be stored now (503).
pub async fn accept(
    app: &App,
    host: HostId,
    body: &[u8],
    received: Timestamp,
) -> Result<FramesReply, Failure> {
    let batch = Batch::parse(body).map_err(unreadable)?;
    let live = app.fleet.host(host);
    // One upload of a host at a time: its frames are relative to each other.
    let mut ingest = live.ingest.lock().await;
    let mut taken = Taken::default();
    for (index, frame) in batch.frames.iter().enumerate() {
        match take(app, &live, &mut ingest, &batch.clock, frame, received).await {
            Ok(new) => {
                taken.last = Some(new.id);
                taken.need_key |= new.need_key;
                taken.frames.push(new.frame);
            }
            Err(TakeError::Refused(reason)) => taken.refused.push(RefusedFrame { index, reason }),
            Err(TakeError::Failed(failure)) => return Err(failure),
        }
    }
    let (count, bytes) = taken.size();
    let stored = if taken.frames.is_empty() { 0 } else { app.writer.write(taken.frames).await? };
    metrics::frames(stored, count - stored.min(count), taken.refused.len() as u64, bytes);
    live.received(received);
    Ok(FramesReply {
        acknowledged: taken.last,
        need_key: taken.need_key,
        refused: taken.refused,
        suggestions: Suggestions { interval_s: Some(app.settings.interval_s) },
    })
}

/// What was taken of an upload so far.
#[derive(Default)]
struct Taken {
    frames: Vec<NewFrame>,
    refused: Vec<RefusedFrame>,
    last: Option<FrameId>,
    need_key: bool,
}

impl Taken {
    fn size(&self) -> (u64, u64) {
        let bytes: usize = self.frames.iter().map(|frame| frame.payload.len()).sum();
        (self.frames.len() as u64, bytes as u64)
    }
}

/// One frame that can be stored.
struct TakenFrame {
    frame: NewFrame,
    id: FrameId,
    need_key: bool,
}

enum TakeError {
    /// This frame will never do.
    Refused(String),
    /// The upload has to be sent again.
    Failed(Failure),
}

fn refused(reason: impl std::fmt::Display) -> TakeError {
    TakeError::Refused(format!("{reason}"))
}

fn failed(failure: impl Into<Failure>) -> TakeError {
    TakeError::Failed(failure.into())
}

async fn take(
    app: &App,
    live: &LiveHost,
    ingest: &mut Ingest,
    clock: &SenderClock,
    payload: &[u8],
    received: Timestamp,
) -> Result<TakenFrame, TakeError> {
    let bytes = decompress(payload).map_err(refused)?;
    let envelope = Envelope::parse(&bytes).map_err(refused)?;
    let memory = envelope.memory().map_err(refused)?.unwrap_or_default();
    check(&memory)?;
    let stamp = envelope.stamp;
    i64::try_from(stamp.seq).map_err(|_| refused("sequence number out of range"))?;

    if !ingest.boots.contains_key(&stamp.boot) {
        let booted_at = place::booted_at(&stamp, clock, received);
        let mut db = app.pool.acquire().await.map_err(failed)?;
        let boot =
            boots::find_or_create(&mut db, live.id, stamp.boot, booted_at).await.map_err(failed)?;
        ingest.remember(boot);
    }
    let newest_at = live.newest_at();
    let boot = ingest.boots.get_mut(&stamp.boot).ok_or_else(|| refused("unknown boot"))?;
    if let Some(booted_at) = place::better_anchor(boot, &stamp, clock, received) {
        let mut db = app.pool.acquire().await.map_err(failed)?;
        boots::anchor(&mut db, live.id, boot.no, stamp.seq, booted_at).await.map_err(failed)?;
        boot.anchors.push((stamp.seq, booted_at));
    }
    let at = boot.time_of(stamp.seq, stamp.uptime_ms);
    place::check(at, received, app.settings.keep_days).map_err(TakeError::Refused)?;

    let mut need_key = false;
    // A frame sent again, or an old one that comes late, is stored but tells nothing about now.
    if newest_at.is_none_or(|newest| at > newest) {
        match live.apply(&envelope, at, boot.booted_at(stamp.seq)) {
            Ok(()) => {}
            Err(FrameError::NeedsKey { .. }) => need_key = true,
            Err(error) => return Err(refused(error)),
        }
    }
    let frame = NewFrame {
        host: live.id,
        at,
        boot_no: boot.no,
        seq: stamp.seq,
        is_key: envelope.base.is_none(),
        paged: memory.paged,
        nonpaged: memory.nonpaged,
        payload: payload.to_vec(),
    };
    Ok(TakenFrame { frame, id: FrameId { boot: stamp.boot, seq: stamp.seq }, need_key })
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

fn unreadable(error: EnvelopeError) -> Failure {
    match error {
        EnvelopeError::Version(version) => Failure::new(
            axum::http::StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "protocol-version",
            "Unknown protocol version",
            format!("The upload is of version {version}. Send one of the versions listed."),
        )
        .versions(poolwatch_protocol::VERSIONS),
        EnvelopeError::Malformed(_) => Failure::bad_request(
            "The batch of frames is cut short or malformed; docs/protocol.md describes it.",
        ),
    }
}
