//! Capture files: what the kernel wrote, kept byte for byte, to be read again on any machine.
//!
//! ```text
//! magic    8 bytes "PWCAPTUR"
//! version  u16 = 1
//! then records, each:
//!   kind    u8
//!   length  u32, bytes of the content
//!   content
//!   crc32   u32, of kind, length and content (the CRC of zip and Ethernet)
//! ```
//! All numbers are little-endian. Kinds:
//!
//! | Kind | Content |
//! |---|---|
//! | 1 facts | who the machine is, as JSON ([`HostFacts`]); first, and once |
//! | 2 round | uptime u64 in milliseconds, wall clock i64 in milliseconds since 1970-01-01 UTC |
//! | 3 buffer | class u16 ([`InfoClass::number`]), base address u64, the bytes; of the round before |
//! | 4 failure | class u16, status u32; of the round before |
//! | 5 end | number of rounds u32; last: without it the file is cut short |
//!
//! Buffers hold names of processes and drivers, but no contents of memory and no command lines.

use std::{
    collections::BTreeMap,
    io::{self, Read, Write},
};

use jiff::Timestamp;
use poolwatch_model::host::{Arch, HostFacts};

use crate::{
    machine::{InfoClass, Machine, Now, RawBuffer, Status},
    raw::layout::Width,
};

const MAGIC: [u8; 8] = *b"PWCAPTUR";
const VERSION: u16 = 1;

const FACTS: u8 = 1;
const ROUND: u8 = 2;
const BUFFER: u8 = 3;
const FAILURE: u8 = 4;
const END: u8 = 5;

/// Bytes of one record: more than the largest buffer that is captured.
const RECORD_LIMIT: usize = 128 << 20;
/// Bytes of a whole file.
const FILE_LIMIT: u64 = 1 << 30;

/// What a machine answered, over one or several rounds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// Who the machine is.
    pub facts: HostFacts,
    /// What it answered, oldest first; at least one.
    pub rounds: Vec<Round>,
}

/// What a machine answered at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Round {
    /// The machine's clocks at that moment.
    pub now: Now,
    /// Its answers.
    pub answers: BTreeMap<InfoClass, Result<OwnedBuffer, Status>>,
}

/// A buffer that outlives the query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnedBuffer {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// Address of the first byte when the kernel wrote them.
    pub base: u64,
}

impl OwnedBuffer {
    /// The buffer, lent, with the width of pointers on the Windows that filled it.
    #[must_use]
    pub fn as_raw(&self, width: Width) -> RawBuffer<'_> {
        RawBuffer { bytes: &self.bytes, base: self.base, width }
    }
}

/// Why a file is no capture.
#[derive(Debug, thiserror::Error)]
pub enum CaptureError {
    /// The file could not be read or written.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It does not begin as a capture does.
    #[error("not a capture file")]
    Magic,
    /// A later version of this program made it.
    #[error("capture file of version {0}; this program reads version {VERSION}")]
    Version(u16),
    /// It ends in the middle.
    #[error("the capture file is cut short")]
    Truncated,
    /// Its content does not match its checksum, or means nothing.
    #[error("the capture file is damaged: {0}")]
    Damaged(&'static str),
    /// It is larger than any capture.
    #[error("the capture file is too large")]
    TooLarge,
}

/// Asks a machine once for everything in `classes`.
pub fn take_round(machine: &mut dyn Machine, classes: &[InfoClass]) -> Round {
    machine.begin_round();
    let now = machine.now();
    let answers = classes
        .iter()
        .map(|class| {
            let answer = machine
                .query(*class)
                .map(|raw| OwnedBuffer { bytes: raw.bytes.to_vec(), base: raw.base });
            (*class, answer)
        })
        .collect();
    Round { now, answers }
}

impl Capture {
    /// How wide pointers are in its buffers.
    #[must_use]
    pub fn width(&self) -> Width {
        match self.facts.os.as_ref().map(|os| os.arch) {
            Some(Arch::X86) => Width::Bits32,
            _ => Width::Bits64,
        }
    }

