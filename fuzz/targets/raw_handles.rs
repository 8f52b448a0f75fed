//! The kernel's buffer, read by `agent/src/raw/handles.rs`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use poolwatch_agent::{raw::handles, synthetic::TARGETS};

fuzz_target!(|data: &[u8]| {
    let _refused = TARGETS.map(|target| handles::parse(target.buffer(data)));
});
