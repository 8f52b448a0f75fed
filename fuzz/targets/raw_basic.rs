//! The kernel's buffer, read by `crates/recording/src/raw/basic.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::basic, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| basic::parse(target.buffer(data)));
});
