//! What the agent wrote on a machine that the server never heard of, or not to its end: a capture, or a
//! segment of the spool.

use std::{io::Cursor, path::Path, time::Duration};

use jiff::Timestamp;
use poolwatch_model::{BootId, Snapshot, event::Event};
use poolwatch_protocol::v1::Decoder;
use uuid::Uuid;

use crate::{
    capture::Capture,
    clock::Clock,
    collect::{CollectorSet, Sampler},
    machine::replay::Replay,
    spool::segment::{Entry, Next, SegmentReader},
};

/// How a capture begins, and a segment of the spool.
const CAPTURE: &[u8] = b"PWCAPTUR";
const SEGMENT: &[u8] = b"PWSPOOL\x01";
/// Handles of a captured host beyond which they are not listed one by one.
const LIST_HANDLES_MOST: u32 = 1_000_000;

/// A host's past.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Recorded {
    /// The host's name, where the file tells it.
    pub host: Option<String>,
    /// What was measured, in the order of the file, with the number of its record.
    pub snapshots: Vec<(u32, Timestamp, Snapshot)>,
    /// What the event log said.
    pub events: Vec<(u32, Event)>,
    /// Whether the file ends in the middle or holds what cannot be read.
    pub is_torn: bool,
}

/// Why a file of the agent tells nothing.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreadable(String);

/// Whether a file is one that the agent wrote.
#[must_use]
pub fn is_recorded(bytes: &[u8]) -> bool {
    bytes.starts_with(CAPTURE) || bytes.starts_with(SEGMENT)
}

/// Reads a capture or a segment. Of more than `most` snapshots those are kept that lie evenly, and the
/// last.
///
/// # Errors
/// When nothing in it can be read.
pub fn read(bytes: &[u8], most: usize) -> Result<Recorded, Unreadable> {
    if bytes.starts_with(CAPTURE) {
        return capture(bytes);
    }
    segment(bytes, most.max(2))
}

fn capture(bytes: &[u8]) -> Result<Recorded, Unreadable> {
    let capture = Capture::parse(bytes).map_err(|error| Unreadable(error.to_string()))?;
    let host = Some(capture.facts.fqdn.clone());
    let times: Vec<Timestamp> = capture.rounds.iter().map(|round| round.now.wall).collect();
    let mut machine = Replay::new(capture, Still, BootId(Uuid::nil()), None);
    let mut sampler = Sampler::new(CollectorSet::all(), LIST_HANDLES_MOST);
    let snapshots = (1..)
        .zip(times)
        .map(|(number, at)| (number, at, sampler.snapshot(&mut machine, &Still, 0)))
        .collect();
    Ok(Recorded { host, snapshots, ..Recorded::default() })
}

/// Time stands still in a capture.
#[derive(Debug, Clone, Copy)]
struct Still;

