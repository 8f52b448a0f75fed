//! Gathers what a text told, within bounds.

use crate::content::{EvidencePiece, IgnoredReason, PieceContent, PieceKind, Reading, UnreadLine};
use crate::source::Fact;
use crate::text::Line;
use poolwatch_model::Pool;
use poolwatch_model::tag::{AllocCounting, TagTable, TagUse};

/// The most pieces that one text may give.
const MAX_PIECES: usize = 100_000;
const MAX_IGNORED: usize = 200;
const MAX_IGNORED_TEXT: usize = 160;
/// The most lines of facts that wait for their piece.
const MAX_NOTED: usize = 300_000;

/// A reading as far as it is read.
#[derive(Default)]
pub(crate) struct ReadingBuilder {
    pub(crate) pieces: Vec<EvidencePiece>,
    /// Whether the section that ends found a hole in its table.
    pub(crate) is_torn: bool,
    /// The pool that the last heading names, or the name of the file.
    pub(crate) heading: Option<Pool>,
    /// The machines that the text names as its own.
    pub(crate) hosts: Vec<String>,
    ignored: Vec<UnreadLine>,
    more: Option<(u32, u32)>,
    /// Lines of facts whose piece is not added yet.
    noted: Vec<(Fact, u32)>,
}

impl ReadingBuilder {
    /// Adds a piece.
    pub(crate) fn piece(&mut self, kind: PieceKind, lines: (u32, u32), content: PieceContent) {
        self.push(EvidencePiece::new(kind, lines, content));
    }

    /// Notes the line of a fact of the next piece that holds it.
    pub(crate) fn note(&mut self, fact: Fact, line: u32) {
        if self.noted.len() < MAX_NOTED {
            self.noted.push((fact, line));
        }
    }

    /// Notes the line of a row about a tag.
    pub(crate) fn note_tag(&mut self, row: &TagUse, line: u32) {
        for pool in Pool::ALL.into_iter().filter(|pool| !row.of(*pool).is_empty()) {
            self.note(Fact::Tag(row.tag, pool), line);
        }
    }

    /// Adds a piece, with what is known of its moment.
    pub(crate) fn push(&mut self, mut piece: EvidencePiece) {
        let is_of = |(fact, _): &mut (Fact, u32)| {
            matches!(
                (&piece.content, fact),
                (PieceContent::Memory(_), Fact::Memory(_))
                    | (PieceContent::Tags(_), Fact::Tag(..))
                    | (PieceContent::Processes(_), Fact::Process(..))
                    | (PieceContent::Growth(_), Fact::Growth(..))
                    | (PieceContent::Unplaced(_), Fact::Unplaced(_))
            )
        };
        piece.sources.extend(self.noted.extract_if(.., is_of));
        piece.sources.sort();
        piece.sources.dedup_by(|(later, _), (first, _)| later == first);
        piece.sources.shrink_to_fit();
        if self.pieces.len() < MAX_PIECES {
            self.pieces.push(piece);
        } else {
            self.ignore(piece.lines.0, "", IgnoredReason::TooMany);
        }
    }

    /// Puts the tags of which no table tells the pool into this one.
    pub(crate) fn place_tags(&mut self, pool: Pool) {
        for piece in &mut self.pieces {
            let PieceContent::Unplaced(tags) = &piece.content else { continue };
            let rows: Vec<TagUse> = tags
                .iter()
                .map(|one| {
                    let mut row = TagUse::empty(one.tag);
                    let used = row.of_mut(pool);
                    (used.bytes, used.outstanding) = (one.bytes.0, one.outstanding);
                    row
                })
                .collect();
            let lines = piece.sources.iter().filter_map(|(fact, line)| match fact {
                Fact::Unplaced(at) => Some((Fact::Tag(tags.get(*at)?.tag, pool), *line)),
                _ => None,
            });
            let mut sources: Vec<(Fact, u32)> = lines.collect();
            sources.sort();
            piece.sources = sources;
            let table = TagTable::new(AllocCounting::OutstandingOnly, false, rows);
            piece.content = PieceContent::Tags(table);
        }
    }

    /// Notes that a line was ignored.
    pub(crate) fn ignore(&mut self, line: u32, text: &str, reason: IgnoredReason) {
        if self.ignored.len() == MAX_IGNORED {
            let (first, count) = self.more.unwrap_or((line, 0));
            self.more = Some((first.min(line), count.saturating_add(1)));
            return;
        }
        let mut text = text.trim();
        if text.len() > MAX_IGNORED_TEXT {
            text = &text[..text.floor_char_boundary(MAX_IGNORED_TEXT)];
        }
        self.ignored.push(UnreadLine { line, text: text.to_owned(), reason });
    }

    /// Notes that the lines of a section were ignored.
    pub(crate) fn ignore_lines(&mut self, used: UsedLines, reason: IgnoredReason) {
        for (line, text) in used.lines {
            self.ignore(line, &text, reason);
        }
        if used.more > 0 {
            self.ignore(used.last, "", IgnoredReason::More(used.more));
        }
    }

    /// Forgets lines of facts that no piece holds.
    pub(crate) fn forget_noted(&mut self) {
        self.noted.clear();
    }

    /// The reading, its ignored lines in order, those beyond the bound as one.
    pub(crate) fn finish(self, name: &str) -> Reading {
        let mut ignored = self.ignored;
        ignored.sort_by_key(|ignored| ignored.line);
        ignored.extend(self.more.map(|(line, count)| UnreadLine {
            line,
            text: String::new(),
            reason: IgnoredReason::More(count),
        }));
        let hosts = self.hosts;
        Reading { name: name.to_owned(), pieces: self.pieces, ignored, hosts }
    }
}

/// The lines of a section: ignored in the end if it tells nothing.
#[derive(Default)]
pub(crate) struct UsedLines {
    lines: Vec<(u32, String)>,
    more: u32,
    last: u32,
}

impl UsedLines {
    /// Gives its lines away, as far as they are taken; the others are left.
    pub(crate) fn give(mut self, mut take: impl FnMut(u32, &str) -> bool) -> Self {
        self.lines.retain(|(line, text)| !take(*line, text));
        self
    }

    /// Holds one more.
    pub(crate) fn push(&mut self, line: Line<'_>) {
        self.last = line.number;
        if self.lines.len() == MAX_IGNORED {
            self.more = self.more.saturating_add(1);
            return;
        }
        let end = line.text.floor_char_boundary(MAX_IGNORED_TEXT.min(line.text.len()));
        self.lines.push((line.number, line.text[..end].to_owned()));
    }
}
