//! Taking in frames: read, place in time, make the latest, store, and only then acknowledge.
//!
//! Memory comes before the commit: a delta can only be checked against its base, and what is
//! malformed has to be refused before it is stored. When the commit fails, memory is ahead by what
//! the agent sends again, which then is no news and is stored as it is. An agent that goes on
//! without sending it again is asked for a key frame, since its next delta could never be read back.

pub mod frame_store;
pub mod place;

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use poolwatch_model::{BootId, Bytes, HostId, memory::Memory};
use poolwatch_protocol::{
    limits,
    v1::{
        Batch, Envelope, FrameError, SenderClock, Stamp,
        envelope::EnvelopeError,
        frame::decompress,
        messages::{FrameId, FramesReply, RefusedFrame, Suggestions},
    },
};
use poolwatch_store::{
    boots::{Anchor, Boot, Placed},
    frames::NewFrame,
    read::Taken,
};

use self::frame_store::{FrameStore, PostgresFrames};
use crate::{
    app::App,
    app_error::AppError,
    fleet::{
        Fleet,
        host::{Ingest, LiveHost},
    },
    metrics,
    writer::upload_permit::UploadPermit,
};

/// More than any machine has: a figure beyond it is nonsense (64 PB).
const ABSURD_BYTES: u64 = 1 << 56;
/// How long an upload waits for its turn to look for its host's tables.
const LOOKUP_WAIT: Duration = Duration::from_secs(2);
/// Looks into the database that one frame needs at most: for its boot, for an anchor, for its base.
const STEPS: usize = 8;
/// Failures of the Server service that wait to be kept, of one host: those of one upload.
const FAILURES: usize = limits::BATCH_FRAMES;
/// A delta's base is looked for in the database this far back: a chain begins with a key frame.
const CHAIN: SignedDuration = SignedDuration::from_hours(3);

/// What takes in frames.
#[derive(Debug, Clone, Copy)]
pub struct Intake<'a, S> {
    /// What is known of every host.
    pub fleet: &'a Fleet,
    /// Where frames go.
    pub store: S,
    /// Seconds between snapshots that agents are asked for.
    pub interval_s: u32,
    /// Older frames are refused.
    pub kept: SignedDuration,
}

/// Takes in one upload of a host. When it returns, every frame is committed or listed as refused.
///
/// # Errors
/// When the upload as a whole cannot be read (400, 415), or cannot be stored now (503).
pub async fn accept(
    app: &App,
    host: HostId,
    body: &[u8],
    permit: UploadPermit,
    arrived: Timestamp,
) -> Result<FramesReply, AppError> {
    let intake = Intake {
        fleet: &app.fleet,
        store: PostgresFrames { pool: &app.pool, writer: &app.writer },
        interval_s: app.settings.interval_s,
        kept: app.retention.current().ten_minutes,
    };
    accept_into(&intake, host, body, permit, arrived).await
}

/// The same, into any store.
///
/// # Errors
/// As [`accept`].
pub async fn accept_into<S: FrameStore>(
    intake: &Intake<'_, S>,
    host: HostId,
    body: &[u8],
    permit: UploadPermit,
    arrived: Timestamp,
) -> Result<FramesReply, AppError> {
    let batch = Batch::parse(body).map_err(unreadable)?;
    place::check_uptime(batch.clock.uptime_ms).map_err(AppError::bad_request)?;
    let live = intake.fleet.ensure_host(host);
    // One upload of a host at a time: its frames are relative to each other.
    let mut ingest = live.ingest.lock().await;
    ingest.delays.note(batch.clock.boot, place::estimate(&batch.clock, arrived));
    let mut taking = Taking::new(intake, &live, &batch.clock, arrived);
    for (index, frame) in batch.frames.iter().enumerate() {
        match taking.take(&mut ingest, frame).await {
            Ok(frame) => taking.frames.push(frame),
            Err(TakeError::Refused(reason)) => taking.refused.push(RefusedFrame { index, reason }),
            Err(TakeError::Failed(failure)) => return Err(failure),
        }
    }
    let Taking { frames, refused, last, newest, .. } = taking;
    if !ingest.pool_failures.is_empty() {
        intake.store.note_pool_failures(host, &ingest.pool_failures).await?;
        ingest.pool_failures.clear();
    }
    let (count, bytes) = size(&frames);
    let stored = if frames.is_empty() { 0 } else { intake.store.write(frames, permit).await? };
    ingest.committed = newest.or(ingest.committed);
    metrics::frames(stored, count - stored.min(count), refused.len() as u64, bytes);
    live.received(arrived);
    Ok(FramesReply {
        acknowledged: last,
        need_key: ingest.owes_key
            && intake.fleet.key_requests.allows(arrived, key_frames_per_s(intake)),
        refused,
        suggestions: Suggestions { interval_s: Some(intake.interval_s) },
    })
}

