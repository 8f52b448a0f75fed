//! The words of a sentence.

/// The words, without quotes and the marks that end sentences.
pub(super) fn words(line: &str) -> Vec<&str> {
    line.split([' ', '\t', ':', '=', '(', ')', '[', ']'])
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect()
}
