//! How rows are found by a text.

/// Like `contains`, for a text in small letters, without making a copy of the whole.
pub(super) fn holds_ignoring_case(whole: &str, text: &str) -> bool {
    if !whole.is_ascii() {
        return whole.to_lowercase().contains(text);
    }
    let (whole, text) = (whole.as_bytes(), text.as_bytes());
    text.is_empty() || whole.windows(text.len()).any(|part| part.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_found_without_regard_to_case() {
        for (whole, text, found) in [
            ("MyBadApp.exe", "badapp", true),
            ("a", "badapp", false),
            ("ÜBER.exe", "über", true),
            ("svchost.exe", "exe", true),
            ("", "", true),
        ] {
            assert_eq!(holds_ignoring_case(whole, text), found, "{whole}");
        }
    }
}
