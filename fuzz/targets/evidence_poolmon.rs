//! Rows of poolmon.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("Tag Type Allocs Frees Diff Bytes Per Alloc\n", data));
