//! The kernel's buffer, read by `crates/recording/src/raw/performance.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::performance, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| performance::parse(target.buffer(data), 4096));
});
