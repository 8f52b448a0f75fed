//! Moments in a Markdown table.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("| Time | Thre outstanding | a HandleCount | NP pool |\n|-|-|-|-|\n", data));
