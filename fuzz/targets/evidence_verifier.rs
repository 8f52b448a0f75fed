//! Driver Verifier.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("MODULE: foo.sys (load: 1 / unload: 0)\n", data));
