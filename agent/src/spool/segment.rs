//! One segment: a file to which frames are appended.
//!
//! ```text
//! head     "PWSPOOL" and version u8 = 1; number u64; crc32 u32 of these 16 bytes
//! then records, each:
//!   length   u32, bytes of the content
//!   crc32    u32, of length and content
//!   content  kind u8 = 1; boot 16 bytes; seq u64; the frame
//! ```
//! All numbers are little-endian. What follows the first record that is incomplete or does not match
//! its checksum is the torn end that a crash leaves, and is not read. Records of a kind that this
//! version does not know are skipped.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

use poolwatch_model::BootId;
use poolwatch_protocol::limits;
use uuid::Uuid;

use super::SpoolError;

const MAGIC: [u8; 8] = *b"PWSPOOL\x01";
/// Bytes of a segment's head.
const HEAD: usize = 20;
/// Bytes of a record before its content.
const RECORD_HEAD: usize = 8;
/// A frame of a boot.
const FRAME: u8 = 1;
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
    file: File,
    path: PathBuf,
    number: u64,
    /// Bytes up to the end of the last complete record.
    bytes: u64,
    whole: bool,
}

impl SegmentWriter {
    /// Makes the segment, whose file must not be there yet.
    pub(super) fn create(folder: &Path, number: u64) -> Result<Self, SpoolError> {
        let path = path(folder, number);
        let mut file = File::create_new(&path).map_err(SpoolError::io("create", &path))?;
        let head = head(number);
        let written = file.write_all(&head).and_then(|()| file.sync_data());
        if let Err(source) = written.and_then(|()| sync_folder(folder)) {
            // An unfinished head must not stay: its number would be met again.
            let _ = std::fs::remove_file(&path);
            return Err(SpoolError::Io { action: "write", path, source });
        }
        Ok(Self { file, path, number, bytes: HEAD as u64, whole: true })
    }

    pub(super) fn number(&self) -> u64 {
        self.number
    }

    pub(super) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Whether the file ends with a complete record.
    pub(super) fn is_whole(&self) -> bool {
        self.whole
    }

    /// Appends a frame and brings it to the disk. After a failure the file is cut back to what it
    /// was; where even that fails it is no longer whole.
    pub(super) fn append(&mut self, frame: &SpooledFrame) -> Result<(), SpoolError> {
        let record = record(frame);
        let appended = self.file.write_all(&record).and_then(|()| self.file.sync_data());
        match appended {
            Ok(()) => {
                self.bytes += record.len() as u64;
                Ok(())
            }
            Err(source) => {
                let back = self.file.set_len(self.bytes);
                self.whole = back.and_then(|()| self.file.seek(SeekFrom::End(0))).is_ok();
                Err(SpoolError::Io { action: "write", path: self.path.clone(), source })
            }
        }
    }
}

/// What comes next in a segment.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A frame.
    Frame(SpooledFrame),
    /// Nothing.
    End,
    /// Nothing that can be read.
    Torn,
}

/// Reads a segment from the front.
#[derive(Debug)]
pub(super) struct SegmentReader {
    file: BufReader<File>,
    path: PathBuf,
    /// Where the next record begins; `None` when the head was no head.
    offset: Option<u64>,
}

impl SegmentReader {
    /// Opens a segment to read from `offset` on, a value that [`Self::offset`] gave; 0 is the first
    /// record.
    pub(super) fn open(path: &Path, number: u64, offset: u64) -> Result<Self, SpoolError> {
        let file = File::open(path).map_err(SpoolError::io("open", path))?;
        let mut file = BufReader::new(file);
        let mut found = [0; HEAD];
        let is_head = fill(&mut file, &mut found).map_err(SpoolError::io("read", path))? == HEAD
            && found == head(number);
        let offset = offset.max(HEAD as u64);
        file.seek(SeekFrom::Start(offset)).map_err(SpoolError::io("read", path))?;
        Ok(Self { file, path: path.to_owned(), offset: is_head.then_some(offset) })
    }

    /// Where the next record begins.
    pub(super) fn offset(&self) -> u64 {
        self.offset.unwrap_or(0)
    }

    /// Reads the next frame.
    pub(super) fn next_frame(&mut self) -> Result<Next, SpoolError> {
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
            if let Some(frame) = frame(&content) {
                return Ok(Next::Frame(frame));
            }
        }
    }
}

fn head(number: u64) -> [u8; HEAD] {
    let mut head = [0; HEAD];
    head[..8].copy_from_slice(&MAGIC);
    head[8..16].copy_from_slice(&number.to_le_bytes());
    let crc = crc32fast::hash(&head[..16]);
    head[16..].copy_from_slice(&crc.to_le_bytes());
    head
}

fn record(frame: &SpooledFrame) -> Vec<u8> {
    let length = (FRAME_HEAD + frame.bytes.len()) as u32;
    let mut record = Vec::with_capacity(RECORD_HEAD + length as usize);
    record.extend(length.to_le_bytes());
    record.extend([0; 4]);
    record.push(FRAME);
    record.extend(frame.boot.0.as_bytes());
    record.extend(frame.seq.to_le_bytes());
    record.extend(&frame.bytes);
    let crc = checksum(&record[..4], &record[RECORD_HEAD..]);
    record[4..RECORD_HEAD].copy_from_slice(&crc.to_le_bytes());
    record
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
    match fill(file, &mut head)? {
        0 => return Ok(Record::End),
        RECORD_HEAD => {}
        _ => return Ok(Record::Torn),
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

/// The frame in a record's content; `None` for a record of another kind.
fn frame(content: &[u8]) -> Option<SpooledFrame> {
    let (head, bytes) = content.split_first_chunk::<FRAME_HEAD>()?;
    let [FRAME, rest @ ..] = head else {
        return None;
    };
    let (boot, seq) = rest.split_first_chunk::<16>()?;
    let seq = u64::from_le_bytes(seq.try_into().ok()?);
    Some(SpooledFrame { boot: BootId(Uuid::from_bytes(*boot)), seq, bytes: bytes.to_vec() })
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
