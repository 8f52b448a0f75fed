//! Rows of `!poolused`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("Sorting by NonPaged Pool Consumed\nTag Allocs Used Allocs Used\n", data));
