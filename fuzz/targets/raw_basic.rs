//! The kernel's buffer, read by `agent/src/raw/basic.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::raw::basic;

fuzz_target!(|data: &[u8]| {
    let _refused = basic::parse(data);
});
