//! The kernel's buffer, read by `agent/src/raw/performance_info.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::raw::performance_info;

fuzz_target!(|data: &[u8]| {
    let _refused = performance_info::parse(data);
});