    /// Writes the file.
    ///
    /// # Errors
    /// When writing fails or a buffer is too large.
    pub fn write(&self, mut to: impl Write) -> Result<(), CaptureError> {
        to.write_all(&MAGIC)?;
        to.write_all(&VERSION.to_le_bytes())?;
        let facts = serde_json::to_vec(&self.facts).map_err(io::Error::from)?;
        write_record(&mut to, FACTS, &[&facts])?;
        for round in &self.rounds {
            let wall = round.now.wall.as_millisecond();
            write_record(
                &mut to,
                ROUND,
                &[&round.now.uptime_ms.to_le_bytes(), &wall.to_le_bytes()],
            )?;
            for (class, answer) in &round.answers {
                let class = class.number().to_le_bytes();
                match answer {
                    Ok(buffer) => write_record(
                        &mut to,
                        BUFFER,
                        &[&class, &buffer.base.to_le_bytes(), &buffer.bytes],
                    )?,
                    Err(status) => {
                        write_record(&mut to, FAILURE, &[&class, &status.number().to_le_bytes()])?;
                    }
                }
            }
        }
        let rounds = self.rounds.len() as u32;
        write_record(&mut to, END, &[&rounds.to_le_bytes()])?;
        to.flush()?;
        Ok(())
    }

    /// Reads a file.
    ///
    /// # Errors
    /// When it is no capture, cut short, damaged or too large.
    pub fn read(mut from: impl Read) -> Result<Self, CaptureError> {
        let mut bytes = Vec::new();
        from.by_ref().take(FILE_LIMIT + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > FILE_LIMIT {
            return Err(CaptureError::TooLarge);
        }
        Self::parse(&bytes)
    }

    /// Reads a file that is in memory.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(bytes: &[u8]) -> Result<Self, CaptureError> {
        let rest = bytes.strip_prefix(&MAGIC).ok_or(CaptureError::Magic)?;
        let (version, mut rest) = rest.split_first_chunk().ok_or(CaptureError::Truncated)?;
        let version = u16::from_le_bytes(*version);
        if version != VERSION {
            return Err(CaptureError::Version(version));
        }
        let mut facts = None;
        let mut rounds: Vec<Round> = Vec::new();
        loop {
            let (kind, content) = next_record(&mut rest)?;
            match kind {
                FACTS if facts.is_none() => {
                    let read = serde_json::from_slice(content);
                    facts = Some(read.map_err(|_| CaptureError::Damaged("facts"))?);
                }
                ROUND => rounds.push(read_round(content)?),
                BUFFER | FAILURE => {
                    let round = rounds.last_mut().ok_or(CaptureError::Damaged("order"))?;
                    if let Some((class, answer)) = read_answer(kind, content)? {
                        round.answers.insert(class, answer);
                    }
                }
                END => {
                    let counted = (rounds.len() as u32).to_le_bytes();
                    if content != counted || !rest.is_empty() || rounds.is_empty() {
                        return Err(CaptureError::Damaged("end"));
                    }
                    let facts = facts.ok_or(CaptureError::Damaged("order"))?;
                    return Ok(Self { facts, rounds });
                }
                _ => return Err(CaptureError::Damaged("unknown record")),
            }
        }
    }
}

fn write_record(to: &mut impl Write, kind: u8, parts: &[&[u8]]) -> Result<(), CaptureError> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    if length > RECORD_LIMIT {
        return Err(CaptureError::TooLarge);
    }
    let mut crc = crc32fast::Hasher::new();
    let head = [&[kind][..], &(length as u32).to_le_bytes()].concat();
    for part in [&head[..]].iter().chain(parts) {
        crc.update(part);
        to.write_all(part)?;
    }
    to.write_all(&crc.finalize().to_le_bytes())?;
    Ok(())
}

