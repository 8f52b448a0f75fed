//! The kernel's buffer, read by `agent/src/raw/performance.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::raw::performance;

fuzz_target!(|data: &[u8]| {
    let _refused = performance::parse(data, 4096);
});
