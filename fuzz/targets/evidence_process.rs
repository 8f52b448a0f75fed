//! Lines of `!process`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("PROCESS 884e6520 Cid: 01a0\n", data));
