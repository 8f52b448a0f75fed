//! The kernel's buffer, read by `crates/recording/src/raw/modules.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::modules, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| modules::parse(target.buffer(data)));
});
