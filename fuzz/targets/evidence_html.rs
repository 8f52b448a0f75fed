//! Blocks and cells of a web page, on one line.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence(
    "<p>Pool:</p><table><tr><th>Tag</th><th>Type</th><th>Diff</th><th>Bytes</th></tr><tr><td>",
    data
));
