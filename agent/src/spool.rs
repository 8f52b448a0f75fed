//! Snapshots on disk until the server has them: written first, sent second.
//!
//! The folder holds numbered segments (`00000000000000000007.seg`) that sort oldest first, the file
//! `position` that remembers what the server acknowledged, and `lock`, which keeps a second agent
//! out. Every segment begins with a key frame, so that dropping a whole one, when the folder is full,
//! leaves nothing that cannot be decoded. Every frame is flushed to the disk before it is sent: the
//! hours before a hang are there after the reboot.

mod position;
mod segment;

use std::{
    collections::VecDeque,
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use poolwatch_model::{BootId, Snapshot};
use poolwatch_protocol::{
    limits,
    v1::{Encoder, Stamp},
};
use tracing::{info, warn};

use crate::machine::Now;
pub use position::Position;
use position::{Acknowledged, PositionFile};
pub use segment::SpooledFrame;
use segment::{Next, SegmentReader, SegmentWriter};

/// How much the spool may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SpoolLimits {
    /// Bytes of all segments; beyond, the oldest are dropped.
    pub total_bytes: u64,
    /// Bytes after which a new segment is begun: what is lost at once when one is dropped.
    pub segment_bytes: u64,
}

impl SpoolLimits {
    /// Limits for a spool of so many megabytes.
    #[must_use]
    pub fn of_megabytes(megabytes: u32) -> Self {
        let total_bytes = u64::from(megabytes) << 20;
        Self { total_bytes, segment_bytes: (total_bytes / 16).clamp(256 << 10, 4 << 20) }
    }
}

/// Why the spool failed.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// Another process has the folder.
    #[error("another agent uses the spool {}", .0.display())]
    InUse(PathBuf),
    /// The disk or the file system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A snapshot larger than a frame may be.
    #[error("a snapshot of {0} bytes is larger than a frame may be")]
    TooLarge(usize),
}

impl SpoolError {
    fn io(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::Io { action, path, source }
    }

    fn is_not_found(&self) -> bool {
        matches!(self, Self::Io { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }

    fn is_disk_full(&self) -> bool {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded];
        matches!(self, Self::Io { source, .. } if full.contains(&source.kind()))
    }
}

/// Frames that wait to be sent, oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// The frames; at least one.
    pub frames: Vec<SpooledFrame>,
    /// Where the first frame after each of them lies.
    ends: Vec<Position>,
}

/// What is in a spool's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolSummary {
    /// Segments.
    pub segments: usize,
    /// Bytes of all segments, those already sent included.
    pub bytes: u64,
    /// Frames that were dropped unsent since the spool was made.
    pub dropped: u64,
}

/// The spool.
#[derive(Debug)]
pub struct Spool {
    folder: PathBuf,
    limits: SpoolLimits,
    encoder: Encoder,
    segments: VecDeque<Segment>,
    /// Writes the last of `segments`.
    writer: Option<SegmentWriter>,
    position: PositionFile,
    /// The frame written last.
    last: Option<(BootId, u64)>,
    _lock: File,
}

#[derive(Debug, Clone, Copy)]
struct Segment {
    number: u64,
    bytes: u64,
}

impl Spool {
    /// Opens the spool in a folder, which is made when it is not there.
    ///
    /// # Errors
    /// When another agent has it, or the file system refuses.
    pub fn open(folder: &Path, limits: SpoolLimits) -> Result<Self, SpoolError> {
        fs::create_dir_all(folder).map_err(SpoolError::io("create", folder))?;
        let lock = lock(folder)?;
        let position = PositionFile::open(&folder.join("position"))?;
        let segments = list(folder)?;
        let mut spool = Self {
            folder: folder.to_owned(),
            limits,
            encoder: Encoder::default(),
            segments,
            writer: None,
            position,
            last: None,
            _lock: lock,
        };
        spool.last = spool.newest_frame()?;
        spool.forget_acknowledged();
        Ok(spool)
    }

