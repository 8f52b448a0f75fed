//! What the other side of a connection said, in words.

use std::error::Error;

use lettre::transport::smtp::response::Response;

/// What a mail server answered: its code and its own words.
#[must_use]
pub fn smtp_answer(response: &Response) -> String {
    let lines: Vec<&str> = response.message().collect();
    format!("{} {}", response.code(), lines.join(" "))
}

/// An error with what caused it, each said once.
#[must_use]
pub fn error_in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let text = error.to_string();
        if !words.contains(&text) {
            words = format!("{words}: {text}");
        }
        cause = error.source();
    }
    words
}
