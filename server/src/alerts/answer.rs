//! What the other side said of a delivery.

use std::error::Error;

/// Why a delivery was not made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeliveryFailure {
    /// Whether the other side will never take it.
    pub is_final: bool,
    /// What it said, or why it was not reached.
    pub answer: String,
}

/// An error with what caused it, each said once.
pub(super) fn error_in_words(error: &dyn Error) -> String {
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
