//! Figures of `!vm`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("*** Virtual Memory Usage ***\n", data));