fn size(frames: &[NewFrame]) -> (u64, u64) {
    let bytes: usize = frames.iter().map(|frame| frame.payload.len()).sum();
    (frames.len() as u64, bytes as u64)
}

/// Key frames that are asked for in a second: after a start, of all hosts within one interval.
fn key_frames_per_s<S>(intake: &Intake<'_, S>) -> u32 {
    const LEAST: u32 = 50;
    let hosts = u32::try_from(intake.fleet.len()).unwrap_or(u32::MAX);
    (hosts / intake.interval_s.max(1)).saturating_mul(2).max(LEAST)
}

/// One upload while it is taken in.
struct Taking<'a, S> {
    intake: &'a Intake<'a, S>,
    live: &'a LiveHost,
    clock: &'a SenderClock,
    arrived: Timestamp,
    frames: Vec<NewFrame>,
    refused: Vec<RefusedFrame>,
    /// The last frame that can be stored.
    last: Option<FrameId>,
    /// The last of them that is no older than all that were known.
    newest: Option<FrameId>,
    /// Whether the database was asked for the host's tables.
    has_looked_up: bool,
    /// Boots that the database was asked for.
    boots_asked: usize,
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
    /// Its boot has to be anchored anew.
    Drifted(BootId, Anchor),
    /// No tables are at hand that it could be relative to.
    NoTables,
}

fn refused(reason: impl std::fmt::Display) -> TakeError {
    TakeError::Refused(format!("{reason}"))
}

fn failed(failure: impl Into<AppError>) -> TakeError {
    TakeError::Failed(failure.into())
}

impl<'a, S: FrameStore> Taking<'a, S> {
    fn new(
        intake: &'a Intake<'a, S>,
        live: &'a LiveHost,
        clock: &'a SenderClock,
        arrived: Timestamp,
    ) -> Self {
        let (frames, refused) = (Vec::new(), Vec::new());
        let (last, newest, has_looked_up, boots_asked) = (None, None, false, 0);
        Self {
            intake,
            live,
            clock,
            arrived,
            frames,
            refused,
            last,
            newest,
            has_looked_up,
            boots_asked,
        }
    }

    /// Takes a frame. What it lacks from the database is asked for with its bytes let go: however
    /// many uploads wait, none holds a decompressed frame meanwhile.
    async fn take(&mut self, ingest: &mut Ingest, payload: &[u8]) -> Result<NewFrame, TakeError> {
        for _ in 0..STEPS {
            match self.step(ingest, payload)? {
                Step::Taken(frame) => return Ok(frame),
                Step::NewBoot(id, booted_at) => {
                    let boot = self.ask_for_boot(ingest, id, booted_at).await.map_err(failed)?;
                    ingest.remember(boot);
                }
                Step::Drifted(id, anchor) => {
                    // Whether it holds is open until this is done: the boot is read anew when it fails.
                    let Some(mut boot) = ingest.forget(id) else { continue };
                    let anchored = self.intake.store.put_anchor(self.live.id, boot.no, anchor);
                    anchored.await.map_err(failed)?;
                    boot.put_anchor(anchor);
                    // What follows a time to come cannot be read back by time.
                    ingest.owes_key |= boot.newest.is_some() && anchor.not_before.is_none();
                    ingest.remember(boot);
                }
                Step::NoTables => self.look(ingest).await.map_err(failed)?,
            }
        }
        Err(failed(AppError::internal("a frame asked for more than any needs")))
    }

