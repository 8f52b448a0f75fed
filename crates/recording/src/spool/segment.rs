//! One segment: a file to which frames are appended.
//!
//! ```text
//! head     "PWSPOOL" and version u8 = 1; number u64; crc32 u32 of these 16 bytes
//! then records, each:
//!   length   u32, bytes of the content
//!   crc32    u32, of length and content
//!   content  kind u8 = 1; boot 16 bytes; seq u64; the frame
//!            kind u8 = 2; u8, 1 when the log lost records before this one; the event as JSON
//! then zeros, when room was reserved
//! ```
//! All numbers are little-endian. What follows the first record that is incomplete or does not match
//! its checksum is the torn end that a crash leaves, and is not read. Records of a kind that this
//! version does not know are skipped.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use poolwatch_model::{BootId, event::Event};
use poolwatch_protocol::limits;
use uuid::Uuid;

use super::SpoolError;

const MAGIC: [u8; 8] = *b"PWSPOOL\x01";
/// Bytes of a segment's head.
const HEAD: usize = 20;
/// Bytes of a record before its content.
pub const RECORD_HEAD: usize = 8;
/// A frame of a boot.
const FRAME: u8 = 1;
/// An event of the log.
const EVENT: u8 = 2;
/// Bytes of a frame's content before the frame.
const FRAME_HEAD: usize = 25;
/// Bytes of the largest content.
const CONTENT_LIMIT: usize = FRAME_HEAD + limits::FRAME_BYTES;

/// A frame with its place among the frames of its boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledFrame {
    /// The boot it belongs to.
    pub boot: BootId,
    /// Its number in that boot.
    pub seq: u64,
    /// The frame as sent.
    pub bytes: Vec<u8>,
}

/// An event with what the log lost before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpooledEvent {
    /// Whether the log lost records before this one.
    pub gap_before: bool,
    /// The event.
    pub event: Event,
}

/// What a record holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A frame.
    Frame(SpooledFrame),
    /// An event.
    Event(Box<SpooledEvent>),
}

/// The file of a segment. Names sort as numbers do.
pub(super) fn path(folder: &Path, number: u64) -> PathBuf {
    folder.join(format!("{number:020}.seg"))
}

/// The number in a segment's file name.
pub(super) fn number(name: &str) -> Option<u64> {
    name.strip_suffix(".seg").filter(|digits| digits.len() == 20)?.parse().ok()
}

/// Appends to a segment.
#[derive(Debug)]
pub(super) struct SegmentWriter {
    pub(super) file: File,
    path: PathBuf,
    number: u64,
    /// Bytes up to the end of the last complete record.
    bytes: u64,
    /// Whether what a failed write left may follow.
    torn: bool,
}

