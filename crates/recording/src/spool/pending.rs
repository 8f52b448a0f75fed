//! What waits in the spool, and what is done with.

use tracing::warn;

use super::{
    Spool, SpoolError,
    position::{Acknowledged, Position},
    segment::{self, Entry, Next, SegmentReader, SpooledEvent, SpooledFrame},
};

/// What waits to be sent, oldest first: either frames or events, as far as one follows the other.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pending {
    /// The frames.
    pub frames: Vec<SpooledFrame>,
    /// The events.
    pub events: Vec<SpooledEvent>,
    /// Where the record after each of them lies.
    ends: Vec<Position>,
}

impl Pending {
    /// Entries.
    #[must_use]
    #[expect(clippy::len_without_is_empty, reason = "what is empty is not handed out")]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether the entry is of the kind that is being gathered.
    fn take(&mut self, entry: Entry, end: Position) -> bool {
        match entry {
            Entry::Frame(frame) if self.events.is_empty() => self.frames.push(frame),
            Entry::Event(event) if self.frames.is_empty() => self.events.push(*event),
            _ => return false,
        }
        self.ends.push(end);
        true
    }
}

impl Spool {
    /// The frames or the events that wait, whichever are older, up to so many bytes and entries but
    /// at least one.
    ///
    /// # Errors
    /// When a segment cannot be read. Damaged ones are skipped, not an error.
    pub fn pending(
        &mut self,
        max_bytes: usize,
        max_entries: usize,
    ) -> Result<Option<Pending>, SpoolError> {
        let mut pending = Pending::default();
        let mut bytes = 0_usize;
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
            // What lies behind was not written whole, whatever it looks like.
            while reader.offset() < segment.bytes {
                let before = reader.offset();
                let entry = match reader.next_entry()? {
                    Next::Entry(entry) => entry,
                    Next::End => break,
                    Next::Torn => {
                        warn!(segment = segment.number, "Skipped the torn end of a spool segment");
                        break;
                    }
                };
                bytes = bytes.saturating_add((reader.offset() - before) as usize);
                let full = bytes > max_bytes || pending.len() == max_entries.max(1);
                let end = Position { segment: segment.number, offset: reader.offset() };
                if full && pending.len() > 0 || !pending.take(entry, end) {
                    return Ok(Some(pending));
                }
            }
        }
        Ok((pending.len() > 0).then_some(pending))
    }

    /// Forgets the first `count` of these: the server has them, or will never have them.
    ///
    /// # Errors
    /// When the position cannot be written. They are then sent again after a restart, which does no
    /// harm.
    pub fn acknowledge(&mut self, pending: &Pending, count: usize) -> Result<(), SpoolError> {
        let Some(last) = count.min(pending.ends.len()).checked_sub(1) else {
            return Ok(());
        };
        let before = self.position.get();
        let frame = pending.frames.get(last).map(|frame| (frame.boot, frame.seq));
        let written = self.position.set(Acknowledged {
            position: before.position.max(pending.ends[last]),
            last: frame.or(before.last),
            ..before
        });
        self.forget_acknowledged();
        written
    }
}
