//! Binary event logs (`.evtx`): their records as XML, read as events in XML are.

use std::io::Cursor;

use evtx::{EvtxParser, ParserSettings};
use poolwatch_model::event::EventKind;

use crate::{
    content::{IgnoredReason, PieceContent, PieceKind},
    event,
    reading_builder::ReadingBuilder,
};

/// How such a file begins.
pub(crate) const MAGIC: &[u8] = b"ElfFile\0";
/// Events of one log that are kept, the first ones: a System log of 100 MB holds some 200,000 of all
/// kinds, of which few are of pools.
const MAX_EVENTS: usize = 10_000;

/// Reads the events of a log that mean something here; their lines are the numbers of their records.
/// Records that are damaged are listed and passed over.
pub(crate) fn read(bytes: &[u8], out: &mut ReadingBuilder) {
    let Ok(parser) = EvtxParser::from_read_seek(Cursor::new(bytes)) else {
        out.ignore(1, "", IgnoredReason::DamagedLog);
        return;
    };
    let settings = ParserSettings::new().num_threads(1).indent(false);
    let mut parser = parser.with_configuration(settings);
    let (mut events, mut number, mut is_damaged) = (0_usize, 0_u32, false);
    for record in parser.records() {
        number = number.saturating_add(1);
        let Ok(record) = record else {
            out.ignore(number, "", IgnoredReason::DamagedLog);
            is_damaged = true;
            continue;
        };
        let Ok(event) = event::read_event(&record.data) else { continue };
        if event.kind() == EventKind::Other {
            continue;
        }
        if events == MAX_EVENTS {
            out.ignore(number, "", IgnoredReason::TooMany);
            return;
        }
        events += 1;
        let line = u32::try_from(record.event_record_id).unwrap_or(number);
        out.piece(PieceKind::Event, (line, line), PieceContent::Event(Box::new(event)));
    }
    if events == 0 && !is_damaged {
        out.ignore(1, "", IgnoredReason::NoEventOfPools);
    }
}
