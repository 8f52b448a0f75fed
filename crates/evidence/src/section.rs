//! What the formats have in common: each is read line by line, from the first line that shows it.

use crate::reading::{Content, Ignored, IgnoredReason, Kind, Piece};
use crate::text::Line;
use crate::{
    event_words, get_process, handle_types, poolmon, pooltag, poolused, process, table, verifier,
    vm,
};

/// A format that is being read.
pub(crate) trait Section {
    /// Offers the next line.
    fn take(&mut self, line: Line<'_>, out: &mut Gathered) -> Verdict;

    /// Offers an empty line. Whether it ends the section.
    fn ends_at_blank(&mut self) -> bool {
        false
    }

    /// There are no more lines; `lines` are the first and last that were used.
    ///
    /// # Errors
    /// Why its lines tell nothing, if they tell nothing.
    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut Gathered) -> Result<(), IgnoredReason>;
}

/// What became of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It belongs to the section, and was understood.
    Used,
    /// It belongs to the section, but tells nothing that can be believed.
    Ignored(IgnoredReason),
    /// It belongs to the section, and seems to go on in the next line.
    GoesOn,
    /// It does not belong to the section.
    Foreign,
}

/// The section that a line opens, if it opens one.
pub(crate) fn open(line: &str) -> Option<Box<dyn Section>> {
    type Open = fn(&str) -> Option<Box<dyn Section>>;
    const FORMATS: [Open; 10] = [
        poolmon::open,
        poolused::open,
        vm::open,
        process::open,
        get_process::open,
        handle_types::open,
        verifier::open,
        event_words::open,
        table::open,
        pooltag::open,
    ];
    FORMATS.iter().find_map(|open| open(line))
}

/// The most pieces that one text may give.
const MAX_PIECES: usize = 100_000;
const MAX_IGNORED: usize = 200;
const MAX_IGNORED_TEXT: usize = 160;

/// What was read so far.
#[derive(Default)]
pub(crate) struct Gathered {
    pub(crate) pieces: Vec<Piece>,
    /// Whether the section that ends found a hole in its table.
    pub(crate) is_torn: bool,
    ignored: Vec<Ignored>,
    more: Option<(u32, u32)>,
}

impl Gathered {
    /// Adds a piece.
    pub(crate) fn piece(&mut self, kind: Kind, lines: (u32, u32), content: Content) {
        self.push(Piece { kind, lines, at_s: None, remark: None, is_torn: false, content });
    }

    /// Adds a piece, with what is known of its moment.
    pub(crate) fn push(&mut self, piece: Piece) {
        if self.pieces.len() < MAX_PIECES {
            self.pieces.push(piece);
        } else {
            self.ignore(piece.lines.0, "", IgnoredReason::TooMany);
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
        self.ignored.push(Ignored { line, text: text.to_owned(), reason });
    }

    /// Notes that the lines of a section were ignored.
    pub(crate) fn ignore_held(&mut self, held: Held, reason: IgnoredReason) {
        for (line, text) in held.lines {
            self.ignore(line, &text, reason);
        }
        if held.more > 0 {
            self.ignore(held.last, "", IgnoredReason::More(held.more));
        }
    }

    /// The ignored lines in order, those beyond the bound as one.
    pub(crate) fn into_parts(self) -> (Vec<Piece>, Vec<Ignored>) {
        let mut ignored = self.ignored;
        ignored.sort_by_key(|ignored| ignored.line);
        ignored.extend(self.more.map(|(line, count)| Ignored {
            line,
            text: String::new(),
            reason: IgnoredReason::More(count),
        }));
        (self.pieces, ignored)
    }
}

/// The lines of a section: ignored in the end if it tells nothing.
#[derive(Default)]
pub(crate) struct Held {
    lines: Vec<(u32, String)>,
    more: u32,
    last: u32,
}

impl Held {
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