    async fn ask_for_boot(
        &mut self,
        ingest: &mut Ingest,
        id: BootId,
        booted_at: Timestamp,
    ) -> Result<Boot, AppError> {
        self.boots_asked += 1;
        if self.boots_asked > limits::BATCH_BOOTS {
            return Err(AppError::new(
                axum::http::StatusCode::PAYLOAD_TOO_LARGE,
                "too-large",
                "The upload is too large",
                format!("Send frames of {} boots at most at once.", limits::BATCH_BOOTS),
            ));
        }
        ingest.boots_allowed.take(1, limits::BOOTS_A_DAY, self.arrived.as_second()).map_err(
            |retry_after_s| {
                let most = limits::BOOTS_A_DAY;
                AppError::too_many(format!("A host may start {most} times a day."), retry_after_s)
            },
        )?;
        let boot = self.intake.store.find_or_create_boot(self.live.id, id, booted_at).await?;
        if boot.newest.is_some() {
            ingest.boots_allowed.give_back(1);
        }
        Ok(boot)
    }

    /// When a frame was taken and when its boot began, or what has to be known for that.
    fn place(
        &self,
        ingest: &mut Ingest,
        stamp: &Stamp,
    ) -> Result<Result<(Timestamp, Timestamp, i32), Step>, TakeError> {
        let check = |at| place::check(at, self.arrived, self.intake.kept);
        let Ingest { boots, delays, .. } = ingest;
        let Some(boot) = boots.iter().find(|boot| boot.id == stamp.boot) else {
            let booted_at = place::booted_at(stamp, self.clock, self.arrived);
            let anchor = Anchor { from_seq: 0, booted_at, not_before: None };
            let seen = Boot { no: 0, id: stamp.boot, anchors: vec![anchor], newest: None };
            // A boot that the database has may have begun at another time than this one seems to.
            let by_this = check(seen.time_of(stamp.seq, stamp.uptime_ms));
            if stamp.boot != self.clock.boot {
                by_this.map_err(TakeError::Refused)?;
            }
            return Ok(Err(Step::NewBoot(stamp.boot, booted_at)));
        };
        if let Some(anchor) = place::better_anchor(boot, stamp, self.clock, self.arrived, delays) {
            return Ok(Err(Step::Drifted(stamp.boot, anchor)));
        }
        let at = boot.time_of(stamp.seq, stamp.uptime_ms);
        check(at).map_err(|reason| {
            match place::is_doubtful(boot, self.clock, self.arrived, delays) {
                true => failed(AppError::busy(
                    "The server's clock may be wrong: by it this frame is of a time far off. Keep \
                     the data and retry.",
                )),
                false => TakeError::Refused(reason),
            }
        })?;
        Ok(Ok((at, boot.booted_at(stamp.seq), boot.no)))
    }

    fn step(&mut self, ingest: &mut Ingest, payload: &[u8]) -> Result<Step, TakeError> {
        let bytes = decompress(payload).map_err(refused)?;
        let envelope = Envelope::parse(&bytes).map_err(refused)?;
        let memory = envelope.memory().map_err(refused)?.unwrap_or_default();
        check(&memory)?;
        let stamp = envelope.stamp;
        if stamp.seq >= i64::MAX.cast_unsigned() {
            return Err(refused("sequence number out of range"));
        }
        place::check_uptime(stamp.uptime_ms).map_err(TakeError::Refused)?;
        let (at, booted_at, boot_no) = match self.place(ingest, &stamp)? {
            Ok(place) => place,
            Err(step) => return Ok(step),
        };

        let id = FrameId { boot: stamp.boot, seq: stamp.seq };
        let newest_at = self.live.newest_at(self.arrived);
        // A frame sent again, or an old one that comes late, is stored but tells nothing about now.
        if newest_at.is_none_or(|newest| at > newest) {
            if envelope.base.is_some() && !self.has_looked_up && self.live.read().tables().is_none()
            {
                return Ok(Step::NoTables);
            }
            match self.live.apply(&envelope, at, booted_at) {
                Ok(failed) => {
                    ingest.owes_key &= envelope.base.is_some();
                    let failed = failed.filter(|_| ingest.pool_failures.len() < FAILURES);
                    ingest.pool_failures.extend(failed.map(|failed| (at, failed)));
                }
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
        if let Some(boot) = ingest.boot(stamp.boot) {
            boot.note_placed(Placed { seq: stamp.seq, at });
        }
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
        let turn = tokio::time::timeout(LOOKUP_WAIT, self.intake.fleet.lookup_permits.acquire());
        let Ok(Ok(_turn)) = turn.await else { return Ok(()) };
        let since = self.arrived.saturating_sub(CHAIN).unwrap_or(self.arrived);
        let found = self.intake.store.last_taken(self.live.id, since, self.arrived).await?;
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
