//! How people and scripts set alerting up: recipients, rules, silences and windows, as they type them.

pub mod recipients;
pub mod rules;
pub mod silences;
mod time_span;
pub mod windows;

/// A text that somebody typed, on one line.
#[must_use]
pub fn one_line(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).collect::<String>().trim().to_owned()
}
