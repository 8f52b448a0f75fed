//! What several targets share.

use poolwatch_evidence::{combine, read};

/// Reads a text that begins with the opening lines of one format, so that all of the input reaches
/// that format's parser, and puts its pieces together with themselves.
pub fn evidence(opening: &str, data: &[u8]) {
    let text = [opening.as_bytes(), data].concat();
    let reading = read("fuzz", &text);
    let _combined = combine([reading.clone(), reading]);
}
