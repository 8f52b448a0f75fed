//! The kernel's buffer, read by `crates/recording/src/raw/performance_info.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::performance_info, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| performance_info::parse(target.buffer(data)));
});