impl SegmentWriter {
    /// Makes the segment, whose file must not be there yet, with room for `reserved` bytes: what is
    /// written there later needs none from a disk that is full.
    pub(super) fn create(folder: &Path, number: u64, reserved: u64) -> Result<Self, SpoolError> {
        let path = path(folder, number);
        let mut file = File::create_new(&path).map_err(SpoolError::io("create", &path))?;
        let written = file
            .set_len(reserved.max(HEAD as u64))
            .and_then(|()| file.write_all(&head(number)))
            .and_then(|()| file.sync_all());
        if let Err(source) = written.and_then(|()| sync_folder(folder)) {
            // An unfinished head must not stay: its number would be met again.
            let _ = std::fs::remove_file(&path);
            return Err(SpoolError::Io { action: "write", path, source });
        }
        Ok(Self { file, path, number, bytes: HEAD as u64, torn: false })
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Appends entries and brings them to the disk. What a failure leaves behind is written over by
    /// the next entries, and is no part of the segment until then.
    pub(super) fn append(&mut self, entries: &[Entry]) -> Result<(), SpoolError> {
        let mut records: Vec<u8> = entries.iter().flat_map(record).collect();
        let length = records.len() as u64;
        if self.torn {
            // So that nothing that is left of it is taken for a record.
            records.extend([0; RECORD_HEAD]);
        }
        let appended = self
            .file
            .seek(SeekFrom::Start(self.bytes))
            .and_then(|_| self.file.write_all(&records))
            .and_then(|()| self.file.sync_data());
        self.torn |= appended.is_err();
        appended.map_err(SpoolError::io("write", &self.path))?;
        self.bytes += length;
        Ok(())
    }

    /// Gives back the room that was reserved and not used. What does not succeed is done at the next
    /// start.
    pub(super) fn finish(self) {
        let _ = self.file.set_len(self.bytes);
    }
}

/// Bytes up to the end of a segment's last complete record; 0 when there is none. One with a torn end
/// counts whole.
pub(super) fn used(path: &Path, number: u64) -> Result<u64, SpoolError> {
    let mut reader = SegmentReader::open(path, number, 0)?;
    loop {
        match reader.next_entry()? {
            Next::Entry(_) => {}
            Next::End if reader.offset() > HEAD as u64 => return Ok(reader.offset()),
            Next::End => return Ok(0),
            Next::Torn => {
                let found = std::fs::metadata(path).map_err(SpoolError::io("read", path))?;
                return Ok(found.len());
            }
        }
    }
}

/// Cuts off the room that is reserved in a segment and not used. Bytes that it has then; one without
/// any record is removed.
pub(super) fn trim(path: &Path, number: u64) -> Result<u64, SpoolError> {
    let used = used(path, number)?;
    if used == 0 {
        std::fs::remove_file(path).map_err(SpoolError::io("remove", path))?;
        return Ok(0);
    }
    let file = File::options().write(true).open(path).map_err(SpoolError::io("open", path))?;
    file.set_len(used).map_err(SpoolError::io("cut", path))?;
    Ok(used)
}

/// What comes next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Next {
    /// A record.
    Entry(Entry),
    /// Nothing.
    End,
    /// Nothing that can be read.
    Torn,
}

/// Reads a segment from the front.
#[derive(Debug)]
pub struct SegmentReader<R> {
    file: R,
    path: PathBuf,
    /// Where the next record begins; `None` when the head was no head.
    offset: Option<u64>,
}

impl SegmentReader<BufReader<File>> {
    /// Opens a segment's file, to read as [`Self::new`] does.
    pub(super) fn open(path: &Path, number: u64, offset: u64) -> Result<Self, SpoolError> {
        let file = File::open(path).map_err(SpoolError::io("open", path))?;
        Self::new(BufReader::new(file), path, number, offset)
    }
}

impl<R: Read + Seek> SegmentReader<R> {
    /// Reads what `file` holds, from `offset` on, a value that [`Self::offset`] gave; 0 is the first
    /// record. `path` is what an error names.
    ///
    /// # Errors
    /// When the file cannot be read. What it holds is none: it reads as torn.
    pub fn new(mut file: R, path: &Path, number: u64, offset: u64) -> Result<Self, SpoolError> {
        let mut found = [0; HEAD];
        let is_head = fill(&mut file, &mut found).map_err(SpoolError::io("read", path))? == HEAD
            && found == head(number);
        let offset = offset.max(HEAD as u64);
        file.seek(SeekFrom::Start(offset)).map_err(SpoolError::io("read", path))?;
        Ok(Self { file, path: path.to_owned(), offset: is_head.then_some(offset) })
    }

    /// Where the next record begins.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.offset.unwrap_or(0)
    }

    /// Reads the next record of a kind that is known.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn next_entry(&mut self) -> Result<Next, SpoolError> {
        loop {
            let Some(offset) = self.offset else {
                return Ok(Next::Torn);
            };
            let content = match read_record(&mut self.file) {
                Ok(Record::Whole(content)) => content,
                Ok(Record::End) => return Ok(Next::End),
                Ok(Record::Torn) => return Ok(Next::Torn),
                Err(source) => return Err(SpoolError::io("read", &self.path)(source)),
            };
            self.offset = Some(offset + (RECORD_HEAD + content.len()) as u64);
            if let Some(entry) = entry(&content) {
                return Ok(Next::Entry(entry));
            }
        }
    }
}