/// Takes the next record from the front: its kind and content.
fn next_record<'a>(rest: &mut &'a [u8]) -> Result<(u8, &'a [u8]), CaptureError> {
    const HEAD: usize = 5;
    let (head, after) = rest.split_first_chunk::<HEAD>().ok_or(CaptureError::Truncated)?;
    let [kind, length @ ..] = *head;
    let length = u32::from_le_bytes(length) as usize;
    if length > RECORD_LIMIT {
        return Err(CaptureError::TooLarge);
    }
    let (content, after) = after.split_at_checked(length).ok_or(CaptureError::Truncated)?;
    let (crc, after) = after.split_first_chunk().ok_or(CaptureError::Truncated)?;
    if crc32fast::hash(&rest[..HEAD + length]) != u32::from_le_bytes(*crc) {
        return Err(CaptureError::Damaged("checksum"));
    }
    *rest = after;
    Ok((kind, content))
}

fn read_round(content: &[u8]) -> Result<Round, CaptureError> {
    let damaged = CaptureError::Damaged("round");
    let Some((uptime, wall)) = content.split_first_chunk::<8>() else {
        return Err(damaged);
    };
    let Ok(wall) = <[u8; 8]>::try_from(wall) else {
        return Err(damaged);
    };
    let wall = Timestamp::from_millisecond(i64::from_le_bytes(wall)).map_err(|_| damaged)?;
    let now = Now { uptime_ms: u64::from_le_bytes(*uptime), wall };
    Ok(Round { now, answers: BTreeMap::new() })
}

type Answer = (InfoClass, Result<OwnedBuffer, Status>);

/// An answer; `None` for a class that a later minor release added.
fn read_answer(kind: u8, content: &[u8]) -> Result<Option<Answer>, CaptureError> {
    let damaged = CaptureError::Damaged("answer");
    let Some((class, content)) = content.split_first_chunk() else {
        return Err(damaged);
    };
    let Some(class) = InfoClass::from_number(u16::from_le_bytes(*class)) else {
        return Ok(None);
    };
    if kind == FAILURE {
        let status = <[u8; 4]>::try_from(content).map_err(|_| damaged)?;
        return Ok(Some((class, Err(Status::failure(u32::from_le_bytes(status))))));
    }
    let (base, bytes) = content.split_first_chunk().ok_or(damaged)?;
    let buffer = OwnedBuffer { bytes: bytes.to_vec(), base: u64::from_le_bytes(*base) };
    Ok(Some((class, Ok(buffer))))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::synthetic::small_capture;

    fn file() -> Vec<u8> {
        let mut bytes = Vec::new();
        small_capture().write(&mut bytes).unwrap();
        bytes
    }

    #[test]
    fn a_capture_comes_back() {
        assert_eq!(Capture::parse(&file()).unwrap(), small_capture());
    }

    #[test]
    fn a_capture_cut_anywhere_is_refused() {
        let mut small = small_capture();
        small.rounds.truncate(1);
        small.rounds[0].answers.retain(|class, _| *class == InfoClass::Basic);
        let mut bytes = Vec::new();
        small.write(&mut bytes).unwrap();
        for length in 0..bytes.len() {
            assert!(Capture::parse(&bytes[..length]).is_err(), "{length}");
        }
        for at in 0..bytes.len() {
            let mut damaged = bytes.clone();
            damaged[at] ^= 0x10;
            assert!(Capture::parse(&damaged).is_err(), "{at}");
        }
    }

    #[test]
    fn a_later_version_is_named() {
        let mut bytes = file();
        bytes[8] = 2;
        assert!(matches!(Capture::parse(&bytes), Err(CaptureError::Version(2))));
    }

    proptest! {
        #[test]
        fn no_input_panics(bytes: Vec<u8>) {
            let _ = Capture::parse(&[&MAGIC[..], &VERSION.to_le_bytes(), &bytes].concat());
        }
    }
}
