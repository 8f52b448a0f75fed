//! Texts that come from elsewhere.

use std::borrow::Cow;

/// A text with a mark in place of each control character: it can be stored, mailed and shown.
#[must_use]
pub fn printable(text: &str) -> Cow<'_, str> {
    match text.chars().any(char::is_control) {
        false => Cow::Borrowed(text),
        true => Cow::Owned(text.replace(char::is_control, "\u{fffd}")),
    }
}

/// The beginning of a text, of so many bytes at most.
#[must_use]
pub fn beginning(text: &str, bytes: usize) -> &str {
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_shown_is_marked_and_what_is_too_long_is_cut_between_letters() {
        assert_eq!(printable("a\0b\r\nc"), "a\u{fffd}b\u{fffd}\u{fffd}c");
        assert!(matches!(printable("Größe.exe"), Cow::Borrowed(_)));
        assert_eq!((beginning("Größe", 3), beginning("Größe", 99)), ("Gr", "Größe"));
    }
}