/// The head of a segment.
#[must_use]
pub fn head(number: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&number.to_le_bytes());
    let crc = crc32fast::hash(&head[..16]);
    head[16..].copy_from_slice(&crc.to_le_bytes());
    head
}

fn record(entry: &Entry) -> Vec<u8> {
    let mut record = vec![0; RECORD_HEAD];
    match entry {
        Entry::Frame(frame) => {
            record.reserve_exact(FRAME_HEAD + frame.bytes.len());
            record.push(FRAME);
            record.extend(frame.boot.0.as_bytes());
            record.extend(frame.seq.to_le_bytes());
            record.extend(&frame.bytes);
        }
        Entry::Event(spooled) => {
            let SpooledEvent { gap_before, event } = spooled.as_ref();
            record.extend([EVENT, u8::from(*gap_before)]);
            // Only a type that refuses to serialize itself can fail here, and an event does not.
            record.extend(serde_json::to_vec(event).unwrap_or_default());
        }
    }
    seal(&mut record);
    record
}

/// Puts length and checksum in front of a record's content, into the [`RECORD_HEAD`] bytes that were
/// left for them.
pub fn seal(record: &mut [u8]) {
    if let Some((head, content)) = record.split_first_chunk_mut::<RECORD_HEAD>() {
        let length = (content.len() as u32).to_le_bytes();
        let crc = checksum(&length, content);
        head[..4].copy_from_slice(&length);
        head[4..].copy_from_slice(&crc.to_le_bytes());
    }
}

fn checksum(length: &[u8], content: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(length);
    crc.update(content);
    crc.finalize()
}

enum Record {
    Whole(Vec<u8>),
    End,
    Torn,
}

fn read_record(file: &mut impl Read) -> io::Result<Record> {
    let mut head = [0; RECORD_HEAD];
    let filled = fill(file, &mut head)?;
    // No record begins so: not even an empty one has 0 as its checksum.
    if head[..filled].iter().all(|byte| *byte == 0) {
        return Ok(Record::End);
    }
    if filled < RECORD_HEAD {
        return Ok(Record::Torn);
    }
    let [a, b, c, d, crc @ ..] = head;
    let length = u32::from_le_bytes([a, b, c, d]) as usize;
    if length > CONTENT_LIMIT {
        return Ok(Record::Torn);
    }
    let mut content = vec![0; length];
    if fill(file, &mut content)? < length
        || checksum(&head[..4], &content) != u32::from_le_bytes(crc)
    {
        return Ok(Record::Torn);
    }
    Ok(Record::Whole(content))
}

/// What a record's content holds; `None` for a record of another kind.
fn entry(content: &[u8]) -> Option<Entry> {
    let (kind, rest) = content.split_first()?;
    match *kind {
        FRAME => {
            let (boot, rest) = rest.split_first_chunk::<16>()?;
            let (seq, bytes) = rest.split_first_chunk::<8>()?;
            Some(Entry::Frame(SpooledFrame {
                boot: BootId(Uuid::from_bytes(*boot)),
                seq: u64::from_le_bytes(*seq),
                bytes: bytes.to_vec(),
            }))
        }
        EVENT => {
            let (gap, json) = rest.split_first()?;
            let event = serde_json::from_slice(json).ok()?;
            Some(Entry::Event(Box::new(SpooledEvent { gap_before: *gap != 0, event })))
        }
        _ => None,
    }
}

/// Reads until the buffer is full or the file ends; how many bytes that were.
fn fill(file: &mut impl Read, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Brings a new file's name to the disk; Windows does so by itself.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
#[expect(clippy::unnecessary_wraps, reason = "fails on other systems")]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
