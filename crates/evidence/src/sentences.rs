//! Sentences that tell all by themselves: a row of poolmon that is quoted, the message of event 2004, a
//! process that has ended.

use poolwatch_model::event::EventKind;
use poolwatch_model::host::Arch;
use poolwatch_model::tag::{AllocCounting, TagTable, TagUse};

use crate::content::{PieceContent, PieceKind};
use crate::reading_builder::ReadingBuilder;
use crate::statements::{EndedProcesses, UndatedEvent};
use crate::text::Line;
use crate::{poolmon, process};

pub(crate) mod commit;

/// Longer lines are no sentences.
const MAX_SENTENCE: usize = 4096;

/// Reads a line; false when it tells nothing.
pub(crate) fn read(line: Line<'_>, out: &mut ReadingBuilder) -> bool {
    if line.text.len() > MAX_SENTENCE {
        return false;
    }
    let lines = (line.number, line.number);
    if let Some(row) = quoted_row(line.text) {
        let table = TagTable::new(AllocCounting::Full64, false, vec![row]);
        out.piece(PieceKind::Sentence, lines, PieceContent::Tags(table));
        return true;
    }
    if process::tells_end(line.text) {
        out.piece(
            PieceKind::Sentence,
            lines,
            PieceContent::Ended(EndedProcesses { processes: 1, most: None }),
        );
        return true;
    }
    if tells_no_tagging(line.text) {
        out.piece(PieceKind::Sentence, lines, PieceContent::Arch(Arch::X86));
        return true;
    }
    let holders = commit::holders(line.text);
    if holders.len() > 1 {
        // Only the message of event 2004 lists programs so.
        let event = UndatedEvent::new(EventKind::CommitExhausted, 2004);
        out.piece(PieceKind::Event, lines, PieceContent::UndatedEvent(event));
    }
    if !holders.is_empty() {
        out.piece(PieceKind::Sentence, lines, PieceContent::Processes(holders));
        return true;
    }
    false
}

/// Whether poolmon or a debugger says that pool tagging is off. Windows 2000 and XP alone have it so, which
/// were for 32 bits but for rare ones.
fn tells_no_tagging(line: &str) -> bool {
    const OFF: [&str; 2] = ["pool tagging is disabled", "pool tagging is not enabled"];
    line.contains("tagging") && OFF.iter().any(|off| line.to_ascii_lowercase().contains(off))
}

/// A row of poolmon inside a sentence.
fn quoted_row(line: &str) -> Option<TagUse> {
    let at = [" Nonp ", " Paged "].iter().find_map(|word| line.find(word))?;
    let before = line[..at].split_whitespace().next_back()?;
    let start = before.as_ptr().addr() - line.as_ptr().addr();
    let (tag, pool, counters) = poolmon::row::row(&line[start..])?.ok()?;
    let mut row = TagUse::empty(tag);
    *row.of_mut(pool) = counters;
    Some(row)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::read;

    fn told(text: &str) -> Option<(String, u64, u64, u64)> {
        let mut reading = read("", text.as_bytes());
        reading.pieces.retain(|piece| matches!(piece.content, PieceContent::Tags(_)));
        let PieceContent::Tags(tags) = reading.pieces.pop()?.content else { panic!() };
        let [row] = tags.rows[..] else { panic!("{tags:?}") };
        let counters = row.nonpaged;
        Some((row.tag.to_string(), counters.allocs, counters.outstanding, counters.bytes))
    }

    #[test]
    fn a_windows_that_counts_no_tags_is_a_32_bit_one() {
        for (text, arch) in [
            ("unable to get PoolTrackTable - pool tagging is disabled, enable it", Some(Arch::X86)),
            ("Do I need to enable pool tagging on this host?", None),
        ] {
            assert_eq!(crate::combine([read("", text.as_bytes())]).arch, arch, "{text}");
        }
    }

    #[test]
    fn a_poolmon_row_inside_a_sentence_is_read() {
        let text = "in poolmon: Per Alloc Mapped_Driver Thre Nonp 378580 24692 353888 220826112 \
                    624 [nt!ps – Thread objects] My question";
        assert_eq!(told(text), Some(("Thre".into(), 378_580, 353_888, 220_826_112)));
        assert_eq!(told("say Thre Nonp 378580 24692 353889 220826112 624 x"), None);
    }
}
