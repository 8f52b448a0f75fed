//! Snapshots and events on disk until the server has them: written first, sent second.
//!
//! The folder holds numbered segments (`00000000000000000007.seg`) that sort oldest first, the file
//! `position` that remembers what the server acknowledged, and `lock`, which keeps a second agent
//! out. Every segment begins with a key frame, so that dropping a whole one, when the folder is full,
//! leaves nothing that cannot be decoded. Every frame is flushed to the disk before it is sent: the
//! hours before a hang are there after the reboot.
//!
//! The next segment lies ready, open and with its room on the disk, before it is needed: a host that
//! is out of pool opens no file any more.

mod pending;
mod position;
pub mod segment;

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
pub use pending::Pending;
pub use position::Position;
use position::{Acknowledged, PositionFile};
use segment::{Entry, Next, SegmentReader, SegmentWriter};
pub use segment::{SpooledEvent, SpooledFrame};

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

/// What is in a spool's folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct SpoolSummary {
    /// Segments.
    pub segments: usize,
    /// Bytes of all segments, those already sent included.
    pub bytes: u64,
    /// Frames and events that were dropped unsent since the spool was made.
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
    /// The segment after that, none of `segments` yet.
    spare: Option<SegmentWriter>,
    /// Whether no spare could be made, so that it is logged once.
    lacks_spare: bool,
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
        let mut segments = list(folder)?;
        give_back_reserves(folder, &mut segments);
        let mut spool = Self {
            folder: folder.to_owned(),
            limits,
            encoder: Encoder::default(),
            segments,
            writer: None,
            spare: None,
            lacks_spare: false,
            position,
            last: None,
            _lock: lock,
        };
        spool.last = spool.newest_frame()?;
        spool.forget_acknowledged();
        spool.prepare();
        Ok(spool)
    }

    /// Lays the next segment ready, unless it is. To be called when there is time; where it fails,
    /// frames go on into the segment that is open.
    pub fn prepare(&mut self) {
        if self.spare.is_some() {
            return;
        }
        match self.create_segment() {
            Ok(spare) => (self.spare, self.lacks_spare) = (Some(spare), false),
            Err(error) if !self.lacks_spare => {
                warn!(%error, "No spare spool segment");
                self.lacks_spare = true;
            }
            Err(_) => {}
        }
    }

    /// What is in a folder, without opening it: another agent may be using it.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn inspect(folder: &Path) -> Result<SpoolSummary, SpoolError> {
        let mut segments = list(folder)?;
        // The newest two may have room reserved that is not used.
        for segment in segments.iter_mut().rev().take(2) {
            segment.bytes = segment::used(&segment::path(folder, segment.number), segment.number)?;
        }
        segments.retain(|segment| segment.bytes > 0);
        let dropped = PositionFile::read(&folder.join("position")).unwrap_or_default().dropped;
        let bytes = segments.iter().map(|segment| segment.bytes).sum();
        Ok(SpoolSummary { segments: segments.len(), bytes, dropped })
    }

    /// What is in it.
    #[must_use]
    pub fn summary(&self) -> SpoolSummary {
        let segments = self.segments.iter().filter(|segment| segment.bytes > 0).count();
        SpoolSummary { segments, bytes: self.bytes(), dropped: self.position.get().dropped }
    }

    /// Bytes of all segments.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// Frames and events that were dropped unsent since the spool was made.
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

    /// Writes events. When this returns, they are on the disk.
    ///
    /// # Errors
    /// When the disk refuses even after the oldest segment was dropped: none of them is kept then.
    pub fn push_events(&mut self, events: Vec<SpooledEvent>) -> Result<(), SpoolError> {
        let writer = self.take_writer()?;
        let entries: Vec<Entry> =
            events.into_iter().map(|event| Entry::Event(Box::new(event))).collect();
        let written = self.append(writer, &entries);
        self.drop_beyond_limit();
        written
    }

    /// Makes the next frame a key frame: the server asked for it.
    pub fn restart_chain(&mut self) {
        self.encoder.restart_chain();
    }

    /// Never less than what this boot had, also when the folder was emptied in between: then it goes
    /// on from the uptime in seconds, which frames cannot have overtaken.
    fn next_seq(&self, boot: BootId, uptime_ms: u64) -> u64 {
        let of_boot = |frame: Option<(BootId, u64)>| frame.filter(|f| f.0 == boot).map(|f| f.1);
        let known = of_boot(self.last).max(of_boot(self.position.get().last));
        known.unwrap_or(uptime_ms / 1000) + 1
    }

    fn write(&mut self, stamp: Stamp, snapshot: Snapshot) -> Result<(), SpoolError> {
        let writer = self.take_writer()?;
        let bytes = self.encoder.encode(stamp, snapshot);
        let size = bytes.len();
        if size > limits::FRAME_BYTES {
            self.writer = Some(writer);
            return Err(SpoolError::TooLarge(size));
        }
        let frame = SpooledFrame { boot: stamp.boot, seq: stamp.seq, bytes };
        self.append(writer, &[Entry::Frame(frame)])
    }

    /// What to write to: the open segment, or the next one when that is full.
    fn take_writer(&mut self) -> Result<SegmentWriter, SpoolError> {
        let Some(writer) = self.writer.take() else {
            return match self.begin_segment() {
                Err(error) if error.is_disk_full() && self.drop_oldest() => self.begin_segment(),
                other => other,
            };
        };
        if writer.bytes() < self.limits.segment_bytes {
            return Ok(writer);
        }
        match self.begin_segment() {
            Ok(next) => {
                writer.finish();
                Ok(next)
            }
            // As was said when no spare could be made.
            Err(_) => Ok(writer),
        }
    }

    fn append(&mut self, mut writer: SegmentWriter, entries: &[Entry]) -> Result<(), SpoolError> {
        let appended = match writer.append(entries) {
            Err(error) if error.is_disk_full() && self.drop_oldest() => writer.append(entries),
            other => other,
        };
        if let Some(segment) = self.segments.back_mut() {
            segment.bytes = writer.bytes();
        }
        self.writer = Some(writer);
        appended
    }

    /// Begins a segment, the last of `segments`, with a key frame to come.
    fn begin_segment(&mut self) -> Result<SegmentWriter, SpoolError> {
        let writer = match self.spare.take() {
            Some(spare) => spare,
            None => self.create_segment()?,
        };
        self.encoder.restart_chain();
        self.segments.push_back(Segment { number: writer.number(), bytes: writer.bytes() });
        Ok(writer)
    }

    fn create_segment(&self) -> Result<SegmentWriter, SpoolError> {
        let newest = self.segments.back().map_or(0, |segment| segment.number);
        let number = newest.max(self.position.get().position.segment) + 1;
        SegmentWriter::create(&self.folder, number, self.limits.segment_bytes)
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
            warn!(entries = lost, "The spool is full: dropped its oldest unsent frames and events");
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
        let mut entries = 0;
        while let Next::Entry(_) = reader.next_entry()? {
            entries += 1;
        }
        Ok(entries)
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
            while let Next::Entry(entry) = reader.next_entry()? {
                if let Entry::Frame(frame) = entry {
                    newest = Some((frame.boot, frame.seq));
                }
            }
            if newest.is_some() {
                return Ok(newest);
            }
        }
        Ok(None)
    }
}

/// Cuts off the room that an earlier process had reserved in its last segments.
fn give_back_reserves(folder: &Path, segments: &mut VecDeque<Segment>) {
    while let Some(newest) = segments.back_mut() {
        match segment::trim(&segment::path(folder, newest.number), newest.number) {
            Ok(0) => {
                segments.pop_back();
            }
            Ok(bytes) => {
                newest.bytes = bytes;
                return;
            }
            Err(error) => {
                warn!(%error, "Could not cut a spool segment");
                return;
            }
        }
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
