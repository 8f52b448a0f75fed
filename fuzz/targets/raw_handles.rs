//! The kernel's buffer, read by `crates/recording/src/raw/handles.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::handles, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| handles::parse(target.buffer(data)));
});
