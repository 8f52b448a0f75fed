//! Rows of `Get-Process`.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| poolwatch_fuzz::evidence("Handles NPM(K) PM(K) WS(K) CPU(s) Id SI ProcessName\n", data));
