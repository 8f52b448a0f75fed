//! Figures under and behind their names.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("Non-paged pool\n18.0 GB\nName : a\nHandleCount : 1\n", data));
