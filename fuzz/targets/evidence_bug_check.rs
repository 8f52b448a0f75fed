//! Bug checks for what a driver left behind.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("DRIVER_VERIFIER_DETECTED_VIOLATION (c4)\nArg1: 0000000000000062\n", data));
