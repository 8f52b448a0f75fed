//! The kernel's buffer, read by `agent/src/raw/performance_info.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::{raw::performance_info, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| performance_info::parse(target.buffer(data)));
});
