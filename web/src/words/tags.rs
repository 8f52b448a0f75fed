//! What is known of tags, and from where.

use std::borrow::Borrow;

use poolwatch_analysis::catalogue::{Certainty, Source};

/// Who says what a tag stands for.
#[must_use]
pub fn tag_source(source: impl Borrow<Source>) -> &'static str {
    match source.borrow() {
        Source::Group => "built-in catalogue, by tags that are named like it",
        Source::BuiltIn => "built-in catalogue",
        Source::Pooltag => "your own pooltag.txt",
        Source::Note => "a note of yours",
    }
}

/// How sure that is.
#[must_use]
pub fn certainty(certainty: impl Borrow<Certainty>) -> &'static str {
    match certainty.borrow() {
        Certainty::Guess => "a guess",
        Certainty::Likely => "likely",
        Certainty::Documented => "documented",
        Certainty::Seen => "seen in public analyses",
    }
}
