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

/// A JSON document in which such characters are escapes: it says the same to programs, and nobody who
/// looks at it is deceived. Outside of its strings a document has none of them.
#[must_use]
pub fn escape_unseen(json: &str) -> Cow<'_, str> {
    let Some(first) = json.find(is_unseen) else { return Cow::Borrowed(json) };
    let mut escaped = json[..first].to_owned();
    for letter in json[first..].chars() {
        match is_unseen(letter) {
            true => {
                for unit in letter.encode_utf16(&mut [0; 2]) {
                    escaped.push_str(&format!("\\u{unit:04x}"));
                }
            }
            false => escaped.push(letter),
        }
    }
    Cow::Owned(escaped)
}

fn is_unseen(letter: char) -> bool {
    match letter {
        '\t' | '\n' | '\r' => false,
        // Line and paragraph separators, marks, embeddings, overrides and isolates of direction,
        // and what has no width; joiners are part of words of some scripts.
        '\u{61C}' | '\u{200B}' | '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' => true,
        '\u{2060}'..='\u{206F}' | '\u{FEFF}' | '\u{FFF9}'..='\u{FFFB}' => true,
        // Hyphens that show at the end of a line alone, letters that fill and show nothing, and the
        // tags that repeat ASCII unseen.
        '\u{AD}' | '\u{34F}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}' => true,
        '\u{180B}'..='\u{180E}' | '\u{3164}' | '\u{FFA0}' | '\u{E0000}'..='\u{E0FFF}' => true,
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
            ("FS\u{3164}-02\u{AD}", "FS⟨U+3164⟩-02⟨U+00AD⟩"),
            ("\u{E0041}", "⟨U+E0041⟩"),
            ("می\u{200C}خواهم", "می\u{200C}خواهم"),
        ] {
            assert_eq!(show_unseen(text), shown);
        }
        assert!(matches!(show_unseen("plain"), Cow::Borrowed(_)));
    }

    #[test]
    fn json_says_the_same_and_hides_nothing() {
        let names = ["evil\u{202E}exe.fdp", "\u{1b}[2J\u{7f}\u{85}", "\u{E0041}", "plain", "é ☃ 𝄞"];
        let json = serde_json::to_string_pretty(&names).unwrap();
        let escaped = escape_unseen(&json);
        assert_eq!(serde_json::from_str::<Vec<String>>(&escaped).unwrap(), names);
        assert!(
            escaped.contains("evil\\u202eexe.fdp") && escaped.contains("\\udb40\\udc41"),
            "{escaped}"
        );
        assert!(!escaped.contains(is_unseen) && escaped.contains("é ☃ 𝄞"), "{escaped}");
        assert!(matches!(escape_unseen("{\"a\": 1}\n"), Cow::Borrowed(_)));
    }
}