impl Clock for Still {
    fn wall(&self) -> Timestamp {
        Timestamp::UNIX_EPOCH
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

fn segment(bytes: &[u8], most: usize) -> Result<Recorded, Unreadable> {
    let frames = entries(bytes)?.filter(|entry| matches!(entry, Ok(Entry::Frame(_)))).count();
    let step = frames.div_ceil(most).max(1);
    let mut recorded = Recorded::default();
    let mut decoder = Decoder::default();
    let (mut number, mut frame) = (0_u32, 0);
    for entry in entries(bytes)? {
        number = number.saturating_add(1);
        match entry {
            Ok(Entry::Frame(spooled)) => {
                frame += 1;
                let is_kept = frame % step == 0 || frame == frames;
                match decoder.decode(&spooled.bytes) {
                    Ok(stamped) if is_kept => {
                        let (at, snapshot) = (stamped.stamp.wall, stamped.snapshot.clone());
                        recorded.snapshots.push((number, at, snapshot));
                    }
                    Ok(_) => {}
                    Err(_) => recorded.is_torn = true,
                }
            }
            Ok(Entry::Event(spooled)) => recorded.events.push((number, spooled.event)),
            Err(_) => recorded.is_torn = true,
        }
    }
    if recorded.snapshots.is_empty() && recorded.events.is_empty() {
        return Err(Unreadable("a segment of the agent's spool without anything whole".to_owned()));
    }
    Ok(recorded)
}

/// The records of a segment; an error is its torn end.
fn entries(
    bytes: &[u8],
) -> Result<impl Iterator<Item = Result<Entry, Unreadable>> + use<'_>, Unreadable> {
    let damaged = || Unreadable("the head of the agent's spool segment is damaged".to_owned());
    let number = bytes.get(8..16).and_then(|number| number.try_into().ok()).ok_or_else(damaged)?;
    let number = u64::from_le_bytes(number);
    let mut reader = SegmentReader::new(Cursor::new(bytes), Path::new("segment"), number, 0)
        .map_err(|error| Unreadable(error.to_string()))?;
    if reader.offset() == 0 {
        return Err(damaged());
    }
    let mut is_over = false;
    Ok(std::iter::from_fn(move || {
        if is_over {
            return None;
        }
        match reader.next_entry() {
            Ok(Next::Entry(entry)) => Some(Ok(entry)),
            Ok(Next::End) => None,
            Ok(Next::Torn) | Err(_) => {
                is_over = true;
                Some(Err(Unreadable("torn".to_owned())))
            }
        }
    }))
}

#[cfg(test)]
mod tests {
    use poolwatch_model::Bytes;
    use poolwatch_protocol::v1::{Encoder, Stamp};

    use super::*;
    use crate::{
        spool::segment::{RECORD_HEAD, head, seal},
        synthetic::small_capture,
    };

    /// A segment with so many snapshots, a minute apart.
    fn spooled(count: u64) -> Vec<u8> {
        let mut encoder = Encoder::default();
        let mut bytes = head(7).to_vec();
        for seq in 1..=count {
            let mut snapshot = Snapshot::default();
            snapshot.memory.nonpaged = Some(Bytes(seq << 20));
            let wall = Timestamp::from_second(1_780_000_000 + seq as i64 * 60).unwrap();
            let stamp = Stamp { boot: BootId(Uuid::nil()), seq, uptime_ms: seq * 60_000, wall };
            let frame = encoder.encode(stamp, snapshot);
            let mut record =
                [&[0; RECORD_HEAD][..], &[1], &[0; 16], &seq.to_le_bytes(), &frame].concat();
            seal(&mut record);
            bytes.extend(record);
        }
        bytes
    }

    #[test]
    fn a_segment_is_the_past_of_its_host_up_to_its_torn_end() {
        let bytes = spooled(10);
        assert!(is_recorded(&bytes));
        let whole = read(&bytes, 100).unwrap();
        assert_eq!((whole.snapshots.len(), whole.is_torn), (10, false));
        assert_eq!(whole.snapshots[9].2.memory.nonpaged, Some(Bytes(10 << 20)));
        assert_eq!(whole.snapshots[0].1.as_second(), 1_780_000_060);
        let thinned = read(&bytes, 3).unwrap();
        assert_eq!(
            thinned.snapshots.iter().map(|(number, ..)| *number).collect::<Vec<_>>(),
            [4, 8, 10]
        );
        let torn = read(&bytes[..bytes.len() - 3], 100).unwrap();
        assert_eq!((torn.snapshots.len(), torn.is_torn), (9, true));
        assert!(read(&bytes[..25], 100).is_err());
        assert!(read(b"PWSPOOL\x01", 100).is_err());
    }

    #[test]
    fn a_capture_is_read_round_by_round() {
        let capture = small_capture();
        let mut bytes = Vec::new();
        capture.write(&mut bytes).unwrap();
        let recorded = read(&bytes, 100).unwrap();
        assert_eq!(recorded.snapshots.len(), capture.rounds.len());
        assert_eq!(recorded.host, Some(capture.facts.fqdn));
        assert!(recorded.snapshots[0].2.tags.is_some());
        assert!(read(&bytes[..40], 100).is_err());
    }
}
