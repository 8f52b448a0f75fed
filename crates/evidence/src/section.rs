//! What the formats have in common: each is read line by line, from the first line that shows it.

use crate::content::IgnoredReason;
use crate::reading_builder::ReadingBuilder;
use crate::text::Line;

/// A format that is being read.
pub(crate) trait Section {
    /// Offers the next line.
    fn read_line(&mut self, line: Line<'_>, out: &mut ReadingBuilder) -> Verdict;

    /// Offers an empty line. Whether it ends the section.
    fn ends_at_blank(&mut self) -> bool {
        false
    }

    /// Whether a line that begins figures of the host ends the section, although it would take it.
    fn yields_to_figures(&self) -> bool {
        false
    }

    /// There are no more lines; `lines` are the first and last that were used.
    ///
    /// # Errors
    /// Why its lines tell nothing, if they tell nothing.
    fn finish(self: Box<Self>, lines: (u32, u32), out: &mut ReadingBuilder) -> Finished;
}

/// Whether a section told something, or why it told nothing.
pub(crate) type Finished = Result<(), IgnoredReason>;

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
