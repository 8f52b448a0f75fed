//! Rows of `!poolused`, verbose.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("Tag Allocs Frees Diff Used Allocs Frees Diff Used\n", data));
