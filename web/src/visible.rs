//! Characters that nobody sees, made visible: a name that holds them must not pass for another one.

use std::borrow::Cow;

/// A text of a page in which characters that show nothing, or turn the text around them, stand as
/// what they are: controls as their pictures (`␀`), marks of direction and of no width by their
/// numbers (`⟨U+202E⟩`). Tabs and ends of lines stay.
#[must_use]
pub fn show_unseen(text: &str) -> Cow<'_, str> {
    let Some(first) = text.find(is_unseen) else { return Cow::Borrowed(text) };
    let mut shown = text[..first].to_owned();
    for letter in text[first..].chars() {
        match (is_unseen(letter), u32::from(letter)) {
            (false, _) => shown.push(letter),
            (true, 0x7F) => shown.push('\u{2421}'),
            (true, code @ 0..0x20) => shown.extend(char::from_u32(0x2400 + code)),
            (true, code) => shown.push_str(&format!("⟨U+{code:04X}⟩")),
        }
    }
    Cow::Owned(shown)
}

fn is_unseen(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => false,
        // Line and paragraph separators, marks, embeddings, overrides and isolates of direction,
        // and what has no width; joiners are part of words of some scripts.
        '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' => true,
        '\u{2060}'..='\u{2069}' | '\u{FEFF}' => true,
        other => other.is_control(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_sees_is_shown_and_the_rest_is_left_alone() {
        for (text, shown) in [
            ("svchost.exe", "svchost.exe"),
            ("a\tb\r\n", "a\tb\r\n"),
            ("evil\u{202E}exe.fdp", "evil⟨U+202E⟩exe.fdp"),
            ("a\0b\u{1b}[2J\u{7f}", "a␀b␛[2J␡"),
            ("\u{85}x\u{200B}", "⟨U+0085⟩x⟨U+200B⟩"),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
        ] {
            assert_eq!(show_unseen(text), shown);
        }
        assert!(matches!(show_unseen("plain"), Cow::Borrowed(_)));
    }
}
