//! The kernel's buffer, read by `crates/recording/src/raw/object_types.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_recording::{raw::object_types, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| object_types::parse(target.buffer(data)));
});
