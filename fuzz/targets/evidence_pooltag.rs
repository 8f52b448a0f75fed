//! Lines of pooltag.txt.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("rem\nAbcd - a.sys - x\nAbce - a.sys - x\nAbcf - a.sys - x\n", data));