    /// What is in a folder, without opening it: another agent may be using it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn inspect(folder: &Path) -> Result<SpoolSummary, SpoolError> {
        let segments = list(folder)?;
        let dropped = PositionFile::read(&folder.join("position")).unwrap_or_default().dropped;
        let bytes = segments.iter().map(|segment| segment.bytes).sum();
        Ok(SpoolSummary { segments: segments.len(), bytes, dropped })
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Frames that were dropped unsent since the spool was made.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.position.get().dropped
    }

    /// Writes a snapshot, as the next frame of a boot. When this returns, it is on the disk.
    ///
    /// # Errors
    /// When the disk refuses even after the oldest segment was dropped, or the snapshot is too
    /// large. The snapshot is then lost; the next one is a key frame.
    pub fn push(
        &mut self,
        boot: BootId,
        now: Now,
        snapshot: Snapshot,
    ) -> Result<Stamp, SpoolError> {
        let seq = self.next_seq(boot, now.uptime_ms);
        let stamp = Stamp { boot, seq, uptime_ms: now.uptime_ms, wall: now.wall };
        let written = self.write(stamp, snapshot);
        match &written {
            Ok(()) => self.last = Some((boot, seq)),
            Err(_) => self.encoder.restart_chain(),
        }
        self.drop_beyond_limit();
        written.map(|()| stamp)
    }

    /// Makes the next frame a key frame: the server asked for it.
    pub fn restart_chain(&mut self) {
        self.encoder.restart_chain();
    }

    /// The frames that wait, up to so many bytes and frames but at least one.
    ///
    /// # Errors
    /// When a segment cannot be read. Damaged ones are skipped, not an error.
    pub fn pending(
        &mut self,
        max_bytes: usize,
        max_frames: usize,
    ) -> Result<Option<Pending>, SpoolError> {
        let mut pending = Pending { frames: Vec::new(), ends: Vec::new() };
        let mut bytes = 0;
        let acknowledged = self.position.get().position;
        for segment in &self.segments {
            if segment.number < acknowledged.segment {
                continue;
            }
            let path = segment::path(&self.folder, segment.number);
            let offset =
                if segment.number == acknowledged.segment { acknowledged.offset } else { 0 };
            let mut reader = match SegmentReader::open(&path, segment.number, offset) {
                Err(error) if error.is_not_found() => {
                    warn!(%error, "A spool segment was taken away");
                    continue;
                }
                other => other?,
            };
            loop {
                let frame = match reader.next_frame()? {
                    Next::Frame(frame) => frame,
                    Next::End => break,
                    Next::Torn => {
                        warn!(segment = segment.number, "Skipped the torn end of a spool segment");
                        break;
                    }
                };
                bytes += frame.bytes.len();
                let full = bytes > max_bytes || pending.frames.len() == max_frames.max(1);
                if full && !pending.frames.is_empty() {
                    return Ok(Some(pending));
                }
                pending.ends.push(Position { segment: segment.number, offset: reader.offset() });
                pending.frames.push(frame);
            }
        }
        Ok((!pending.frames.is_empty()).then_some(pending))
    }

    /// Forgets the first `count` of these frames: the server has them, or will never have them.
    ///
    /// # Errors
    /// When the position cannot be written. The frames are then sent again after a restart, which
    /// does no harm.
    pub fn acknowledge(&mut self, pending: &Pending, count: usize) -> Result<(), SpoolError> {
        let Some(last) = count.min(pending.ends.len()).checked_sub(1) else {
            return Ok(());
        };
        let frame = &pending.frames[last];
        let before = self.position.get();
        let written = self.position.set(Acknowledged {
            position: before.position.max(pending.ends[last]),
            last: Some((frame.boot, frame.seq)),
            ..before
        });
        self.forget_acknowledged();
        written
    }

    /// Never less than what this boot had, also when the folder was emptied in between: then it goes
    /// on from the uptime in seconds, which frames cannot have overtaken.
    fn next_seq(&self, boot: BootId, uptime_ms: u64) -> u64 {
        let of_boot = |frame: Option<(BootId, u64)>| frame.filter(|f| f.0 == boot).map(|f| f.1);
        let known = of_boot(self.last).max(of_boot(self.position.get().last));
        known.unwrap_or(uptime_ms / 1000) + 1
    }

    fn write(&mut self, stamp: Stamp, snapshot: Snapshot) -> Result<(), SpoolError> {
        let segment_bytes = self.limits.segment_bytes;
        let mut writer = match self.writer.take().filter(|writer| writer.bytes() < segment_bytes) {
            Some(writer) => writer,
            None => match self.begin_segment() {
                Err(error) if error.is_disk_full() && self.drop_oldest() => self.begin_segment()?,
                other => other?,
            },
        };
        let bytes = self.encoder.encode(stamp, snapshot);
        let size = bytes.len();
        let appended = if size > limits::FRAME_BYTES {
            Err(SpoolError::TooLarge(size))
        } else {
            let frame = SpooledFrame { boot: stamp.boot, seq: stamp.seq, bytes };
            match writer.append(&frame) {
                Err(error) if error.is_disk_full() && writer.is_whole() && self.drop_oldest() => {
                    writer.append(&frame)
                }
                other => other,
            }
        };
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes = writer.bytes();
        }
        // A segment that could not be cut back is left as it is: readers skip its torn end, and the
        // next frame begins another.
        if writer.is_whole() {
            self.writer = Some(writer);
        }
        appended
    }

    /// Begins a segment, the last of `segments`, with a key frame to come.
    fn begin_segment(&mut self) -> Result<SegmentWriter, SpoolError> {
        self.encoder.restart_chain();
        let newest = self.segments.back().map_or(0, |segment| segment.number);
        let number = newest.max(self.position.get().position.segment) + 1;
        let writer = SegmentWriter::create(&self.folder, number)?;
        self.segments.push_back(Segment { number, bytes: writer.bytes() });
        Ok(writer)
    }

    fn drop_beyond_limit(&mut self) {
        while self.bytes() > self.limits.total_bytes && self.drop_oldest() {}
    }

    /// Drops the oldest segment, unless it is the newest too: that may be the one being written.
    fn drop_oldest(&mut self) -> bool {
        if self.segments.len() < 2 {
            return false;
        }
        let Some(oldest) = self.segments.front().copied() else {
            return false;
        };
        let before = self.position.get();
        let lost = self.unsent_in(oldest.number).unwrap_or(0);
        self.remove(oldest.number);
        self.segments.pop_front();
        let next = Position { segment: oldest.number + 1, offset: 0 };
        let kept = self.position.set(Acknowledged {
            position: before.position.max(next),
            dropped: before.dropped + lost,
            ..before
        });
        if let Err(error) = kept {
            warn!(%error, "Could not keep the spool's position");
        }
        if lost > 0 {
            warn!(frames = lost, "The spool is full: dropped its oldest unsent frames");
        }
        true
    }

    fn unsent_in(&self, number: u64) -> Result<u64, SpoolError> {
        let acknowledged = self.position.get().position;
        if number < acknowledged.segment {
            return Ok(0);
        }
        let offset = if number == acknowledged.segment { acknowledged.offset } else { 0 };
        let path = segment::path(&self.folder, number);
        let mut reader = SegmentReader::open(&path, number, offset)?;
        let mut frames = 0;
        while let Next::Frame(_) = reader.next_frame()? {
            frames += 1;
        }
        Ok(frames)
    }

    /// Removes segments of which nothing is unsent and that are not being written.
    fn forget_acknowledged(&mut self) {
        let acknowledged = self.position.get().position;
        let writing = self.writer.as_ref().map(SegmentWriter::number);
        while let Some(oldest) = self.segments.front().copied() {
            let sent = oldest.number < acknowledged.segment
                || oldest.number == acknowledged.segment && oldest.bytes <= acknowledged.offset;
            if !sent || Some(oldest.number) == writing {
                break;
            }
            self.remove(oldest.number);
            self.segments.pop_front();
        }
    }

    fn remove(&self, number: u64) {
        let path = segment::path(&self.folder, number);
        if let Err(error) = fs::remove_file(&path) {
            warn!(path = %path.display(), %error, "Could not remove a spool segment");
        }
    }

    /// The frame written last, by this or an earlier process.
    fn newest_frame(&self) -> Result<Option<(BootId, u64)>, SpoolError> {
        for segment in self.segments.iter().rev() {
            let path = segment::path(&self.folder, segment.number);
            let mut reader = SegmentReader::open(&path, segment.number, 0)?;
            let mut newest = None;
            while let Next::Frame(frame) = reader.next_frame()? {
                newest = Some((frame.boot, frame.seq));
            }
            if newest.is_some() {
                return Ok(newest);
            }
        }
        Ok(None)
    }
}

fn lock(folder: &Path) -> Result<File, SpoolError> {
    let path = folder.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path)
        .map_err(SpoolError::io("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(SpoolError::InUse(folder.to_owned())),
        Err(fs::TryLockError::Error(source)) => {
            // Some network file systems cannot lock; a spool there is the administrator's choice.
            info!(%source, "The spool's file system cannot lock");
            Ok(file)
        }
    }
}

/// The segments in a folder, oldest first.
fn list(folder: &Path) -> Result<VecDeque<Segment>, SpoolError> {
    let mut segments = Vec::new();
    for entry in fs::read_dir(folder).map_err(SpoolError::io("read", folder))? {
        let entry = entry.map_err(SpoolError::io("read", folder))?;
        if let Some(number) = entry.file_name().to_str().and_then(segment::number) {
            let bytes = entry.metadata().map_err(SpoolError::io("read", &entry.path()))?.len();
            segments.push(Segment { number, bytes });
        }
    }
    segments.sort_by_key(|segment| segment.number);
    Ok(segments.into())
}

#[cfg(test)]
mod tests;
